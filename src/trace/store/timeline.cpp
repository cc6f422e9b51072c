#include "trace/store/timeline.h"

#include <algorithm>
#include <atomic>
#include <thread>

namespace jetlag::trace {

namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

__extension__ using Wide = __int128;

}  // namespace

std::int64_t Window::edge(std::int64_t bin) const {
  return begin + static_cast<std::int64_t>(Wide{end - begin} * bin / bins);
}

std::int64_t Window::bin_of(std::int64_t time) const {
  if (time <= begin) return 0;
  if (time >= end) return bins - 1;
  std::int64_t bin = static_cast<std::int64_t>(Wide{time - begin} * bins / (end - begin));
  // Edges are rounded down, so the time may lie behind the next one.
  while (bin + 1 < bins && edge(bin + 1) <= time) ++bin;
  return bin;
}

bool Window::is_long(std::int64_t duration) const { return Wide{duration} * bins >= end - begin; }

template <class F>
Timeline::Groups Timeline::group(std::size_t groups, std::size_t items, const F& group_of) {
  std::vector<std::size_t> first(groups + 1);
  for (std::size_t i = 0; i < items; ++i) {
    const Index to = group_of(i);
    if (to >= 0) ++first[at(to) + 1];
  }
  for (std::size_t i = 1; i < first.size(); ++i) first[i] += first[i - 1];
  std::vector<Index> sorted(first.back());
  std::vector<std::size_t> next(first.begin(), first.end() - 1);
  for (std::size_t i = 0; i < items; ++i) {
    const Index to = group_of(i);
    if (to >= 0) sorted[next[at(to)]++] = static_cast<Index>(i);
  }
  return {std::move(first), std::move(sorted)};
}

std::span<const Index> Timeline::Groups::of(Index group) const {
  return {items.data() + first[at(group)], first[at(group) + 1] - first[at(group)]};
}

Timeline::Timeline(const Trace& trace) : trace_(trace) {
  std::vector<Index> node_of_span;
  tree_ = call_tree(trace, &node_of_span);
  node_of_span_ = std::move(node_of_span);
  std::vector<int> depth(trace.spans.size());
  Index thread = -1;
  std::size_t first = 0;  // track of the thread's depth 0
  for (std::size_t i = 0; i < trace.spans.size(); ++i) {
    const SpanRow& s = trace.spans[i];
    depth[i] = s.parent >= 0 ? depth[at(s.parent)] + 1 : 0;
    if (s.thread != thread) {
      thread = s.thread;
      first = tracks_.size();
    }
    // A span's depth is at most one more than that of a span before it.
    if (tracks_.size() == first + static_cast<std::size_t>(depth[i]))
      tracks_.push_back({thread, depth[i], {}});
    tracks_[first + static_cast<std::size_t>(depth[i])].slices.append(
        s.begin, s.end, std::as_const(node_of_span_)[i], static_cast<Index>(i));
  }
  look_at_tree();
  spans_of_task_ = group(trace.tasks.size(), trace.spans.size(),
                         [&](std::size_t i) { return trace.spans[i].task; });
  into_ = group(trace.tasks.size(), trace.edges.size(),
                [&](std::size_t i) { return trace.edges[i].to; });
  out_of_ = group(trace.tasks.size(), trace.edges.size(),
                  [&](std::size_t i) { return trace.edges[i].from; });
}

void Timeline::look_at_tree() {
  std::vector<bool> has_node(trace_.sites.size() + 1);
  for (const TreeNode& n : tree_) {
    if (has_node[at(n.site + 1)]) one_node_a_site_ = false;
    has_node[at(n.site + 1)] = true;
  }
  for (const TreeNode& n : tree_)
    is_waiting_.push_back(n.site >= 0 && trace_.sites[at(n.site)].category == Category::wait);
}

// The site with the most time; of equal ones the first.
Index Timeline::dominant_site(const Sum& sum, Sum& by_site) const {
  Index found = -1;
  std::int64_t most = -1;
  const auto look = [&](Index site, std::int64_t busy) {
    if (busy < most || (busy == most && site > found)) return;
    most = busy;
    found = site;
  };
  if (one_node_a_site_) {
    for (const Index node : sum.keys()) look(tree_[at(node)].site, sum.of(node));
    return found;
  }
  by_site.clear();
  for (const Index node : sum.keys()) by_site.add(tree_[at(node)].site + 1, sum.of(node));
  for (const Index site : by_site.keys()) look(site - 1, by_site.of(site));
  return found;
}

Timeline::Sums::Sums(const Timeline& timeline)
    : by_node(timeline.tree_.size()), by_site(timeline.trace_.sites.size() + 1) {}

std::vector<Row> Timeline::rows(const Track& track, const Window& w, const Nodes& selected,
                                Sums& sums) const {
  const Slices& slices = track.slices;
  std::vector<Row> rows;
  Sum& sum = sums.by_node;
  std::int64_t i = slices.first_ending_after(w.begin);
  while (i < slices.size() && slices.begin(i) < w.end) {
    const std::int64_t bin = w.bin_of(slices.begin(i));
    const std::int64_t limit = bin + 1 < w.bins ? w.edge(bin + 1) : w.end;
    std::int64_t next = slices.first_beginning_at(limit, i);
    next = std::max(next, i + 1);
    // A long slice ends beyond its bin, so it is the last that begins there, unless it began before
    // the window.
    if (w.is_long(slices.duration(i))) next = i + 1;
    else if (next > i + 1 && w.is_long(slices.duration(next - 1))) --next;
    sum.clear();
    slices.add_to(sum, i, next);
    Row row;
    row.begin = slices.begin(i);
    row.end = slices.end(next - 1);
    row.count = next - i;
    row.span = slices.span(sum.slice());
    for (const Index node : sum.keys()) {
      row.busy += sum.of(node);
      if (!selected.empty() && selected[at(node)]) row.lit += sum.of(node);
    }
    row.site = dominant_site(sum, sums.by_site);
    rows.push_back(row);
    i = next;
  }
  return rows;
}

