// A trace in memory: spans, tasks, edges, samples, on one clock.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/column.h"
#include "trace/event.h"

namespace jetlag::trace {

// Indices into the vectors of a Trace; none is -1.
using Index = std::int32_t;

struct Thread {
  std::uint64_t id = 0;  // rank << 32 | number of the thread
  std::string name;
  std::int64_t system = 0;  // the operating system's number
};

// Times are nanoseconds from the beginning of the trace.
struct SpanRow {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  Index site = -1;
  Index thread = -1;
  Index parent = -1;      // the span around it on its thread
  Index task : 31 = -1;   // whose work it is
  bool open : 1 = false;  // its end was not recorded: it is where the trace ends
  std::int64_t duration() const { return end - begin; }
};
static_assert(sizeof(SpanRow) == 32);

struct TaskRow {
  std::uint64_t id = 0;
  Index site = -1;
  Index parent = -1;          // the task that made it
  Index maker = -1;           // the thread where it was made
  std::int64_t created = -1;  // -1: not recorded
  std::int64_t ready = -1;    // the same
  std::int64_t begin = -1;    // of its first span
  std::int64_t end = -1;      // of its last
  std::int64_t busy = 0;      // of its spans together, without waits inside
  double bytes = 0;
  double flops = 0;
};

// The later task could begin because the earlier had ended.
struct Edge {
  Index from = -1;
  Index to = -1;
  double bytes = 0;
};

struct Sample {
  std::int64_t time = 0;
  Index counter = -1;
  Index thread = -1;
  double value = 0;
};

// What happened at a moment and is none of the above.
struct Point {
  std::int64_t time = 0;
  Event event = Event::none;
  Index site = -1;
  Index thread = -1;
  Index task = -1;
  std::uint64_t argument = 0;
};

// Bytes and flops of a span that said them.
struct Work {
  Index span = -1;
  double bytes = 0;
  double flops = 0;
};

struct Trace {
  std::string path;
  std::vector<std::pair<std::string, std::string>> facts;  // of the run, as text
  std::vector<Site> sites;
  std::vector<Counter> counters;
  std::vector<Thread> threads;
  Column<SpanRow> spans;    // by thread, then begin; a parent stands before its children
  Column<TaskRow> tasks;    // by id
  Column<Edge> edges;       // by `to`
  Column<Sample> samples;   // by time
  Column<Point> points;     // by time
  Column<Work> work;        // by span
  std::int64_t length = 0;  // nanoseconds
  std::int64_t origin = 0;  // the machine's monotonic clock at time zero; 0: not known
  std::int64_t day = 0;     // nanoseconds from 1970 to time zero; 0: not known
  std::uint64_t dropped = 0;
  bool closed = true;
  std::vector<std::string> complaints;

  std::string_view fact(std::string_view name) const;  // empty if there is none
};

// Throws what Reader does. Damage inside is left out, with a complaint.
Trace load(const std::string& path);

}  // namespace jetlag::trace
