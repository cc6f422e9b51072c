#include "cli/daemon.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <future>
#include <iostream>

#include "base/settings.h"
#include "server/http/client.h"
#include "server/routes/traces.h"

namespace jetlag::cli {

namespace {

jobs::Engine::Options options_of(const std::string& folder) {
  const std::string relay = setting("mail_relay");
  return {folder, relay == "none" ? std::string() : relay};
}

// Signals that end the daemon are waited for, by one thread alone.
sigset_t block_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, number);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  return set;
}

// Returns when somebody ends the daemon, or when it has had nothing to do for long enough.
void wait_for_end(jobs::Engine& engine, const sigset_t& signals) {
  const double longest = std::stod(setting("jobs_idle"));
  const double look = std::clamp(longest / 4, 0.05, 30.0);
  const timespec pause{static_cast<time_t>(look), static_cast<long>(std::fmod(look, 1.0) * 1e9)};
  while (sigtimedwait(&signals, nullptr, &pause) < 0)
    if (engine.close_after(longest)) return;
}

// The daemon itself. It tells through `told` that it answers, or why it does not.
[[noreturn]] void be_daemon(const std::string& folder, int told) {
  setsid();
  std::signal(SIGPIPE, SIG_IGN);
  const sigset_t set = block_signals();
  auto tell = [told](const std::string& text) {
    if (write(told, text.data(), text.size()) < 0) return;
  };
  auto tell_error = [&tell](const Error& error) {
    tell(format("{}\n{}\n{}", static_cast<int>(error.kind()), error.hint(), error.message()));
  };
  try {
    std::error_code failed;
    std::filesystem::create_directories(folder, failed);
    if (failed) throw Error(Kind::io, format("cannot make {}: {}", folder, failed.message()));
    const std::string log = folder + "/serve.log";
    const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    const int in = open("/dev/null", O_RDONLY);
    if (out < 0 || in < 0)
      throw Error(Kind::io, format("cannot write {}: {}", log, std::strerror(errno)));
    dup2(in, 0);
    dup2(out, 1);
    dup2(out, 2);
    routes::Traces traces({}, folder);
    auto daemon = std::make_unique<Daemon>(folder, &traces);
    tell("ok");
    close(told);
    wait_for_end(daemon->engine(), set);
    end_soon([&] { daemon.reset(); }, {daemon->socket()});
  } catch (const Error& error) {
    tell_error(error);
    _exit(1);
  } catch (const std::exception& error) {
    tell_error(Error(Kind::internal, error.what()));
    _exit(1);
  }
  _exit(0);
}

}  // namespace

Daemon::Daemon(const std::string& folder, routes::Traces* traces)
    : socket_(jobs::daemon_socket(folder)),
      engine_(options_of(folder)),
      app_{http::Gate("", {}), JETLAG_VERSION, traces, &engine_},
      router_(app_),
      server_({0, socket_}, router_),
      running_([this] { server_.run(); }) {}

Daemon::~Daemon() {
  server_.stop();
  running_.join();
}

void end_soon(const std::function<void()>& work, const std::vector<std::string>& sockets) {
  constexpr std::chrono::milliseconds moment{300};
  auto ended = std::async(std::launch::async, work);
  if (ended.wait_for(moment) == std::future_status::ready) return;
  for (const std::string& socket : sockets) unlink(socket.c_str());
  std::_Exit(0);
}

std::string jobs_folder(const std::string& named) {
  const std::string folder = named.empty() ? setting("jobs_dir") : named;
  if (folder.empty())
    throw Error(Kind::value, "there is no folder for jobs: HOME is not set",
                "set JETLAG_JOBS_DIR, or name one with --jobs");
  return std::filesystem::absolute(folder).lexically_normal().string();
}

namespace {

// The daemon on demand, for a server that keeps no jobs itself.
routes::JobKeeper keeper_of(const std::string& folder) {
  return {jobs::daemon_socket(folder), [folder] {
            if (!std::filesystem::exists(folder + "/jobs.sqlite"))
              throw http::HttpError(404, "jobs", format("there are no jobs in {} yet", folder),
                                    "jl.run or `jetlag submit` asks for one");
            serve_in_background(folder);
          }};
}

}  // namespace

std::string shown_folder(const ServeOptions& options) {
  const bool nowhere = options.jobs.empty() && setting("jobs_dir").empty();
  return options.no_jobs || nowhere ? std::string() : jobs_folder(options.jobs);
}

std::unique_ptr<Daemon> keep_jobs(const ServeOptions& options, routes::App& app) {
  // What was started for one program's traces is no home for jobs.
  const bool wanted =
      !options.no_jobs && !options.opens &&
      (options.users || !options.jobs.empty() || (!options.with_input && options.socket.empty()));
  const std::string folder = shown_folder(options);
  if (!folder.empty()) app.keeper = keeper_of(folder);
  if (!wanted || folder.empty()) return nullptr;
  try {
    auto daemon = std::make_unique<Daemon>(folder, app.traces);
    app.jobs = &daemon->engine();
    return daemon;
  } catch (const Error& error) {
    if (!options.jobs.empty() || options.users) throw;
    if (!http::listens(app.keeper.socket)) std::cerr << format("no jobs: {}\n", error.message());
    return nullptr;
  }
}

namespace {

constexpr int tries_to_find = 200;

// What a daemon that ends at once has told: its kind, its hint and its message, a line each; the
// last may be several.
Error read_error(const std::string& told, const std::string& folder) {
  const std::size_t first = told.find('\n'), second = told.find('\n', first + 1);
  if (first == std::string::npos || second == std::string::npos)
    return {Kind::io, "the daemon of jobs ended at once", format("see {}/serve.log", folder)};
  return {static_cast<Kind>(std::atoi(told.c_str())), told.substr(second + 1),
          told.substr(first + 1, second - first - 1)};
}

void start_daemon(const std::string& folder, int tries) {
  if (http::listens(jobs::daemon_socket(folder))) return;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    throw Error(Kind::io, format("cannot make a pipe: {}", std::strerror(errno)));
  const pid_t child = fork();
  if (child < 0) throw Error(Kind::io, format("cannot start: {}", std::strerror(errno)));
  if (child == 0) {
    close(ends[0]);
    // A grandchild belongs to nobody who would have to wait for its end.
    if (fork() == 0) be_daemon(folder, ends[1]);
    _exit(0);
  }
  close(ends[1]);
  waitpid(child, nullptr, 0);
  std::string told;
  char buffer[4096];
  for (ssize_t n; (n = read(ends[0], buffer, sizeof buffer)) > 0;)
    told.append(buffer, static_cast<std::size_t>(n));
  close(ends[0]);
  if (told == "ok") return;
  // Somebody else may have been quicker, and not be done yet; or one that ends still has the lock.
  if (tries > 0 && told.find("another jetlag serve") != std::string::npos) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    return start_daemon(folder, tries - 1);
  }
  throw read_error(told, folder);
}

}  // namespace

void serve_in_background(const std::string& named) {
  start_daemon(jobs_folder(named), tries_to_find);
}

}  // namespace jetlag::cli
