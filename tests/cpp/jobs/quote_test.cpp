#include "jobs/transport/quote.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "hostile.h"
#include "jobs/transport/process.h"

namespace jetlag::jobs {
namespace {

TEST(Quote, PlainWordsStayAsTheyAre) {
  EXPECT_EQ(shell_word("sbatch"), "sbatch");
  EXPECT_EQ(shell_word("/home/me/job.sh"), "/home/me/job.sh");
  EXPECT_EQ(shell_word(""), "''");
  EXPECT_EQ(shell_word("it's"), "'it'\\''s'");
}

TEST(Quote, ARealShellGivesEachArgumentBack) {
  std::vector<std::string> argv = {"printf", "%s\\0"};
  const std::vector<std::string> texts = hostile_texts();
  argv.insert(argv.end(), texts.begin(), texts.end());

  const Ran ran = run_program({"sh", "-c", command_line(argv)}, "", 10);

  std::string expected;
  for (const std::string& text : texts) expected += text + '\0';
  EXPECT_EQ(ran.code, 0);
  EXPECT_EQ(ran.out, expected);
}

TEST(Quote, TwoShellsOneInTheOtherGiveThemBackToo) {
  std::vector<std::string> inner = {"printf", "%s\\0"};
  for (const std::string& text : hostile_texts()) inner.push_back(text);
  const std::vector<std::string> outer = {"sh", "-c", command_line(inner)};

  const Ran ran = run_program({"sh", "-c", command_line(outer)}, "", 10);

  EXPECT_EQ(ran.out, run_program(inner, "", 10).out);
}

TEST(Quote, ANullCharacterIsRefused) { EXPECT_THROW(shell_word(std::string("a\0b", 3)), Error); }

TEST(Process, WhatGoesInComesOutHoweverLongItIs) {
  std::string text(3'000'000, 'x');
  for (std::size_t i = 0; i < text.size(); i += 7) text[i] = static_cast<char>(i);

  const Ran ran = run_program({"cat"}, text, 30);

  EXPECT_TRUE(ran.out == text);
}

TEST(Process, OneThatDoesNotEndIsEnded) {
  const Ran ran = run_program({"sh", "-c", "sleep 1000 & sleep 1000"}, "", 0.2);

  EXPECT_TRUE(ran.timed_out);
  EXPECT_FALSE(ran.well());
}

TEST(Process, OneThatDoesNotReadItsInputIsNoTrouble) {
  // It may end before, while or after its input is written.
  for (int i = 0; i < 30; ++i)
    EXPECT_EQ(run_program({"true"}, std::string(100'000, 'x'), 10).code, 0);
}

TEST(Process, AProgramThatIsNotThereIsNamed) {
  try {
    run_program({"no-such-program-here"}, "", 10);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.message(), "cannot run no-such-program-here: No such file or directory");
  }
}

}  // namespace
}  // namespace jetlag::jobs
