#include "runtime/tasks/tasks.h"

#include <oneapi/tbb/global_control.h>

#include <algorithm>
#include <bit>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/settings.h"
#include "runtime/tasks/hand_out.h"
#include "runtime/tasks/spread.h"
#include "runtime/tasks/totals.h"
#include "trace/counters/hardware.h"

namespace jetlag::tasks {

namespace {

constexpr int most_workers = 1024;

// The workers sleep in oneTBB's arena while there is nothing to do. The thread
// that calls waits outside, so every slot belongs to a worker. Tasks that are
// ready lie in a queue of ours, which awake workers empty: only waking one is
// asked of oneTBB.
class Pool : public std::enable_shared_from_this<Pool> {
 public:
  explicit Pool(int count)
      : count_(count),
        control_(tbb::global_control::max_allowed_parallelism, most_workers + 1),
        arena_(count, /*reserved_for_masters=*/0) {}

  // So many workers shall run the task; each holds a reference that is given here.
  void add(Task* task, std::int64_t runners, bool urgent);
  void prepare() { arena_.initialize(); }
  std::int64_t waiting() {
    std::scoped_lock lock(mutex_);
    return static_cast<std::int64_t>(urgent_.size() + others_.size());
  }

 private:
  static void empty(void* pool) { static_cast<Pool*>(pool)->empty(); }
  int most_awake() const {
    const auto cap = static_cast<int>(std::min<std::int64_t>(worker_cap(), most_workers));
    return cap > 0 ? std::min(cap, count_) : count_;
  }
  void empty();

  const int count_;
  tbb::global_control control_;  // more threads than cores are allowed; the arena has the limit
  tbb::task_arena arena_;
  std::mutex mutex_;
  std::deque<Task*> urgent_, others_;
  int awake_ = 0;
  std::int64_t called_ns_ = 0;  // when workers were last woken, until one came
  std::shared_ptr<Pool> self_;  // while workers are awake: their number may change meanwhile
};

struct State {
  std::mutex mutex;
  std::atomic<int> count{static_cast<int>(std::max(1u, std::thread::hardware_concurrency()))};
  std::shared_ptr<Pool> pool;
  // The time of workers up to `counted_ns`; 0: there were none yet.
  double worker_ns = 0;
  std::int64_t counted_ns = 0;

  // With the lock held.
  void count_worker_time() {
    const std::int64_t now = now_ns();
    if (counted_ns != 0) worker_ns += static_cast<double>(now - counted_ns) * count;
    counted_ns = now;
  }
};

// Never destroyed: a task may still end while the process does.
State& state() {
  static State* s = new State;
  return *s;
}

std::atomic<bool> forked{false};

std::shared_ptr<Pool> pool() {
  State& s = state();
  std::scoped_lock lock(s.mutex);
  if (!s.pool) {
    s.pool = std::make_shared<Pool>(s.count.load());
    s.count_worker_time();
  }
  return s.pool;
}

}  // namespace

int workers() { return state().count.load(std::memory_order_relaxed); }

void set_workers(int count) {
  if (count < 1 || count > most_workers) {
    throw Error(Kind::value,
                format("the number of threads must be 1 to {}, not {}", most_workers, count));
  }
  State& s = state();
  std::scoped_lock lock(s.mutex);
  if (count == s.count) return;
  if (s.counted_ns != 0) s.count_worker_time();
  s.count = count;
  s.pool.reset();
}

void prepare() {
  static std::atomic<bool> done{false};
  if (!inline_only() && !done.exchange(true)) pool()->prepare();
}

std::size_t recording_threads() {
  constexpr int most_prepared = 16;  // beyond, the recording would begin too late
  return static_cast<std::size_t>(std::min(workers() + 1, most_prepared));
}

std::int64_t queue_length() {
  State& s = state();
  std::shared_ptr<Pool> pool;
  {
    std::scoped_lock lock(s.mutex);
    pool = s.pool;
  }
  return pool ? pool->waiting() : 0;
}

double worker_time_ns() {
  State& s = state();
  std::scoped_lock lock(s.mutex);
  if (s.counted_ns != 0) s.count_worker_time();
  return s.worker_ns;
}

bool inline_only() { return forked.load(std::memory_order_relaxed); }

void after_fork() {
  forked = true;
  // The mutex may have been held by a thread that the child does not have.
  new (&state()) State{};
}

// ---- on a worker ----------------------------------------------------------------

// What a worker does next: tasks that it made ready go on where their operands
// are in the cache, one after another; all but one are offered to the others,
// and brief ones are not.
class Ready {
 public:
  // Takes over a reference. False: this thread is no worker, or has enough already.
  static bool keep(Task* task) {
    if (!current_) return false;
    std::vector<Task*>& next = current_->next_;
    if (task->work_.brief) {
      if (next.size() >= most_kept) return false;
      next.push_back(task);
      return true;
    }
    if (current_->has_long_) return false;
    current_->has_long_ = true;
    next.insert(next.begin(), task);
    return true;
  }

