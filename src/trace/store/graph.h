// The task graph: what the run could not have gone below, and what would help.
#pragma once

#include <cstdint>
#include <vector>

#include "trace/store/trace.h"

namespace jetlag::trace {

// The critical path method (Kelley and Walker, "Critical-path planning and scheduling", 1959) over
// the tasks that ran: each takes as long as it took, from its first span to its last, and begins
// when those are over that made it ready.
struct CriticalPath {
  std::int64_t length = 0;          // nanoseconds
  std::vector<Index> path;          // tasks, the first one first
  std::vector<std::int64_t> slack;  // of each task: how much later it could end for the same length
};
CriticalPath critical_path(const Trace& trace);

// The length of the critical path if the tasks of one site took 1/times as long. Throws
// Error(value) unless times > 0.
std::int64_t what_if(const Trace& trace, Index site, double times);

}  // namespace jetlag::trace
