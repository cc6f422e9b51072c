// parse(print(t)) = t, the promise that makes PhySL a text.
#include <gtest/gtest.h>

#include "random_tree.h"

namespace jetlag::physl {
namespace {

constexpr unsigned rounds = 3000;

// What does not come back; empty if all does.
std::string loss(const std::vector<NodePtr>& program, const PrintOptions& options) {
  const std::string text = print(program, options);
  const std::vector<NodePtr> again = parse(text);
  if (again.size() != program.size()) return text;
  for (std::size_t i = 0; i < program.size(); ++i) {
    if (!same(*program[i], *again[i])) return text;
  }
  return "";
}

TEST(RoundTrip, TreesWithTagsComeBack) {
  for (unsigned seed = 0; seed < rounds; ++seed) {
    const auto program = RandomTree(seed, true).program();

    ASSERT_EQ(loss(program, {.width = static_cast<int>(20 + seed % 100)}), "") << "seed " << seed;
  }
}

TEST(RoundTrip, TreesWithoutTagsComeBack) {
  for (unsigned seed = 0; seed < rounds; ++seed) {
    const auto program = RandomTree(seed, false).program();

    ASSERT_EQ(loss(program, {.width = static_cast<int>(20 + seed % 100)}), "") << "seed " << seed;
  }
}

TEST(RoundTrip, TreesInInfixComeBack) {
  for (unsigned seed = 0; seed < rounds; ++seed) {
    const auto program = RandomTree(seed, false).program();
    const PrintOptions infix{
        .tags = false, .infix = true, .width = 20 + static_cast<int>(seed % 100)};

    ASSERT_EQ(loss(program, infix), "") << "seed " << seed;
  }
}

TEST(RoundTrip, PrintingWhatWasParsedChangesNothing) {
  for (unsigned seed = 0; seed < rounds; ++seed) {
    const auto program = RandomTree(seed, false).program();
    const PrintOptions infix{.tags = false, .infix = true, .width = 60};
    const std::string tagged = print(parse(print(program)));

    ASSERT_EQ(print(parse(print(program, infix)), infix), print(program, infix));
    ASSERT_EQ(print(parse(tagged)), tagged);
  }
}

TEST(RoundTrip, TwoSeedsGiveTwoTrees) {
  const NodePtr a = RandomTree(1, true).tree(5);

  EXPECT_TRUE(same(*a, *RandomTree(1, true).tree(5)));
  EXPECT_FALSE(same(*a, *RandomTree(2, true).tree(5)));
}

}  // namespace
}  // namespace jetlag::physl
