#include "trace/store/profile.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <unordered_map>

namespace jetlag::trace {

namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

// Time that each span did not spend in the spans inside it.
std::vector<std::int64_t> own_times(const Trace& trace) {
  std::vector<std::int64_t> own(trace.spans.size());
  for (std::size_t i = 0; i < own.size(); ++i) {
    const SpanRow& s = trace.spans[i];
    own[i] += s.duration();
    if (s.parent >= 0) own[at(s.parent)] -= s.duration();
  }
  return own;
}

// The nearest-rank percentile of sorted numbers.
std::int64_t percentile(const std::vector<std::int64_t>& sorted, double share) {
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(sorted.size())));
  return sorted[std::clamp<std::size_t>(rank, 1, sorted.size()) - 1];
}

// How the durations of a site or a node lie; zero where there are none: a task that made others and
// never ran.
template <class Figures>
void spread(Figures& f, std::vector<std::int64_t>& durations) {
  if (durations.empty()) return;
  std::sort(durations.begin(), durations.end());
  f.least = durations.front();
  f.median = percentile(durations, 0.5);
  f.p99 = percentile(durations, 0.99);
  f.most = durations.back();
}

bool is_waiting(const Trace& trace, const SpanRow& s) {
  return s.site >= 0 && trace.sites[at(s.site)].category == Category::wait;
}

}  // namespace

std::vector<SiteFigures> profile_by_site(const Trace& trace) {
  const std::vector<std::int64_t> own = own_times(trace);
  std::vector<std::vector<std::int64_t>> durations(trace.sites.size() + 1);
  std::vector<SiteFigures> figures(trace.sites.size() + 1);
  for (std::size_t i = 0; i < own.size(); ++i) {
    const SpanRow& s = trace.spans[i];
    const std::size_t k = at(s.site + 1);
    SiteFigures& f = figures[k];
    ++f.count;
    // A site inside itself counts its time once.
    bool inside = false;
    for (Index p = s.parent; p >= 0 && !inside; p = trace.spans[at(p)].parent)
      inside = trace.spans[at(p)].site == s.site;
    if (!inside) f.total += s.duration();
    f.self += own[i];
    durations[k].push_back(s.duration());
  }
  for (const Work& w : trace.work) {
    SiteFigures& f = figures[at(trace.spans[at(w.span)].site + 1)];
    f.bytes += w.bytes;
    f.flops += w.flops;
  }
  for (const TaskRow& t : trace.tasks) {
    figures[at(t.site + 1)].bytes += t.bytes;
    figures[at(t.site + 1)].flops += t.flops;
  }
  std::vector<SiteFigures> used;
  for (std::size_t k = 0; k < figures.size(); ++k) {
    SiteFigures& f = figures[k];
    if (f.count == 0) continue;
    f.site = static_cast<Index>(k) - 1;
    spread(f, durations[k]);
    used.push_back(f);
  }
  std::stable_sort(used.begin(), used.end(),
                   [](const SiteFigures& a, const SiteFigures& b) { return a.self > b.self; });
  return used;
}

