// From records to spans, tasks and edges.
#include <algorithm>
#include <bit>
#include <cmath>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "base/error.h"
#include "trace/chunk/reader.h"
#include "trace/store/trace.h"

namespace jetlag::trace {

namespace {

using nlohmann::json;

// No run is longer. A damaged file may say any time; cut to this, sums of times stay in range.
constexpr std::int64_t longest_ns = std::int64_t{366} * 86'400 * 1'000'000'000;

// Ticks to nanoseconds, by the looks at both clocks: straight lines between them.
class ClockMap {
 public:
  void add(std::uint64_t ticks, std::int64_t ns) {
    if (looks_.empty()) origin_ = std::clamp(ns, INT64_MIN / 2, INT64_MAX / 2);
    looks_.emplace_back(ticks, near_origin(ns));
  }

  void finish() {
    std::sort(looks_.begin(), looks_.end());
    looks_.erase(std::unique(looks_.begin(), looks_.end(),
                             [](const Look& a, const Look& b) { return a.first == b.first; }),
                 looks_.end());
  }
  bool empty() const { return looks_.empty(); }
  std::int64_t first_ns() const { return looks_.front().second; }

  std::int64_t ns(std::uint64_t ticks) const {
    if (looks_.empty())
      return static_cast<std::int64_t>(std::min<std::uint64_t>(ticks, longest_ns));
    if (looks_.size() == 1) return from(looks_[0], 1, ticks);
    auto after = std::upper_bound(looks_.begin() + 1, looks_.end() - 1, Look{ticks, INT64_MAX});
    const Look& a = *(after - 1);
    const Look& b = *after;
    const double rate =
        static_cast<double>(b.second - a.second) / static_cast<double>(b.first - a.first);
    return from(a, rate, ticks);
  }

 private:
  using Look = std::pair<std::uint64_t, std::int64_t>;

  std::int64_t near_origin(std::int64_t ns) const {
    return std::clamp(ns, origin_ - longest_ns, origin_ + longest_ns);
  }
  std::int64_t from(const Look& look, double rate, std::uint64_t ticks) const {
    const double past = ticks >= look.first ? static_cast<double>(ticks - look.first)
                                            : -static_cast<double>(look.first - ticks);
    const auto most = static_cast<double>(longest_ns);
    return near_origin(look.second + std::llround(std::clamp(past * rate, -most, most)));
  }

  std::vector<Look> looks_;
  std::int64_t origin_ = 0;  // nanoseconds of the first look that was told
};

// Tasks by their ids, in the order in which they were first named.
class TaskNumbers {
 public:
  static constexpr Index none = -1;

  Index find(std::uint64_t id) const {
    if (slots_.empty()) return none;
    return slots_[slot_of(id)].number;
  }
  // Its number, and whether the id is new.
  std::pair<Index, bool> add(std::uint64_t id) {
    if (2 * static_cast<std::size_t>(count_) >= slots_.size()) grow();
    Slot& slot = slots_[slot_of(id)];
    if (slot.number != none) return {slot.number, false};
    slot = {id, count_};
    return {count_++, true};
  }

 private:
  struct Slot {
    std::uint64_t id = 0;
    Index number = none;
  };
  // Where the id lies, or belongs: groups of 16 that follow each other lie together, which caches
  // like, and the groups are scattered.
  std::size_t slot_of(std::uint64_t id) const {
    std::size_t at = (id >> 4) * 0x9e3779b97f4a7c15 >> shift_ << 4 | (id & 15);
    while (slots_[at].number != none && slots_[at].id != id) at = (at + 1) & (slots_.size() - 1);
    return at;
  }
  void grow() {
    const std::vector<Slot> old = std::move(slots_);
    slots_ = std::vector<Slot>(std::max<std::size_t>(2 * old.size(), 1024));
    shift_ = 64 + 4 - std::countr_zero(slots_.size());
    for (const Slot& slot : old) {
      if (slot.number != none) slots_[slot_of(slot.id)] = slot;
    }
  }

  std::vector<Slot> slots_;
  int shift_ = 0;
  Index count_ = 0;
};

class Loader {
 public:
  explicit Loader(const std::string& path) : reader_(path) {
    trace_.path = path;
    trace_.closed = reader_.closed();
    trace_.dropped = reader_.dropped();
  }

