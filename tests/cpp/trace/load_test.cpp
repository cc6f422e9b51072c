#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/text.h"
#include "trace/chunk/writer.h"
#include "trace/store/trace.h"

namespace jetlag::trace {
namespace {

constexpr std::int64_t year = std::int64_t{366} * 86'400 * 1'000'000'000;

// A thread's span from one time to another, as a file with these looks at the clock has it.
Trace span_between(std::uint64_t begin, std::uint64_t end, const std::vector<std::string>& looks) {
  const std::string path = testing::TempDir() + "/load_test.jlt";
  std::filesystem::remove(path);
  {
    Writer writer(path);
    for (const std::string& look : looks) writer.define(look);
    writer.define(R"({"def":"site","id":1,"name":"work","category":"step"})");
    writer.define(R"({"def":"thread","track":1,"id":1,"name":"thread 1","system":7})");
    const std::vector<Record> records = {
        {.ticks = begin, .task = 1, .site = 1, .event = Event::begin},
        {.ticks = end, .task = 1, .site = 1, .event = Event::end}};
    writer.add_columns(records, 1, 0);
    writer.close();
  }
  return load(path);
}

TEST(Load, MapsTicksByTheLooksAtTheClock) {
  const Trace trace = span_between(
      1'500, 2'500,
      {R"({"def":"clock","ticks":1000,"ns":0})", R"({"def":"clock","ticks":3000,"ns":1000})"});

  ASSERT_EQ(trace.spans.size(), 1U);
  EXPECT_EQ(trace.spans[0].duration(), 500);
}

TEST(Load, CutsTimesThatADamagedFileClaims) {
  const std::vector<std::vector<std::string>> clocks = {
      {},
      {R"({"def":"clock","ticks":1000,"ns":0})"},
      {R"({"def":"clock","ticks":1000,"ns":9223372036854775807})"},
      {R"({"def":"clock","ticks":1000,"ns":-9223372036854775807})",
       R"({"def":"clock","ticks":1001,"ns":9223372036854775807})"}};
  for (const auto& looks : clocks) {
    const Trace trace = span_between(2'000, UINT64_MAX, looks);

    ASSERT_EQ(trace.spans.size(), 1U);
    EXPECT_GE(trace.spans[0].duration(), 0);
    EXPECT_LE(trace.length, 2 * year);
  }
}

}  // namespace
}  // namespace jetlag::trace
