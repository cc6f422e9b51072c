// Counters: measured quantities with names like /tasks{0/worker-1}/executed, that is
// /object{rank/instance}/name. One registry knows them all; whoever has some gives it a source.
// Reading costs those that count nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "trace/event.h"

namespace jetlag::trace {

// A counter of the registry.
struct ListedCounter {
  Counter counter;
  std::string missing = {};  // why it cannot be read here; empty if it can
};

// What a counter says. An average is value / weight; others have the weight 1. Not known: NaN.
struct Reading {
  double value = 0;
  double weight = 1;
};

// Some counters that are read together. All functions may be called by any thread.
class CounterSource {
 public:
  virtual ~CounterSource() = default;
  // What all its names begin with.
  virtual std::string_view prefix() const = 0;
  // Those there are now. A counter keeps its place in the list; new ones come behind.
  virtual std::vector<ListedCounter> list() = 0;
  // One value for each place.
  virtual void read(std::span<const std::size_t> places, std::span<Reading> values) = 0;
};

// A counter of the whole process that a function reads: {0/total}.
struct CounterRow {
  std::string_view object;
  std::string_view name;
  std::string_view unit;
  CounterKind kind;
  std::string_view doc;
  Reading (*read)();
};

// Known from now on, to the end of the process. Names must be new.
void add_counters(std::unique_ptr<CounterSource> source);
void add_counters(std::span<const CounterRow> rows);  // the rows stay where they are

// Grows when counters may have come: who chose some by a pattern looks again.
std::uint64_t counter_generation();
void note_new_counters();

// "/tasks{0/total}/executed".
std::string counter_name(std::string_view object, std::string_view instance, std::string_view name);

// Whether the name fits: * stands for any text, ? for one character. Without braces and stars a
// pattern means {0/total}.
bool matches_counter(std::string_view pattern, std::string_view name);

// The counters that fit, by source, in the order of their names' rows.
std::vector<ListedCounter> list_counters(std::string_view pattern = "*");

// The value now; of an average, since the process began. NaN where it cannot be read. Throws
// Error(name) if there is no such counter. Who reads often uses a reader.
double read_counter(std::string_view name);

// Reads chosen counters again and again, without asking for memory unless counters come. For one
// thread at a time. A pattern that ends in "@rate" gives the growth a second of the monotone
// counters that fit.
class CounterReader {
 public:
  // Patterns that fit nothing are allowed: counters may come. Throws Error(value) for one that
  // could never fit.
  explicit CounterReader(std::vector<std::string> patterns);
  ~CounterReader();
  CounterReader(const CounterReader&) = delete;
  CounterReader& operator=(const CounterReader&) = delete;

  // Looks for new counters. Whether there are some: counters() and values() are longer then, and
  // the old ones keep their places.
  bool look();
  const std::vector<Counter>& counters() const { return counters_; }
  // Averages and rates are those since the read before, NaN where nothing happened meanwhile; the
  // first time averages are those since the process began, and rates are NaN.
  std::span<const double> read();

 private:
  struct Part;
  std::vector<std::string> patterns_;
  std::vector<Counter> counters_;
  std::vector<double> values_;
  std::vector<std::unique_ptr<Part>> parts_;  // one for each source
  std::uint64_t seen_ = 0;
};

// In the child of a fork: locks may be held by threads that it lacks.
void counters_after_fork();

}  // namespace jetlag::trace
