#include "trace/store/instances.h"

#include <algorithm>
#include <queue>
#include <set>

namespace jetlag::trace {

namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

// Which instance each span and task belongs to; the tree of calls says what hangs below what
// (profile.h): spans below the span around them, tasks below the task that made them.
class Gathering {
 public:
  Gathering(const Trace& trace, const Timeline& timeline, Index node)
      : trace_(trace),
        timeline_(timeline),
        node_(node),
        below_(timeline.below(node)),
        of_span_(trace.spans.size(), -1),
        of_task_(trace.tasks.size(), unknown) {}

  std::vector<Instance> run() {
    for (std::size_t i = 0; i < trace_.spans.size(); ++i) {
      const auto span = static_cast<Index>(i);
      if (!below_[at(timeline_.node_of(span))]) continue;
      const Index owner = owner_of(span);
      of_span_[i] = owner;
      if (owner >= 0) add(span, all_[at(owner)]);
    }
    return std::move(all_);
  }

 private:
  static constexpr Index unknown = -2;

  bool begins_task(const SpanRow& s) const {
    return s.task >= 0 && (s.parent < 0 || trace_.spans[at(s.parent)].task != s.task);
  }

  Index make() {
    all_.push_back({INT64_MAX, INT64_MIN});
    return static_cast<Index>(all_.size()) - 1;
  }

  Index owner_of(Index span) {
    const SpanRow& s = trace_.spans[at(span)];
    if (begins_task(s)) return owner_of_task(s.task);
    if (timeline_.node_of(span) == node_) return make();
    return s.parent >= 0 ? of_span_[at(s.parent)] : -1;
  }

  bool is_of_node(Index task) const {
    for (const Index s : timeline_.spans_of(task)) {
      if (begins_task(trace_.spans[at(s)])) return timeline_.node_of(s) == node_;
    }
    return false;
  }

  // Up the tasks that made it, however many.
  Index owner_of_task(Index task) {
    std::vector<Index> way;
    Index owner = -1;
    for (Index t = task; t >= 0; t = trace_.tasks[at(t)].parent) {
      if (of_task_[at(t)] != unknown) {
        owner = of_task_[at(t)];
        break;
      }
      of_task_[at(t)] = -1;  // also the end of a circle, in a damaged trace
      way.push_back(t);
      if (!is_of_node(t)) continue;
      owner = make();
      break;
    }
    for (const Index t : way) of_task_[at(t)] = owner;
    return owner;
  }

  void add(Index span, Instance& to) const {
    const SpanRow& s = trace_.spans[at(span)];
    if (s.begin < to.begin) to.span = span;
    to.begin = std::min(to.begin, s.begin);
    to.end = std::max(to.end, s.end);
    ++to.count;
    const bool inside = s.parent >= 0 && of_span_[at(s.parent)] == of_span_[at(span)];
    if (!inside) to.busy += s.duration();
  }

  const Trace& trace_;
  const Timeline& timeline_;
  const Index node_;
  const Nodes below_;
  std::vector<Index> of_span_;
  std::vector<Index> of_task_;
  std::vector<Instance> all_;
};

// Each goes into the first lane that is free again.
void pack(std::vector<Instance>& all) {
  using End = std::pair<std::int64_t, Index>;  // when, of which lane
  std::priority_queue<End, std::vector<End>, std::greater<>> busy;
  std::set<Index> free;
  Index lanes = 0;
  for (Instance& i : all) {
    for (; !busy.empty() && busy.top().first <= i.begin; busy.pop()) free.insert(busy.top().second);
    i.lane = free.empty() ? lanes++ : *free.begin();
    free.erase(i.lane);
    busy.emplace(i.end, i.lane);
  }
}

}  // namespace

Instances instances(const Trace& trace, const Timeline& timeline, Index node, std::int64_t begin,
                    std::int64_t end, std::size_t most) {
  Instances result;
  result.all = Gathering(trace, timeline, node).run();
  std::erase_if(result.all, [&](const Instance& i) { return i.end <= begin || i.begin >= end; });
  if (result.all.size() > most) {
    result.left_out = static_cast<std::int64_t>(result.all.size() - most);
    std::nth_element(result.all.begin(), result.all.begin() + static_cast<std::ptrdiff_t>(most),
                     result.all.end(), [](const Instance& a, const Instance& b) {
                       return a.end - a.begin > b.end - b.begin;
                     });
    result.all.resize(most);
  }
  std::sort(result.all.begin(), result.all.end(), [](const Instance& a, const Instance& b) {
    return std::pair(a.begin, a.span) < std::pair(b.begin, b.span);
  });
  pack(result.all);
  return result;
}

}  // namespace jetlag::trace
