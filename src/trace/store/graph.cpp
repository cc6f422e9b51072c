#include "trace/store/graph.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "base/error.h"

namespace jetlag::trace {

namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

// The edges from each task, and the tasks in an order in which edges lead forward. Edges that
// would close a circle (a damaged trace) are left out.
class Graph {
 public:
  explicit Graph(const Trace& trace) : first_(trace.tasks.size() + 1), into_(trace.tasks.size()) {
    for (const Edge& e : trace.edges) {
      if (e.from >= 0 && e.to >= 0 && e.from != e.to) ++first_[at(e.from) + 1];
    }
    for (std::size_t i = 1; i < first_.size(); ++i) first_[i] += first_[i - 1];
    to_.resize(first_.back());
    std::vector<std::size_t> next(first_.begin(), first_.end() - 1);
    for (const Edge& e : trace.edges) {
      if (e.from < 0 || e.to < 0 || e.from == e.to) continue;
      to_[next[at(e.from)]++] = e.to;
      ++into_[at(e.to)];
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
  std::span<const Index> after(Index task) const {
    return {to_.data() + first_[at(task)], first_[at(task) + 1] - first_[at(task)]};
  }

 private:
  std::vector<std::size_t> first_;
  std::vector<std::int64_t> into_;
  std::vector<Index> to_;
  std::vector<Index> order_;
};

std::vector<std::int64_t> durations(const Trace& trace) {
  std::vector<std::int64_t> all;
  all.reserve(trace.tasks.size());
  for (const TaskRow& t : trace.tasks) all.push_back(t.begin < 0 ? 0 : t.end - t.begin);
  return all;
}

// How long it takes from a task's begin to the end of all that must follow it.
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
  const Graph graph(trace);
  const std::vector<std::int64_t> takes = durations(trace);
  const std::vector<std::int64_t> rest = remaining(graph, takes);
  std::vector<std::int64_t> earliest(takes.size());
  for (const Index t : graph.order()) {
    for (const Index to : graph.after(t))
      earliest[at(to)] = std::max(earliest[at(to)], earliest[at(t)] + takes[at(t)]);
  }
  for (const std::int64_t r : rest) result.length = std::max(result.length, r);
  result.slack.resize(takes.size());
  for (std::size_t t = 0; t < takes.size(); ++t)
    result.slack[t] = result.length - earliest[t] - rest[t];

  std::int64_t wanted = result.length;
  std::span<const Index> candidates = graph.order();
  while (wanted > 0) {
    const auto next = std::find_if(candidates.begin(), candidates.end(), [&](Index t) {
      return rest[at(t)] == wanted && result.slack[at(t)] == 0;
    });
    if (next == candidates.end()) break;
    result.path.push_back(*next);
    wanted -= takes[at(*next)];
    candidates = graph.after(*next);
  }
  return result;
}

std::int64_t what_if(const Trace& trace, Index site, double times) {
  if (!(times > 0))
    throw Error(Kind::value, format("a site cannot become {} times faster", times),
                "give a number above 0");
  const Graph graph(trace);
  std::vector<std::int64_t> takes = durations(trace);
  for (std::size_t t = 0; t < takes.size(); ++t) {
    if (trace.tasks[t].site == site) takes[t] = std::llround(static_cast<double>(takes[t]) / times);
  }
  std::int64_t length = 0;
  for (const std::int64_t r : remaining(graph, takes)) length = std::max(length, r);
  return length;
}

}  // namespace jetlag::trace
