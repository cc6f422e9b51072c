#include "server/routes/route.h"

#include "jobs/queue/engine.h"
#include "server/http/client.h"
#include "server/routes/tables.h"
#include "server/routes/traces.h"

namespace jetlag::routes {

namespace {

// The first part of a path, taken off it.
std::string_view take_part(std::string_view& path) {
  if (path.starts_with('/')) path.remove_prefix(1);
  const std::string_view part = path.substr(0, path.find('/'));
  path.remove_prefix(part.size());
  return part;
}

bool matches(std::string_view pattern, std::string_view path, std::vector<std::string>& parts) {
  parts.clear();
  while (!pattern.empty() && !path.empty()) {
    const std::string_view wanted = take_part(pattern);
    const std::string_view given = take_part(path);
    if (wanted.starts_with('{') && !given.empty()) parts.emplace_back(given);
    else if (wanted != given) return false;
  }
  return pattern.empty() && path.empty();
}

}  // namespace

const std::vector<Route>& routes() {
  static const std::vector<Route> all = [] {
    std::vector<Route> list;
    for (const std::span<const Route> table :
         {page_routes(), trace_routes(), window_routes(), span_routes(), graph_routes(),
          query_routes(), upload_routes()})
      list.insert(list.end(), table.begin(), table.end());
    for (const Route& route : job_routes()) {
      list.push_back(route);
      list.back().of_jobs = true;
    }
    return list;
  }();
  return all;
}

const Route* find_route(std::string_view method, std::string_view path,
                        std::vector<std::string>& parts, std::string& methods) {
  methods.clear();
  const std::string_view wanted = method == "HEAD" ? "GET" : method;
  for (const Route& route : routes()) {
    if (!matches(route.path, path, parts)) continue;
    if (route.method == wanted) return &route;
    methods += format("{}{}", methods.empty() ? "" : ", ", route.method);
  }
  return nullptr;
}

http::Body Router::expect(const http::Request& head) {
  std::vector<std::string> parts;
  std::string methods;
  const Route* route = find_route(head.method, head.path, parts, methods);
  app_.gate.check(head, route ? route->access : http::Access::anyone);
  if (route) return route->body;
  if (!methods.empty())
    throw http::HttpError(405, "method", format("{} is not answered here", head.method),
                          "what is: " + methods);
  throw http::HttpError(404, "path", format("there is nothing at {}", http::json_text(head.path)),
                        "GET /v1/routes lists what there is");
}

http::Response Router::hand_over(const http::Request& request) {
  if (!http::listens(app_.keeper.socket)) app_.keeper.start();
  return http::forward(app_.keeper.socket, request);
}

// A user sees the traces of their own jobs; others are as good as absent.
void Router::check_trace(const Route& route, const http::Request& request) {
  if (request.user.empty() || !route.path.starts_with("/v1/traces/{trace}")) return;
  const std::string job = job_of_trace(request.part(0));
  try {
    if (!job.empty() && app_.jobs && app_.jobs->store().get(job, request.user).id == job) return;
  } catch (const Error&) {
    // The job of somebody else.
  }
  throw no_trace();
}

http::Response Router::answer(const http::Request& request) {
  std::string methods;
  http::Request with_parts = request;
  const Route* route = find_route(request.method, request.path, with_parts.parts, methods);
  JETLAG_CHECK(route, "{} has no route", request.path);
  with_parts.user = app_.gate.check(request, route->access);
  check_trace(*route, with_parts);
  const bool elsewhere = route->of_jobs && !app_.jobs && !app_.keeper.socket.empty();
  http::Response answer = elsewhere
                              ? hand_over(request)
                              : http::in_wanted_form(request, route->answer(app_, with_parts));
  const std::string cookie = app_.gate.cookie_for(request);
  if (!cookie.empty()) answer.headers.emplace_back("Set-Cookie", cookie);
  return answer;
}

}  // namespace jetlag::routes
