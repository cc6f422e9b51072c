// A thread that ends gives its place back: what it counted as a worker stays under its number,
// which the next worker goes on with; the rest is added to what ended threads have counted.
#include "trace/counters/tally.h"

#include <algorithm>
#include <mutex>
#include <new>
#include <optional>
#include <vector>

#include "base/error.h"
#include "trace/counters/sources.h"

namespace jetlag::trace {

namespace detail {

thread_local constinit Tallies* tallies = nullptr;

}  // namespace detail

namespace {

using detail::Tallies;

struct TallyRow {
  std::string_view object;
  std::string_view name;
  std::string_view unit;
  CounterKind kind;
  std::string_view doc;
  bool of_workers = false;  // each has one of its own, too
  // A sum over threads, less others; an average by the weight.
  Tally plus;
  std::array<std::optional<Tally>, 2> minus = {};
  std::optional<Tally> weight = {};
  double scale = 1;
};

constexpr double s_per_ns = 1e-9;

constexpr TallyRow table[] = {
    {.object = "/tasks",
     .name = "created",
     .unit = "tasks",
     .kind = CounterKind::monotone,
     .doc = "tasks that were made",
     .plus = Tally::tasks_created},
    {.object = "/tasks",
     .name = "executed",
     .unit = "tasks",
     .kind = CounterKind::monotone,
     .doc = "tasks that ran to their end; of a worker: those that it ended",
     .of_workers = true,
     .plus = Tally::tasks_executed},
    {.object = "/tasks",
     .name = "failed",
     .unit = "tasks",
     .kind = CounterKind::monotone,
     .doc = "tasks that failed, were dropped, or came after one that did",
     .plus = Tally::tasks_failed},
    {.object = "/tasks",
     .name = "waiting",
     .unit = "tasks",
     .kind = CounterKind::gauge,
     .doc = "tasks whose operands are not there yet",
     .plus = Tally::tasks_created,
     .minus = {Tally::tasks_ready}},
    {.object = "/tasks",
     .name = "queued",
     .unit = "tasks",
     .kind = CounterKind::gauge,
     .doc = "tasks that are ready, and that nobody has begun",
     .plus = Tally::tasks_ready,
     .minus = {Tally::tasks_begun}},
    {.object = "/tasks",
     .name = "running",
     .unit = "tasks",
     .kind = CounterKind::gauge,
     .doc = "tasks that have begun and not ended",
     .plus = Tally::tasks_begun,
     .minus = {Tally::tasks_executed, Tally::tasks_failed}},
    {.object = "/tasks",
     .name = "runs",
     .unit = "runs",
     .kind = CounterKind::monotone,
     .doc = "times that a worker took blocks of a task; several may work on one",
     .of_workers = true,
     .plus = Tally::runs},
    {.object = "/tasks",
     .name = "taken-over",
     .unit = "runs",
     .kind = CounterKind::monotone,
     .doc = "runs of a task that another worker had made ready",
     .of_workers = true,
     .plus = Tally::runs_taken_over},
    {.object = "/tasks",
     .name = "steal-rate",
     .unit = "1",
     .kind = CounterKind::average,
     .doc = "the share of runs whose task another worker had made ready",
     .of_workers = true,
     .plus = Tally::runs_taken_over,
     .weight = Tally::runs},
    {.object = "/tasks",
     .name = "busy",
     .unit = "s",
     .kind = CounterKind::monotone,
     .doc = "time in which workers ran tasks",
     .of_workers = true,
     .plus = Tally::busy_ns,
     .scale = s_per_ns},
    {.object = "/tasks",
     .name = "time-average",
     .unit = "s",
     .kind = CounterKind::average,
     .doc = "the time of a run",
     .of_workers = true,
     .plus = Tally::busy_ns,
     .weight = Tally::runs,
     .scale = s_per_ns},
    {.object = "/cache",
     .name = "plan-hits",
     .unit = "calls",
     .kind = CounterKind::monotone,
     .doc = "calls that found their plan",
     .plus = Tally::plan_hits},
    {.object = "/cache",
     .name = "plan-misses",
     .unit = "calls",
     .kind = CounterKind::monotone,
     .doc = "calls whose plan had to be made",
     .plus = Tally::plan_misses},
    {.object = "/cache",
     .name = "code-hits",
     .unit = "lookups",
     .kind = CounterKind::monotone,
     .doc = "object code that was found in memory",
     .plus = Tally::code_hits},
    {.object = "/cache",
     .name = "object-hits",
     .unit = "loads",
     .kind = CounterKind::monotone,
     .doc = "object code that was loaded from disk",
     .plus = Tally::object_hits},
    {.object = "/cache",
     .name = "object-misses",
     .unit = "lookups",
     .kind = CounterKind::monotone,
     .doc = "object code that disk did not have",
     .plus = Tally::object_misses},
    {.object = "/compile",
     .name = "count",
     .unit = "compilations",
     .kind = CounterKind::monotone,
     .doc = "times that LLVM made code",
     .plus = Tally::compilations},
    {.object = "/compile",
     .name = "time",
     .unit = "s",
     .kind = CounterKind::monotone,
     .doc = "time in which LLVM made code",
     .plus = Tally::compile_ns,
     .scale = s_per_ns},
    {.object = "/python",
     .name = "opaque-steps",
     .unit = "steps",
     .kind = CounterKind::monotone,
     .doc = "steps that Python ran",
     .plus = Tally::opaque_steps},
    {.object = "/python",
     .name = "opaque-time",
     .unit = "s",
     .kind = CounterKind::monotone,
     .doc = "time of the steps that Python ran",
     .plus = Tally::opaque_ns,
     .scale = s_per_ns},
};

struct Place {
  Tallies tallies;
  int worker = -1;
};

// Never destroyed: threads may still count while the process ends.
struct State {
  std::mutex mutex;
  std::vector<Place*> all;
  std::vector<Place*> free;          // of threads that were no workers
  std::vector<Place*> free_workers;  // of workers
  std::vector<Place*> workers;       // by number
};
State& state() {
  static State& s = *new State;
  return s;
}

thread_local bool ended = false;

// The calling thread's.
struct Holder {
  Place* place = nullptr;
  ~Holder() {
    ended = true;
    detail::tallies = nullptr;
    if (!place) return;
    State& s = state();
    std::scoped_lock lock(s.mutex);
    (place->worker < 0 ? s.free : s.free_workers).push_back(place);
  }
};
thread_local Holder holder;

std::uint64_t of(const Tallies& tallies, Tally tally) {
  return tallies.values[static_cast<std::size_t>(tally)].load(std::memory_order_relaxed);
}

// With the lock held. Worker -1: of all.
std::int64_t sum(const State& s, Tally tally, std::ptrdiff_t worker) {
  std::uint64_t all = 0;
  if (worker >= 0) all = of(s.workers[static_cast<std::size_t>(worker)]->tallies, tally);
  else {
    for (const Place* p : s.all) all += of(p->tallies, tally);
  }
  return static_cast<std::int64_t>(all);
}

Reading read_row(const State& s, const TallyRow& row, std::ptrdiff_t worker) {
  // Threads go on counting, so a later state may be ahead of an earlier one for a moment.
  std::int64_t less = 0;
  for (const std::optional<Tally> t : row.minus) less += t ? sum(s, *t, worker) : 0;
  const std::int64_t value = std::max<std::int64_t>(sum(s, row.plus, worker) - less, 0);
  Reading reading{static_cast<double>(value) * row.scale};
  if (row.weight) reading.weight = static_cast<double>(sum(s, *row.weight, worker));
  return reading;
}

// First the rows for all, then those of worker 0, of worker 1, …
class TallySource : public CounterSource {
 public:
  TallySource() {
    for (const TallyRow& row : table) {
      if (row.of_workers) of_workers_.push_back(&row);
    }
  }

