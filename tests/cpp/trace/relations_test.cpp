// What a trace says of tasks that depend on each other, beside a look at each of them.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "trace/store/instances.h"
#include "trace/store/measures.h"
#include "trace/store/messages.h"
#include "trace/store/neighbours.h"
#include "trace/store/steps.h"

namespace jetlag::trace {
namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

// Tasks made by tasks, each of one span with some inside, on three threads; edges lead forward.
Trace tasks_of(unsigned seed, int count) {
  std::mt19937 random(seed);
  const auto number = [&](int least, int most) {
    return std::uniform_int_distribution<int>(least, most)(random);
  };
  Trace t;
  for (int s = 0; s < 5; ++s)
    t.sites.push_back({.name = "site " + std::to_string(s),
                       .category = s == 4 ? Category::wait : Category::step});
  std::vector<std::vector<SpanRow>> threads(3);
  for (int i = 0; i < count; ++i) {
    TaskRow task;
    task.id = static_cast<std::uint64_t>(i) + 1;
    task.site = number(0, 3);
    task.parent = i == 0 || number(0, 4) == 0 ? -1 : number(std::max(0, i - 6), i - 1);
    task.begin = 10 + i * 100 + number(0, 40);
    task.end = task.begin + number(1, 40);
    task.ready = task.begin - number(0, 9);
    task.busy = task.end - task.begin;
    task.bytes = number(0, 3) * 100.0;
    const auto thread = number(0, 2);
    auto& spans = threads[static_cast<std::size_t>(thread)];
    spans.push_back({task.begin, task.end, task.site, thread, -1, i});
    // Numbered within the thread until all are known.
    if (number(0, 1))
      spans.push_back(
          {task.begin, task.end, number(0, 4), thread, static_cast<Index>(spans.size()) - 1, i});
    for (int e = number(0, 3); e > 0 && i > 0; --e)
      t.edges.push_back({number(std::max(0, i - 9), i - 1), i, 8.0 * e});
    t.tasks.push_back(task);
  }
  for (auto& spans : threads) {
    const auto first = static_cast<Index>(t.spans.size());
    for (SpanRow& s : spans) {
      if (s.parent >= 0) s.parent += first;
      t.spans.push_back(s);
    }
    t.threads.push_back({t.threads.size() << 32, "thread", 0});
  }
  t.length = 100 * count;
  return t;
}

class Relations : public ::testing::TestWithParam<unsigned> {};

TEST_P(Relations, NeighboursAreThoseAlongEdges) {
  const Trace t = tasks_of(GetParam(), 120);
  const Timeline line(t);
  const Index start = 60;
  std::map<Index, int> wanted{{start, 0}};
  for (const int sign : {-1, 1}) {
    std::set<Index> edge{start};
    for (int step = 1; step <= 3; ++step) {
      std::set<Index> next;
      for (const Edge& e : t.edges) {
        const Index near = sign < 0 ? e.to : e.from;
        const Index far = sign < 0 ? e.from : e.to;
        if (edge.contains(near) && wanted.try_emplace(far, sign * step).second) next.insert(far);
      }
      edge = next;
    }
  }

  const Neighbours found = neighbours(t, line, start, 3, 1000);

  std::map<Index, int> got;
  for (const auto& m : found.tasks) got[m.task] = m.distance;
  EXPECT_EQ(got, wanted);
  EXPECT_TRUE(found.complete);
  std::set<Index> edges;
  for (std::size_t e = 0; e < t.edges.size(); ++e) {
    if (wanted.contains(t.edges[e].from) && wanted.contains(t.edges[e].to))
      edges.insert(static_cast<Index>(e));
  }
  EXPECT_EQ(std::set<Index>(found.edges.begin(), found.edges.end()), edges);
}

TEST_P(Relations, NeighboursStopAtTheLimit) {
  const Trace t = tasks_of(GetParam(), 120);
  const Timeline line(t);

  const std::size_t all = neighbours(t, line, 60, 20, 1000).tasks.size();

  const Neighbours found = neighbours(t, line, 60, 20, all - 1);

  EXPECT_EQ(found.tasks.size(), all - 1);
  EXPECT_FALSE(found.complete);
}

TEST_P(Relations, SitesHaveTheEdgesOfTheirTasks) {
  const Trace t = tasks_of(GetParam(), 200);
  std::map<std::pair<Index, Index>, double> wanted;
  for (const Edge& e : t.edges)
    wanted[{t.tasks[at(e.from)].site, t.tasks[at(e.to)].site}] += e.bytes;

  const SiteGraph graph = site_graph(t);

  std::map<std::pair<Index, Index>, double> got;
  std::int64_t edges = 0;
  std::int64_t tasks = 0;
  std::int64_t made = 0;
  for (const SiteEdge& e : graph.edges) got[{e.from, e.to}] = e.bytes, edges += e.count;
  for (const SiteTasks& n : graph.nodes) tasks += n.count;
  for (const SiteEdge& e : graph.makers) made += e.count;
  EXPECT_EQ(got, wanted);
  EXPECT_EQ(edges, static_cast<std::int64_t>(t.edges.size()));
  EXPECT_EQ(tasks, 200);
  EXPECT_EQ(made, std::count_if(t.tasks.begin(), t.tasks.end(),
                                [](const TaskRow& r) { return r.parent >= 0; }));
}

// Whose instance a span is, by going up from it.
Index owner_of(const Trace& t, const Timeline& line, Index node, Index span) {
  const SpanRow& s = t.spans[at(span)];
  if (line.node_of(span) == node) return span;
  const bool inside = s.parent >= 0 && t.spans[at(s.parent)].task == s.task;
  if (inside || s.task < 0) return s.parent < 0 ? -1 : owner_of(t, line, node, s.parent);
  for (Index made = t.tasks[at(s.task)].parent; made >= 0; made = t.tasks[at(made)].parent) {
    const Index first = line.spans_of(made).front();
    if (line.node_of(first) == node) return first;
  }
  return -1;
}

TEST_P(Relations, InstancesHoldAllThatIsBelow) {
  const Trace t = tasks_of(GetParam(), 150);
  const Timeline line(t);
  for (Index node = 0; node < static_cast<Index>(line.tree().size()); ++node) {
    std::map<Index, std::pair<std::int64_t, std::int64_t>> wanted;  // by first span: begin, end
    std::map<Index, std::int64_t> counts;
    for (std::size_t i = 0; i < t.spans.size(); ++i) {
      const Index owner = owner_of(t, line, node, static_cast<Index>(i));
      if (owner < 0) continue;
      const SpanRow& s = t.spans[i];
      auto& [begin, end] = wanted.try_emplace(owner, s.begin, s.end).first->second;
      begin = std::min(begin, s.begin);
      end = std::max(end, s.end);
      ++counts[owner];
    }

    const Instances found = instances(t, line, node, 0, INT64_MAX, 10'000);

    std::map<Index, std::int64_t> ends;  // of lanes
    std::multiset<std::tuple<std::int64_t, std::int64_t, std::int64_t>> got, want;
    for (const Instance& i : found.all) {
      got.emplace(i.begin, i.end, i.count);
      EXPECT_LE(ends[i.lane], i.begin);
      ends[i.lane] = i.end;
      EXPECT_EQ(t.spans[at(i.span)].begin, i.begin);
      EXPECT_GT(i.busy, 0);
    }
    for (const auto& [owner, times] : wanted)
      want.emplace(times.first, times.second, counts[owner]);
    EXPECT_EQ(got, want) << "node " << node;
    EXPECT_EQ(found.left_out, 0);
  }
}

TEST_P(Relations, FewInstancesAreTheLongest) {
  const Trace t = tasks_of(GetParam(), 150);
  const Timeline line(t);
  const Instances all = instances(t, line, 0, 0, INT64_MAX, 10'000);
  ASSERT_GT(all.all.size(), 3U);

  const Instances few = instances(t, line, 0, 0, INT64_MAX, 3);

  EXPECT_EQ(few.left_out, static_cast<std::int64_t>(all.all.size()) - 3);
  std::int64_t least = INT64_MAX;
  for (const Instance& i : few.all) least = std::min(least, i.end - i.begin);
  EXPECT_LE(std::count_if(all.all.begin(), all.all.end(),
                          [&](const Instance& i) { return i.end - i.begin > least; }),
            3);
}

TEST_P(Relations, StepsCountTheirTasksAndThreads) {
  const Trace t = tasks_of(GetParam(), 150);
  const Timeline line(t);

  const std::vector<StepFigures> rows = steps(t, line);

  std::int64_t tasks = 0;
  double bytes = 0;
  for (const StepFigures& row : rows) {
    std::set<Index> threads;
    for (std::size_t i = 0; i < t.spans.size(); ++i) {
      if (line.node_of(static_cast<Index>(i)) == row.node) threads.insert(t.spans[i].thread);
    }
    EXPECT_EQ(row.threads, static_cast<std::int64_t>(threads.size()));
    EXPECT_NE(t.sites[at(row.site)].category, Category::wait);
    EXPECT_LT(row.parent < 0 ? -1 : rows[at(row.parent)].node, row.node);
    tasks += row.tasks;
    bytes += row.bytes;
  }
  double all_bytes = 0;
  for (const TaskRow& row : t.tasks) all_bytes += row.bytes;
  EXPECT_EQ(tasks, 150);
  EXPECT_EQ(bytes, all_bytes);
}

TEST_P(Relations, MeasuresAreThoseOfTheTask) {
  const Trace t = tasks_of(GetParam(), 80);
  const CriticalPath path = critical_path(t);
  for (std::size_t i = 0; i < t.spans.size(); ++i) {
    const TaskRow& task = t.tasks[at(t.spans[i].task)];
    const auto span = static_cast<Index>(i);
    EXPECT_EQ(measure_named("wait")->of(t, span, nullptr),
              static_cast<double>(task.begin - task.ready));
    EXPECT_EQ(measure_named("slack")->of(t, span, &path),
              static_cast<double>(path.slack[at(t.spans[i].task)]));
    const double bytes = measure_named("bytes")->of(t, span, nullptr);
    if (task.bytes > 0) EXPECT_EQ(bytes, task.bytes);
    else EXPECT_TRUE(std::isnan(bytes));
  }
  EXPECT_EQ(measure_named("colour"), nullptr);
}

INSTANTIATE_TEST_SUITE_P(Seeds, Relations, ::testing::Range(1U, 6U));

TEST(Messages, AreCountedAtBothEnds) {
  Trace t;
  t.threads = {{0, "a", 0}, {std::uint64_t{1} << 32, "b", 0}};
  const auto message = [&](std::int64_t time, Event event, Index thread, int other, double bytes) {
    t.points.push_back({time, event, -1, thread, -1, pack(bytes, other)});
  };
  message(1, Event::send, 0, 1, 8);
  message(2, Event::receive, 1, 0, 8);
  message(3, Event::send, 0, 1, 16);
  message(4, Event::mark, 0, 0, 0);
  message(5, Event::send, 1, 0, 4);

  const std::vector<Messages> all = messages(t, 0, 10);
  const std::vector<Messages> early = messages(t, 0, 2);

  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].sent, 2);
  EXPECT_EQ(all[0].bytes_sent, 24);
  EXPECT_EQ(all[0].received, 1);
  EXPECT_EQ(all[0].bytes_received, 8);
  EXPECT_EQ(all[1].from, 1);
  EXPECT_EQ(all[1].to, 0);
  ASSERT_EQ(early.size(), 1U);
  EXPECT_EQ(early[0].sent, 1);
  EXPECT_EQ(early[0].received, 0);
}

}  // namespace
}  // namespace jetlag::trace