  Trace run() {
    for (const std::string& line : reader_.definitions()) define(line);
    clock_.finish();
    if (clock_.empty())
      trace_.complaints.push_back("the trace has no look at the clock: its times are ticks");
    std::vector<Record> records;
    const std::vector<Segment> segments = reader_.segments();
    for (std::size_t i = 0; i < segments.size();) {
      records.clear();
      const std::uint32_t track = segments[i].track;
      for (; i < segments.size() && segments[i].track == track; ++i)
        reader_.load(segments[i], records);
      thread(track, records);
    }
    complete();
    for (const std::string& c : reader_.complaints()) trace_.complaints.push_back(c);
    return std::move(trace_);
  }

 private:
  void define(const std::string& line) {
    const json d = json::parse(line, nullptr, false);
    if (!d.is_object()) {
      trace_.complaints.push_back(format("{}: a definition is damaged", trace_.path));
      return;
    }
    const std::string kind = text(d, "def");
    if (kind == "site") {
      const auto id = static_cast<SiteId>(number(d, "id"));
      sites_.emplace(id, static_cast<Index>(trace_.sites.size()));
      trace_.sites.push_back({text(d, "name"), category_named(text(d, "category")),
                              text(d, "function"), text(d, "file"),
                              static_cast<std::int32_t>(number(d, "line")),
                              static_cast<std::int32_t>(number(d, "column")),
                              static_cast<std::int32_t>(number(d, "node")), text(d, "text")});
    } else if (kind == "thread") {
      const auto track = static_cast<std::uint32_t>(number(d, "track"));
      const std::int64_t id = number(d, "id");
      threads_[track] = {id != 0 ? static_cast<std::uint64_t>(id) : track, text(d, "name"),
                         number(d, "system")};
    } else if (kind == "counter") {
      counters_.emplace(static_cast<SiteId>(number(d, "id")),
                        static_cast<Index>(trace_.counters.size()));
      trace_.counters.push_back(
          {text(d, "name"), text(d, "unit"), counter_kind_named(text(d, "kind")), text(d, "doc")});
    } else if (kind == "clock") {
      clock_.add(static_cast<std::uint64_t>(number(d, "ticks")), number(d, "ns"));
    } else if (kind == "complaint") {
      trace_.complaints.push_back(text(d, "text"));
    } else if (kind == "dropped") {
      trace_.dropped += static_cast<std::uint64_t>(number(d, "count"));
    } else if (kind == "run") {
      if (d.contains("started")) started_ = number(d, "started");
      for (const auto& [name, value] : d.items()) {
        if (name != "def")
          trace_.facts.emplace_back(name,
                                    value.is_string() ? value.get<std::string>() : value.dump());
      }
    }
  }

  static std::string text(const json& d, const char* name) {
    const auto at = d.find(name);
    return at != d.end() && at->is_string() ? at->get<std::string>() : std::string();
  }
  static std::int64_t number(const json& d, const char* name) {
    const auto at = d.find(name);
    return at != d.end() && at->is_number() ? at->get<std::int64_t>() : 0;
  }

  void thread(std::uint32_t track, const std::vector<Record>& records) {
    const auto known = threads_.find(track);
    thread_ = static_cast<Index>(trace_.threads.size());
    trace_.threads.push_back(
        known != threads_.end() ? known->second : Thread{track, format("thread {}", track), 0});
    open_.clear();
    suspended_.clear();
    for (const Record& r : records) record(r);
  }

