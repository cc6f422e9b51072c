#include "trace/store/callers.h"

#include <algorithm>
#include <limits>
#include <map>

namespace jetlag::trace {

namespace {

constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

// A moment of a task that a thread made.
struct Moment {
  std::int64_t time;
  Index task;
};
using Moments = std::vector<std::vector<Moment>>;  // by thread, then time

void sort(Moments& all) {
  for (auto& of_thread : all) {
    std::stable_sort(of_thread.begin(), of_thread.end(),
                     [](const Moment& a, const Moment& b) { return a.time < b.time; });
  }
}

class Walk {
 public:
  explicit Walk(const Trace& trace)
      : trace_(trace), made_(trace.threads.size()), ended_(trace.threads.size()) {
    for (std::size_t t = 0; t < trace.tasks.size(); ++t) {
      const TaskRow& row = trace.tasks[t];
      if (row.maker < 0 || row.parent >= 0) continue;
      const auto task = static_cast<Index>(t);
      if (row.created >= 0) made_[at(row.maker)].push_back({row.created, task});
      if (row.end >= 0) ended_[at(row.maker)].push_back({row.end, task});
    }
    sort(made_);
    sort(ended_);
  }

  Callers all() {
    for (std::size_t first = 0; first < trace_.spans.size();) {
      std::size_t last = first;
      while (last < trace_.spans.size() && trace_.spans[last].thread == trace_.spans[first].thread)
        ++last;
      thread(static_cast<Index>(first), static_cast<Index>(last));
      first = last;
    }
    return std::move(found_);
  }

 private:
  enum class Kind : std::uint8_t { own, waits, of_task };

  Kind kind_of(Index i) const {
    const SpanRow& span = trace_.spans[at(i)];
    if (span.task >= 0) return Kind::of_task;
    if (!open_.empty() && kinds_.back() != Kind::own) return kinds_.back();
    const bool waits = span.site >= 0 && trace_.sites[at(span.site)].category == Category::wait;
    return waits ? Kind::waits : Kind::own;
  }

  void thread(Index first, Index last) {
    thread_ = trace_.spans[at(first)].thread;
    next_made_ = 0;
    before_ = piece_ = -1;
    times_.clear();
    for (Index i = first; i < last; ++i) {
      const SpanRow& span = trace_.spans[at(i)];
      leave(span.begin, span.parent);
      own_until(span.begin);
      const Kind kind = kind_of(i);
      open_.push_back(i);
      kinds_.push_back(kind);
      if (kind == Kind::waits) cut();
    }
    leave(never, -1);
    cut();
  }

  // Ends the spans that do not hold the next one.
  void leave(std::int64_t until, Index parent) {
    while (!open_.empty() && open_.back() != parent) {
      const SpanRow& span = trace_.spans[at(open_.back())];
      own_until(std::min(span.end, until));
      const bool waited = kinds_.back() == Kind::waits &&
                          (kinds_.size() == 1 || kinds_[kinds_.size() - 2] == Kind::own);
      open_.pop_back();
      kinds_.pop_back();
      cursor_ = span.end;
      if (waited) wait_ended(span);
    }
  }

  // From the cursor on the innermost span ran by itself.
  void own_until(std::int64_t time) {
    const bool own = !open_.empty() && kinds_.back() == Kind::own;
    std::vector<Moment>& made = made_[at(thread_)];
    for (; next_made_ < made.size() && made[next_made_].time <= time; ++next_made_) {
      if (own) add(made[next_made_].time);
      found_.makes.emplace_back(current(), made[next_made_].task);
      cut();
    }
    if (own) add(time);
    cursor_ = std::max(cursor_, time);
  }

  void add(std::int64_t until) {
    const std::int64_t ns = until - cursor_;
    if (ns <= 0) return;
    found_.pieces[at(current())].busy += ns;
    times_[trace_.spans[at(open_.back())].site] += ns;
    cursor_ = until;
  }

  Index current() {
    if (piece_ < 0) {
      piece_ = static_cast<Index>(found_.pieces.size());
      found_.pieces.push_back({thread_, 0});
      if (before_ >= 0) found_.after_piece.emplace_back(before_, piece_);
    }
    return piece_;
  }

  void cut() {
    if (piece_ < 0) return;
    for (const auto& [site, time] : times_) found_.sites.push_back({piece_, site, time});
    times_.clear();
    before_ = piece_;
    piece_ = -1;
  }

  void wait_ended(const SpanRow& span) {
    const std::vector<Moment>& ended = ended_[at(thread_)];
    const auto later =
        std::upper_bound(ended.begin(), ended.end(), span.end,
                         [](std::int64_t time, const Moment& m) { return time < m.time; });
    if (later == ended.begin() || (later - 1)->time <= span.begin) return;
    found_.awaited.emplace_back((later - 1)->task, current());
  }

  const Trace& trace_;
  Moments made_;
  Moments ended_;
  Callers found_;
  Index thread_ = -1;
  std::size_t next_made_ = 0;
  Index before_ = -1;  // the thread's last piece
  Index piece_ = -1;   // that is growing
  std::int64_t cursor_ = 0;
  std::map<Index, std::int64_t> times_;  // of the piece that grows, by site
  std::vector<Index> open_;              // spans, each inside the one before
  std::vector<Kind> kinds_;
};

}  // namespace

std::span<const SiteTime> Callers::of_piece(Index piece) const {
  const auto [first, last] =
      std::equal_range(sites.begin(), sites.end(), SiteTime{piece, -1, 0},
                       [](const SiteTime& a, const SiteTime& b) { return a.piece < b.piece; });
  return {first, last};
}

Callers callers(const Trace& trace) { return Walk(trace).all(); }

}  // namespace jetlag::trace
