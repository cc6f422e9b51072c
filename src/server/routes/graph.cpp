// Routes for who depends on whom: tasks around a task, kinds of tasks, messages between ranks, the
// instances of a call, the plan with what it cost.
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>

#include "server/routes/answers.h"
#include "server/routes/columns.h"
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

http::Response around(App& app, const http::Request& request) {
  return of_trace(app, request, [&](const OpenTrace& open) {
    constexpr std::int64_t farthest = 20;
    constexpr std::int64_t most = 5000;
    const Index task = number_of(request, 1, open.trace.tasks.size(), "task");
    const trace::Neighbours found =
        trace::neighbours(open.trace, open.timeline, task,
                          static_cast<int>(request.number("distance", 3, 0, farthest)),
                          static_cast<std::size_t>(request.number("most", 200, 1, most)));
    using Member = trace::Neighbours::Member;
    const auto of_row = [&](auto member) {
      return [&, member](const Member& m) {
        return std::invoke(member, open.trace.tasks[at(m.task)]);
      };
    };
    const auto thread_of = [&](const Member& m) {
      const auto spans = open.timeline.spans_of(m.task);
      return spans.empty() ? -1 : open.trace.spans[at(spans.front())].thread;
    };
    const auto slack_of = [&](const Member& m) { return open.critical_path().slack[at(m.task)]; };
    using Row = trace::TaskRow;
    const json tasks = columns(
        found.tasks, std::pair{"task", &Member::task}, std::pair{"distance", &Member::distance},
        std::pair{"site", of_row(&Row::site)}, std::pair{"thread", thread_of},
        std::pair{"begin", of_row(&Row::begin)}, std::pair{"end", of_row(&Row::end)},
        std::pair{"busy", of_row(&Row::busy)}, std::pair{"slack", slack_of});
    const auto edge = [&](Index e) -> const trace::Edge& { return open.trace.edges[at(e)]; };
    const json edges =
        columns(found.edges, std::pair{"from", [&](Index e) { return edge(e).from; }},
                std::pair{"to", [&](Index e) { return edge(e).to; }},
                std::pair{"bytes", [&](Index e) { return edge(e).bytes; }});
    return answer({{"tasks", tasks}, {"edges", edges}, {"complete", found.complete}});
  });
}

json edges_of(const std::vector<trace::SiteEdge>& edges) {
  using Row = trace::SiteEdge;
  return columns(edges, std::pair{"from", &Row::from}, std::pair{"to", &Row::to},
                 std::pair{"count", &Row::count}, std::pair{"bytes", &Row::bytes});
}

http::Response kinds(App& app, const http::Request& request) {
  return of_trace(app, request, [&](const OpenTrace& open) {
    using Row = trace::SiteTasks;
    const trace::SiteGraph graph = trace::site_graph(open.trace);
    const json nodes = columns(graph.nodes, std::pair{"site", &Row::site},
                               std::pair{"count", &Row::count}, std::pair{"busy", &Row::busy});
    return answer(
        {{"nodes", nodes}, {"edges", edges_of(graph.edges)}, {"makers", edges_of(graph.makers)}});
  });
}

http::Response messages(App& app, const http::Request& request) {
  return of_trace(app, request, [&](const OpenTrace& open) {
    using Row = trace::Messages;
    const std::int64_t begin = request.number("begin", 0);
    const std::int64_t end = request.number("end", std::numeric_limits<std::int64_t>::max());
    return answer(columns(trace::messages(open.trace, begin, end), std::pair{"from", &Row::from},
                          std::pair{"to", &Row::to}, std::pair{"sent", &Row::sent},
                          std::pair{"received", &Row::received},
                          std::pair{"bytes_sent", &Row::bytes_sent},
                          std::pair{"bytes_received", &Row::bytes_received}));
  });
}

http::Response instances(App& app, const http::Request& request) {
  return of_trace(app, request, [&](const OpenTrace& open) {
    using Row = trace::Instance;
    constexpr std::int64_t most = 20'000;
    const Index node = number_of(request, 1, open.timeline.tree().size(), "node");
    const trace::Instances found =
        trace::instances(open.trace, open.timeline, node, request.number("begin", 0),
                         request.number("end", std::numeric_limits<std::int64_t>::max()),
                         static_cast<std::size_t>(request.number("most", 2000, 1, most)));
    json c = columns(found.all, std::pair{"begin", &Row::begin}, std::pair{"end", &Row::end},
                     std::pair{"busy", &Row::busy}, std::pair{"count", &Row::count},
                     std::pair{"span", &Row::span}, std::pair{"lane", &Row::lane});
    c["left_out"] = found.left_out;
    return answer(c);
  });
}

http::Response plan(App& app, const http::Request& request) {
  return of_trace(app, request, [&](const OpenTrace& open) {
    using Row = trace::StepFigures;
    return answer(columns(trace::steps(open.trace, open.timeline), std::pair{"tree", &Row::node},
                          std::pair{"parent", &Row::parent}, std::pair{"site", &Row::site},
                          std::pair{"count", &Row::count}, std::pair{"total", &Row::total},
                          std::pair{"self", &Row::self}, std::pair{"waited", &Row::waited},
                          std::pair{"tasks", &Row::tasks}, std::pair{"threads", &Row::threads},
                          std::pair{"bytes", &Row::bytes}, std::pair{"flops", &Row::flops}));
  });
}

constexpr auto token = http::Access::token;
constexpr Route table[] = {
    {"GET", "/v1/traces/{trace}/tasks/{task}/graph",
     "the tasks around one, along the dependencies; parameters distance, most", "TaskGraph", token,
     around},
    {"GET", "/v1/traces/{trace}/graph",
     "the task graph with one node for each site: who waited for whom, who made whom", "SiteGraph",
     token, kinds},
    {"GET", "/v1/traces/{trace}/messages",
     "how much which rank sent to which; parameters begin, end", "Messages", token, messages},
    {"GET", "/v1/traces/{trace}/tree/{node}/instances",
     "each time that a node of the tree happened, with all below it; parameters begin, end, most",
     "Instances", token, instances},
    {"GET", "/v1/traces/{trace}/plan",
     "the steps with what they cost, as columns; a parent is a row of this table", "Plan", token,
     plan},
};

}  // namespace

std::span<const Route> graph_routes() { return table; }

}  // namespace jetlag::routes