  void record(const Record& r) {
    const std::int64_t time = clock_.ns(r.ticks);
    first_ = std::min(first_, time);
    last_ = std::max(last_, time);
    switch (r.event) {
      case Event::begin: return begin(r, time);
      case Event::end: return end(r, time);
      case Event::create: {
        Making& t = task(r.task);
        t.row.site = site(r.site);
        // Work that goes on elsewhere may be told again.
        t.row.created = t.row.created < 0 ? time : std::min(t.row.created, time);
        t.parent = r.argument;
        t.row.maker = thread_;
        return;
      }
      case Event::ready: {
        Making& t = task(r.task);
        t.row.ready = t.row.ready < 0 ? time : std::max(t.row.ready, time);
        if (r.argument != 0) edges_.push_back({r.argument, r.task, std::bit_cast<float>(r.site)});
        return;
      }
      case Event::work: return work(r);
      case Event::sample: {
        const auto at = counters_.find(r.site);
        if (at == counters_.end()) return;
        trace_.samples.push_back({time, at->second, thread_, std::bit_cast<double>(r.argument)});
        return;
      }
      case Event::none: return;
      default: return point(r, time);
    }
  }

  // Memory is taken where the span around stands.
  void point(const Record& r, std::int64_t time) {
    Index s = site(r.site);
    const bool of_memory = r.event == Event::allocate || r.event == Event::release;
    if (of_memory && r.site == 0 && !open_.empty())
      s = trace_.spans[static_cast<std::size_t>(open_.back())].site;
    points_.push_back({{time, r.event, s, thread_, -1, r.argument}, r.task});
    if (r.event == Event::suspend) suspended_[r.task] = time;
    if (r.event != Event::resume) return;
    const auto since = suspended_.find(r.task);
    if (since == suspended_.end()) return;
    task(r.task).row.busy -= time - since->second;
    suspended_.erase(since);
  }

  void begin(const Record& r, std::int64_t time) {
    SpanRow span;
    span.begin = time;
    span.end = time;
    span.site = site(r.site);
    span.thread = thread_;
    span.parent = open_.empty() ? -1 : open_.back();
    span.open = true;
    open_.push_back(static_cast<Index>(trace_.spans.size()));
    trace_.spans.push_back(span);
    tasks_of_spans_.push_back(r.task != 0 ? number_of(r.task) : TaskNumbers::none);
  }

  // Spans end in the order in which they lie in each other; an end whose begin was not recorded
  // has no span.
  void end(const Record& r, std::int64_t time) {
    const Index s = site(r.site);
    const Index task = r.task != 0 ? numbers_.find(r.task) : TaskNumbers::none;
    if (task == TaskNumbers::none && r.task != 0) return;
    const auto at = std::find_if(open_.rbegin(), open_.rend(), [&](Index i) {
      return trace_.spans[static_cast<std::size_t>(i)].site == s &&
             tasks_of_spans_[static_cast<std::size_t>(i)] == task;
    });
    if (at == open_.rend()) return;
    for (bool found = false; !found;) {
      SpanRow& span = trace_.spans[static_cast<std::size_t>(open_.back())];
      found = open_.back() == *at;
      if (found && r.task == 0 && r.argument != 0) work(r);
      span.end = time;
      span.open = !found;
      open_.pop_back();
    }
  }

  void work(const Record& r) {
    const double bytes = first_of(r.argument);
    const double flops = second_of(r.argument);
    if (r.task != 0) {
      Making& t = task(r.task);
      t.row.bytes += bytes;
      t.row.flops += flops;
    } else if (!open_.empty()) {
      trace_.work.push_back({open_.back(), bytes, flops});
    }
  }

  Index site(SiteId id) const {
    const auto at = sites_.find(id);
    return at == sites_.end() ? -1 : at->second;
  }

  struct Making {
    TaskRow row;
    std::uint64_t parent = 0;
  };
  Index number_of(std::uint64_t id) {
    const auto [number, is_new] = numbers_.add(id);
    if (is_new) tasks_.emplace_back().row.id = id;
    return number;
  }
  Making& task(std::uint64_t id) { return tasks_[static_cast<std::size_t>(number_of(id))]; }

  // Of the trace's tasks, which are sorted.
  Index index_of(std::uint64_t id) const {
    const Index number = numbers_.find(id);
    return number < 0 ? -1 : places_[static_cast<std::size_t>(number)];
  }

