#include "runtime/tasks/tasks.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "base/error.h"

namespace jetlag::tasks {
namespace {

// Counts tasks down, so that a test can wait for the last without polling.
class Latch {
 public:
  explicit Latch(int count) : count_(count) {}
  void arrive() {
    std::scoped_lock lock(mutex_);
    if (--count_ == 0) zero_.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    zero_.wait(lock, [&] { return count_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable zero_;
  int count_;
};

class Tasks : public ::testing::TestWithParam<int> {
 protected:
  void SetUp() override { set_workers(GetParam()); }
};

INSTANTIATE_TEST_SUITE_P(Workers, Tasks, ::testing::Values(1, 2, 4, 8));

TEST_P(Tasks, RunEveryBlockOnceAndFinishAfterThem) {
  constexpr int blocks = 1000;
  std::vector<std::atomic<int>> runs(blocks);
  std::atomic<int> seen_by_finish{0};
  Latch latch(1);
  Work work;
  work.blocks = blocks;
  work.blocks_per_grab = 7;
  work.body = [&](std::int64_t b) { ++runs[static_cast<std::size_t>(b)]; };
  work.finish = [&] {
    for (auto& r : runs) seen_by_finish += r;
  };
  work.done = [&](const Task&) { latch.arrive(); };

  Task::start(std::move(work), {});
  latch.wait();

  EXPECT_EQ(seen_by_finish, blocks);
  for (auto& r : runs) EXPECT_EQ(r, 1);
}

TEST_P(Tasks, StartAfterAllThatTheyDependOn) {
  constexpr int links = 500;
  std::vector<int> order;
  Latch latch(links);
  TaskPtr before;
  for (int i = 0; i < links; ++i) {
    Work work;
    work.body = [&order, i](std::int64_t) { order.push_back(i); };
    work.done = [&](const Task&) { latch.arrive(); };
    before = Task::start(std::move(work),
                         before ? std::vector<TaskPtr>{before} : std::vector<TaskPtr>{});
  }

  latch.wait();

  ASSERT_EQ(order.size(), static_cast<std::size_t>(links));
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST_P(Tasks, BehindAFailedOneAreLeftOutWithoutAnErrorOfTheirOwn) {
  Latch latch(2);
  std::atomic<bool> ran{false};
  Work bad;
  bad.body = [](std::int64_t) { throw std::runtime_error("singular"); };
  bad.done = [&](const Task&) { latch.arrive(); };
  const TaskPtr first = Task::start(std::move(bad), {});
  Work next;
  next.body = [&](std::int64_t) { ran = true; };
  next.done = [&](const Task&) { latch.arrive(); };

  const TaskPtr second = Task::start(std::move(next), std::vector<TaskPtr>{first});
  latch.wait();

  EXPECT_TRUE(first->error() != nullptr);
  EXPECT_TRUE(second->failed());
  EXPECT_TRUE(second->error() == nullptr);
  EXPECT_FALSE(ran);
}

TEST_P(Tasks, ThatAreDroppedStillEnd) {
  std::atomic<bool> dropped{true};
  Latch latch(1);
  Work work;
  work.dropped = &dropped;
  work.body = [](std::int64_t) { FAIL() << "a dropped task ran"; };
  work.done = [&](const Task&) { latch.arrive(); };

  Task::start(std::move(work), {});
  latch.wait();
}

TEST_P(Tasks, WaitForAllOfMany) {
  constexpr int many = 200;
  std::atomic<int> ran{0};
  int seen = -1;
  Latch latch(many + 1);
  std::vector<TaskPtr> before;
  for (int i = 0; i < many; ++i) {
    Work work;
    work.blocks = 3;
    work.body = [&](std::int64_t) { ++ran; };
    work.done = [&](const Task&) { latch.arrive(); };
    before.push_back(Task::start(std::move(work), {}));
  }
  Work last;
  last.body = [&](std::int64_t) { seen = ran; };
  last.done = [&](const Task&) { latch.arrive(); };

  Task::start(std::move(last), before);
  latch.wait();

  EXPECT_EQ(seen, 3 * many);
}

TEST_P(Tasks, ThatManyWaitForReleaseThemAll) {
  constexpr int many = 200;
  std::atomic<int> ran{0};
  std::atomic<bool> go{false};
  Latch latch(many + 1);
  Work gate;
  gate.body = [&](std::int64_t) {
    while (!go) std::this_thread::yield();
  };
  gate.done = [&](const Task&) { latch.arrive(); };
  const TaskPtr first = Task::start(std::move(gate), {});
  for (int i = 0; i < many; ++i) {
    Work work;
    work.blocks = 1 + i % 4;
    work.body = [&](std::int64_t block) {
      if (block == 0) ++ran;
    };
    work.done = [&](const Task&) { latch.arrive(); };
    Task::start(std::move(work), std::vector<TaskPtr>{first});
  }

  go = true;
  latch.wait();

  EXPECT_EQ(ran, many);
}

TEST_P(Tasks, ThatAreBriefRunOnTheWorkerThatMadeThemReady) {
  constexpr int few = 3;
  std::atomic<bool> go{false};
  std::thread::id made_ready_on;
  std::vector<std::thread::id> ran_on(few);
  Latch latch(few + 1);
  Work gate;
  gate.body = [&](std::int64_t) {
    while (!go) std::this_thread::yield();
    made_ready_on = std::this_thread::get_id();
  };
  gate.done = [&](const Task&) { latch.arrive(); };
  const TaskPtr first = Task::start(std::move(gate), {});
  for (int i = 0; i < few; ++i) {
    Work work;
    work.brief = true;
    work.body = [&, i](std::int64_t) {
      ran_on[static_cast<std::size_t>(i)] = std::this_thread::get_id();
    };
    work.done = [&](const Task&) { latch.arrive(); };
    Task::start(std::move(work), std::vector<TaskPtr>{first});
  }

  go = true;
  latch.wait();

  EXPECT_EQ(ran_on, std::vector<std::thread::id>(few, made_ready_on));
}

TEST_P(Tasks, GoOnWhileTheNumberOfWorkersChanges) {
  constexpr int links = 300;
  Latch latch(links);
  std::atomic<int> ran{0};
  TaskPtr before;
  for (int i = 0; i < links; ++i) {
    Work work;
    work.blocks = 2;
    work.body = [&](std::int64_t) { ++ran; };
    work.done = [&](const Task&) { latch.arrive(); };
    before = Task::start(std::move(work),
                         before ? std::vector<TaskPtr>{before} : std::vector<TaskPtr>{});
    if (i % 50 == 0) set_workers(1 + i / 50);
  }
  latch.wait();

  EXPECT_EQ(ran, 2 * links);
}

TEST(Workers, MustBeAtLeastOne) {
  try {
    set_workers(0);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.message(), "the number of threads must be 1 to 1024, not 0");
  }
}

}  // namespace
}  // namespace jetlag::tasks
