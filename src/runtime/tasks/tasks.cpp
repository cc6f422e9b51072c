#include "runtime/tasks/tasks.h"

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>

#include <algorithm>
#include <thread>

#include "base/clock.h"
#include "base/error.h"

namespace jetlag::tasks {

namespace {

constexpr int most_workers = 1024;

// The workers sleep in oneTBB's arena while there is nothing to do. The thread
// that calls waits outside, so every slot belongs to a worker.
struct Pool {
  explicit Pool(int count)
      : control(tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(count) + 1),
        arena(count, /*reserved_for_masters=*/0) {}
  tbb::global_control control;
  tbb::task_arena arena;
};

struct State {
  std::mutex mutex;
  int count = std::max(1u, std::thread::hardware_concurrency());
  std::shared_ptr<Pool> pool;
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
  if (!s.pool) s.pool = std::make_shared<Pool>(s.count);
  return s.pool;
}

}  // namespace

int workers() {
  State& s = state();
  std::scoped_lock lock(s.mutex);
  return s.count;
}

void set_workers(int count) {
  if (count < 1 || count > most_workers) {
    throw Error(Kind::value,
                format("the number of threads must be 1 to {}, not {}", most_workers, count));
  }
  State& s = state();
  std::scoped_lock lock(s.mutex);
  if (count == s.count) return;
  s.count = count;
  s.pool.reset();
}

bool inline_only() { return forked.load(std::memory_order_relaxed); }

void after_fork() {
  forked = true;
  // The mutex may have been held by a thread that the child does not have.
  new (&state()) State{};
}

TaskPtr Task::start(Work work, std::span<const TaskPtr> after) {
  TaskPtr task(new Task(std::move(work)));
  for (const TaskPtr& before : after) {
    task->waiting_.fetch_add(1, std::memory_order_relaxed);
    if (!before->add_successor(task)) {
      if (before->failed()) task->failed_ = true;
      task->waiting_.fetch_sub(1, std::memory_order_relaxed);
    }
  }
  task->one_less();
  return task;
}

bool Task::add_successor(const TaskPtr& next) {
  std::scoped_lock lock(mutex_);
  if (finished()) return false;
  successors_.push_back(next);
  return true;
}

void Task::one_less() {
  if (waiting_.fetch_sub(1, std::memory_order_acq_rel) == 1) launch();
}

void Task::launch() {
  if (failed() || (work_.dropped && work_.dropped->load())) {
    failed_ = true;
    return end();
  }
  const std::int64_t grabs = (work_.blocks + work_.blocks_per_grab - 1) / work_.blocks_per_grab;
  const std::int64_t runners = std::clamp<std::int64_t>(grabs, 1, workers());
  runners_ = runners;
  std::shared_ptr<Pool> where = pool();
  for (std::int64_t i = 0; i < runners; ++i) {
    // The pool lives as long as a runner: the number of workers may change meanwhile.
    where->arena.enqueue([self = shared_from_this(), where] { self->run_blocks(); });
  }
}

void Task::run_blocks() {
  std::int64_t unset = 0;
  begin_.compare_exchange_strong(unset, now_ns());
  try {
    while (!failed()) {
      if (work_.stoppable && work_.dropped && work_.dropped->load(std::memory_order_relaxed)) {
        failed_ = true;
        break;
      }
      const std::int64_t first =
          next_block_.fetch_add(work_.blocks_per_grab, std::memory_order_relaxed);
      if (first >= work_.blocks) break;
      const std::int64_t last = std::min(first + work_.blocks_per_grab, work_.blocks);
      for (std::int64_t b = first; b < last; ++b) work_.body(b);
    }
  } catch (...) {
    fail(std::current_exception());
  }
  if (runners_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  if (!failed() && work_.finish) {
    try {
      work_.finish();
    } catch (...) {
      fail(std::current_exception());
    }
  }
  end();
}

void Task::fail(std::exception_ptr error) {
  std::scoped_lock lock(mutex_);
  if (!error_) error_ = error;
  failed_ = true;
}

void Task::end() {
  end_ = now_ns();
  if (begin_ == 0) begin_ = end_;
  std::vector<TaskPtr> next;
  {
    std::scoped_lock lock(mutex_);
    finished_.store(true, std::memory_order_release);
    next.swap(successors_);
  }
  for (const TaskPtr& task : next) {
    if (failed()) task->failed_ = true;
  }
  // The closures hold arrays: they must not outlive the work, and whoever hears
  // that it is done finds them let go.
  work_.body = nullptr;
  work_.finish = nullptr;
  if (work_.done) work_.done(*this);
  work_.done = nullptr;
  for (const TaskPtr& task : next) task->one_less();
}

}  // namespace jetlag::tasks
