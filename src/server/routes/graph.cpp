// Routes for who depends on whom: tasks around a task, kinds of tasks, messages between ranks, the
// instances of a call, the plan with what it cost.
#include <limits>
#include <nlohmann/json.hpp>

#include "server/routes/answers.h"
#include "server/routes/tables.h"
#include "trace/store/instances.h"
#include "trace/store/messages.h"
#include "trace/store/neighbours.h"
#include "trace/store/steps.h"

namespace jetlag::routes {

namespace {

using nlohmann::json;
using trace::Index;

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

http::Response answer(const json& value) { return http::Response::json(value.dump()); }

// Columns of a table, an array each, also where there are no rows.
json columns(std::initializer_list<const char*> names) {
  json c = json::object();
  for (const char* name : names) c[name] = json::array();
  return c;
}

http::Response around(App& app, const http::Request& request) {
  return of_trace(app, request, [&](const OpenTrace& open) {
    constexpr std::int64_t farthest = 20;
    constexpr std::int64_t most = 5000;
    const Index task = number_of(request, 1, open.trace.tasks.size(), "task");
    const trace::Neighbours found =
        trace::neighbours(open.trace, open.timeline, task,
                          static_cast<int>(request.number("distance", 3, 0, farthest)),
                          static_cast<std::size_t>(request.number("most", 200, 1, most)));
    json tasks = columns({"task", "distance", "site", "thread", "begin", "end", "busy", "slack"});
    for (const auto& [t, distance] : found.tasks) {
      const trace::TaskRow& row = open.trace.tasks[at(t)];
      const auto spans = open.timeline.spans_of(t);
      tasks["task"].push_back(t);
      tasks["distance"].push_back(distance);
      tasks["site"].push_back(row.site);
      tasks["thread"].push_back(spans.empty() ? -1 : open.trace.spans[at(spans.front())].thread);
      tasks["begin"].push_back(row.begin);
      tasks["end"].push_back(row.end);
      tasks["busy"].push_back(row.busy);
      tasks["slack"].push_back(open.critical_path().slack[at(t)]);
    }
    json edges = columns({"from", "to", "bytes"});
    for (const Index e : found.edges) {
      const trace::Edge& edge = open.trace.edges[at(e)];
      edges["from"].push_back(edge.from);
      edges["to"].push_back(edge.to);
      edges["bytes"].push_back(edge.bytes);
    }
    return answer({{"tasks", tasks}, {"edges", edges}, {"complete", found.complete}});
  });
}

json edges_of(const std::vector<trace::SiteEdge>& edges) {
  json c = columns({"from", "to", "count", "bytes"});
  for (const trace::SiteEdge& e : edges) {
    c["from"].push_back(e.from);
    c["to"].push_back(e.to);
    c["count"].push_back(e.count);
    c["bytes"].push_back(e.bytes);
  }
  return c;
}

http::Response kinds(App& app, const http::Request& request) {
  return of_trace(app, request, [&](const OpenTrace& open) {
    const trace::SiteGraph graph = trace::site_graph(open.trace);
    json nodes = columns({"site", "count", "busy"});
    for (const trace::SiteTasks& n : graph.nodes) {
      nodes["site"].push_back(n.site);
      nodes["count"].push_back(n.count);
      nodes["busy"].push_back(n.busy);
    }
    return answer(
        {{"nodes", nodes}, {"edges", edges_of(graph.edges)}, {"makers", edges_of(graph.makers)}});
  });
}

http::Response messages(App& app, const http::Request& request) {
  return of_trace(app, request, [&](const OpenTrace& open) {
    json c = columns({"from", "to", "sent", "received", "bytes_sent", "bytes_received"});
    const std::int64_t begin = request.number("begin", 0);
    const std::int64_t end = request.number("end", std::numeric_limits<std::int64_t>::max());
    for (const trace::Messages& m : trace::messages(open.trace, begin, end)) {
      c["from"].push_back(m.from);
      c["to"].push_back(m.to);
      c["sent"].push_back(m.sent);
      c["received"].push_back(m.received);
      c["bytes_sent"].push_back(m.bytes_sent);
      c["bytes_received"].push_back(m.bytes_received);
    }
    return answer(c);
  });
}

http::Response instances(App& app, const http::Request& request) {
  return of_trace(app, request, [&](const OpenTrace& open) {
    constexpr std::int64_t most = 20'000;
    const Index node = number_of(request, 1, open.timeline.tree().size(), "node");
    const trace::Instances found =
        trace::instances(open.trace, open.timeline, node, request.number("begin", 0),
                         request.number("end", std::numeric_limits<std::int64_t>::max()),
                         static_cast<std::size_t>(request.number("most", 2000, 1, most)));
    json c = columns({"begin", "end", "busy", "count", "span", "lane"});
    for (const trace::Instance& i : found.all) {
      c["begin"].push_back(i.begin);
      c["end"].push_back(i.end);
      c["busy"].push_back(i.busy);
      c["count"].push_back(i.count);
      c["span"].push_back(i.span);
      c["lane"].push_back(i.lane);
    }
    c["left_out"] = found.left_out;
    return answer(c);
  });
}

http::Response plan(App& app, const http::Request& request) {
  return of_trace(app, request, [&](const OpenTrace& open) {
    json c = columns({"tree", "parent", "site", "count", "total", "self", "waited", "tasks",
                      "threads", "bytes", "flops"});
    for (const trace::StepFigures& s : trace::steps(open.trace, open.timeline)) {
      c["tree"].push_back(s.node);
      c["parent"].push_back(s.parent);
      c["site"].push_back(s.site);
      c["count"].push_back(s.count);
      c["total"].push_back(s.total);
      c["self"].push_back(s.self);
      c["waited"].push_back(s.waited);
      c["tasks"].push_back(s.tasks);
      c["threads"].push_back(s.threads);
      c["bytes"].push_back(s.bytes);
      c["flops"].push_back(s.flops);
    }
    return answer(c);
  });
}

constexpr auto token = http::Access::token;
constexpr Route table[] = {
    {"GET", "/v1/traces/{trace}/tasks/{task}/graph",
     "the tasks around one, along the dependencies; parameters distance, most", token, around},
    {"GET", "/v1/traces/{trace}/graph",
     "the task graph with one node for each site: who waited for whom, who made whom", token,
     kinds},
    {"GET", "/v1/traces/{trace}/messages",
     "how much which rank sent to which; parameters begin, end", token, messages},
    {"GET", "/v1/traces/{trace}/tree/{node}/instances",
     "each time that a node of the tree happened, with all below it; parameters begin, end, most",
     token, instances},
    {"GET", "/v1/traces/{trace}/plan",
     "the steps with what they cost, as columns; a parent is a row of this table", token, plan},
};

}  // namespace

std::span<const Route> graph_routes() { return table; }

}  // namespace jetlag::routes
