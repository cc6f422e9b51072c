#include "runtime/tune/session.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "../error_of.h"

namespace jetlag::tune {
namespace {

using Cost = std::function<double(const Space&, const Point&)>;

double number(const Space& space, const Point& point, std::size_t i) {
  const Value value = *space.value(point, i);
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return static_cast<double>(*integer);
  return std::get<double>(value);
}

// Asks and tells; what was asked, in order.
std::vector<std::string> run(Session& session, const Cost& cost, int trials) {
  std::vector<std::string> asked;
  for (int i = 0; i < trials; ++i) {
    const auto candidates = session.ask(1);
    if (candidates.empty()) break;
    const Point& point = candidates[0].point;
    asked.push_back(session.space().text(point));
    const double c = cost(session.space(), point);
    if (std::isfinite(c)) {
      session.tell(candidates[0].id, c);
    } else {
      session.fail(candidates[0].id);
    }
  }
  return asked;
}

Space plane() {
  return Space({{.name = "x", .kind = ParameterKind::real, .low = -1, .high = 3},
                {.name = "y", .kind = ParameterKind::real, .low = 1, .high = 100, .log = true}});
}

Space grid() {
  return Space({{.name = "m", .low = 0, .high = 20}, {.name = "n", .low = 0, .high = 20}});
}

// Of three ways, one has a tile and one a depth; the best is tiles of 7.
Space ways() {
  return Space(
      {{.name = "way", .kind = ParameterKind::choice, .choices = {"plain", "deep", "tiled"}},
       {.name = "tile", .low = 1, .high = 16, .parent = "way", .parent_values = {"tiled"}},
       {.name = "depth", .low = 1, .high = 16, .parent = "way", .parent_values = {"deep"}}});
}

double cost_of_way(const Space& space, const Point& point) {
  if (point[0] == 0) return 40;
  return point[0] == 1 ? 20 + number(space, point, 2) : 5 + std::abs(number(space, point, 1) - 7);
}

// A bowl, lowest at the given place of a space of two numbers, in shares of their ranges.
Cost bowl(double x, double y) {
  return [x, y](const Space& space, const Point& point) {
    const auto unit = space.to_unit(point);
    return 3 + std::pow(unit[0] - x, 2) + 2 * std::pow(unit[1] - y, 2);
  };
}

class TuneStrategy : public testing::TestWithParam<std::string> {
 protected:
  std::string name() const { return GetParam(); }
  Suits suits() const { return find_strategy(name()).suits; }
  bool learns() const { return name() != "exhaustive" && name() != "random"; }
};

TEST_P(TuneStrategy, FindsTheLowestPlaceOfAPlane) {
  if (suits() == Suits::levels) GTEST_SKIP() << "needs levels";
  Session session(plane(), name(), 1);

  run(session, bowl(0.3, 0.8), 400);

  EXPECT_LT(session.best_cost(), learns() ? 3.001 : 3.02);
}

TEST_P(TuneStrategy, FindsTheLowestCandidateOfAGrid) {
  Session session(grid(), name(), 2);

  run(session, bowl(0.25, 0.8), learns() ? 250 : 441);

  EXPECT_EQ(session.space().text(session.best()->point), "m=5 n=16");
}

TEST_P(TuneStrategy, TriesEveryCandidateOnceBeforeItEnds) {
  Session session(Space({{.name = "m", .low = 1, .high = 6}, {.name = "n", .low = 1, .high = 5}}),
                  name(), 3);

  const auto asked = run(session, bowl(0.4, 0.1), 1000);

  EXPECT_EQ(asked.size(), 30u);
  EXPECT_EQ(std::set<std::string>(asked.begin(), asked.end()).size(), 30u);
  EXPECT_TRUE(session.finished());
  EXPECT_TRUE(session.ask(1).empty());
}

TEST_P(TuneStrategy, AsksForWhatItWasToldIsPromising) {
  Session low(grid(), name(), 4);
  Session high(grid(), name(), 4);

  const auto near_low = run(low, bowl(0.1, 0.2), 60);
  const auto near_high = run(high, bowl(0.9, 0.8), 60);

  EXPECT_EQ(near_low != near_high, learns());
}

TEST_P(TuneStrategy, AsksForTheSameWithTheSameSeed) {
  Session one(grid(), name(), 5);
  Session two(grid(), name(), 5);

  EXPECT_EQ(run(one, bowl(0.3, 0.3), 60), run(two, bowl(0.3, 0.3), 60));
}

TEST_P(TuneStrategy, FindsItsWayAroundFailures) {
  Session session(grid(), name(), 6);
  const Cost cost = [](const Space& space, const Point& point) {
    return static_cast<int>(number(space, point, 0)) % 3 == 1 ? INFINITY
                                                              : bowl(0.25, 0.8)(space, point);
  };

  run(session, cost, learns() ? 250 : 441);

  EXPECT_EQ(session.space().text(session.best()->point), "m=5 n=16");
}

TEST_P(TuneStrategy, AsksForNothingThatIsNotAllowed) {
  const Space space = grid();
  Session session(grid(), name(), 7, {}, [&](const Point& point) {
    return number(space, point, 0) + number(space, point, 1) <= 20;
  });
  bool all_allowed = true;

  run(
      session,
      [&](const Space& s, const Point& point) {
        all_allowed = all_allowed && number(s, point, 0) + number(s, point, 1) <= 20;
        return bowl(0.25, 0.7)(s, point);
      },
      200);

  EXPECT_TRUE(all_allowed);
  EXPECT_LT(session.best_cost(), 3.02);
}

TEST_P(TuneStrategy, SearchesChoicesOrSaysWhyNot) {
  if (suits() == Suits::numbers) {
    EXPECT_EQ(error_of([&] { Session(ways(), name(), 8); }),
              "value: " + name() +
                  " cannot search this space: 'way' is a choice, which has no order\n"
                  "    hint: take hill-climbing, annealing, genetic or random");
    return;
  }
  Session session(ways(), name(), 8);

  run(session, cost_of_way, 33);

  EXPECT_EQ(session.space().text(session.best()->point), "way=tiled tile=7");
}

TEST_P(TuneStrategy, BeginsWithTheStartItIsGiven) {
  Session session(grid(), name(), 9, Point{3, 4});

  EXPECT_EQ(session.space().text(session.ask(1)[0].point), "m=3 n=4");
}

TEST_P(TuneStrategy, AnswersABatchInAnyOrder) {
  Session session(grid(), name(), 10);
  std::set<std::string> asked;
  std::size_t count = 0;

  for (int round = 0; round < 40; ++round) {
    auto candidates = session.ask(4);
    EXPECT_LE(candidates.size(), 4u);
    ASSERT_FALSE(candidates.empty());
    for (auto c = candidates.rbegin(); c != candidates.rend(); ++c) {
      asked.insert(session.space().text(c->point));
      ++count;
      session.tell(c->id, bowl(0.25, 0.8)(session.space(), c->point));
    }
  }

  EXPECT_EQ(asked.size(), count);
}

std::vector<std::string> names() {
  std::vector<std::string> all;
  for (const Strategy& s : strategies()) all.emplace_back(s.name);
  return all;
}

INSTANTIATE_TEST_SUITE_P(Table, TuneStrategy, testing::ValuesIn(names()), [](const auto& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

TEST(TuneSession, RefusesStrategiesThatCannotSearchItsSpace) {
  const auto begin = [](Space space, const char* name) {
    return error_of([&] { Session(std::move(space), name, 0); });
  };

  EXPECT_EQ(begin(grid(), "guess"),
            "value: there is no strategy 'guess'\n    hint: there are exhaustive, random, "
            "hill-climbing, annealing, genetic, parallel-rank-order, nelder-mead, bobyqa, sbplx, "
            "direct-l, crs2, isres");
  EXPECT_EQ(begin(plane(), "exhaustive"),
            "value: exhaustive cannot search this space: 'x' is a real number\n"
            "    hint: take hill-climbing, annealing, genetic or random");
  EXPECT_EQ(begin(Space({{.name = "n", .low = 1, .high = 9}}), "bobyqa"),
            "value: bobyqa needs 2 parameters\n    hint: take another strategy, such as sbplx");
  EXPECT_EQ(
      begin(Space({{.name = "f", .kind = ParameterKind::flag},
                   {.name = "n", .low = 1, .high = 9, .parent = "f", .parent_values = {"True"}}}),
            "nelder-mead"),
      "value: nelder-mead cannot search this space: 'n' does not always exist\n"
      "    hint: take hill-climbing, annealing, genetic or random");
}

TEST(TuneSession, RefusesCostsAndCandidatesThatAreNone) {
  Session session(grid(), "random", 0);
  const auto candidates = session.ask(2);
  session.tell(1, 5.0);

  EXPECT_EQ(error_of([&] { session.tell(2, NAN); }),
            "value: a cost must be a finite number, not nan\n    hint: tell a failure with fail()");
  EXPECT_EQ(
      error_of([&] { session.tell(2, -INFINITY); }),
      "value: a cost must be a finite number, not -inf\n    hint: tell a failure with fail()");
  EXPECT_EQ(error_of([&] { session.tell(1, 4.0); }), "value: candidate 1 was told already");
  EXPECT_EQ(error_of([&] { session.fail(3); }), "value: there is no candidate 3");
  EXPECT_EQ(error_of([&] { session.ask(0); }), "value: cannot ask for 0 candidates");
  EXPECT_EQ(session.best()->id, 1);
}

TEST(TuneSession, SaysThatNoCandidateIsAllowed) {
  Session small(grid(), "hill-climbing", 0, {}, [](const Point&) { return false; });
  Session endless(plane(), "nelder-mead", 0, {}, [](const Point&) { return false; });

  EXPECT_EQ(error_of([&] { small.ask(1); }), "value: no candidate is allowed: 441 were tried");
  EXPECT_EQ(error_of([&] { endless.ask(1); }), "value: no candidate is allowed: 100000 were tried");
}

TEST(TuneSession, GoesOnAfterAConstraintThatThrew) {
  bool broken = true;
  Session session(grid(), "random", 0, {}, [&](const Point&) {
    if (broken) throw Error(Kind::type, "no");
    return true;
  });

  EXPECT_EQ(error_of([&] { session.ask(1); }), "type: no");
  broken = false;

  EXPECT_EQ(session.ask(1).size(), 1u);
}

TEST(TuneSession, HasNoBestOfFailures) {
  Session session(Space({{.name = "n", .low = 1, .high = 3}}), "exhaustive", 0);

  for (const Candidate& c : session.ask(3)) session.fail(c.id);

  EXPECT_FALSE(session.best());
  EXPECT_TRUE(session.finished());
}

TEST(TuneSession, WaitsForTheCostsThatItsStrategyNeeds) {
  Session session(grid(), "annealing", 0);
  const auto first = session.ask(8);

  ASSERT_EQ(first.size(), 1u);
  EXPECT_TRUE(session.ask(8).empty());
  EXPECT_FALSE(session.finished());
  session.tell(first[0].id, 1.0);

  EXPECT_EQ(session.ask(8).size(), 1u);
}

TEST(TuneTable, EveryStrategyNamesItsPaper) {
  for (const Strategy& s : strategies()) {
    EXPECT_FALSE(s.doc.empty()) << s.name;
    EXPECT_FALSE(s.source.empty()) << s.name;
  }
}

}  // namespace
}  // namespace jetlag::tune