  std::string_view prefix() const override { return "/"; }

  std::vector<ListedCounter> list() override {
    std::vector<ListedCounter> all;
    for (const TallyRow& row : table) all.push_back(listed(row, "0/total"));
    State& s = state();
    std::scoped_lock lock(s.mutex);
    for (std::size_t w = 0; w < s.workers.size(); ++w) {
      for (const TallyRow* row : of_workers_) all.push_back(listed(*row, format("0/worker-{}", w)));
    }
    return all;
  }

  void read(std::span<const std::size_t> places, std::span<Reading> values) override {
    State& s = state();
    std::scoped_lock lock(s.mutex);
    for (std::size_t i = 0; i < places.size(); ++i) {
      const std::size_t place = places[i];
      if (place < std::size(table)) {
        values[i] = read_row(s, table[place], -1);
        continue;
      }
      const std::size_t more = place - std::size(table);
      values[i] = read_row(s, *of_workers_[more % of_workers_.size()],
                           static_cast<std::ptrdiff_t>(more / of_workers_.size()));
    }
  }

 private:
  static ListedCounter listed(const TallyRow& row, std::string_view instance) {
    return {{counter_name(row.object, instance, row.name), std::string(row.unit), row.kind,
             std::string(row.doc)}};
  }

  std::vector<const TallyRow*> of_workers_;
};

}  // namespace

namespace detail {

Tallies& join_tallies() {
  // What ends with the thread may count after this has ended; a few such counts may be lost.
  static Tallies& late = *new Tallies;
  if (ended) return late;
  State& s = state();
  std::scoped_lock lock(s.mutex);
  if (s.free.empty()) {
    s.all.push_back(new Place);
    s.free.push_back(s.all.back());
  }
  holder.place = s.free.back();
  s.free.pop_back();
  tallies = &holder.place->tallies;
  return *tallies;
}

}  // namespace detail

std::uint64_t total(Tally tally) {
  State& s = state();
  std::scoped_lock lock(s.mutex);
  return static_cast<std::uint64_t>(sum(s, tally, -1));
}

int become_worker() {
  if (holder.place && holder.place->worker >= 0) return holder.place->worker;
  State& s = state();
  std::unique_lock lock(s.mutex);
  if (holder.place) s.free.push_back(holder.place);
  const bool fresh = s.free_workers.empty();
  if (fresh) {
    s.all.push_back(new Place{{}, static_cast<int>(s.workers.size())});
    s.workers.push_back(s.all.back());
    s.free_workers.push_back(s.all.back());
  }
  holder.place = s.free_workers.back();
  s.free_workers.pop_back();
  detail::tallies = &holder.place->tallies;
  lock.unlock();
  if (fresh) note_new_counters();
  return holder.place->worker;
}

int worker_number() { return holder.place ? holder.place->worker : -1; }

std::unique_ptr<CounterSource> tally_source() { return std::make_unique<TallySource>(); }

// What the parent counted stays; its other threads are not here.
void tallies_after_fork() {
  State& s = state();
  new (&s.mutex) std::mutex;
  s.free.clear();
  s.free_workers.clear();
  for (Place* p : s.all) {
    if (p != holder.place) (p->worker < 0 ? s.free : s.free_workers).push_back(p);
  }
}

}  // namespace jetlag::trace
