// jetlag serve, jetlag view: traces over HTTP, until it is interrupted; a trace as a file.
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <thread>

#include "cli/commands.h"
#include "cli/daemon.h"
#include "server/http/server.h"
#include "server/routes/export.h"
#include "server/routes/route.h"
#include "server/routes/traces.h"

namespace jetlag::cli {

namespace {

sigset_t signals_to_end() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGHUP);
  return set;
}

// Returns when somebody ends the program, or, if asked, its standard input ends: what started it
// is gone then.
void wait_for_end(bool with_input) {
  const sigset_t set = signals_to_end();
  constexpr timespec moment{0, 200'000'000};
  for (;;) {
    if (sigtimedwait(&set, nullptr, &moment) > 0) return;
    pollfd input{STDIN_FILENO, POLLIN, 0};
    if (!with_input || poll(&input, 1, 0) <= 0) continue;
    char bytes[256];
    if (read(STDIN_FILENO, bytes, sizeof bytes) <= 0) return;
  }
}

// Opens the page in the user's browser, if there is a way to.
void open_browser(const std::string& address) {
  const char* named = std::getenv("BROWSER");
  const std::string program = named && *named ? named : "xdg-open";
  const pid_t child = fork();
  if (child != 0) return;
  // What the browser prints is not ours.
  const int nowhere = open("/dev/null", O_RDWR);
  for (const int stream : {0, 1, 2}) dup2(nowhere, stream);
  execlp(program.c_str(), program.c_str(), address.c_str(), nullptr);
  _exit(127);
}

std::string place_text(const http::Server& server, const routes::App& app, const ServeOptions& o) {
  if (!o.socket.empty()) return "the socket " + o.socket;
  return format("http://{}:{}/?token={}", o.address, server.port(), app.gate.token());
}

// The only trace is what will be asked for: it is read while the browser starts.
void read_ahead(routes::Traces& traces, const std::vector<routes::ListedTrace>& listed) {
  if (listed.size() != 1) return;
  try {
    traces.open(listed.front().id);
  } catch (const std::exception&) {
    return;  // whoever asks is told
  }
}

void check(const ServeOptions& options) {
  const bool alone = options.address == "127.0.0.1";
  if (!alone && !options.users)
    throw Error(Kind::value, "only a server with users listens elsewhere than at 127.0.0.1",
                "add --users, or let people come through ssh -L");
  if (options.users && (options.no_jobs || !options.socket.empty()))
    throw Error(Kind::value, "users ask for jobs, and come by TCP",
                "leave --no-jobs and --socket out");
}

}  // namespace

int serve(const ServeOptions& options) {
  if (options.background) {
    serve_in_background(options.jobs);
    return 0;
  }
  check(options);
  routes::Traces traces(options.places.empty() ? std::vector<std::string>{"."} : options.places,
                        shown_folder(options));
  const std::string token = options.socket.empty() ? http::random_token() : std::string();
  std::vector<std::string> hosts = options.hosts;
  hosts.push_back(options.address);
  routes::App app{http::Gate(token, hosts), JETLAG_VERSION, &traces};
  routes::Router router(app);
  std::signal(SIGPIPE, SIG_IGN);
  const sigset_t set = signals_to_end();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::unique_ptr<Daemon> daemon = keep_jobs(options, app);
  if (options.users && !daemon) throw Error(Kind::value, "there is no folder for jobs");
  if (options.users) routes::let_users_in(app);
  http::Server server({options.port, options.socket, options.address}, router);
  app.gate.set_port(server.port());
  std::thread running([&] { server.run(); });
  const std::vector<routes::ListedTrace> listed = traces.list();
  std::jthread ahead([&] { read_ahead(traces, listed); });
  const std::size_t count = listed.size();
  std::cout << format("jetlag serves {} {} at {}", count, count == 1 ? "trace" : "traces",
                      place_text(server, app, options))
            << std::endl;
  if (options.opens) open_browser(place_text(server, app, options));
  wait_for_end(options.with_input);
  std::vector<std::string> sockets;
  if (!options.socket.empty()) sockets.push_back(options.socket);
  if (daemon) sockets.push_back(daemon->socket());
  end_soon(
      [&] {
        server.stop();
        running.join();
        ahead.join();
        daemon.reset();
      },
      sockets);
  return 0;
}

int view(const ServeOptions& options) {
  if (options.output.empty()) return serve(options);
  if (options.places.size() != 1)
    throw Error(Kind::value, format("{} traces cannot go into one file", options.places.size()),
                "name one");
  const routes::Exported exported = routes::export_page(options.places.front());
  std::ofstream out(options.output, std::ios::binary);
  out << exported.page;
  out.close();
  if (!out)
    throw Error(Kind::io, format("cannot write {}: {}", options.output, std::strerror(errno)));
  if (exported.left_out > 0)
    std::cerr << format("warning: {} of the shortest spans are not in {}\n", exported.left_out,
                        options.output);
  return 0;
}

}  // namespace jetlag::cli
