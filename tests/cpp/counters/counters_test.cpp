#include "trace/counters/counters.h"

#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "base/error.h"
#include "trace/counters/tally.h"

namespace jetlag::trace {
namespace {

std::vector<std::string> names(std::string_view pattern) {
  std::vector<std::string> all;
  for (const ListedCounter& c : list_counters(pattern)) all.push_back(c.counter.name);
  return all;
}

// A source whose values and rows a test sets.
struct Made {
  std::vector<ListedCounter> rows;
  std::vector<Reading> values;
};
class MadeSource : public CounterSource {
 public:
  MadeSource(std::string prefix, Made& made) : prefix_(std::move(prefix)), made_(made) {}
  std::string_view prefix() const override { return prefix_; }
  std::vector<ListedCounter> list() override { return made_.rows; }
  void read(std::span<const std::size_t> places, std::span<Reading> values) override {
    for (std::size_t i = 0; i < places.size(); ++i) values[i] = made_.values[places[i]];
  }

 private:
  std::string prefix_;
  Made& made_;
};
// Sources stay to the end of the process: so do what they read.
Made& make(const std::string& object, std::vector<std::pair<std::string, CounterKind>> counters) {
  Made& made = *new Made;
  for (const auto& [name, kind] : counters) {
    made.rows.push_back({{counter_name(object, "0/total", name), "B", kind, "text"}});
    made.values.push_back({});
  }
  add_counters(std::make_unique<MadeSource>(object, made));
  return made;
}

TEST(Counters, PatternsFitNames) {
  EXPECT_TRUE(matches_counter("/tasks{0/total}/executed", "/tasks{0/total}/executed"));
  EXPECT_TRUE(matches_counter("/tasks/executed", "/tasks{0/total}/executed"));
  EXPECT_FALSE(matches_counter("/tasks/executed", "/tasks{0/worker-1}/executed"));
  EXPECT_TRUE(matches_counter("/tasks{*}/executed", "/tasks{0/worker-1}/executed"));
  EXPECT_TRUE(matches_counter("/tasks{0/worker-?}/*", "/tasks{0/worker-1}/executed"));
  EXPECT_FALSE(matches_counter("/tasks{0/worker-?}/*", "/tasks{0/worker-12}/executed"));
  EXPECT_TRUE(matches_counter("*", "/tasks{0/total}/executed"));
  EXPECT_TRUE(matches_counter("/tasks/*", "/tasks{0/total}/executed"));
  EXPECT_FALSE(matches_counter("/tasks/*", "/tasks{0/worker-1}/executed"));
  EXPECT_TRUE(matches_counter("/proc/*", "/proc/stat{0/cpu3}/user"));
  EXPECT_TRUE(matches_counter("*a*b*c*", "xaxbxxc"));
  EXPECT_FALSE(matches_counter("*a*b*c", "xaxbxxcx"));
  EXPECT_FALSE(matches_counter("", "/tasks{0/total}/executed"));
}

TEST(Counters, APatternOfStarsTakesLinearTime) {
  // Trying every split of the text would not end.
  EXPECT_FALSE(matches_counter("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", std::string(5000, 'a')));
}

TEST(Counters, EachIsNamedOnceAndSaysWhatItIs) {
  std::vector<std::string> all = names("*");

  std::sort(all.begin(), all.end());
  EXPECT_EQ(std::adjacent_find(all.begin(), all.end()), all.end());
  for (const ListedCounter& c : list_counters("*")) {
    EXPECT_TRUE(c.counter.name.starts_with('/')) << c.counter.name;
    EXPECT_NE(c.counter.unit, "") << c.counter.name;
    EXPECT_NE(c.counter.doc, "") << c.counter.name;
  }
}

TEST(Counters, AnUnknownNameIsAnError) {
  try {
    read_counter("/no/such");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.message(), "there is no counter '/no/such'");
  }
  EXPECT_THROW(CounterReader({"tasks"}), Error);
  EXPECT_THROW(CounterReader({""}), Error);
  EXPECT_THROW(CounterReader({"@rate"}), Error);
}

TEST(Counters, AMissingOneIsListedAndHasNoValue) {
  Made& made = make("/missing-test", {{"a", CounterKind::gauge}});
  made.rows[0].missing = "nobody is allowed to";
  note_new_counters();

  EXPECT_EQ(list_counters("/missing-test/a")[0].missing, "nobody is allowed to");
  EXPECT_TRUE(std::isnan(read_counter("/missing-test/a")));
  EXPECT_TRUE(CounterReader({"/missing-test*"}).counters().empty());
}

TEST(Counters, AReaderGivesAveragesAndRatesSinceTheReadBefore) {
  Made& made =
      make("/reader-test", {{"mean", CounterKind::average}, {"sum", CounterKind::monotone}});
  made.values = {{10, 4}, {100}};
  CounterReader reader({"/reader-test*", "/reader-test*@rate"});
  ASSERT_EQ(reader.counters().size(), 3u);
  EXPECT_EQ(reader.counters()[2].name, "/reader-test{0/total}/sum@rate");
  EXPECT_EQ(reader.counters()[2].unit, "B/s");

  std::vector<double> first(reader.read().begin(), reader.read().end());
  first[0] = 2.5;
  made.values = {{16, 6}, {150}};
  const std::span<const double> second = reader.read();

  EXPECT_EQ(second[0], 3);
  EXPECT_EQ(second[1], 150);
  EXPECT_GT(second[2], 0);
  EXPECT_TRUE(std::isnan(reader.read()[0]));
  EXPECT_EQ(reader.read()[2], 0);
  EXPECT_EQ(read_counter("/reader-test/mean"), 16.0 / 6);
}

TEST(Counters, TheFirstAverageIsSinceTheBeginning) {
  Made& made =
      make("/first-test", {{"mean", CounterKind::average}, {"sum", CounterKind::monotone}});
  made.values = {{10, 4}, {100}};
  CounterReader reader({"/first-test*", "/first-test/sum@rate"});

  const std::span<const double> values = reader.read();

  EXPECT_EQ(values[0], 2.5);
  EXPECT_TRUE(std::isnan(values[2]));
}

TEST(Counters, AReaderFindsThoseThatCome) {
  Made& made = make("/coming-test", {{"a", CounterKind::gauge}});
  CounterReader reader({"/coming-test*"});
  EXPECT_FALSE(reader.look());

  made.rows.push_back({{"/coming-test{0/total}/b", "B", CounterKind::gauge, "text"}});
  made.values = {{1}, {2}};
  note_new_counters();

  EXPECT_TRUE(reader.look());
  ASSERT_EQ(reader.read().size(), 2u);
  EXPECT_EQ(reader.read()[1], 2);
}

TEST(Tallies, AddUpOverThreadsThatEnded) {
  const std::uint64_t before = total(Tally::code_hits);

  for (int round = 0; round < 20; ++round) {
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t)
      threads.emplace_back([] {
        for (int i = 0; i < 1000; ++i) count(Tally::code_hits);
      });
    for (std::thread& t : threads) t.join();
  }

  EXPECT_EQ(total(Tally::code_hits) - before, 160'000u);
  EXPECT_EQ(read_counter("/cache/code-hits"), static_cast<double>(total(Tally::code_hits)));
}

TEST(Tallies, AWorkerKeepsItsNumberAndItsCounts) {
  int first = -1, second = -1, third = -1;
  EXPECT_EQ(worker_number(), -1);
  std::thread([&] {
    count(Tally::runs, 5);  // not yet as a worker
    first = become_worker();
    count(Tally::runs, 3);
    EXPECT_EQ(become_worker(), first);
  }).join();
  const std::string name = counter_name("/tasks", format("0/worker-{}", first), "runs");
  const double so_far = read_counter(name);
  std::thread([&] {
    second = become_worker();
    count(Tally::runs, 4);
  }).join();

  EXPECT_EQ(second, first);
  EXPECT_EQ(read_counter(name), so_far + 4);
  std::thread([&] {
    become_worker();
    std::thread([&] { third = become_worker(); }).join();
  }).join();
  EXPECT_NE(third, first);
}

}  // namespace
}  // namespace jetlag::trace
