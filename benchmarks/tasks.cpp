// What a task costs beyond its work: to create it, run it and complete it, behind one other. Prints
// JSON: processor time per task, in seconds, ours beside oneTBB's own flow graph and task group;
// the median of rounds taken in turns.
//
//   jetlag_bench_tasks [tasks per round] [rounds] [workers]
#include "runtime/tasks/tasks.h"

#include <oneapi/tbb/flow_graph.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_group.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <vector>

namespace {

using jetlag::tasks::Task;
using jetlag::tasks::TaskPtr;
using jetlag::tasks::Work;

// What all threads together spent: others on the machine do not count, nor does sleep.
std::int64_t processor_ns() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return t.tv_sec * std::int64_t{1'000'000'000} + t.tv_nsec;
}

std::atomic<std::int64_t> sink{0};

void work() { sink.fetch_add(1, std::memory_order_relaxed); }

// Lets the thread that began the tasks sleep until the last has ended.
class Countdown {
 public:
  explicit Countdown(std::int64_t count) : left_(count) {}
  void arrive() {
    if (left_.fetch_sub(1) != 1) return;
    std::scoped_lock lock(mutex_);
    zero_.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    zero_.wait(lock, [&] { return left_.load() == 0; });
  }

 private:
  std::atomic<std::int64_t> left_;
  std::mutex mutex_;
  std::condition_variable zero_;
};

// Each task waits for the one before it, or for none. Chains are made before they begin, as that
// of the flow graph is.
double ours(int count, bool chained) {
  Countdown done(count);
  std::atomic<bool> made{!chained};
  const std::int64_t begin = processor_ns();
  TaskPtr before;
  for (int i = 0; i < count; ++i) {
    Work w;
    w.body = [&made](std::int64_t) {
      made.wait(false, std::memory_order_acquire);
      work();
    };
    w.done = [&done](const Task&) { done.arrive(); };
    const std::span<const TaskPtr> after(&before, chained && before ? 1 : 0);
    before = Task::start(std::move(w), after);
  }
  made = true;
  made.notify_all();
  done.wait();
  return static_cast<double>(processor_ns() - begin) / count;
}

double flow_graph(int count) {
  using Node = tbb::flow::continue_node<tbb::flow::continue_msg>;
  const std::int64_t begin = processor_ns();
  tbb::flow::graph graph;
  std::vector<std::unique_ptr<Node>> nodes;
  for (int i = 0; i < count; ++i) {
    nodes.push_back(std::make_unique<Node>(graph, [](const tbb::flow::continue_msg&) { work(); }));
    if (i > 0) tbb::flow::make_edge(*nodes[static_cast<std::size_t>(i) - 1], *nodes.back());
  }
  nodes.front()->try_put({});
  graph.wait_for_all();
  return static_cast<double>(processor_ns() - begin) / count;
}

double task_group(int count) {
  const std::int64_t begin = processor_ns();
  tbb::task_group group;
  for (int i = 0; i < count; ++i) group.run(work);
  group.wait();
  return static_cast<double>(processor_ns() - begin) / count;
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

int argument(int argc, char** argv, int at, int otherwise) {
  return argc > at ? std::max(std::atoi(argv[at]), 1) : otherwise;
}

}  // namespace

int main(int argc, char** argv) {
  const int count = argument(argc, argv, 1, 20'000);
  const int rounds = argument(argc, argv, 2, 15);
  const int workers = argument(argc, argv, 3, jetlag::tasks::workers());
  jetlag::tasks::set_workers(workers);
  const tbb::global_control limit(tbb::global_control::max_allowed_parallelism,
                                  static_cast<std::size_t>(workers) + 1);
  std::vector<double> chain, graph, free, group;
  for (int i = 0; i < rounds; ++i) {
    chain.push_back(ours(count, true));
    graph.push_back(flow_graph(count));
    free.push_back(ours(count, false));
    group.push_back(task_group(count));
  }
  constexpr double second = 1e9;
  const nlohmann::ordered_json result = {
      {"jetlag, one dependency", median(chain) / second},
      {"oneTBB flow graph", median(graph) / second},
      {"jetlag, none", median(free) / second},
      {"oneTBB task group", median(group) / second},
  };
  std::cout << result.dump(2) << "\n";
}
