#include "trace/store/neighbours.h"

#include <algorithm>
#include <map>
#include <unordered_map>

namespace jetlag::trace {

namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

}  // namespace

Neighbours neighbours(const Trace& trace, const Timeline& timeline, Index task, int distance,
                      std::size_t most) {
  Neighbours result;
  std::unordered_map<Index, int> known{{task, 0}};
  result.tasks.push_back({task, 0});
  std::vector<Index> before{task};
  std::vector<Index> after{task};
  const auto go = [&](std::vector<Index>& edge, int step, bool back) {
    std::vector<Index> next;
    for (const Index t : edge) {
      for (const Index e : back ? timeline.edges_into(t) : timeline.edges_out_of(t)) {
        const Index other = back ? trace.edges[at(e)].from : trace.edges[at(e)].to;
        if (other < 0 || known.contains(other)) continue;
        if (result.tasks.size() >= most) {
          result.complete = false;
          continue;
        }
        known.emplace(other, step);
        result.tasks.push_back({other, step});
        next.push_back(other);
      }
    }
    edge = std::move(next);
  };
  for (int step = 1; step <= distance; ++step) {
    go(before, -step, true);
    go(after, step, false);
  }
  for (const Neighbours::Member& m : result.tasks) {
    for (const Index e : timeline.edges_into(m.task)) {
      if (known.contains(trace.edges[at(e)].from)) result.edges.push_back(e);
    }
  }
  return result;
}

SiteGraph site_graph(const Trace& trace) {
  using Pair = std::pair<Index, Index>;
  std::map<Index, SiteTasks> nodes;
  std::map<Pair, SiteEdge> edges, makers;
  const auto site_of = [&](Index task) { return trace.tasks[at(task)].site; };
  const auto add = [&](std::map<Pair, SiteEdge>& to, Index from, Index target, double bytes) {
    SiteEdge& e = to[{from, target}];
    e.from = from;
    e.to = target;
    ++e.count;
    e.bytes += bytes;
  };
  for (const TaskRow& t : trace.tasks) {
    SiteTasks& n = nodes[t.site];
    n.site = t.site;
    ++n.count;
    n.busy += t.busy;
    if (t.parent >= 0) add(makers, site_of(t.parent), t.site, 0);
  }
  for (const Edge& e : trace.edges) {
    if (e.from >= 0 && e.to >= 0) add(edges, site_of(e.from), site_of(e.to), e.bytes);
  }
  SiteGraph graph;
  for (const auto& [site, n] : nodes) graph.nodes.push_back(n);
  for (const auto& [pair, e] : edges) graph.edges.push_back(e);
  for (const auto& [pair, e] : makers) graph.makers.push_back(e);
  return graph;
}

}  // namespace jetlag::trace
