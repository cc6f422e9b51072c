#include "trace/counters/sampler.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "base/error.h"
#include "trace/counters/user.h"
#include "trace/store/samples.h"

namespace jetlag::trace {
namespace {

class Samples : public testing::Test {
 protected:
  Samples() {
    std::string folder = testing::TempDir() + "samples-XXXXXX";
    folder_ = mkdtemp(folder.data());
  }
  ~Samples() override {
    if (!recording_path().empty()) stop_recording_and_sampling();
    std::filesystem::remove_all(folder_);
  }
  std::string file() const { return folder_ + "/run.jlt"; }

  std::string folder_;
};

TEST_F(Samples, BeginAndEndWithTheRecording) {
  UserCounter& rows = user_counter("samples-test/rows", "rows", CounterKind::monotone, "read");
  rows.set(3);

  start_recording(file(), {},
                  {{"/user/samples-test/rows", "/user/samples-test/none"}, 1'000'000'000});
  const SampledSummary summary = stop_recording_and_sampling();

  EXPECT_EQ(summary.unfit, std::vector<std::string>{"/user/samples-test/none"});
  const Trace trace = load(file());
  ASSERT_EQ(trace.samples.size(), 2u);
  const Sample& s = trace.samples[0];
  const Counter& c = trace.counters[static_cast<std::size_t>(s.counter)];
  EXPECT_EQ(c,
            (Counter{"/user/samples-test{0/total}/rows", "rows", CounterKind::monotone, "read"}));
  EXPECT_EQ(s.value, 3);
  EXPECT_EQ(trace.threads[static_cast<std::size_t>(s.thread)].name, "counters");
}

std::atomic<int> looks{0};
constexpr CounterRow rows_of_looks[] = {
    {"/looks-test", "done", "1", CounterKind::gauge, "text",
     [] { return Reading{.value = static_cast<double>(++looks)}; }}};

TEST_F(Samples, ComeInPeriods) {
  add_counters(rows_of_looks);
  start_recording(file(), {}, {{"/looks-test/done"}, 2'000'000});
  while (looks < 3) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  stop_recording_and_sampling();

  // A busy machine leaves some out.
  const Trace trace = load(file());
  EXPECT_GE(trace.samples.size(), 3u);
  EXPECT_LE(trace.samples.size(), 60u + static_cast<std::size_t>(trace.length / 2'000'000));
}

TEST_F(Samples, AreNotTakenWhereNoneAreWanted) {
  start_recording(file(), {}, {});
  stop_recording_and_sampling();

  EXPECT_TRUE(load(file()).samples.empty());
}

TEST_F(Samples, OfCountersThatComeLaterAreTaken) {
  start_recording(file(), {}, {{"/user/later-test/*"}, 1'000'000'000'000});
  user_counter("later-test/a", "1", CounterKind::gauge, "text").set(5);
  stop_recording_and_sampling();

  const Trace trace = load(file());
  // One when it was set, on the thread that set it; one at the end.
  ASSERT_EQ(trace.samples.size(), 2u);
  EXPECT_NE(trace.samples[0].thread, trace.samples[1].thread);
  EXPECT_EQ(trace.samples[0].value, 5);
  EXPECT_EQ(trace.samples[1].value, 5);
}

TEST_F(Samples, APatternOrAPeriodThatCannotBeBeginsNothing) {
  EXPECT_THROW(start_recording(file(), {}, {{"tasks"}, 1'000'000}), Error);
  EXPECT_EQ(recording_path(), "");
  EXPECT_THROW(sampling_of("*", 1e-4), Error);
  EXPECT_THROW(sampling_of("*", std::nan("")), Error);
  EXPECT_EQ(sampling_of(" /a*,/b/c  /d ", 0.5).patterns,
            (std::vector<std::string>{"/a*", "/b/c", "/d"}));
  EXPECT_EQ(sampling_of("", 0.5).period_ns, 500'000'000);
}

TEST_F(Samples, HaveFigures) {
  Trace trace;
  trace.counters = {{"/a", "B", CounterKind::monotone, ""}, {"/b", "B", CounterKind::gauge, ""}};
  trace.samples = {{0, 0, 0, 4}, {1, 0, 1, 100}, {2, 0, 0, 7}, {3, 0, 1, 110}};

  const std::vector<CounterFigures> rows = counter_figures(trace);

  EXPECT_EQ(rows[0].samples, 4);
  EXPECT_EQ(rows[0].first, 4);
  EXPECT_EQ(rows[0].last, 110);
  EXPECT_EQ(rows[0].least, 4);
  EXPECT_EQ(rows[0].most, 110);
  EXPECT_EQ(rows[0].mean, 55.25);
  EXPECT_EQ(rows[0].growth, 13);  // 3 on one thread, 10 on the other
  EXPECT_EQ(rows[1].samples, 0);
}

TEST(UserCounters, AreOneForEachName) {
  UserCounter& a = user_counter("user-test", "rows", CounterKind::gauge, "text");
  a.set(2);
  a.add(-5);

  EXPECT_EQ(&user_counter("user-test", "rows", CounterKind::gauge, "text"), &a);
  EXPECT_EQ(read_counter("/user/user-test"), -3);
  EXPECT_THROW(user_counter("user-test", "B", CounterKind::gauge, "text"), Error);
  EXPECT_THROW(user_counter("user-test", "rows", CounterKind::monotone, "text"), Error);
}

TEST(UserCounters, OfTheKindMonotoneOnlyGrow) {
  UserCounter& a = user_counter("grows-test", "rows", CounterKind::monotone, "text");
  a.add(2);
  a.set(4);

  EXPECT_THROW(a.add(-1), Error);
  EXPECT_THROW(a.set(3), Error);
  EXPECT_THROW(a.add(std::nan("")), Error);
  EXPECT_EQ(a.value(), 4);
}

TEST(UserCounters, HaveNamesThatPatternsCanTell) {
  for (const std::string name :
       {"", "/a", "a/", "a//b", "a b", "a{b", "a}", "a*", "a?", "a@rate", "a\nb"})
    EXPECT_THROW(user_counter(name, "1", CounterKind::gauge, "text"), Error) << name;
}

TEST(UserCounters, LoseNothingBetweenThreads) {
  UserCounter& a = user_counter("threads-test", "1", CounterKind::monotone, "text");

  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 10'000; ++i) a.add(1);
    });
  for (std::thread& t : threads) t.join();

  EXPECT_EQ(a.value(), 40'000);
}

}  // namespace
}  // namespace jetlag::trace
