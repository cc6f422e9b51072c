// The task graph: what the run could not have gone below, and what would help.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "trace/store/trace.h"

namespace jetlag::trace {

// The critical path method (Kelley and Walker, "Critical-path planning and scheduling", 1959) over
// the tasks that ran and what the threads did themselves that made them (callers.h): each task
// takes as long as it took, from its first span to its last, and begins when those are over that
// made it ready, and its maker had come so far.
struct CriticalPath {
  std::int64_t length = 0;          // nanoseconds
  std::int64_t own = 0;             // of these no task's, but the callers' own
  std::vector<Index> path;          // tasks, the first one first
  std::vector<std::int64_t> slack;  // of each task: how much later it could end for the same length
  std::vector<std::pair<Index, std::int64_t>> sites;  // and their time on the path, most first
};
CriticalPath critical_path(const Trace& trace);

// For each of the sites, the length of the critical path if what it did took 1/times as long.
// Throws Error(value) unless times > 0.
std::vector<std::int64_t> what_if(const Trace& trace, std::span<const Index> sites, double times);

// Of the sites with most time on the path, that time, and what_if.
struct SpeedUp {
  Index site = -1;
  std::int64_t time = 0;
  std::int64_t length = 0;
};
std::vector<SpeedUp> speed_ups(const Trace& trace, const CriticalPath& path, std::size_t most,
                               double times);

}  // namespace jetlag::trace
