// What of a function may stand in place of a call of it.
#include "compiler/loops/before_calls.h"

#include <gtest/gtest.h>

namespace jetlag::loops {
namespace {

// Gives at once where a comparison holds, or does `otherwise` in block 2.
Program gives_or(std::vector<Instr> otherwise) {
  Program p;
  p.is_function = true;
  p.instructions = {{.what = Do::literal}, {.what = Do::compute, .a = 0, .b = 0}};
  p.blocks.push_back(
      {.instructions = {0, 1}, .end = Block::End::branch, .value = 1, .yes = 1, .no = 2});
  p.blocks.push_back({.instructions = {}, .end = Block::End::give, .value = 0});
  p.blocks.push_back({.instructions = {}, .end = Block::End::give, .value = 0});
  for (const Instr& i : otherwise) {
    p.blocks.back().instructions.push_back(static_cast<int>(p.instructions.size()));
    p.instructions.push_back(i);
  }
  return p;
}

TEST(BlocksBeforeCalls, AreThoseThatRunWithoutACall) {
  EXPECT_EQ(blocks_before_calls(gives_or({{.what = Do::invoke}})),
            (std::vector<bool>{true, true, false}));
}

TEST(BlocksBeforeCalls, AreNoneWhereNoneGivesAResult) {
  Program p = gives_or({{.what = Do::invoke}});
  p.blocks[1].instructions = {2};

  EXPECT_TRUE(blocks_before_calls(p).empty());
}

TEST(BlocksBeforeCalls, AreNoneWhereALoopComesBefore) {
  EXPECT_TRUE(blocks_before_calls(gives_or({{.what = Do::poll}})).empty());
}

TEST(BlocksBeforeCalls, AreNoneWhereTheyDoMuch) {
  EXPECT_TRUE(blocks_before_calls(gives_or(std::vector<Instr>(100))).empty());
}

}  // namespace
}  // namespace jetlag::loops
