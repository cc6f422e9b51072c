#include "runtime/exec/round_costs.h"

#include <gtest/gtest.h>

namespace jetlag::exec {
namespace {

int runs_until_tried(RoundCosts& costs) {
  int runs = 1;
  while (!costs.may_try(7)) ++runs;
  return runs;
}

void fail(RoundCosts& costs) {
  RoundCosts::Cost cost = costs.find(7);
  RoundCosts::judge(cost, false);
  costs.note(7, cost);
}

TEST(RoundCosts, TryAgainLaterAndLater) {
  RoundCosts costs;
  EXPECT_EQ(runs_until_tried(costs), 1);
  fail(costs);
  EXPECT_EQ(runs_until_tried(costs), 1);  // once may be chance
  fail(costs);
  EXPECT_EQ(runs_until_tried(costs), 8);
  fail(costs);
  EXPECT_EQ(runs_until_tried(costs), 16);
  for (int i = 0; i < 40; ++i) fail(costs);
  EXPECT_EQ(runs_until_tried(costs), 1024);
}

TEST(RoundCosts, ForgetFailuresOnceItWorks) {
  RoundCosts costs;
  fail(costs);
  fail(costs);
  RoundCosts::Cost cost = costs.find(7);
  RoundCosts::judge(cost, true);
  costs.note(7, cost);
  EXPECT_EQ(runs_until_tried(costs), 1);
  fail(costs);
  EXPECT_EQ(runs_until_tried(costs), 1);
}

}  // namespace
}  // namespace jetlag::exec