std::vector<TreeNode> call_tree(const Trace& trace, std::vector<Index>* nodes_of_spans) {
  const std::vector<std::int64_t> own = own_times(trace);
  std::vector<TreeNode> tree;
  std::unordered_map<std::uint64_t, Index> children;  // by parent and site
  const auto child = [&](Index parent, Index site) {
    const std::uint64_t place =
        std::uint64_t{static_cast<std::uint32_t>(parent)} << 32 | static_cast<std::uint32_t>(site);
    const auto [found, fresh] = children.try_emplace(place, static_cast<Index>(tree.size()));
    if (fresh) {
      TreeNode& node = tree.emplace_back();
      node.site = site;
      node.parent = parent;
    }
    return found->second;
  };
  // A task's spans hang below the path of the task that made it, however deep that is.
  std::vector<Index> node_of_task(trace.tasks.size(), -1);
  const auto of_task = [&](Index task) {
    std::vector<Index> way;
    for (Index t = task; t >= 0 && node_of_task[at(t)] < 0; t = trace.tasks[at(t)].parent) {
      if (std::find(way.begin(), way.end(), t) != way.end()) break;
      way.push_back(t);
    }
    for (auto t = way.rbegin(); t != way.rend(); ++t) {
      const TaskRow& row = trace.tasks[at(*t)];
      const Index above = row.parent >= 0 ? node_of_task[at(row.parent)] : -1;
      node_of_task[at(*t)] = child(above, row.site);
    }
    return node_of_task[at(task)];
  };
  std::vector<Index> node_of_span(trace.spans.size(), -1);
  std::vector<std::vector<std::int64_t>> durations;
  for (std::size_t i = 0; i < trace.spans.size(); ++i) {
    const SpanRow& s = trace.spans[i];
    const bool inside = s.parent >= 0 && trace.spans[at(s.parent)].task == s.task;
    Index node = -1;
    if (s.task >= 0 && !inside) node = of_task(s.task);
    else node = child(s.parent >= 0 ? node_of_span[at(s.parent)] : -1, s.site);
    node_of_span[i] = node;
    TreeNode& n = tree[at(node)];
    ++n.count;
    n.total += s.duration();
    n.self += own[i];
    durations.resize(tree.size());
    durations[at(node)].push_back(s.duration());
  }
  for (const Work& w : trace.work) {
    tree[at(node_of_span[at(w.span)])].bytes += w.bytes;
    tree[at(node_of_span[at(w.span)])].flops += w.flops;
  }
  for (std::size_t t = 0; t < trace.tasks.size(); ++t) {
    if (node_of_task[t] < 0) continue;
    tree[at(node_of_task[t])].bytes += trace.tasks[t].bytes;
    tree[at(node_of_task[t])].flops += trace.tasks[t].flops;
  }
  durations.resize(tree.size());
  for (std::size_t i = 0; i < tree.size(); ++i) spread(tree[i], durations[i]);
  if (nodes_of_spans) *nodes_of_spans = std::move(node_of_span);
  return tree;
}

std::vector<ThreadFigures> profile_by_thread(const Trace& trace) {
  std::vector<ThreadFigures> threads(trace.threads.size());
  for (std::size_t i = 0; i < threads.size(); ++i) {
    threads[i].thread = static_cast<Index>(i);
    threads[i].rank = static_cast<std::int64_t>(trace.threads[i].id >> 32);
  }
  for (const SpanRow& s : trace.spans) {
    ThreadFigures& t = threads[at(s.thread)];
    ++t.spans;
    if (s.parent < 0) t.busy += s.duration();
    // Waiting inside a span is no work.
    if (is_waiting(trace, s)) t.busy -= s.duration();
  }
  return threads;
}

std::vector<double> utilisation(const Trace& trace, int bins) {
  std::vector<double> busy(static_cast<std::size_t>(std::max(bins, 0)));
  if (busy.empty() || trace.length <= 0) return busy;
  const double width = static_cast<double>(trace.length) / static_cast<double>(busy.size());
  std::int64_t threads = 0;
  for (const ThreadFigures& t : profile_by_thread(trace)) threads += t.spans > 0;
  const auto add = [&](std::int64_t begin, std::int64_t end, double sign) {
    const auto first = static_cast<std::size_t>(
        std::clamp(static_cast<double>(begin) / width, 0.0, static_cast<double>(bins - 1)));
    for (std::size_t b = first; b < busy.size(); ++b) {
      const double from = std::max(static_cast<double>(begin), static_cast<double>(b) * width);
      const double to = std::min(static_cast<double>(end), static_cast<double>(b + 1) * width);
      if (to <= from && b > first) break;
      busy[b] += sign * std::max(to - from, 0.0);
    }
  };
  for (const SpanRow& s : trace.spans) {
    if (s.parent < 0) add(s.begin, s.end, 1);
    if (is_waiting(trace, s)) add(s.begin, s.end, -1);
  }
  for (double& b : busy) b /= width * static_cast<double>(std::max<std::int64_t>(threads, 1));
  return busy;
}

double imbalance_of_ranks(const Trace& trace) {
  std::map<std::int64_t, double> busy;
  for (const ThreadFigures& t : profile_by_thread(trace))
    busy[t.rank] += static_cast<double>(t.busy);
  double most = 0;
  double sum = 0;
  for (const auto& [rank, ns] : busy) {
    most = std::max(most, ns);
    sum += ns;
  }
  return busy.size() > 1 && sum > 0 ? most / (sum / static_cast<double>(busy.size())) : 0;
}

double imbalance(const Trace& trace) {
  double most = 0;
  double sum = 0;
  double workers = 0;
  for (const ThreadFigures& t : profile_by_thread(trace)) {
    if (!trace.threads[at(t.thread)].name.starts_with("worker")) continue;
    most = std::max(most, static_cast<double>(t.busy));
    sum += static_cast<double>(t.busy);
    ++workers;
  }
  return sum > 0 ? most / (sum / workers) : 0;
}

}  // namespace jetlag::trace
