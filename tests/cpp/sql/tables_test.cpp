// SQL over rows in memory: what is looked up is what a search finds, and nothing is written.
#include "base/sql/tables.h"

#include <gtest/gtest.h>

#include <random>

#include "base/error.h"

namespace jetlag::sql {
namespace {

std::string error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.message();
  }
  return "no error";
}

// Two tables: `things` is sorted by time, with equal ones, and has a text and what is missing.
class Tables : public ::testing::Test {
 protected:
  Tables() {
    std::mt19937 random(5);
    std::int64_t now = -20;
    for (int i = 0; i < 500; ++i) times.push_back(now += static_cast<int>(random() % 3));
    const auto at = [this](std::int64_t i) { return times[static_cast<std::size_t>(i)]; };
    tables.push_back(
        {"things",
         "",
         static_cast<std::int64_t>(times.size()),
         {{"number", "", [](std::int64_t i) -> Cell { return i; }},
          {"time", "", [at](std::int64_t i) -> Cell { return at(i); }},
          {"half", "", [](std::int64_t i) -> Cell { return static_cast<double>(i) / 2; }},
          {"name", "", [](std::int64_t i) -> Cell { return i % 2 ? "<b>🚀" : std::string_view(); }},
          {"kind", "", [](std::int64_t i) -> Cell { return i % 5 ? Cell(i % 5) : Cell(); }}},
         0,
         1});
    tables.push_back({"kinds",
                      "",
                      5,
                      {{"number", "", [](std::int64_t i) -> Cell { return i; }},
                       {"weight", "", [](std::int64_t i) -> Cell { return i * i; }}},
                      0});
  }

  std::int64_t number(std::string_view text) {
    const Answer answer = ask(tables, text, limits);
    return std::get<std::int64_t>(answer.rows.at(0).at(0));
  }

  std::vector<std::int64_t> times;
  std::vector<Table> tables;
  Limits limits;
};

TEST_F(Tables, LookUpWhatASearchFinds) {
  for (const char* column : {"time", "number"}) {
    for (const char* sign : {"=", "<", "<=", ">", ">="}) {
      for (const char* bound : {"-30", "-20", "0", "41", "41.5", "1e300", "9223372036854775807",
                                "'text'", "NULL", "499", "500"}) {
        const std::string condition = format("{} {} {}", column, sign, bound);
        // An expression is not looked up.
        const std::string searched = format("+{} {} {}", column, sign, bound);

        const auto found = number("SELECT count(*) FROM things WHERE " + condition);

        EXPECT_EQ(found, number("SELECT count(*) FROM things WHERE " + searched)) << condition;
      }
    }
  }
}

TEST_F(Tables, AreJoinedAndSummed) {
  std::int64_t wanted = 0;
  for (std::int64_t i = 0; i < 500; ++i) wanted += i % 5 * (i % 5);

  EXPECT_EQ(number("SELECT sum(weight) FROM things JOIN kinds ON kind = kinds.number"), wanted);
  EXPECT_EQ(number("SELECT time FROM things ORDER BY time LIMIT 1"), times.front());
  EXPECT_EQ(number("SELECT time FROM things ORDER BY time DESC LIMIT 1"), times.back());
}

TEST_F(Tables, GiveEachKindOfValue) {
  const Answer answer =
      ask(tables, "SELECT number, half, name, kind FROM things WHERE number = 5", limits);

  EXPECT_EQ(answer.columns, (std::vector<std::string>{"number", "half", "name", "kind"}));
  EXPECT_EQ(answer.rows.at(0),
            (std::vector<Value>{std::int64_t{5}, 2.5, std::string("<b>🚀"), std::monostate{}}));
}

TEST_F(Tables, StopAtTheLimitOfRows) {
  limits.rows = 10;

  const Answer answer = ask(tables, "SELECT * FROM things", limits);

  EXPECT_EQ(answer.rows.size(), 10U);
  EXPECT_TRUE(answer.more);
  EXPECT_FALSE(ask(tables, "SELECT * FROM kinds", limits).more);
}

TEST_F(Tables, StopAtTheLimitOfTime) {
  limits.time = std::chrono::milliseconds(50);

  const std::string said = error_of([&] {
    ask(tables,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
        "SELECT count(*) FROM n",
        limits);
  });

  EXPECT_EQ(said, "the answer took longer than 50 ms");
}

class Refused : public Tables, public ::testing::WithParamInterface<const char*> {};

TEST_P(Refused, WhateverIsNoQuestion) {
  EXPECT_EQ(error_of([&] { ask(tables, GetParam(), limits); }),
            "only questions are answered: nothing is written, nothing is set");
}

INSTANTIATE_TEST_SUITE_P(
    Sentences, Refused,
    ::testing::Values("CREATE TABLE t(x)", "ATTACH '/tmp/file.db' AS f", "PRAGMA hard_heap_limit=1",
                      "SELECT * FROM pragma_database_list", "SELECT load_extension('x')", "BEGIN",
                      "VACUUM INTO '/tmp/file.db'", "CREATE TEMP VIEW v AS SELECT 1"));

TEST_F(Tables, SayWhatToDo) {
  try {
    ask(tables, "SELECT * FROM thing", limits);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.message(), "no such table: thing");
    EXPECT_EQ(error.hint(), "tables are things, kinds");
  }
  EXPECT_EQ(error_of([&] { ask(tables, "", limits); }), "the question is empty");
  EXPECT_EQ(error_of([&] { ask(tables, "SELECT 1; SELECT 2", limits); }),
            "there are several sentences");
}

TEST_F(Tables, NeverHoldTextsThatBlowUp) {
  EXPECT_EQ(error_of([&] { ask(tables, "SELECT zeroblob(100000000)", limits); }),
            "string or blob too big");
}

}  // namespace
}  // namespace jetlag::sql
