// Parts and rounds of an innermost loop are two loops, one within the other.
#include "compiler/loops/rounds.h"

#include <gtest/gtest.h>

namespace jetlag::loops {
namespace {

Block jump(int to) { return {.instructions = {}, .end = Block::End::jump, .yes = to}; }

Block branch(int yes, int no) {
  return {.instructions = {}, .end = Block::End::branch, .value = 0, .yes = yes, .no = no};
}

TEST(Rounds, OfOtherKindsAreEnteredByTheirPart) {
  enum : int { part, round, body, other_part, other_round, other_body, over, end };
  Program p;
  p.blocks.resize(8);
  p.blocks[part] = jump(round);
  p.blocks[round] = branch(body, end);
  p.blocks[body] = jump(other_round);  // what was an int is a float now
  p.blocks[other_part] = jump(other_round);
  p.blocks[other_round] = branch(other_body, over);
  p.blocks[other_body] = jump(other_round);
  p.blocks[over] = branch(other_part, end);

  enter_rounds_by_parts(p, {{round, part}, {other_round, other_part}});

  EXPECT_EQ(p.blocks[body].yes, other_part);
  EXPECT_EQ(p.blocks[part].yes, round);
  EXPECT_EQ(p.blocks[other_part].yes, other_round);
  EXPECT_EQ(p.blocks[other_body].yes, other_round);
  EXPECT_EQ(p.blocks[over].yes, other_part);
}

TEST(Rounds, ThatShareABodyWithOthersGoOnDirectly) {
  enum : int { part, round, other_part, other_round, shared, end };
  Program p;
  p.blocks.resize(6);
  p.blocks[part] = jump(round);
  p.blocks[round] = branch(shared, end);
  p.blocks[other_part] = jump(other_round);
  p.blocks[other_round] = branch(shared, end);
  p.blocks[shared] = jump(other_round);

  enter_rounds_by_parts(p, {{round, part}, {other_round, other_part}});

  EXPECT_EQ(p.blocks[shared].yes, other_round);
}

}  // namespace
}  // namespace jetlag::loops
