// Data-flow tasks on oneTBB. A task is a job in blocks that starts when the
// tasks before it are done; nobody polls and no worker waits inside a task. A
// worker that ends a task goes on with one that this made ready.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <span>
#include <utility>

#include "trace/counters/tally.h"
#include "trace/record/record.h"

namespace jetlag::tasks {

// How many workers compute. Setting takes effect for tasks that start later;
// throws Error(value) unless 1 <= count <= 1024.
int workers();
void set_workers(int count);

// Loads what the workers need: otherwise their first task does, and waits for whoever loads
// another library then.
void prepare();

// Workers and their caller, as far as a recording should have room ready for them.
std::size_t recording_threads();

// After fork the child has no workers: everything runs on the calling thread.
bool inline_only();
void after_fork();

// How many tasks lie in the queue from which workers take them.
std::int64_t queue_length();
// Nanoseconds that the workers had since the first of them began, of all together.
double worker_time_ns();

class Task;

// A counted reference to a task.
class TaskPtr {
 public:
  TaskPtr() = default;
  explicit TaskPtr(Task* task);
  TaskPtr(const TaskPtr& other) : TaskPtr(other.task_) {}
  TaskPtr(TaskPtr&& other) noexcept : task_(std::exchange(other.task_, nullptr)) {}
  TaskPtr& operator=(TaskPtr other) noexcept {
    std::swap(task_, other.task_);
    return *this;
  }
  ~TaskPtr();
  void reset() { *this = TaskPtr(); }
  Task* get() const { return task_; }
  Task* operator->() const { return task_; }
  Task& operator*() const { return *task_; }
  explicit operator bool() const { return task_ != nullptr; }

 private:
  Task* task_ = nullptr;
};

// What a task does. Blocks run in any order, at the same time; finish runs
// after the last of them. done is called exactly once, at the end, on the
// thread that ended the task, whether it ran, failed or was dropped.
struct Work {
  std::int64_t blocks = 1;
  std::int64_t blocks_per_grab = 1;  // how many a worker takes at a time
  std::function<void(std::int64_t block)> body;
  std::function<void()> finish;
  std::function<void(const Task&)> done;
  const std::atomic<bool>* dropped = nullptr;  // when true, what has not begun is left out
  bool stoppable = true;                       // between blocks, too
  bool brief = false;  // it lasts no longer than another worker takes to wake
  // For the trace.
  trace::SiteId site = 0;
  double bytes = 0;  // moved, by all blocks together
  double flops = 0;
  double result_bytes = 0;  // handed to those that wait
};

class Task {
 public:
  // Starts the work once all tasks of `after` are done. A task behind one that
  // failed does not run: it counts as failed too, without an error of its own.
  static TaskPtr start(Work work, std::span<const TaskPtr> after);

  bool finished() const { return finished_.load(std::memory_order_acquire); }
  bool failed() const { return failed_.load(std::memory_order_acquire); }
  std::exception_ptr error() const { return error_; }         // once finished
  std::int64_t nanoseconds() const { return end_ - begin_; }  // from begin to end, once finished
  std::int64_t busy_nanoseconds() const { return busy_; }     // of all workers together

 private:
  friend class TaskPtr;
  friend class Ready;

  // An entry in the list of those that wait for a task. It holds a reference.
  struct Link {
    Link* next = nullptr;
    Task* waiter = nullptr;
    bool inside = false;  // of the waiter
  };

  explicit Task(Work work) : work_(std::move(work)) {
    trace::count(trace::Tally::tasks_created);
    if (trace::recording()) [[unlikely]]
      record_creation();
  }
  void record_creation();
  void record_edge(const Task& before) const;
  void record_steal() const;
  void retain() const { references_.fetch_add(1, std::memory_order_relaxed); }
  void release() const {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

  bool wait_for(Task& before);
  static Link* in_order(Link* list);
  void one_less(bool here);  // a predecessor is done: on this worker, and that was its last
  void launch(bool here);    // hands runners to the workers
  void run_blocks();         // takes blocks until none is left
  void end();
  void fail(std::exception_ptr error);

  static constexpr int links_inside = 2;
  trace::TaskId id_ = 0;                      // 0: nothing was recorded when it was made
  std::uint32_t ready_on_ = trace::no_track;  // the worker that made it ready, while recording
  static Link closed_;                        // stands in the list of a task that has ended

  Work work_;
  mutable std::atomic<std::int64_t> references_{0};
  std::atomic<std::int64_t> waiting_{1};
  std::atomic<std::int64_t> next_block_{0};
  std::atomic<std::int64_t> runners_{0};
  std::atomic<Link*> waiters_{nullptr};
  std::atomic<bool> finished_{false};
  std::atomic<bool> failed_{false};
  std::atomic<bool> has_error_{false};
  std::atomic<std::int64_t> begin_{0};
  std::atomic<std::int64_t> busy_{0};
  std::int64_t end_ = 0;
  std::exception_ptr error_;
  int links_used_ = 0;
  int ready_by_ = -1;  // the worker that made it ready
  Link links_[links_inside];
};

inline TaskPtr::TaskPtr(Task* task) : task_(task) {
  if (task_) task_->retain();
}
inline TaskPtr::~TaskPtr() {
  if (task_) task_->release();
}

}  // namespace jetlag::tasks
