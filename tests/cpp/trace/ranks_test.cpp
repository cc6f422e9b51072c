#include "trace/store/ranks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace jetlag::trace {
namespace {

// A rank of its own boot, whose clock shows `offset + rate * t` at the true time t.
struct Rank {
  double offset = 0, rate = 1;
  std::int64_t clock(double t) const { return std::llround(offset + rate * t); }
};

Trace part(std::int64_t rank, const std::string& boot) {
  Trace t;
  t.path = "rank-" + std::to_string(rank);
  t.facts = {{"rank", std::to_string(rank)}, {"boot", boot}};
  t.threads = {{0, "main", 0}};
  t.sites = {{.name = "common"}, {.name = t.path}};
  t.origin = 1;
  return t;
}

void add_point(Trace& t, const Rank& rank, double at, Event event, std::int64_t other) {
  t.points.push_back({rank.clock(at), event, 0, 0, -1, pack(8, static_cast<double>(other))});
}

void finish(Trace& t) {
  std::stable_sort(t.points.begin(), t.points.end(),
                   [](const Point& a, const Point& b) { return a.time < b.time; });
}

// Messages of 10 to 60 us between two ranks, over a second, each way or one way.
std::vector<Trace> chat(const Rank& a, const Rank& b, bool both_ways) {
  std::mt19937_64 random(7);
  std::vector<Trace> parts{part(0, "one"), part(1, "two")};
  for (int i = 0; i < 200; ++i) {
    const double at = 5e6 * i, way = 10e3 + static_cast<double>(random() % 50'000);
    add_point(parts[0], a, at, Event::send, 1);
    add_point(parts[1], b, at + way, Event::receive, 0);
    if (!both_ways) continue;
    const double back = at + 1e6, took = 10e3 + static_cast<double>(random() % 50'000);
    add_point(parts[1], b, back, Event::send, 0);
    add_point(parts[0], a, back + took, Event::receive, 1);
  }
  for (Trace& t : parts) finish(t);
  return parts;
}

std::vector<std::int64_t> times(const Trace& t, Event event, std::uint64_t rank) {
  std::vector<std::int64_t> found;
  for (const Point& p : t.points) {
    if (p.event == event && t.threads[static_cast<std::size_t>(p.thread)].id >> 32 == rank)
      found.push_back(p.time);
  }
  return found;
}

// The greatest error of the time that messages took from rank 0 to rank 1.
double worst(const Trace& all) {
  std::mt19937_64 random(7);
  const auto sent = times(all, Event::send, 0), came = times(all, Event::receive, 1);
  EXPECT_EQ(sent.size(), 200u);
  EXPECT_EQ(came.size(), 200u);
  double error = 0;
  for (std::size_t i = 0; i < std::min(sent.size(), came.size()); ++i) {
    const double way = 10e3 + static_cast<double>(random() % 50'000);
    random();
    error = std::max(error, std::abs(static_cast<double>(came[i] - sent[i]) - way));
  }
  return error;
}

TEST(Ranks, ClocksOfOneBootAreOneClock) {
  std::vector<Trace> parts{part(0, "one"), part(1, "one")};
  parts[0].origin = 5'000;
  parts[1].origin = 2'000;
  for (Trace& t : parts) add_point(t, {}, 100, Event::mark, 0);

  const Trace all = unite(parts);

  // The second began three microseconds before the first, and times begin with it.
  EXPECT_EQ(times(all, Event::mark, 1), (std::vector<std::int64_t>{0}));
  EXPECT_EQ(times(all, Event::mark, 0), (std::vector<std::int64_t>{3'000}));
  EXPECT_TRUE(all.complaints.empty());
}

TEST(Ranks, MessagesTellHowFarClocksAreApart) {
  for (const double offset : {0.0, 3e9, -4.5e8}) {
    const Trace all = unite(chat({}, {offset, 1}, true));
    EXPECT_LT(worst(all), 2'000) << offset;
    EXPECT_TRUE(all.complaints.empty());
    EXPECT_EQ(all.points.front().time, 0);
  }
}

TEST(Ranks, ClocksOfDifferentSpeedAreMet) {
  // A hundred parts in a million: 100 us in a second, more than a message takes.
  const Trace all = unite(chat({}, {1e9, 1 + 1e-4}, true));
  EXPECT_LT(worst(all), 15'000);
}

TEST(Ranks, NoMessageComesBeforeItWasSent) {
  const Trace all = unite(chat({}, {-7e8, 1}, false));
  const auto sent = times(all, Event::send, 0), came = times(all, Event::receive, 1);
  for (std::size_t i = 0; i < sent.size(); ++i) EXPECT_LE(sent[i], came[i]);
}

TEST(Ranks, AClockIsFoundAlongOthers) {
  // Rank 2 speaks with rank 1 only.
  const Rank one{1e9, 1}, two{-2e9, 1};
  std::vector<Trace> parts = chat({}, one, true);
  parts.push_back(part(2, "three"));
  for (int i = 0; i < 20; ++i) {
    const double at = 1e7 * i + 3e6;
    add_point(parts[1], one, at, Event::send, 2);
    add_point(parts[2], two, at + 20e3, Event::receive, 1);
    add_point(parts[2], two, at + 1e6, Event::send, 1);
    add_point(parts[1], one, at + 1e6 + 20e3, Event::receive, 2);
  }
  for (Trace& t : parts) finish(t);

  const Trace all = unite(parts);

  EXPECT_TRUE(all.complaints.empty());
  const auto came = times(all, Event::receive, 2);
  ASSERT_EQ(came.size(), 20u);
  for (std::size_t i = 0; i < came.size(); ++i)
    EXPECT_NEAR(static_cast<double>(came[i]), 1e7 * static_cast<double>(i) + 3.02e6, 3'000);
}

TEST(Ranks, WhatTellsNothingOfItsClockIsAComplaint) {
  std::vector<Trace> parts{part(0, "one"), part(1, "two"), part(2, "three")};
  parts[0].day = 1'000'000, parts[2].day = 1'500'000;
  for (Trace& t : parts) add_point(t, {}, 0, Event::mark, 0);

  const Trace all = unite(parts);

  ASSERT_EQ(all.complaints.size(), 2u);
  EXPECT_NE(all.complaints[0].find("rank-1: its clock cannot be held"), std::string::npos);
  EXPECT_NE(all.complaints[1].find("rank-2: its clock is held against that of rank-0 by the time"),
            std::string::npos);
  EXPECT_EQ(times(all, Event::mark, 2), (std::vector<std::int64_t>{500'000}));
}

TEST(Ranks, RowsFindEachOtherAgain) {
  std::vector<Trace> parts{part(0, "one"), part(1, "one")};
  for (Trace& t : parts) {
    const std::int64_t late = t.fact("rank") == "1" ? 100 : 0;
    t.counters = {{"/tasks", "", CounterKind::gauge, ""}};
    t.spans = {{late, late + 50, 0, 0, -1, 0}, {late + 1, late + 9, 1, 0, 0, -1}};
    t.tasks = {{.id = 7, .site = 1, .begin = late, .end = late + 50}};
    t.samples = {{late, 0, 0, 1}};
    t.work = {{1, 8, 2}};
    t.points = {{late + 40, late == 0 ? Event::send : Event::receive, -1, 0, 0,
                 pack(64, late == 0 ? 1 : 0)}};
  }

  const Trace all = unite(parts);

  ASSERT_EQ(all.sites.size(), 3u);  // one of them common
  ASSERT_EQ(all.spans.size(), 4u);
  EXPECT_EQ(all.spans[2].site, all.spans[0].site);
  EXPECT_EQ(all.sites[static_cast<std::size_t>(all.spans[3].site)].name, "rank-1");
  EXPECT_EQ(all.spans[3].parent, 2);
  EXPECT_EQ(all.spans[2].task, 1);
  EXPECT_EQ(all.threads[1].id, std::uint64_t{1} << 32);
  EXPECT_NE(all.tasks[0].id, all.tasks[1].id);
  EXPECT_EQ(all.counters.size(), 1u);
  EXPECT_EQ(all.work[1].span, 3);
  // The task that sent had ended when the one that received began.
  ASSERT_EQ(all.edges.size(), 1u);
  EXPECT_EQ(all.edges[0].from, 0);
  EXPECT_EQ(all.edges[0].to, 1);
  EXPECT_EQ(all.edges[0].bytes, 64);
  EXPECT_EQ(all.length, 150);
}

TEST(Ranks, EqualRanksAreNumberedByTheirPlace) {
  std::vector<Trace> parts{part(0, "one"), part(0, "one")};
  const Trace all = unite(parts);
  EXPECT_EQ(all.threads[0].id >> 32, 0u);
  EXPECT_EQ(all.threads[1].id >> 32, 1u);
}

TEST(Ranks, NoneAndOneAreAsTheyAre) {
  EXPECT_TRUE(unite({}).spans.empty());
  EXPECT_EQ(unite({part(3, "one")}).path, "rank-3");
}

}  // namespace
}  // namespace jetlag::trace
