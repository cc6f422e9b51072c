#include "trace/chunk/columns.h"

#include <gtest/gtest.h>

#include <random>

namespace jetlag::trace {
namespace {

std::vector<Record> random_records(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<Record> records(count);
  std::uint64_t ticks = random();
  for (Record& r : records) {
    r.ticks = ticks += random() % 5000;
    r.task = random() % 3 == 0 ? 0 : random() >> random() % 64;
    r.argument = random() >> random() % 64;
    r.site = static_cast<SiteId>(random() % 300);
    r.event = static_cast<Event>(random() % event_count);
  }
  return records;
}

bool same(const Record& a, const Record& b) {
  return a.ticks == b.ticks && a.task == b.task && a.argument == b.argument && a.site == b.site &&
         a.event == b.event;
}

TEST(Columns, GiveBackWhatWentIn) {
  for (std::size_t count : {0, 1, 2, 7, 1000}) {
    const std::vector<Record> records = random_records(count, count + 1);

    std::vector<Record> back;
    ASSERT_TRUE(from_columns(to_columns(records), count, back));

    ASSERT_EQ(back.size(), count);
    for (std::size_t i = 0; i < count; ++i) EXPECT_TRUE(same(records[i], back[i])) << i;
  }
}

TEST(Columns, AreSmallerThanRecords) {
  const std::vector<Record> records = random_records(4096, 3);
  std::vector<Record> plain(records);
  for (Record& r : plain) r.task %= 1000, r.argument = 0;

  EXPECT_LT(to_columns(plain).size(), plain.size() * sizeof(Record) / 3);
}

TEST(Columns, RefuseWhatIsCutOff) {
  const std::vector<Record> records = random_records(100, 4);
  const std::vector<std::byte> bytes = to_columns(records);
  std::vector<Record> back;

  for (std::size_t length = 0; length < bytes.size(); length += 13)
    EXPECT_FALSE(from_columns(std::span(bytes).first(length), records.size(), back)) << length;

  EXPECT_TRUE(back.empty());
}

TEST(Columns, SurviveFlippedBits) {
  const std::vector<Record> records = random_records(50, 5);
  const std::vector<std::byte> bytes = to_columns(records);
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::vector<std::byte> damaged(bytes);
    damaged[bit / 8] ^= static_cast<std::byte>(1u << bit % 8);

    std::vector<Record> back;
    const bool taken = from_columns(damaged, records.size(), back);

    EXPECT_EQ(back.size(), taken ? records.size() : 0);
  }
}

}  // namespace
}  // namespace jetlag::trace
