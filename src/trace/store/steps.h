// The plan as a run shows it: what each step cost, and who worked for it.
#pragma once

#include <vector>

#include "trace/store/timeline.h"

namespace jetlag::trace {

// A node of the tree of calls that is no waiting and none of the runtime's own. Times are
// nanoseconds, of all threads together.
struct StepFigures {
  Index node = -1;    // in the tree of calls
  Index parent = -1;  // the row above it; stands before it
  Index site = -1;
  std::int64_t count = 0;
  std::int64_t total = 0;
  std::int64_t self = 0;     // without the spans inside it
  std::int64_t waited = 0;   // inside it, for others
  std::int64_t tasks = 0;    // that did it
  std::int64_t threads = 0;  // on which it ran
  double bytes = 0;
  double flops = 0;
};
std::vector<StepFigures> steps(const Trace& trace, const Timeline& timeline);

}  // namespace jetlag::trace
