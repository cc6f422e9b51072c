// The page, and what the server says of itself.
#include <nlohmann/json.hpp>

#include "server/routes/tables.h"

namespace jetlag::routes {

namespace {

using nlohmann::json;

http::Response about(App& app, const http::Request&) {
  return http::Response::json(
      json{{"name", "jetlag"}, {"version", app.version}, {"api", "v1"}}.dump());
}

http::Response list(App&, const http::Request&) {
  json rows = json::array();
  for (const Route& r : routes()) {
    rows.push_back({{"method", r.method},
                    {"path", r.path},
                    {"access", http::access_name(r.access)},
                    {"body", r.body.most},
                    {"doc", r.doc}});
  }
  return http::Response::json(rows.dump());
}

constexpr Route table[] = {
    {"GET", "/v1", "which program this is, and its version", http::Access::anyone, about},
    {"GET", "/v1/routes", "this table", http::Access::anyone, list},
};

}  // namespace

std::span<const Route> page_routes() { return table; }

}  // namespace jetlag::routes
