// Data-flow tasks on oneTBB. A task is a job in blocks that starts when the
// tasks before it are done; nobody polls and no worker waits inside a task.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

namespace jetlag::tasks {

// How many workers compute. Setting takes effect for tasks that start later;
// throws Error(value) unless 1 <= count <= 1024.
int workers();
void set_workers(int count);

// After fork the child has no workers: everything runs on the calling thread.
bool inline_only();
void after_fork();

class Task;
using TaskPtr = std::shared_ptr<Task>;

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
};

class Task : public std::enable_shared_from_this<Task> {
 public:
  // Starts the work once all tasks of `after` are done. A task behind one that
  // failed does not run: it counts as failed too, without an error of its own.
  static TaskPtr start(Work work, std::span<const TaskPtr> after);

  bool finished() const { return finished_.load(std::memory_order_acquire); }
  bool failed() const { return failed_.load(std::memory_order_acquire); }
  std::exception_ptr error() const { return error_; }         // once finished
  std::int64_t nanoseconds() const { return end_ - begin_; }  // once finished

 private:
  explicit Task(Work work) : work_(std::move(work)) {}
  void one_less();    // a predecessor is done
  void launch();      // hands runners to the workers
  void run_blocks();  // takes blocks until none is left
  void end();
  void fail(std::exception_ptr error);
  bool add_successor(const TaskPtr& next);

  Work work_;
  std::atomic<std::int64_t> waiting_{1};
  std::atomic<std::int64_t> next_block_{0};
  std::atomic<std::int64_t> runners_{0};
  std::atomic<bool> finished_{false};
  std::atomic<bool> failed_{false};
  std::atomic<std::int64_t> begin_{0};
  std::int64_t end_ = 0;
  std::exception_ptr error_;
  std::mutex mutex_;
  std::vector<TaskPtr> successors_;
};

}  // namespace jetlag::tasks
