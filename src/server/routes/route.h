// The table of routes: what can be asked of `jetlag serve`, by whom, and who answers.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/http/access.h"
#include "server/http/message.h"
#include "server/http/server.h"

namespace jetlag::jobs {
class Engine;
}

namespace jetlag::routes {

class Traces;

// Another server of this user, which has the jobs.
struct JobKeeper {
  std::string socket;           // where it listens; empty: there is none
  std::function<void()> start;  // what starts it if it does not; throws Error
};

// What the routes share. Each table of routes finds its part here; what is null is not served.
struct App {
  http::Gate gate;
  std::string version;
  Traces* traces = nullptr;
  jobs::Engine* jobs = nullptr;
  JobKeeper keeper = {};  // where there is no engine: who is asked instead
};

// Lets users in beside the owner, by the tokens in the store of the app's jobs.
void let_users_in(App& app);

struct Route {
  std::string_view method;
  std::string_view path;  // "/v1/traces/{trace}": a name in braces stands for one part
  std::string_view doc;
  std::string_view answers;  // a type of api.h, as JSON; or the type of media
  http::Access access = http::Access::token;
  http::Response (*answer)(App& app, const http::Request& request) = nullptr;
  http::Body body = {};
  bool of_jobs = false;  // answered by whoever keeps the jobs
};

// All of them: the page, traces, and what later rooms add to the list in routes.cpp.
const std::vector<Route>& routes();

// The route of a request, with its parts; null if there is none. `methods` are those that the path
// has.
const Route* find_route(std::string_view method, std::string_view path,
                        std::vector<std::string>& parts, std::string& methods);

// Finds the route, checks access, and asks it.
class Router : public http::Service {
 public:
  explicit Router(App& app) : app_(app) {}
  http::Body expect(const http::Request& head) override;
  http::Response answer(const http::Request& request) override;

 private:
  http::Response hand_over(const http::Request& request);
  void check_trace(const Route& route, const http::Request& request);

  App& app_;
};

}  // namespace jetlag::routes
