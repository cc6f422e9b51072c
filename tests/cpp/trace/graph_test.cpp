#include "trace/store/graph.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <random>

#include "base/error.h"
#include "trace/store/profile.h"

namespace jetlag::trace {
namespace {

// Tasks whose edges lead from lower to higher numbers.
Trace random_graph(std::uint64_t seed, int tasks) {
  std::mt19937_64 random(seed);
  Trace trace;
  trace.sites.resize(3);
  for (int i = 0; i < tasks; ++i) {
    TaskRow t;
    t.id = static_cast<std::uint64_t>(i) + 1;
    t.site = static_cast<Index>(random() % 3);
    t.begin = 0;
    t.end = static_cast<std::int64_t>(random() % 20);
    trace.tasks.push_back(t);
    for (int from = 0; from < i; ++from) {
      if (random() % 3 == 0) trace.edges.push_back({from, i, 0});
    }
  }
  return trace;
}

// The longest way, by trying all: with the time of one task made longer by `more`.
std::int64_t longest_way(const Trace& trace, Index longer = -1, std::int64_t more = 0) {
  const std::function<std::int64_t(Index)> from = [&](Index t) {
    std::int64_t longest = 0;
    for (const Edge& e : trace.edges) {
      if (e.from == t) longest = std::max(longest, from(e.to));
    }
    const TaskRow& row = trace.tasks[static_cast<std::size_t>(t)];
    return longest + row.end - row.begin + (t == longer ? more : 0);
  };
  std::int64_t longest = 0;
  for (std::size_t t = 0; t < trace.tasks.size(); ++t)
    longest = std::max(longest, from(static_cast<Index>(t)));
  return longest;
}

class RandomGraphs : public testing::TestWithParam<std::uint64_t> {};

TEST_P(RandomGraphs, LengthIsThatOfTheLongestWay) {
  const Trace trace = random_graph(GetParam(), 9);

  EXPECT_EQ(critical_path(trace).length, longest_way(trace));
}

TEST_P(RandomGraphs, SlackIsWhatATaskCanTakeLongerForNothing) {
  const Trace trace = random_graph(GetParam(), 9);
  const CriticalPath found = critical_path(trace);

  for (std::size_t t = 0; t < trace.tasks.size(); ++t) {
    const auto task = static_cast<Index>(t);
    EXPECT_EQ(longest_way(trace, task, found.slack[t]), found.length) << t;
    EXPECT_GT(longest_way(trace, task, found.slack[t] + 1), found.length) << t;
  }
}

TEST_P(RandomGraphs, ThePathIsAWayOfThatLength) {
  const Trace trace = random_graph(GetParam(), 9);
  const CriticalPath found = critical_path(trace);

  std::int64_t length = 0;
  for (std::size_t i = 0; i < found.path.size(); ++i) {
    const TaskRow& t = trace.tasks[static_cast<std::size_t>(found.path[i])];
    length += t.end - t.begin;
    if (i == 0) continue;
    const bool joined = std::any_of(trace.edges.begin(), trace.edges.end(), [&](const Edge& e) {
      return e.from == found.path[i - 1] && e.to == found.path[i];
    });
    EXPECT_TRUE(joined);
  }
  EXPECT_EQ(length, found.length);
}

TEST_P(RandomGraphs, WhatIfIsThePathOfTheFasterTasks) {
  const Trace trace = random_graph(GetParam(), 9);
  const std::array<Index, 1> sites{1};
  Trace faster = trace;
  for (TaskRow& t : faster.tasks) {
    if (t.site == 1) t.end = std::llround(static_cast<double>(t.end) / 2);
  }

  EXPECT_EQ(what_if(trace, sites, 2), std::vector{longest_way(faster)});
}
INSTANTIATE_TEST_SUITE_P(Seeds, RandomGraphs, testing::Range<std::uint64_t>(0, 8));

TEST(CriticalPath, OfNoTasksIsEmpty) {
  const CriticalPath found = critical_path(Trace());

  EXPECT_EQ(found.length, 0);
  EXPECT_TRUE(found.path.empty());
}

TEST(CriticalPath, ACircleEndsTheSearchButNotTheProgram) {
  Trace trace = random_graph(1, 4);
  trace.edges = {{0, 1, 0}, {1, 2, 0}, {2, 1, 0}, {3, 3, 0}};

  EXPECT_LE(critical_path(trace).path.size(), 4u);
}

TEST(WhatIf, NeedsANumberAboveZero) {
  EXPECT_THROW(what_if(Trace(), {}, 0), Error);
  EXPECT_THROW(what_if(Trace(), {}, -1), Error);
  EXPECT_THROW(what_if(Trace(), {}, std::nan("")), Error);
}

// ---- what the callers do themselves

SpanRow span(std::int64_t begin, std::int64_t end, Index site, Index parent, Index task = -1,
             Index thread = 0) {
  SpanRow s;
  s.begin = begin;
  s.end = end;
  s.site = site;
  s.thread = thread;
  s.parent = parent;
  s.task = task;
  return s;
}

// f works for 10, makes a task (30 long), calls g for 5, waits for the task, and works for 20 more.
Trace with_a_caller() {
  Trace trace;
  trace.sites = {{.name = "f"},
                 {.name = "g"},
                 {.name = "wait for tasks", .category = Category::wait},
                 {.name = "t"}};
  trace.threads.resize(2);
  trace.length = 70;
  trace.spans = {span(0, 70, 0, -1), span(10, 15, 1, 0), span(15, 50, 2, 0),
                 span(20, 50, 3, -1, 0, 1)};
  TaskRow task;
  task.id = 1;
  task.site = 3;
  task.maker = 0;
  task.created = 10;
  task.begin = 20;
  task.end = 50;
  task.busy = 30;
  trace.tasks = {task};
  return trace;
}

TEST(CriticalPath, GoesThroughWhatTheCallerDoesItself) {
  const CriticalPath found = critical_path(with_a_caller());

  EXPECT_EQ(found.length, 60);  // 10 of f, 30 of the task, 20 of f
  EXPECT_EQ(found.own, 30);
  EXPECT_EQ(found.path, std::vector<Index>{0});
  EXPECT_EQ(found.slack, std::vector<std::int64_t>{0});
  using Times = std::vector<std::pair<Index, std::int64_t>>;
  EXPECT_EQ(found.sites, (Times{{0, 30}, {3, 30}}));
}

TEST(CriticalPath, LeavesATaskThatIsDoneBeforeTheCallerWaits) {
  Trace trace = with_a_caller();
  trace.tasks[0].begin = 10;
  trace.tasks[0].end = 13;
  trace.spans[3] = span(10, 13, 3, -1, 0, 1);

  const CriticalPath found = critical_path(trace);

  EXPECT_EQ(found.length, 35);  // 10 of f, 5 of g, 20 of f
  EXPECT_TRUE(found.path.empty());
  EXPECT_EQ(found.slack, std::vector<std::int64_t>{35 - 10 - 3});
}

TEST(WhatIf, MakesTheCallersOwnStepsFasterAsWell) {
  const std::array<Index, 3> sites{0, 1, 3};

  EXPECT_EQ(what_if(with_a_caller(), sites, 2), (std::vector<std::int64_t>{45, 60, 45}));
  EXPECT_EQ(what_if(with_a_caller(), sites, 30), (std::vector<std::int64_t>{31, 60, 35}));
}

TEST(CriticalPath, OfStepsWithoutTasksIsTheirTime) {
  Trace trace = with_a_caller();
  trace.tasks = {};
  trace.spans = {span(0, 30, 0, -1), span(5, 15, 1, 0), span(40, 50, 1, -1)};

  EXPECT_EQ(critical_path(trace).length, 40);
}

// What a worker does inside of a task is the task's, and what a waiting thread does for others too.
TEST(CriticalPath, CountsWorkOfTasksOnce) {
  Trace trace = with_a_caller();
  trace.spans = {span(0, 70, 0, -1), span(10, 15, 1, 0), span(15, 50, 2, 0), span(20, 50, 3, 2, 0),
                 span(25, 45, 1, 3)};

  EXPECT_EQ(critical_path(trace).length, 60);
}

// ---- profiles

Trace nested() {
  Trace trace;
  trace.sites = {{.name = "f"}, {.name = "g"}};
  trace.threads.push_back({0, "main", 0});
  trace.length = 100;
  // f calls g twice, and itself once.
  trace.spans = {span(0, 100, 0, -1), span(10, 30, 1, 0), span(40, 50, 1, 0), span(60, 90, 0, 0)};
  return trace;
}

TEST(Profile, CountsOwnTimeAndNestedSitesOnce) {
  const std::vector<SiteFigures> rows = profile_by_site(nested());

  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].site, 0);
  EXPECT_EQ(rows[0].total, 100);
  EXPECT_EQ(rows[0].self, 70);
  EXPECT_EQ(rows[1].total, 30);
  EXPECT_EQ(rows[1].least, 10);
  EXPECT_EQ(rows[1].most, 20);
}

TEST(Profile, OwnTimesAddUpToTheTimeOfTheThread) {
  std::int64_t sum = 0;
  for (const SiteFigures& f : profile_by_site(nested())) sum += f.self;

  EXPECT_EQ(sum, profile_by_thread(nested())[0].busy);
}

TEST(Profile, TheTreeSeparatesWays) {
  const std::vector<TreeNode> tree = call_tree(nested());

  ASSERT_EQ(tree.size(), 3u);
  EXPECT_EQ(tree[0].self, 40);
  EXPECT_EQ(tree[1].count, 2);
  EXPECT_EQ(tree[2].site, 0);
  EXPECT_EQ(tree[2].parent, 0);
}

TEST(Profile, UtilisationAddsUpToTheBusyTime) {
  Trace trace = nested();
  trace.spans[0].end = 50;
  trace.spans.resize(trace.spans.size() - 1);

  const std::vector<double> busy = utilisation(trace, 4);

  EXPECT_EQ(busy, (std::vector<double>{1, 1, 0, 0}));
}

}  // namespace
}  // namespace jetlag::trace
