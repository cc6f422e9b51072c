#include "runtime/policies/policies.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
#include <thread>

#include "../error_of.h"
#include "base/settings.h"
#include "runtime/policies/decisions.h"
#include "runtime/tasks/tasks.h"

namespace jetlag::policy {
namespace {

// Where more workers than `useful` only wait for memory.
int cap_for(int workers, int useful) {
  WorkerCap cap;
  for (int looks = 0; looks < 50; ++looks) {
    const int awake = cap.now() == 0 ? workers : static_cast<int>(cap.now());
    cap.next(awake <= useful ? 1.0 : static_cast<double>(useful) / awake, workers);
  }
  return static_cast<int>(cap.now());
}

TEST(WorkerCap, IsTheLeastNumberThatIsAsFastAsAll) {
  EXPECT_EQ(cap_for(8, 3), 3);
  EXPECT_EQ(cap_for(4, 1), 1);
  EXPECT_EQ(cap_for(2, 1), 1);
}

TEST(WorkerCap, IsNoneWhereAllAreWorthIt) {
  EXPECT_EQ(cap_for(8, 8), 0);
  EXPECT_EQ(cap_for(1, 1), 0);
}

TEST(GrabTime, GoesUpWhereGrabsAreShortAndDownWhereTheyAreLong) {
  EXPECT_GT(next_grab_ns(20'000, 1'000), 20'000);
  EXPECT_LT(next_grab_ns(20'000, 900'000), 20'000);
  EXPECT_EQ(next_grab_ns(20'000, 25'000), 20'000);
  EXPECT_EQ(next_grab_ns(400'000, 1), 400'000);
}

TEST(InlineTime, FollowsWhatWakingTakes) {
  EXPECT_GT(next_inline_ns(40'000, 50'000), 40'000);
  EXPECT_LT(next_inline_ns(40'000, 3'000), 40'000);
  EXPECT_EQ(next_inline_ns(40'000, 10'500), 40'000);
}

TEST(BytesInFlight, AreFewWhileMemoryIsScarce) {
  constexpr std::int64_t otherwise = std::int64_t{512} << 20;

  const std::int64_t few = next_in_flight(otherwise, otherwise, 0.05);

  EXPECT_LT(few, otherwise);
  EXPECT_EQ(next_in_flight(few, otherwise, 0.15), few);
  EXPECT_EQ(next_in_flight(few, otherwise, 0.5), otherwise);
}

class BuiltIn : public testing::Test {
 protected:
  BuiltIn() {
    sources_.totals = [this] {
      std::scoped_lock lock(mutex_);
      tasks::Totals t = each_;
      const auto times = ++looks_;
      t.grabs *= times;
      t.busy_ns *= times;
      t.wakes *= times;
      t.wake_ns *= times;
      t.weighed_ns *= times;
      t.expected_ns *= static_cast<double>(times);
      return t;
    };
    sources_.workers = [] { return 4; };
    sources_.free_memory = [this] { return free_.load(); };
    sources_.every_ns = 1'000'000;
  }
  ~BuiltIn() override {
    switch_to("");
    stop();
  }
  void switch_to(const std::string& words) {
    set_setting("policies", words);
    apply_setting(sources_);
  }
  // Whether the setting comes to something else within some seconds.
  static std::string changed(std::string_view name, const std::string& from) {
    for (int looks = 0; looks < 20'000 && setting(name) == from; ++looks)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return setting(name);
  }

  Sources sources_;
  std::mutex mutex_;
  std::int64_t looks_ = 0;
  tasks::Totals each_{.grabs = 10'000,
                      .busy_ns = 10'000'000,
                      .wakes = 10,
                      .wake_ns = 1'000'000,
                      .weighed_ns = 10'000'000,
                      .expected_ns = 2.5e6};
  std::atomic<double> free_{0.5};
};

TEST_F(BuiltIn, WorkersThatBringNothingSleep) {
  // A worker does as much in its time however many are awake until one is alone: four times that.
  sources_.workers = [] { return 2; };
  each_.expected_ns = 0;
  switch_to("+worker-cap");

  EXPECT_EQ(changed("worker_cap", "0"), "1");
}

TEST_F(BuiltIn, WorkersAboveTheCapRunNothing) {
  tasks::set_workers(4);
  set_setting("worker_cap", "1");
  std::mutex mutex;
  std::set<std::thread::id> seen;
  std::atomic<bool> over{false};
  tasks::Work work;
  work.blocks = 200;
  work.body = [&](std::int64_t) {
    std::this_thread::sleep_for(std::chrono::microseconds(50));
    std::scoped_lock lock(mutex);
    seen.insert(std::this_thread::get_id());
  };
  work.done = [&](const tasks::Task&) {
    over = true;
    over.notify_one();
  };

  const tasks::TaskPtr task = tasks::Task::start(std::move(work), {});
  over.wait(false);

  set_setting("worker_cap", "0");
  EXPECT_EQ(seen.size(), 1u);
}

TEST_F(BuiltIn, GrabsThatAreTooShortGrow) {
  switch_to("+blocks-per-grab");

  EXPECT_GT(std::stoll(changed("grab_ns", "20000")), 20'000);
}

TEST_F(BuiltIn, WorkIsDoneAtOnceWhereWakingTakesLong) {
  switch_to("+inline-small");

  EXPECT_GT(std::stoll(changed("inline_ns", "40000")), 40'000);
}

TEST_F(BuiltIn, LittleMemoryMeansFewResultsUnderWayUntilThereIsMore) {
  const std::string before = setting("in_flight");
  switch_to("+memory-pressure");

  free_ = 0.02;
  const std::string scarce = changed("in_flight", before);
  free_ = 0.6;

  EXPECT_LT(std::stoll(scarce), std::stoll(before));
  EXPECT_EQ(changed("in_flight", scarce), before);
  EXPECT_EQ(log().front().policy.empty(), false);
}

TEST_F(BuiltIn, WhatOneTurnedIsAsItWasOnceItIsOff) {
  switch_to("+blocks-per-grab");
  changed("grab_ns", "20000");

  switch_to("-blocks-per-grab");

  EXPECT_EQ(setting("grab_ns"), "20000");
  EXPECT_TRUE(list().empty());
}

TEST_F(BuiltIn, WhatIsOffTurnsNothingEvenIfItWasDue) {
  std::atomic<bool> looking{false}, may_look{false};
  sources_.totals = [&, totals = sources_.totals, looks = 0]() mutable {
    if (looks++ > 0) {  // the first is that of switching on
      looking = true;
      may_look.wait(false);
    }
    return totals();
  };
  switch_to("+blocks-per-grab");
  while (!looking) std::this_thread::yield();

  switch_to("");
  may_look = true;
  may_look.notify_all();

  EXPECT_TRUE(wait(20'000'000'000));
  EXPECT_EQ(setting("grab_ns"), "20000");
}

TEST_F(BuiltIn, ANameThatIsNoneIsAnErrorThatListsThem) {
  EXPECT_EQ(error_of([&] { switch_to("+turbo"); }),
            "value: there is no policy 'turbo'\n    hint: there are worker-cap, blocks-per-grab, "
            "inline-small, memory-pressure");
}

}  // namespace
}  // namespace jetlag::policy
