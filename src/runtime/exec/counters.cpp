#include "runtime/exec/counters.h"

#include <algorithm>

#include "array/memory.h"
#include "runtime/tasks/tasks.h"
#include "trace/counters/counters.h"
#include "trace/counters/tally.h"

namespace jetlag::exec {

namespace {

using trace::CounterKind;
using trace::Reading;

template <std::int64_t memory::Counters::* member>
Reading bytes() {
  return {static_cast<double>(memory::counters().*member)};
}

// Both only grow, but one may be read a moment later.
Reading idle_rate() {
  const auto busy = static_cast<double>(trace::total(trace::Tally::busy_ns));
  const double all = tasks::worker_time_ns();
  return {std::max(all - busy, 0.0), all};
}

constexpr trace::CounterRow rows[] = {
    {"/memory", "live", "B", CounterKind::gauge, "bytes of array buffers in use",
     bytes<&memory::Counters::now>},
    {"/memory", "kept", "B", CounterKind::gauge,
     "bytes that were freed and wait for the next array", bytes<&memory::Counters::kept>},
    {"/memory", "peak", "B", CounterKind::gauge, "the most bytes of array buffers at once",
     bytes<&memory::Counters::peak>},
    {"/memory", "allocated", "B", CounterKind::monotone, "bytes ever given to array buffers",
     bytes<&memory::Counters::total>},
    {"/tasks", "queue-length", "runs", CounterKind::gauge,
     "runs of tasks that lie in the queue from which workers take them",
     [] { return Reading{static_cast<double>(tasks::queue_length())}; }},
    {"/tasks", "workers", "threads", CounterKind::gauge, "how many workers may compute",
     [] { return Reading{static_cast<double>(tasks::workers())}; }},
    {"/tasks", "idle-rate", "1", CounterKind::average,
     "the share of the workers' time in which they ran no task", idle_rate},
};

}  // namespace

void add_counters() {
  static const bool added = [] {
    trace::add_counters(rows);
    return true;
  }();
  static_cast<void>(added);
}

}  // namespace jetlag::exec
