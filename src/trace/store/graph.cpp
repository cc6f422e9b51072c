#include "trace/store/graph.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <span>
#include <utility>

#include "base/error.h"
#include "trace/store/callers.h"

namespace jetlag::trace {

namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

using Edges = std::vector<std::pair<Index, Index>>;

// The tasks, and behind them the pieces that callers did themselves.
struct Net {
  explicit Net(const Trace& trace) : own(callers(trace)), tasks(trace.tasks.size()) {
    takes.reserve(tasks + own.pieces.size());
    for (const TaskRow& t : trace.tasks) takes.push_back(t.begin < 0 ? 0 : t.end - t.begin);
    for (const Piece& p : own.pieces) takes.push_back(p.busy);
    for (const Edge& e : trace.edges) {
      if (e.from >= 0 && e.to >= 0) edges.emplace_back(e.from, e.to);
    }
    for (const auto& [from, to] : own.after_piece) edges.emplace_back(node(from), node(to));
    for (const auto& [piece, task] : own.makes) edges.emplace_back(node(piece), task);
    for (const auto& [task, piece] : own.awaited) edges.emplace_back(task, node(piece));
  }

  Index node(Index piece) const { return static_cast<Index>(tasks) + piece; }

  const Callers own;
  const std::size_t tasks;
  std::vector<std::int64_t> takes;  // of each node, in nanoseconds
  Edges edges;
};

// The edges from each node, and the nodes in an order in which edges lead forward. Edges that
// would close a circle (a damaged trace) are left out.
class Graph {
 public:
  Graph(std::size_t nodes, const Edges& edges) : first_(nodes + 1), into_(nodes) {
    for (const auto& [from, to] : edges) first_[at(from) + 1] += from != to;
    for (std::size_t i = 1; i < first_.size(); ++i) first_[i] += first_[i - 1];
    to_.resize(first_.back());
    std::vector<std::size_t> next(first_.begin(), first_.end() - 1);
    for (const auto& [from, to] : edges) {
      if (from == to) continue;
      to_[next[at(from)]++] = to;
      ++into_[at(to)];
    }
    // Kahn, "Topological sorting of large networks", 1962.
    for (std::size_t t = 0; t < into_.size(); ++t) {
      if (into_[t] == 0) order_.push_back(static_cast<Index>(t));
    }
    for (std::size_t i = 0; i < order_.size(); ++i) {
      for (const Index to : after(order_[i])) {
        if (--into_[at(to)] == 0) order_.push_back(to);
      }
    }
  }

  const std::vector<Index>& order() const { return order_; }
  std::span<const Index> after(Index node) const {
    return {to_.data() + first_[at(node)], first_[at(node) + 1] - first_[at(node)]};
  }

 private:
  std::vector<std::size_t> first_;
  std::vector<std::int64_t> into_;
  std::vector<Index> to_;
  std::vector<Index> order_;
};

// How long it takes from a node's begin to the end of all that must follow it.
std::vector<std::int64_t> remaining(const Graph& graph, const std::vector<std::int64_t>& takes) {
  std::vector<std::int64_t> rest(takes);
  for (auto t = graph.order().rbegin(); t != graph.order().rend(); ++t) {
    std::int64_t longest = 0;
    for (const Index to : graph.after(*t)) longest = std::max(longest, rest[at(to)]);
    rest[at(*t)] = takes[at(*t)] + longest;
  }
  return rest;
}

}  // namespace

CriticalPath critical_path(const Trace& trace) {
  CriticalPath result;
  const Net net(trace);
  const std::vector<std::int64_t>& takes = net.takes;
  const Graph graph(takes.size(), net.edges);
  const std::vector<std::int64_t> rest = remaining(graph, takes);
  std::vector<std::int64_t> earliest(takes.size());
  for (const Index t : graph.order()) {
    for (const Index to : graph.after(t))
      earliest[at(to)] = std::max(earliest[at(to)], earliest[at(t)] + takes[at(t)]);
  }
  for (const std::int64_t r : rest) result.length = std::max(result.length, r);
  const auto slack = [&](std::size_t n) { return result.length - earliest[n] - rest[n]; };
  for (std::size_t t = 0; t < net.tasks; ++t) result.slack.push_back(slack(t));

  std::map<Index, std::int64_t> of_site;
  std::int64_t wanted = result.length;
  std::span<const Index> candidates = graph.order();
  while (wanted > 0) {
    const auto next = std::find_if(candidates.begin(), candidates.end(), [&](Index t) {
      return rest[at(t)] == wanted && slack(at(t)) == 0;
    });
    if (next == candidates.end()) break;
    wanted -= takes[at(*next)];
    if (at(*next) < net.tasks) {
      result.path.push_back(*next);
      of_site[trace.tasks[at(*next)].site] += takes[at(*next)];
    } else {
      result.own += takes[at(*next)];
      for (const SiteTime& s : net.own.of_piece(*next - net.node(0))) of_site[s.site] += s.time;
    }
    candidates = graph.after(*next);
  }
  for (const auto& [site, time] : of_site) result.sites.emplace_back(site, time);
  std::stable_sort(result.sites.begin(), result.sites.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  return result;
}

std::vector<std::int64_t> what_if(const Trace& trace, std::span<const Index> sites, double times) {
  if (!(times > 0))
    throw Error(Kind::value, format("a site cannot become {} times faster", times),
                "give a number above 0");
  const auto faster = [&](std::int64_t ns) {
    return std::llround(static_cast<double>(ns) / times);
  };
  const Net net(trace);
  const Graph graph(net.takes.size(), net.edges);
  std::vector<std::int64_t> lengths;
  for (const Index site : sites) {
    std::vector<std::int64_t> takes = net.takes;
    for (std::size_t t = 0; t < net.tasks; ++t) {
      if (trace.tasks[t].site == site) takes[t] = faster(takes[t]);
    }
    for (const SiteTime& s : net.own.sites) {
      if (s.site == site) takes[at(net.node(s.piece))] -= s.time - faster(s.time);
    }
    std::int64_t length = 0;
    for (const std::int64_t r : remaining(graph, takes)) length = std::max(length, r);
    lengths.push_back(length);
  }
  return lengths;
}

std::vector<SpeedUp> speed_ups(const Trace& trace, const CriticalPath& path, std::size_t most,
                               double times) {
  std::vector<Index> sites;
  for (const auto& [site, time] : path.sites) {
    if (sites.size() < most) sites.push_back(site);
  }
  const std::vector<std::int64_t> lengths = what_if(trace, sites, times);
  std::vector<SpeedUp> found;
  for (std::size_t i = 0; i < sites.size(); ++i)
    found.push_back({sites[i], path.sites[i].second, lengths[i]});
  return found;
}

}  // namespace jetlag::trace