std::vector<std::vector<Row>> Timeline::all_rows(const Window& w, const Nodes& selected) const {
  constexpr std::int64_t alone = 500'000;  // slices: more take longer than to start a thread
  std::vector<std::vector<Row>> all(tracks_.size());
  std::int64_t slices = 0;
  for (const Track& t : tracks_)
    slices += t.slices.first_beginning_at(w.end) - t.slices.first_ending_after(w.begin);
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    Sums sums(*this);
    for (std::size_t i = next++; i < tracks_.size(); i = next++)
      all[i] = rows(tracks_[i], w, selected, sums);
  };
  std::vector<std::thread> helpers;
  const unsigned most = slices < alone ? 1 : std::min(std::thread::hardware_concurrency(), 8U);
  for (unsigned i = 1; i < most; ++i) helpers.emplace_back(work);
  work();
  for (std::thread& t : helpers) t.join();
  return all;
}

void Timeline::add_busy(const Slices& slices, const Window& w,
                        const std::vector<signed char>& weight, Sum& sum,
                        std::vector<std::int64_t>& out) const {
  std::int64_t first = slices.first_ending_after(w.begin);
  for (std::int64_t bin = 0; bin < w.bins && first < slices.size(); ++bin) {
    const std::int64_t from = w.edge(bin);
    const std::int64_t to = w.edge(bin + 1);
    first = slices.first_ending_after(from, first);
    if (first == slices.size() || from >= to) continue;
    const std::int64_t last = slices.first_beginning_at(to, first);
    if (last <= first) continue;
    sum.clear();
    slices.add_to(sum, first, last);
    std::int64_t& busy = out[static_cast<std::size_t>(bin)];
    for (const Index node : sum.keys()) busy += weight[at(node)] * sum.of(node);
    busy -= weight[at(slices.key(first))] * std::max<std::int64_t>(from - slices.begin(first), 0);
    busy -= weight[at(slices.key(last - 1))] * std::max<std::int64_t>(slices.end(last - 1) - to, 0);
  }
}

Timeline::Busy Timeline::busy(const Window& w, const Nodes& selected) const {
  Busy result;
  result.all.resize(static_cast<std::size_t>(w.bins));
  result.lit.resize(static_cast<std::size_t>(w.bins));
  std::vector<signed char> works(tree_.size(), 1);
  std::vector<signed char> waits(tree_.size(), 0);
  bool any_waits = false;
  std::vector<signed char> lit(tree_.size(), 0);
  std::vector<bool> inside(tree_.size());  // something above it is selected; parents stand first
  for (std::size_t n = 0; n < tree_.size(); ++n) {
    if (is_waiting_[n]) {
      waits[n] = -1;
      any_waits = true;
    }
    if (selected.empty()) continue;
    const Index above = tree_[n].parent;
    inside[n] = above >= 0 && (selected[at(above)] || inside[at(above)]);
    lit[n] = selected[n] && !inside[n];
  }
  Sum sum(tree_.size());
  for (const Track& t : tracks_) {
    if (t.depth == 0) add_busy(t.slices, w, works, sum, result.all);
    if (any_waits) add_busy(t.slices, w, waits, sum, result.all);
    if (!selected.empty()) add_busy(t.slices, w, lit, sum, result.lit);
  }
  return result;
}

Nodes Timeline::of_sites(std::span<const Index> sites) const {
  std::vector<bool> wanted(trace_.sites.size());
  for (const Index s : sites) {
    if (s >= 0 && at(s) < wanted.size()) wanted[at(s)] = true;
  }
  Nodes nodes(tree_.size());
  for (std::size_t n = 0; n < tree_.size(); ++n)
    nodes[n] = tree_[n].site >= 0 && wanted[at(tree_[n].site)];
  return nodes;
}

Nodes Timeline::below(Index node) const {
  Nodes nodes(tree_.size());
  for (std::size_t n = 0; n < tree_.size(); ++n) {
    const Index above = tree_[n].parent;
    nodes[n] = static_cast<Index>(n) == node || (above >= 0 && nodes[at(above)]);
  }
  return nodes;
}

std::vector<Index> Timeline::sites_at(std::string_view file, std::int32_t line) const {
  std::vector<Index> sites;
  for (std::size_t s = 0; s < trace_.sites.size(); ++s) {
    if (trace_.sites[s].file == file && trace_.sites[s].line == line)
      sites.push_back(static_cast<Index>(s));
  }
  return sites;
}

std::span<const Index> Timeline::spans_of(Index task) const { return spans_of_task_.of(task); }
std::span<const Index> Timeline::edges_into(Index task) const { return into_.of(task); }
std::span<const Index> Timeline::edges_out_of(Index task) const { return out_of_.of(task); }

}  // namespace jetlag::trace
