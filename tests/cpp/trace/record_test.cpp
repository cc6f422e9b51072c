#include "trace/record/record.h"
#include "base/clock.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <thread>

#include "base/clock.h"
#include "base/error.h"
#include "trace/chunk/reader.h"
#include "trace/record/listen.h"
#include "trace/store/trace.h"

namespace jetlag::trace {
namespace {

class Recording : public testing::Test {
 protected:
  Recording() {
    std::string folder = testing::TempDir() + "trace-XXXXXX";
    folder_ = mkdtemp(folder.data());
  }
  ~Recording() override {
    if (!recording_path().empty()) stop_recording();
    std::filesystem::remove_all(folder_);
  }
  std::string file(const std::string& name = "run.jlt") const { return folder_ + "/" + name; }

  std::string folder_;
};

SiteId site(const std::string& name) { return define({.name = name, .file = "a.py", .line = 3}); }

void spans(SiteId s, int count) {
  for (int i = 0; i < count; ++i) Span span(s);
}

TEST_F(Recording, KeepsSpansAndTheirPlace) {
  start_recording(file());
  {
    Span outer(site("outer"));
    Span inner(site("inner"));
  }
  const RecordingSummary summary = stop_recording();

  const Trace trace = load(file());
  ASSERT_EQ(trace.spans.size(), 2u);
  EXPECT_EQ(summary.records, 4u);
  EXPECT_EQ(summary.trouble, "");
  EXPECT_TRUE(trace.closed);
  EXPECT_TRUE(trace.complaints.empty());
  EXPECT_EQ(trace.spans[1].parent, 0);
  const Site& inner = trace.sites[static_cast<std::size_t>(trace.spans[1].site)];
  EXPECT_EQ(inner.name, "inner");
  EXPECT_EQ(inner.file, "a.py");
  EXPECT_EQ(inner.line, 3);
  EXPECT_GE(trace.spans[0].duration(), trace.spans[1].duration());
}

TEST_F(Recording, WritesNothingWhileItIsOff) {
  const SiteId s = site("off");
  spans(s, 10);
  start_recording(file());
  stop_recording();
  spans(s, 10);

  EXPECT_TRUE(load(file()).spans.empty());
}

TEST_F(Recording, TimesAreThoseOfTheMonotonicClock) {
  start_recording(file());
  const std::int64_t before = now_ns();
  {
    Span span(site("sleep"));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  const std::int64_t took = now_ns() - before;
  stop_recording();

  const Trace trace = load(file());
  ASSERT_EQ(trace.spans.size(), 1u);
  EXPECT_GE(trace.spans[0].duration(), 20'000'000 - 20'000);
  EXPECT_LE(trace.spans[0].duration(), took + 20'000);
}

class Threads : public Recording, public testing::WithParamInterface<int> {};

TEST_P(Threads, LoseNothingAndKeepTheirOrder) {
  constexpr int each = 20'000;
  // Rings that go round many times.
  start_recording(file(), {.ring_records = 1 << 12});
  const SiteId s = site("work");
  std::vector<std::thread> threads;
  for (int t = 0; t < GetParam(); ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < each; ++i) {
        Span span(s, 0, static_cast<std::uint64_t>(i));
        if (i % 1000 == 0) std::this_thread::sleep_for(std::chrono::microseconds(300));
      }
    });
  }
  for (std::thread& t : threads) t.join();
  const RecordingSummary summary = stop_recording();

  const Trace trace = load(file());
  EXPECT_EQ(trace.spans.size() + summary.dropped,
            static_cast<std::size_t>(each) * static_cast<std::size_t>(GetParam()));
  EXPECT_EQ(trace.dropped, summary.dropped);
  for (std::size_t i = 1; i < trace.spans.size(); ++i) {
    if (trace.spans[i].thread == trace.spans[i - 1].thread) {
      EXPECT_GE(trace.spans[i].begin, trace.spans[i - 1].end);
    }
    EXPECT_FALSE(trace.spans[i].open);
  }
}
INSTANTIATE_TEST_SUITE_P(Counts, Threads, testing::Values(1, 2, 4, 8));

TEST_F(Recording, AThousandShortThreadsShareAFewRings) {
  start_recording(file());
  const SiteId s = site("short");
  for (int t = 0; t < 1000; ++t) std::thread([&] { Span span(s); }).join();
  const RecordingSummary summary = stop_recording();

  EXPECT_EQ(summary.dropped, 0u);
  EXPECT_EQ(load(file()).spans.size(), 1000u);
  EXPECT_EQ(load(file()).threads.size(), 1000u);
  EXPECT_LT(std::filesystem::file_size(file()), std::uintmax_t{64} << 20);
}

TEST_F(Recording, AFullRingDropsWholeSpansAndCountsThem) {
  start_recording(file(), {.ring_records = 64});
  // Rings are not emptied while who listens is busy.
  std::promise<void> busy;
  listen(std::make_shared<const Listener>(
      [&, free = busy.get_future().share()](auto, auto) { free.wait(); }));
  const SiteId s = site("many");
  {
    Span outer(site("outer"));
    spans(s, 1000);
  }
  busy.set_value();
  const RecordingSummary summary = stop_recording();
  listen(nullptr);

  const Trace trace = load(file());
  EXPECT_EQ(trace.spans.size(), 32u);
  EXPECT_EQ(summary.dropped, 1001u - 32u);
  for (const SpanRow& span : trace.spans) EXPECT_FALSE(span.open);
}

TEST_F(Recording, ARingIsEmptiedAsItFillsAlthoughNobodyListens) {
  start_recording(file(), {.ring_records = 1 << 10});
  const SiteId s = site("many");
  const auto moved = [&] {
    std::uint64_t records = 0;
    const Reader reader(file());
    for (const Segment& segment : reader.segments())
      records += segment.columns ? segment.records : 0;
    return records;
  };
  constexpr std::uint64_t rounds = 30;
  for (std::uint64_t written = 200; written <= rounds * 200; written += 200) {
    spans(s, 100);
    const auto late = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    // Less than half of the ring, and what was moved before without need.
    while (moved() + 768 < written && std::chrono::steady_clock::now() < late)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ASSERT_GE(moved() + 768, written);
  }
  EXPECT_EQ(stop_recording().dropped, 0u);
  EXPECT_EQ(load(file()).spans.size(), rounds * 100);
}

TEST_F(Recording, TheMemoryOfAnEarlierRecordingIsFreedWhileTheNextOneRuns) {
  const auto maps = [] {
    std::ifstream in("/proc/self/maps");
    return std::string((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  };
  const SiteId s = site("short");
  start_recording(file("first.jlt"));
  spans(s, 1);
  stop_recording();
  EXPECT_NE(maps().find("first.jlt"), std::string::npos);  // this thread may still write there
  start_recording(file("second.jlt"));
  spans(s, 1);
  stop_recording();
  EXPECT_EQ(maps().find("first.jlt"), std::string::npos);
}

TEST_F(Recording, WhatASpanDidIsItsOwnAndNotThatOfTheSpanAround) {
  start_recording(file());
  {
    Span outer(site("outer"));
    Span inner(site("inner"));
    inner.set_work(4096, 1e6);
  }
  stop_recording();

  const Trace trace = load(file());
  ASSERT_EQ(trace.work.size(), 1u);
  EXPECT_EQ(trace.work[0].span, 1);
  EXPECT_EQ(trace.work[0].bytes, 4096);
  EXPECT_EQ(trace.work[0].flops, 1e6);
}

TEST_F(Recording, ASpanThatIsOpenAtTheEndEndsThere) {
  start_recording(file());
  const auto open = std::make_unique<Span>(site("open"));
  spans(site("closed"), 1);
  stop_recording();

  const Trace trace = load(file());
  ASSERT_EQ(trace.spans.size(), 2u);
  EXPECT_TRUE(trace.spans[0].open);
  EXPECT_EQ(trace.spans[0].end, trace.length);
}

TEST_F(Recording, AKilledProcessLeavesEveryCompletedRecord) {
  constexpr std::uint64_t counted = 50;
  for (std::uint64_t round = 0; round < counted; ++round) {
    int pipe_ends[2];
    ASSERT_EQ(pipe(pipe_ends), 0);
    const pid_t child = fork();
    if (child == 0) {
      start_recording(file(), {.ring_records = 1 << 10});
      const SiteId s = define({.name = "count"});
      // What was said to be done is counted outside before the next begins.
      for (std::uint64_t done = 1;; ++done) {
        put(Event::mark, s, 0, done);
        if (write(pipe_ends[1], &done, sizeof done) != sizeof done) _exit(1);
      }
    }
    close(pipe_ends[1]);
    std::uint64_t last = 0;
    std::uint64_t done = 0;
    const std::uint64_t until = 1 + round * 97;
    while (last < until && read(pipe_ends[0], &done, sizeof done) == sizeof done) last = done;
    kill(child, SIGKILL);
    while (read(pipe_ends[0], &done, sizeof done) == sizeof done) last = done;
    close(pipe_ends[0]);
    waitpid(child, nullptr, 0);

    const Trace trace = load(file());

    EXPECT_FALSE(trace.closed);
    EXPECT_TRUE(trace.complaints.empty()) << trace.complaints.front();
    ASSERT_GE(trace.points.size() + trace.dropped, last);
    ASSERT_LE(trace.points.size() + trace.dropped, last + 1);
    if (trace.dropped == 0) {
      for (std::size_t i = 0; i < trace.points.size(); ++i)
        ASSERT_EQ(trace.points[i].argument, i + 1);
    }
  }
}

TEST_F(Recording, WithoutSpaceTheWorkGoesOnAndTheSummarySaysWhy) {
  const pid_t child = fork();
  if (child == 0) {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1 << 20, 1 << 20};
    setrlimit(RLIMIT_FSIZE, &limit);
    start_recording(file(), {.ring_records = 1 << 14});
    const SiteId s = define({.name = "work"});
    for (int i = 0; i < 1000; ++i) {
      spans(s, 1000);
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
    const RecordingSummary summary = stop_recording();
    const bool said = summary.trouble.find("no space for the trace") != std::string::npos;
    _exit(said && summary.dropped > 0 ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);

  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_GT(load(file()).spans.size(), 1000u);
}

TEST_F(Recording, TwoAtOnceAreAnError) {
  start_recording(file());

  try {
    start_recording(file("other.jlt"));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.message(), format("a trace is being recorded already, into {}", file()));
  }
}

TEST_F(Recording, AFolderThatIsNotThereIsAnError) {
  EXPECT_THROW(start_recording(folder_ + "/none/run.jlt"), Error);
  EXPECT_EQ(recording_path(), "");
}

TEST_F(Recording, TheChildOfAForkRecordsNothing) {
  start_recording(file());
  const SiteId s = site("parent");
  spans(s, 1);
  const pid_t child = fork();
  if (child == 0) {
    after_fork();
    spans(s, 100);
    _exit(recording() ? 1 : 0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  stop_recording();

  EXPECT_EQ(status, 0);
  EXPECT_EQ(load(file()).spans.size(), 1u);
}

TEST_F(Recording, TasksKnowWhoMadeThemAndWhatTheyWaitedFor) {
  start_recording(file());
  const SiteId s = site("task");
  const TaskId first = new_task();
  const TaskId second = new_task();
  {
    Span span(s, first);
    put(Event::create, s, second, current_task());
  }
  put(Event::ready, 0, second, first);
  {
    Span span(s, second);
  }
  put(Event::work, s, second, pack(4096, 1e9));
  stop_recording();

  const Trace trace = load(file());
  ASSERT_EQ(trace.tasks.size(), 2u);
  EXPECT_EQ(trace.tasks[1].parent, 0);
  ASSERT_EQ(trace.edges.size(), 1u);
  EXPECT_EQ(trace.edges[0].from, 0);
  EXPECT_EQ(trace.edges[0].to, 1);
  EXPECT_EQ(trace.tasks[1].bytes, 4096);
  EXPECT_EQ(trace.tasks[1].flops, 1e9);
  EXPECT_GE(trace.tasks[1].begin, trace.tasks[0].end);
}

// ---- files that are none of ours, or damaged

TEST_F(Recording, OtherFilesAreRefusedByName) {
  std::ofstream(file()) << std::string(10'000, 'x');
  std::ofstream(file("empty.jlt"));

  EXPECT_THROW(load(file()), Error);
  EXPECT_THROW(load(file("empty.jlt")), Error);
  EXPECT_THROW(load(file("none.jlt")), Error);
  EXPECT_THROW(load(folder_), Error);
}

TEST_F(Recording, ALaterVersionIsRefusedWithAdvice) {
  start_recording(file());
  stop_recording();
  std::fstream out(file(), std::ios::in | std::ios::out | std::ios::binary);
  const std::uint32_t later = format_version + 1;
  out.seekp(offsetof(FileHeader, version));
  out.write(reinterpret_cast<const char*>(&later), sizeof later);
  out.close();

  try {
    load(file());
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(error.message().find("was written by a later jetlag"), std::string::npos);
    EXPECT_NE(error.hint(), "");
  }
}

TEST_F(Recording, DamagedFilesOpenOrAreRefusedButNeverCrash) {
  start_recording(file(), {.ring_records = 1 << 8});
  for (int i = 0; i < 50; ++i) {
    spans(site(format("site {}", i)), 20);
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  stop_recording();
  std::ifstream in(file(), std::ios::binary);
  const std::string whole((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const std::size_t spans_of_whole = load(file()).spans.size();
  std::uint64_t seed = 88172645463325252u;
  const auto random = [&] {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    return seed ^= seed << 17;
  };

  for (int round = 0; round < 300; ++round) {
    std::string damaged = whole;
    if (round % 3 == 0) damaged.resize(random() % whole.size());
    for (std::uint64_t n = random() % 8; n > 0 && !damaged.empty(); --n) {
      // Most of the file is empty: damage where something lies.
      const std::size_t at =
          round % 2 == 0 ? random() % damaged.size() : random() % 8 * page_bytes + random() % 128;
      if (at < damaged.size()) damaged[at] = static_cast<char>(random());
    }
    std::ofstream(file("damaged.jlt"), std::ios::binary) << damaged;
    try {
      EXPECT_LE(load(file("damaged.jlt")).spans.size(), spans_of_whole + 256);
    } catch (const Error& error) {
      EXPECT_NE(error.message(), "");
    }
  }
}

}  // namespace
}  // namespace jetlag::trace
