// How often, and when, a node of the tree of calls happened: each time from the first begin to the
// last end of what is below it, on whatever threads that ran. (Sakin, Isaacs, "Traveler", 2023,
// calls a picture of them an aggregated Gantt chart.)
#pragma once

#include <vector>

#include "trace/store/timeline.h"

namespace jetlag::trace {

struct Instance {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::int64_t busy = 0;   // of the spans; those inside another count with it
  std::int64_t count = 0;  // of spans
  Index span = -1;         // the first that began
  Index lane = 0;          // those of one lane do not overlap
};
struct Instances {
  std::vector<Instance> all;  // by begin
  std::int64_t left_out = 0;  // the shortest, that were too many
};
// Those that reach into [begin, end), `most` at most.
Instances instances(const Trace& trace, const Timeline& timeline, Index node, std::int64_t begin,
                    std::int64_t end, std::size_t most);

}  // namespace jetlag::trace
