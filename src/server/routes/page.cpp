// The page, and what the server says of itself.
#include <nlohmann/json.hpp>

#include "server/routes/api.h"
#include "server/routes/tables.h"
#include "server/routes/viewer.h"

namespace jetlag::routes {

namespace {

using nlohmann::json;

// All that the page needs is in it, and it speaks with this server alone. Notebooks show it in a
// frame.
constexpr std::string_view policy =
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self' http://127.0.0.1:* http://localhost:* vscode-webview:";

http::Response page(App&, const http::Request&) {
  return http::Response::html(std::string(viewer_page()))
      .with("Content-Security-Policy", std::string(policy))
      .with("Cache-Control", "no-cache");
}

http::Response about(App& app, const http::Request&) {
  return http::Response::json(json{{"name", "jetlag"},
                                   {"version", app.version},
                                   {"api", "v1"},
                                   {"jobs", app.jobs != nullptr || !app.keeper.socket.empty()}}
                                  .dump());
}

http::Response list(App&, const http::Request&) {
  json rows = json::array();
  for (const Route& r : routes()) {
    rows.push_back({{"method", r.method},
                    {"path", r.path},
                    {"access", http::access_name(r.access)},
                    {"answers", r.answers},
                    {"body", r.body.most},
                    {"doc", r.doc}});
  }
  return http::Response::json(rows.dump());
}

http::Response api(App& app, const http::Request&) {
  return http::Response::json(api_as_openapi(app.version).dump());
}

constexpr Route table[] = {
    {"GET", "/", "the viewer", "text/html", http::Access::anyone, page},
    {"GET", "/v1", "which program this is, and its version", "About", http::Access::anyone, about},
    {"GET", "/v1/routes", "this table", "RouteRow[]", http::Access::anyone, list},
    {"GET", "/v1/api", "what can be asked and what the answers hold, as OpenAPI 3.1", "unknown",
     http::Access::anyone, api},
};

}  // namespace

std::span<const Route> page_routes() { return table; }

}  // namespace jetlag::routes
