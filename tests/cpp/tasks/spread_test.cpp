#include "runtime/tasks/spread.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <thread>

namespace jetlag::tasks {
namespace {

cpu_set_t allowed() {
  cpu_set_t set;
  sched_getaffinity(0, sizeof set, &set);
  return set;
}

void allow_only(int processor) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<std::size_t>(processor), &one);
  sched_setaffinity(0, sizeof one, &one);
}

TEST(Processors, GiveAWorkerOneThatNoOtherIsOnAndLeaveItItsChoice) {
  const cpu_set_t all = allowed();
  if (CPU_COUNT(&all) < 2) GTEST_SKIP() << "needs two processors";
  Processors processors;
  const int first = processors.enter();
  int second = first;
  cpu_set_t after;

  std::thread([&] {
    allow_only(first);
    sched_setaffinity(0, sizeof all, &all);
    second = processors.enter();
    after = allowed();
  }).join();

  EXPECT_NE(second, first);
  EXPECT_TRUE(CPU_EQUAL(&all, &after));
}

TEST(Processors, LetWorkersShareWhereThereIsNoOther) {
  Processors processors;
  const int first = processors.enter();
  int second = Processors::unknown;

  std::thread([&] {
    allow_only(first);
    second = processors.enter();
  }).join();

  EXPECT_EQ(second, first);
}

TEST(Processors, AreFreeWhenTheirWorkerHasLeft) {
  Processors processors;
  int first = Processors::unknown, second = Processors::unknown;

  std::thread([&] {
    allow_only(sched_getcpu());
    first = processors.enter();
    processors.leave(first);
    second = processors.enter();
  }).join();

  EXPECT_EQ(second, first);
}

TEST(Processors, AreLookedForAnewByAWorkerThatWasMoved) {
  const cpu_set_t all = allowed();
  if (CPU_COUNT(&all) < 2) GTEST_SKIP() << "needs two processors";
  Processors processors;
  int there = Processors::unknown, now = Processors::unknown;

  std::thread([&] {
    allow_only(sched_getcpu());
    const int before = processors.enter();
    sched_setaffinity(0, sizeof all, &all);
    for (int other = 0; there == Processors::unknown; ++other) {
      if (other != before && CPU_ISSET(static_cast<std::size_t>(other), &all)) there = other;
    }
    allow_only(there);
    now = processors.look(before);
  }).join();

  EXPECT_EQ(now, there);
}

}  // namespace
}  // namespace jetlag::tasks
