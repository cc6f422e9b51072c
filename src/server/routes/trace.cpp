// Routes of traces: what there is, and a summary of each.
#include <nlohmann/json.hpp>

#include "server/routes/tables.h"
#include "server/routes/traces.h"

namespace jetlag::routes {

namespace {

using nlohmann::json;

std::string text_of(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

http::Response list(App& app, const http::Request&) {
  json rows = json::array();
  for (const ListedTrace& t : app.traces->list())
    rows.push_back({{"id", t.id}, {"name", t.name}, {"bytes", t.bytes}, {"changed", t.changed}});
  return http::Response::json(text_of(rows));
}

http::Response summary(App& app, const http::Request& request) {
  const auto open = app.traces->open(request.part(0));
  const trace::Trace& t = open->trace;
  json facts = json::object();
  for (const auto& [name, value] : t.facts) facts[name] = value;
  return http::Response::json(text_of({{"id", request.part(0)},
                                       {"revision", open->revision},
                                       {"path", t.path},
                                       {"length", t.length},
                                       {"closed", t.closed},
                                       {"dropped", t.dropped},
                                       {"spans", t.spans.size()},
                                       {"tasks", t.tasks.size()},
                                       {"edges", t.edges.size()},
                                       {"samples", t.samples.size()},
                                       {"complaints", t.complaints},
                                       {"facts", facts}}));
}

constexpr Route table[] = {
    {"GET", "/v1/traces", "the traces that are served, the last changed first", http::Access::token,
     list},
    {"GET", "/v1/traces/{trace}", "how long a trace is, what it holds, and what is wrong with it",
     http::Access::token, summary},
};

}  // namespace

std::span<const Route> trace_routes() { return table; }

}  // namespace jetlag::routes
