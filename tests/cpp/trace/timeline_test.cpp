// Sums, rows and busy times beside those that look at every span.
#include "trace/store/timeline.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "base/text.h"

namespace jetlag::trace {
namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

// Spans in spans, on some threads; some times are equal, some spans have no length.
class RandomTrace {
 public:
  // Flat: no span lies in another, so a site is one node of the tree.
  RandomTrace(unsigned seed, int spans, bool flat = false) : random_(seed), flat_(flat) {
    for (int s = 0; s < 7; ++s)
      trace_.sites.push_back({.name = format("site {}", s),
                              .category = s == 3 ? Category::wait : Category::step,
                              .file = s % 2 ? "a.py" : "b.py",
                              .line = s / 2});
    for (int t = 0; t < 3; ++t) {
      trace_.threads.push_back({static_cast<std::uint64_t>(t), format("worker {}", t), 0});
      fill(-1, static_cast<Index>(t), 0, 100'000, spans / 3);
    }
    trace_.length = 100'000;
  }

  const Trace& trace() const { return trace_; }
  std::int64_t number(std::int64_t least, std::int64_t most) {
    return std::uniform_int_distribution<std::int64_t>(least, most)(random_);
  }

 private:
  void fill(Index parent, Index thread, std::int64_t begin, std::int64_t end, int spans) {
    std::vector<std::int64_t> times;
    const auto here = std::min<std::int64_t>(spans, number(1, 2000));
    for (std::int64_t i = 0; i < 2 * here; ++i) times.push_back(number(begin, end));
    std::sort(times.begin(), times.end());
    const int inside = static_cast<int>((spans - here) / std::max<std::int64_t>(here, 1));
    for (std::size_t i = 0; i < times.size(); i += 2) {
      const auto span = static_cast<Index>(trace_.spans.size());
      trace_.spans.push_back(
          {times[i], times[i + 1], static_cast<Index>(number(-1, 6)), thread, parent, -1, false});
      if (inside > 0 && !flat_) fill(span, thread, times[i], times[i + 1], inside);
    }
  }

  std::mt19937 random_;
  bool flat_;
  Trace trace_;
};

int depth_of(const Trace& t, Index span) {
  int depth = 0;
  for (Index p = t.spans[at(span)].parent; p >= 0; p = t.spans[at(p)].parent) ++depth;
  return depth;
}

// The rows of a track as timeline.h says, by looking at each span.
std::vector<Row> rows_of_all(const Trace& t, const Timeline& line, const Timeline::Track& track,
                             const Window& w, const Nodes& selected) {
  std::map<std::pair<std::int64_t, Index>, std::vector<Index>> groups;  // bin, and long ones alone
  for (std::size_t i = 0; i < t.spans.size(); ++i) {
    const SpanRow& s = t.spans[i];
    const auto span = static_cast<Index>(i);
    if (s.thread != track.thread || depth_of(t, span) != track.depth) continue;
    if (s.end <= w.begin || s.begin >= w.end) continue;
    std::int64_t bin = 0;
    while (bin + 1 < w.bins && w.edge(bin + 1) <= s.begin) ++bin;
    const bool is_long = static_cast<double>(s.duration()) >=
                         static_cast<double>(w.end - w.begin) / static_cast<double>(w.bins);
    groups[{bin, is_long ? span : -1}].push_back(span);
  }
  std::vector<Row> rows;
  for (const auto& [key, spans] : groups) {
    Row row{t.spans[at(spans.front())].begin, t.spans[at(spans.back())].end, 0, 0, 0, -1, -1};
    std::map<Index, std::int64_t> by_site;
    std::int64_t longest = -1;
    for (const Index s : spans) {
      const std::int64_t took = t.spans[at(s)].duration();
      ++row.count;
      row.busy += took;
      if (selected[at(line.node_of(s))]) row.lit += took;
      by_site[t.spans[at(s)].site] += took;
      if (took > longest) row.span = s;
      longest = std::max(longest, took);
    }
    const auto most = std::max_element(by_site.begin(), by_site.end(),
                                       [](auto& a, auto& b) { return a.second < b.second; });
    row.site = most->first;
    rows.push_back(row);
  }
  return rows;
}

bool same(const Row& a, const Row& b) {
  return a.begin == b.begin && a.end == b.end && a.busy == b.busy && a.lit == b.lit &&
         a.count == b.count && a.site == b.site && a.span == b.span;
}

class Rows : public ::testing::TestWithParam<int> {};

TEST_P(Rows, AreThoseOfEverySpan) {
  RandomTrace random(static_cast<unsigned>(GetParam()), GetParam() % 2 ? 20'000 : 50,
                     GetParam() % 3 == 0);
  const Timeline line(random.trace());
  const Index sites[] = {1, 4};
  const Nodes selected = line.of_sites(sites);
  Timeline::Sums sums(line);
  for (int i = 0; i < 12; ++i) {
    Window w;
    w.begin = random.number(-10, 90'000);
    w.end = w.begin + random.number(1, i % 2 ? 200 : 110'000);
    w.bins = random.number(1, 300);
    for (const Timeline::Track& track : line.tracks()) {
      const auto got = line.rows(track, w, selected, sums);
      auto expected = rows_of_all(random.trace(), line, track, w, selected);
      std::sort(expected.begin(), expected.end(), [](const Row& a, const Row& b) {
        return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
      });
      ASSERT_TRUE(std::equal(got.begin(), got.end(), expected.begin(), expected.end(), same))
          << "window " << w.begin << " to " << w.end << " in " << w.bins;
    }
  }
}

// Nanosecond by nanosecond would be slow: each span is cut at each bin's edges.
TEST_P(Rows, BusyTimesAreThoseOfEverySpan) {
  RandomTrace random(static_cast<unsigned>(GetParam()), 3000);
  const Trace& t = random.trace();
  const Timeline line(t);
  const Nodes selected = line.of_sites(std::vector<Index>{2});
  const Window w{random.number(0, 30'000), random.number(60'000, 100'000), 37};
  const auto inside = [&](const SpanRow& s, std::int64_t bin) {
    return std::max<std::int64_t>(std::min(s.end, w.edge(bin + 1)) - std::max(s.begin, w.edge(bin)),
                                  0);
  };
  std::vector<std::int64_t> all(37);
  std::vector<std::int64_t> lit(37);
  for (std::size_t i = 0; i < t.spans.size(); ++i) {
    const SpanRow& s = t.spans[i];
    bool within = false;
    for (Index p = s.parent; p >= 0; p = t.spans[at(p)].parent) within |= t.spans[at(p)].site == 2;
    for (std::int64_t b = 0; b < w.bins; ++b) {
      if (s.parent < 0) all[static_cast<std::size_t>(b)] += inside(s, b);
      if (s.site == 3) all[static_cast<std::size_t>(b)] -= inside(s, b);
      if (s.site == 2 && !within) lit[static_cast<std::size_t>(b)] += inside(s, b);
    }
  }

  const Timeline::Busy busy = line.busy(w, selected);

  EXPECT_EQ(busy.all, all);
  EXPECT_EQ(busy.lit, lit);
}

INSTANTIATE_TEST_SUITE_P(Seeds, Rows, ::testing::Range(0, 12));

TEST(Timeline, RowsOfAllTracksAreThoseOfEach) {
  RandomTrace random(3, 2'000'000);
  const Timeline line(random.trace());
  const Window w{100, 99'000, 1000};

  const auto all = line.all_rows(w, {});

  ASSERT_EQ(all.size(), line.tracks().size());
  Timeline::Sums sums(line);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto alone = line.rows(line.tracks()[i], w, {}, sums);
    ASSERT_TRUE(std::equal(all[i].begin(), all[i].end(), alone.begin(), alone.end(), same));
  }
}

TEST(Timeline, OfAnEmptyTraceHasNoTracks) {
  const Trace trace;
  const Timeline line(trace);

  EXPECT_TRUE(line.tracks().empty());
  EXPECT_EQ(line.busy({0, 0, 3}, {}).all, (std::vector<std::int64_t>{0, 0, 0}));
}

TEST(Timeline, SelectionsMeanTheSameOnEveryWay) {
  RandomTrace random(5, 600);
  const Trace& t = random.trace();
  const Timeline line(t);

  for (std::size_t i = 0; i < t.spans.size(); ++i) {
    const Index node = line.node_of(static_cast<Index>(i));
    const Index site = t.spans[i].site;
    ASSERT_EQ(line.tree()[at(node)].site, site);
    ASSERT_TRUE(line.below(node)[at(node)]);
    if (site < 0) continue;
    const auto sites = line.sites_at(t.sites[at(site)].file, t.sites[at(site)].line);
    ASSERT_NE(std::find(sites.begin(), sites.end(), site), sites.end());
    ASSERT_TRUE(line.of_sites(sites)[at(node)]);
  }
}

TEST(Timeline, KnowsTheEdgesOfATaskBothWays) {
  Trace trace;
  trace.sites.push_back({.name = "s"});
  trace.threads.push_back({});
  for (Index i = 0; i < 3; ++i) {
    trace.tasks.push_back({.id = static_cast<std::uint64_t>(i + 1), .site = 0});
    trace.spans.push_back({i * 10, i * 10 + 5, 0, 0, -1, i, false});
  }
  trace.edges = {{0, 1, 8}, {0, 2, 8}, {1, 2, 8}};
  const Timeline line(trace);
  const auto numbers = [](std::span<const Index> s) {
    return std::vector<Index>(s.begin(), s.end());
  };

  EXPECT_EQ(numbers(line.edges_into(2)), (std::vector<Index>{1, 2}));
  EXPECT_EQ(numbers(line.edges_out_of(0)), (std::vector<Index>{0, 1}));
  EXPECT_EQ(numbers(line.spans_of(1)), (std::vector<Index>{1}));
}

}  // namespace
}  // namespace jetlag::trace
