// A server of jobs for malformed.py: prints its port, its token and those of two users, and ends
// with its standard input.
#include <csignal>
#include <iostream>
#include <thread>

#include "jobs/queue/engine.h"
#include "server/http/server.h"
#include "server/routes/route.h"
#include "server/routes/traces.h"

int main(int count, char** arguments) {
  using namespace jetlag;
  if (count != 2) {
    std::cerr << "usage: jetlag_fuzz_jobs FOLDER\n";
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  jobs::Engine engine({arguments[1], ""});
  routes::Traces traces({}, arguments[1]);
  routes::App app{http::Gate(http::random_token(), {}), "fuzzed", &traces, &engine};
  routes::let_users_in(app);
  routes::Router router(app);
  http::Server server({0, ""}, router);
  std::thread running([&] { server.run(); });
  std::cout << server.port() << " " << app.gate.token();
  for (const char* user : {"alice", "bob"})
    std::cout << " " << engine.store().users().make_token(user, 86'400).first;
  std::cout << std::endl;
  for (char byte; std::cin.get(byte);) continue;
  server.stop();
  running.join();
}
