// The part of `jetlag serve` that keeps jobs: the engine, and the socket on which clients of this
// machine find it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "cli/commands.h"
#include "jobs/queue/engine.h"
#include "server/http/server.h"
#include "server/routes/route.h"

namespace jetlag::cli {

class Daemon {
 public:
  // Throws Error(io) if another daemon keeps the store.
  Daemon(const std::string& folder, routes::Traces* traces);
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  jobs::Engine& engine() { return engine_; }
  const std::string& socket() const { return socket_; }

 private:
  std::string socket_;
  jobs::Engine engine_;
  routes::App app_;
  routes::Router router_;
  http::Server server_;
  std::thread running_;
};

// Lets work come to its end, for a moment. A connection that a client keeps open is not waited for,
// nor is a job: the process ends here then, and removes the sockets.
void end_soon(const std::function<void()>& work, const std::vector<std::string>& sockets);

// The folder that was named, or that of the settings.
std::string jobs_folder(const std::string& named);

// The store whose jobs a server shows; empty where that is not wanted, or there is no home for it.
std::string shown_folder(const ServeOptions& options);

// Keeps jobs beside traces, and lets the app's routes find them; null if that is not wanted, or
// another daemon does already, which is asked instead.
std::unique_ptr<Daemon> keep_jobs(const ServeOptions& options, routes::App& app);

// `jetlag serve --background`: returns when the daemon answers; throws what it says if it does not.
void serve_in_background(const std::string& folder);

}  // namespace jetlag::cli