  void sort_tasks() {
    std::vector<std::pair<std::uint64_t, Index>> order(tasks_.size());
    for (std::size_t i = 0; i < order.size(); ++i)
      order[i] = {tasks_[i].row.id, static_cast<Index>(i)};
    if (!std::is_sorted(order.begin(), order.end())) std::sort(order.begin(), order.end());
    places_.resize(order.size());
    trace_.tasks.reserve(order.size());
    for (const auto& [id, number] : order) {
      places_[static_cast<std::size_t>(number)] = static_cast<Index>(trace_.tasks.size());
      trace_.tasks.push_back(tasks_[static_cast<std::size_t>(number)].row);
    }
    for (std::size_t t = 0; t < order.size(); ++t) {
      const Making& making = tasks_[static_cast<std::size_t>(order[t].second)];
      trace_.tasks[t].parent = index_of(making.parent);
    }
  }

  void complete() {
    sort_tasks();
    if (first_ > last_) first_ = last_ = 0;
    trace_.length = last_ - first_;
    if (!clock_.empty()) {
      trace_.origin = first_;
      if (started_ != 0) trace_.day = started_ + (first_ - clock_.first_ns());
    }
    spans();
    for (TaskRow& t : trace_.tasks) {
      if (t.created >= 0) t.created -= first_;
      if (t.ready >= 0) t.ready -= first_;
    }
    for (const RawEdge& e : edges_) {
      const Index from = index_of(e.from);
      if (from >= 0) trace_.edges.push_back({from, index_of(e.to), e.bytes});
    }
    std::stable_sort(trace_.edges.begin(), trace_.edges.end(),
                     [](const Edge& a, const Edge& b) { return a.to < b.to; });
    // An outer span may say its work after an inner one.
    std::stable_sort(trace_.work.begin(), trace_.work.end(),
                     [](const Work& a, const Work& b) { return a.span < b.span; });
    for (Sample& s : trace_.samples) s.time -= first_;
    std::stable_sort(trace_.samples.begin(), trace_.samples.end(),
                     [](const Sample& a, const Sample& b) { return a.time < b.time; });
    for (RawPoint& p : points_) {
      p.point.time -= first_;
      p.point.task = index_of(p.task);
      trace_.points.push_back(p.point);
    }
    std::stable_sort(trace_.points.begin(), trace_.points.end(),
                     [](const Point& a, const Point& b) { return a.time < b.time; });
  }

  void spans() {
    for (std::size_t i = 0; i < trace_.spans.size(); ++i) {
      SpanRow& s = trace_.spans[i];
      if (s.open && s.end == s.begin) s.end = last_;
      s.begin -= first_;
      s.end -= first_;
      const Index number = tasks_of_spans_[i];
      if (number < 0) continue;
      s.task = places_[static_cast<std::size_t>(number)];
      TaskRow& t = trace_.tasks[static_cast<std::size_t>(s.task)];
      if (t.site < 0) t.site = s.site;
      if (t.begin < 0 || s.begin < t.begin) t.begin = s.begin;
      t.end = std::max(t.end, s.end);
      t.busy += s.duration();
    }
  }

  struct RawEdge {
    std::uint64_t from, to;
    double bytes;
  };
  struct RawPoint {
    Point point;
    std::uint64_t task;
  };

  Reader reader_;
  Trace trace_;
  ClockMap clock_;
  std::unordered_map<SiteId, Index> sites_;
  std::unordered_map<SiteId, Index> counters_;
  std::unordered_map<std::uint32_t, Thread> threads_;
  TaskNumbers numbers_;
  std::vector<Making> tasks_;          // by number
  std::vector<Index> places_;          // where each number stands in the trace
  std::vector<Index> tasks_of_spans_;  // numbers
  std::vector<RawEdge> edges_;
  std::vector<RawPoint> points_;
  std::vector<Index> open_;
  std::unordered_map<std::uint64_t, std::int64_t> suspended_;  // tasks of the thread, since when
  Index thread_ = -1;
  std::int64_t started_ = 0;  // nanoseconds from 1970 to the first look at the clock
  std::int64_t first_ = INT64_MAX;
  std::int64_t last_ = INT64_MIN;
};

}  // namespace

std::string_view Trace::fact(std::string_view name) const {
  for (const auto& [known, value] : facts) {
    if (known == name) return value;
  }
  return {};
}

Trace load(const std::string& path) { return Loader(path).run(); }

}  // namespace jetlag::trace