  static bool on_worker() { return current_ != nullptr; }

  static void run(Task* task) {
    Ready ready;
    while (task) {
      task->run_blocks();
      task->release();
      task = ready.take();
    }
  }

 private:
  Ready() { current_ = this; }
  ~Ready() { current_ = nullptr; }

  // Brief ones first: what they make ready may be long.
  Task* take() {
    if (next_.empty()) return nullptr;
    Task* const task = next_.back();
    next_.pop_back();
    if (!task->work_.brief) has_long_ = false;
    return task;
  }

  static constexpr std::size_t most_kept = 4;  // more of them are worth a worker
  static thread_local Ready* current_;
  std::vector<Task*> next_;
  bool has_long_ = false;  // the first of them is not brief
};

thread_local Ready* Ready::current_ = nullptr;

namespace {

void Pool::add(Task* task, std::int64_t runners, bool urgent) {
  int woken = 0;
  {
    std::scoped_lock lock(mutex_);
    for (std::int64_t i = 0; i < runners; ++i) (urgent ? urgent_ : others_).push_back(task);
    woken = static_cast<int>(std::clamp<std::int64_t>(most_awake() - awake_, 0, runners));
    if (awake_ == 0) self_ = shared_from_this();
    if (woken > 0) called_ns_ = now_ns();
    awake_ += woken;
  }
  for (int i = 0; i < woken; ++i) hand_out(arena_, &Pool::empty, this);
}

void name_worker() {
  static thread_local bool named = false;
  if (std::exchange(named, true)) return;
  trace::name_thread(format("worker {}", trace::become_worker()));
}

// Of all pools: when the number of workers changes, those of the last one are still awake.
Processors& processors() {
  static Processors all;
  return all;
}

void Pool::empty() {
  name_worker();
  int processor = processors().enter();
  std::unique_lock lock(mutex_);
  if (called_ns_ != 0) note_wake(now_ns() - std::exchange(called_ns_, 0));
  // One too many goes to sleep; the others go on.
  while (awake_ <= most_awake() && (!urgent_.empty() || !others_.empty())) {
    std::deque<Task*>& queue = urgent_.empty() ? others_ : urgent_;
    Task* task = queue.front();
    queue.pop_front();
    lock.unlock();
    processor = processors().look(processor);
    Ready::run(task);
    lock.lock();
  }
  processors().leave(processor);
  // The last one may be the last to know the pool.
  const std::shared_ptr<Pool> last = --awake_ == 0 ? std::move(self_) : nullptr;
  lock.unlock();
}

}  // namespace

// ---- tasks ------------------------------------------------------------------------

Task::Link Task::closed_;

TaskPtr Task::start(Work work, std::span<const TaskPtr> after) {
  TaskPtr task(new Task(std::move(work)));
  for (const TaskPtr& before : after) {
    task->waiting_.fetch_add(1, std::memory_order_relaxed);
    if (!task->wait_for(*before)) {
      task->record_edge(*before);
      if (before->failed()) task->failed_ = true;
      task->waiting_.fetch_sub(1, std::memory_order_relaxed);
    }
  }
  task->one_less(false);
  return task;
}

// False: it has ended.
bool Task::wait_for(Task& before) {
  Link* list = before.waiters_.load(std::memory_order_acquire);
  if (list == &closed_) return false;
  const bool inside = links_used_ < links_inside;
  Link* link = inside ? &links_[links_used_++] : new Link;
  link->waiter = this;
  link->inside = inside;
  retain();
  do {
    if (list == &closed_) {
      if (inside) --links_used_;
      else delete link;
      release();
      return false;
    }
    link->next = list;
  } while (!before.waiters_.compare_exchange_weak(list, link, std::memory_order_acq_rel,
                                                  std::memory_order_acquire));
  return true;
}

void Task::one_less(bool here) {
  if (waiting_.fetch_sub(1, std::memory_order_acq_rel) == 1) launch(here);
}

void Task::launch(bool here) {
  if (failed() || (work_.dropped && work_.dropped->load())) {
    failed_ = true;
    trace::count(trace::Tally::tasks_ready);
    trace::count(trace::Tally::tasks_begun);
    return end();
  }
  const std::int64_t grabs = (work_.blocks + work_.blocks_per_grab - 1) / work_.blocks_per_grab;
  std::int64_t runners = std::clamp<std::int64_t>(grabs, 1, workers());
  if (id_ != 0 && Ready::on_worker()) ready_on_ = trace::current_track();
  runners_ = runners;
  ready_by_ = trace::worker_number();
  trace::count(trace::Tally::tasks_ready);
  retain();
  if (here && Ready::keep(this)) {
    if (--runners == 0) return;
  } else {
    release();
  }
  for (std::int64_t i = 0; i < runners; ++i) retain();
  // Others wait for it: the way through it is longer than that through those that end here.
  const bool urgent = waiters_.load(std::memory_order_relaxed) != nullptr;
  pool()->add(this, runners, urgent);
}

void Task::run_blocks() {
  trace::Span span;
  trace::Metered metered;
  if (id_ != 0 && trace::recording()) [[unlikely]] {
    span.begin(work_.site, id_, static_cast<std::uint64_t>(work_.blocks));
    metered.begin();
  }
  const std::int64_t begin = now_ns();
  std::int64_t unset = 0;
  std::int64_t grabs = 0;
  if (begin_.compare_exchange_strong(unset, begin)) trace::count(trace::Tally::tasks_begun);
  trace::count(trace::Tally::runs);
  if (ready_by_ >= 0 && ready_by_ != trace::worker_number())
    trace::count(trace::Tally::runs_taken_over);
  try {
    while (!failed()) {
      if (work_.stoppable && work_.dropped && work_.dropped->load(std::memory_order_relaxed)) {
        failed_ = true;
        break;
      }
      const std::int64_t first =
          next_block_.fetch_add(work_.blocks_per_grab, std::memory_order_relaxed);
      if (first >= work_.blocks) break;
      if (grabs == 0 && ready_on_ != trace::no_track) [[unlikely]]
        record_steal();
      const std::int64_t last = std::min(first + work_.blocks_per_grab, work_.blocks);
      for (std::int64_t b = first; b < last; ++b) work_.body(b);
      ++grabs;
    }
  } catch (...) {
    fail(std::current_exception());
  }
  const std::int64_t busy = now_ns() - begin;
  busy_.fetch_add(busy, std::memory_order_relaxed);
  trace::count(trace::Tally::busy_ns, static_cast<std::uint64_t>(busy));
  note_grabs(grabs, busy);
  if (runners_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  if (!failed() && work_.finish) {
    try {
      work_.finish();
    } catch (...) {
      fail(std::current_exception());
    }
  }
  // Those that wait for it begin later than it ends.
  metered.end();
  span.end();
  end();
}

// ---- for the trace --------------------------------------------------------------------

void Task::record_creation() {
  if (work_.site == 0) return;
  id_ = trace::new_task();
  trace::put(trace::Event::create, work_.site, id_, trace::current_task());
}

// It could not begin before this one had ended.
void Task::record_edge(const Task& before) const {
  if (id_ == 0 || before.id_ == 0 || !trace::recording()) return;
  const auto bytes = std::bit_cast<trace::SiteId>(static_cast<float>(before.work_.result_bytes));
  trace::put(trace::Event::ready, bytes, id_, before.id_);
}

void Task::record_steal() const {
  if (trace::recording() && trace::current_track() != ready_on_)
    trace::put(trace::Event::steal, work_.site, id_, ready_on_);
}

void Task::fail(std::exception_ptr error) {
  if (!has_error_.exchange(true)) error_ = std::move(error);
  failed_ = true;
}

// Those that others wait for come first, for the way through them is longer;
// then those that were added first.
Task::Link* Task::in_order(Link* list) {
  Link* awaited = nullptr;
  Link* others = nullptr;
  Link* last = nullptr;
  while (list) {
    Link* const link = list;
    list = link->next;
    Link*& head = link->waiter->waiters_.load(std::memory_order_relaxed) ? awaited : others;
    link->next = head;
    head = link;
    if (&head == &awaited && !last) last = link;
  }
  if (!last) return others;
  last->next = others;
  return awaited;
}

void Task::end() {
  end_ = now_ns();
  if (begin_ == 0) begin_ = end_;
  if (id_ != 0 && trace::recording()) [[unlikely]]
    trace::put(trace::Event::work, work_.site, id_, trace::pack(work_.bytes, work_.flops));
  trace::count(failed() ? trace::Tally::tasks_failed : trace::Tally::tasks_executed);
  finished_.store(true, std::memory_order_release);
  Link* first = in_order(waiters_.exchange(&closed_, std::memory_order_acq_rel));
  if (failed()) {
    for (Link* link = first; link; link = link->next) link->waiter->failed_ = true;
  }
  // The closures hold arrays: they must not outlive the work, and whoever hears
  // that it is done finds them let go.
  work_.body = nullptr;
  work_.finish = nullptr;
  if (work_.done) work_.done(*this);
  work_.done = nullptr;
  while (first) {
    Link* link = std::exchange(first, first->next);
    Task* waiter = link->waiter;
    if (!link->inside) delete link;
    waiter->record_edge(*this);
    waiter->one_less(true);
    waiter->release();
  }
}

}  // namespace jetlag::tasks
