#include "trace/counters/hardware.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "base/error.h"
#include "trace/counters/sampler.h"
#include "trace/store/trace.h"

namespace jetlag::trace {
namespace {

// Something that takes time, and touches pages.
double burn() {
  std::vector<double> v(200'000);
  double sum = 0;
  for (std::size_t i = 0; i < v.size(); ++i) sum += v[i] = std::sin(static_cast<double>(i));
  return sum;
}

TEST(Hardware, TheSystemsAccountsCountEverywhere) {
  std::vector<std::string> events;
  std::string why;
  const auto opened = open_accounts(events, why);
  std::vector<std::int64_t> before(events.size()), after(events.size());

  ASSERT_EQ(events, (std::vector<std::string>{"task-clock", "page-faults", "context-switches"}));
  ASSERT_TRUE(opened->read(before));
  EXPECT_NE(burn(), 0.5);
  ASSERT_TRUE(opened->read(after));
  EXPECT_GT(after[0], before[0]);
  EXPECT_GE(after[1], before[1]);
}

TEST(Hardware, PerfCountsWhatItLeavesInTheList) {
  std::vector<std::string> events;
  for (const HardwareEvent& e : hardware_events()) events.emplace_back(e.name);
  const std::vector<std::string> wanted = events;
  std::string why;

  const auto opened = open_perf(events, why);

  EXPECT_EQ(opened == nullptr, events.empty());
  EXPECT_EQ(why.empty(), events == wanted);
  if (!opened) GTEST_SKIP() << "perf counts nothing here: " << why;
  std::vector<std::int64_t> before(events.size()), after(events.size());
  ASSERT_TRUE(opened->read(before));
  EXPECT_NE(burn(), 0.5);
  ASSERT_TRUE(opened->read(after));
  std::int64_t grown = 0;
  for (std::size_t i = 0; i < events.size(); ++i) {
    EXPECT_GE(after[i], before[i]) << events[i];
    grown += after[i] - before[i];
  }
  EXPECT_GT(grown, 0);
}

class Metering : public testing::Test {
 protected:
  Metering() {
    std::string folder = testing::TempDir() + "metering-XXXXXX";
    folder_ = mkdtemp(folder.data());
  }
  ~Metering() override {
    if (!recording_path().empty()) stop_recording_and_sampling();
    std::filesystem::remove_all(folder_);
  }
  std::string folder_;
};

TEST_F(Metering, WhatRunsIsSampledOnItsThreadAtBothEnds) {
  const std::string file = folder_ + "/run.jlt";
  const std::string missing = start_recording(file, {}, {.hardware = true});
  std::thread([] {
    Metered metered;
    metered.begin();
    EXPECT_NE(burn(), 0.5);
  }).join();
  stop_recording_and_sampling();

  const Trace trace = load(file);
  const std::string_view source = trace.fact("hardware");
  EXPECT_NE(source.find(": "), source.npos);
  EXPECT_EQ(missing.empty(), trace.fact("hardware_without").empty());
  std::size_t events = 0;
  for (std::size_t c = 0; c < trace.counters.size(); ++c) {
    if (!trace.counters[c].name.starts_with("/hardware{0/thread}/")) continue;
    std::vector<double> values;
    for (const Sample& s : trace.samples) {
      if (s.counter == static_cast<Index>(c)) values.push_back(s.value);
    }
    if (values.empty()) continue;
    ++events;
    ASSERT_EQ(values.size(), 2u) << trace.counters[c].name;
    EXPECT_GE(values[1], values[0]) << trace.counters[c].name;
  }
  EXPECT_GE(events, 3u);
}

TEST_F(Metering, TotalsCountTheOutermostOnly) {
  const HardwareChoice choice = start_hardware({});
  ASSERT_FALSE(choice.events.empty());
  const std::string name = counter_name("/hardware", "0/total", choice.events.front());
  start_recording(folder_ + "/run.jlt");
  const double before = read_counter(name);
  {
    Metered outer;
    outer.begin();
    EXPECT_NE(burn(), 0.5);
    {
      Metered inner;
      inner.begin();
    }
  }
  const double once = read_counter(name) - before;
  stop_hardware();
  {
    Metered off;
    off.begin();
    EXPECT_NE(burn(), 0.5);
  }
  stop_recording();

  EXPECT_GT(once, 0);
  EXPECT_EQ(read_counter(name) - before, once);
}

TEST(Hardware, WhatIsMissingIsListedWithTheReason) {
  int readable = 0;
  for (const ListedCounter& c : list_counters("/hardware*")) readable += c.missing.empty();

  EXPECT_GE(readable, 3);
  EXPECT_EQ(list_counters("/hardware{0/total}/instructions").size(), 1u);
}

}  // namespace
}  // namespace jetlag::trace
