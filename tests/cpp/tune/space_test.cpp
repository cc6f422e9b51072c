#include "runtime/tune/space.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "../error_of.h"

namespace jetlag::tune {
namespace {

Parameter integer(std::string name, double low, double high, double step = 1) {
  return {.name = std::move(name), .low = low, .high = high, .step = step};
}

Parameter logarithmic(std::string name, double low, double high, double factor) {
  return {.name = std::move(name), .low = low, .high = high, .step = factor, .log = true};
}

Parameter real(std::string name, double low, double high, bool log = false) {
  return {
      .name = std::move(name), .kind = ParameterKind::real, .low = low, .high = high, .log = log};
}

Parameter choice(std::string name, std::vector<std::string> choices) {
  return {.name = std::move(name), .kind = ParameterKind::choice, .choices = std::move(choices)};
}

Parameter flag(std::string name) { return {.name = std::move(name), .kind = ParameterKind::flag}; }

Parameter when(Parameter child, std::string parent, std::vector<std::string> values) {
  child.parent = std::move(parent);
  child.parent_values = std::move(values);
  return child;
}

std::string refusal(std::vector<Parameter> parameters) {
  return error_of([&] { Space space(std::move(parameters)); });
}

std::vector<std::string> texts(const Space& space) {
  std::vector<std::string> all;
  for (std::optional<Point> at = space.first(); at; at = space.next(*at))
    all.push_back(space.text(*at));
  return all;
}

TEST(TuneSpace, RefusesWhatCannotBeTuned) {
  const double inf = INFINITY;

  EXPECT_EQ(refusal({}), "value: the space is empty\n    hint: name at least one parameter");
  EXPECT_EQ(refusal({integer("", 1, 2)}), "value: parameter 1 has no name");
  EXPECT_EQ(refusal({integer("n", 1, 2), flag("n")}), "value: parameter 'n' is there twice");
  EXPECT_EQ(refusal({integer("n", 3, 2)}), "value: parameter 'n' has an empty range: 3 is above 2");
  EXPECT_EQ(refusal({real("x", 0, inf)}), "value: parameter 'x' has a range that is not finite");
  EXPECT_EQ(refusal({real("x", NAN, 1)}), "value: parameter 'x' has a range that is not finite");
  EXPECT_EQ(refusal({real("x", 0, 1, true)}),
            "value: parameter 'x' has logarithmic steps, but begins at 0");
  EXPECT_EQ(refusal({logarithmic("n", 1, 8, 1)}),
            "value: parameter 'n' has factor 1, which is not above 1");
  EXPECT_EQ(refusal({integer("n", 1, 8, 0)}),
            "value: parameter 'n' has step 0, which is no positive integer");
  EXPECT_EQ(refusal({integer("n", 0.5, 8)}),
            "value: parameter 'n' has a range from 0.5 to 8, which are not integers");
  EXPECT_EQ(refusal({integer("n", 0, 1e300)}), "value: parameter 'n' has a range beyond 2**53");
  EXPECT_EQ(refusal({choice("c", {})}), "value: parameter 'c' has no choices");
  EXPECT_EQ(refusal({choice("c", {"a", "b", "a"})}), "value: parameter 'c' has the choice a twice");
}

TEST(TuneSpace, RefusesConditionsThatCannotHold) {
  EXPECT_EQ(refusal({when(flag("f"), "g", {"True"}), flag("g")}),
            "value: parameter 'f' depends on 'g', which is no parameter before it");
  EXPECT_EQ(refusal({real("x", 0, 1), when(flag("f"), "x", {"0"})}),
            "value: parameter 'f' depends on 'x', which is a real number");
  EXPECT_EQ(refusal({choice("c", {"a"}), when(flag("f"), "c", {"b"})}),
            "value: parameter 'f' depends on 'c' being b, which it never is");
  EXPECT_EQ(refusal({choice("c", {"a"}), when(flag("f"), "c", {})}),
            "value: parameter 'f' exists for no value of 'c'");
}

TEST(TuneSpace, IntegersGoInStepsOrByFactors) {
  EXPECT_EQ(texts(Space({integer("n", 2, 9, 3)})), (std::vector<std::string>{"n=2", "n=5", "n=8"}));
  EXPECT_EQ(texts(Space({logarithmic("n", 8, 64, 2)})),
            (std::vector<std::string>{"n=8", "n=16", "n=32", "n=64"}));
  EXPECT_EQ(texts(Space({logarithmic("n", 1, 9, 1.5)})),
            (std::vector<std::string>{"n=1", "n=2", "n=3", "n=5", "n=7"}));
}

TEST(TuneSpace, RealsMeetBothEndsAndTheirLogarithmsTheMiddle) {
  const Space space({real("x", 1, 100, true), real("y", -1, 3)});

  EXPECT_EQ(space.text(space.from_unit({0, 0})), "x=1 y=-1");
  EXPECT_EQ(space.text(space.from_unit({1, 1})), "x=100 y=3");
  EXPECT_DOUBLE_EQ(std::get<double>(*space.value(space.middle(), 0)), 10);
  EXPECT_DOUBLE_EQ(std::get<double>(*space.value(space.middle(), 1)), 1);
}

TEST(TuneSpace, ARealRangeOfOneNumberIsOneCandidate) {
  const Space space({real("x", 2.5, 2.5, true)});

  EXPECT_EQ(texts(space), std::vector<std::string>{"x=2.5"});
  EXPECT_EQ(space.from_unit({0.7}), space.middle());
  EXPECT_EQ(space.coordinate(0, 2.5), 0.0);
}

TEST(TuneSpace, EnumeratesEachCandidateOfAConditionalSpaceOnce) {
  const Space space({choice("how", {"rows", "tiles"}),
                     when(integer("tile", 1, 3), "how", {"tiles"}),
                     when(flag("turned"), "tile", {"2", "3"})});

  EXPECT_EQ(texts(space), (std::vector<std::string>{
                              "how=rows", "how=tiles tile=1", "how=tiles tile=2 turned=False",
                              "how=tiles tile=2 turned=True", "how=tiles tile=3 turned=False",
                              "how=tiles tile=3 turned=True"}));
  EXPECT_EQ(space.count(6), 6);
  EXPECT_EQ(space.count(5), std::nullopt);
}

TEST(TuneSpace, WhatComesToExistBeginsInTheMiddle) {
  const Space space({flag("on"), when(integer("n", 0, 10), "on", {"True"})});
  const Point off = space.first();

  Point on = off;
  on[0] = 1;

  EXPECT_EQ(space.text(off), "on=False");
  EXPECT_EQ(space.text(space.candidate(on)), "on=True n=5");
  EXPECT_EQ(space.candidate({0, 7}), off);
}

TEST(TuneSpace, CandidatesAreMadeOfValuesByName) {
  const Space space({choice("how", {"rows", "tiles"}),
                     when(integer("tile", 1, 9), "how", {"tiles"}), integer("n", 0, 4)});

  EXPECT_EQ(space.text(space.with({{"how", "tiles"}})), "how=tiles tile=5 n=2");
  EXPECT_EQ(space.text(space.with({{"tile", std::int64_t{3}}})), "how=rows n=2");
  EXPECT_EQ(error_of([&] { space.with({{"m", true}}); }), "value: the space has no parameter 'm'");
  EXPECT_EQ(error_of([&] { space.with({{"n", true}}); }), "value: 'n' is never True");
  EXPECT_EQ(error_of([&] { space.with({{"how", "no"}}); }), "value: 'how' is never no");
}

TEST(TuneSpace, CoordinatesAreThoseOfTheirValues) {
  const Space space({integer("n", 2, 9, 3), logarithmic("m", 8, 64, 2), choice("c", {"a", "b"}),
                     flag("f"), real("x", 1, 100, true)});

  EXPECT_EQ(space.coordinate(0, std::int64_t{5}), 1.0);
  EXPECT_EQ(space.coordinate(0, std::int64_t{6}), std::nullopt);
  EXPECT_EQ(space.coordinate(0, std::int64_t{11}), std::nullopt);
  EXPECT_EQ(space.coordinate(1, std::int64_t{32}), 2.0);
  EXPECT_EQ(space.coordinate(2, std::string("b")), 1.0);
  EXPECT_EQ(space.coordinate(2, std::string("z")), std::nullopt);
  EXPECT_EQ(space.coordinate(3, true), 1.0);
  EXPECT_EQ(space.coordinate(3, std::int64_t{1}), std::nullopt);
  EXPECT_EQ(space.coordinate(4, 10.0), 0.5);
  EXPECT_EQ(space.coordinate(4, 101.0), std::nullopt);
  EXPECT_EQ(space.coordinate(4, double{NAN}), std::nullopt);
}

}  // namespace
}  // namespace jetlag::tune
