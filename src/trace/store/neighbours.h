// Parts of the task graph that are small enough to draw: what lies around one task, and what kinds
// of tasks wait for each other.
#pragma once

#include <vector>

#include "trace/store/timeline.h"

namespace jetlag::trace {

struct Neighbours {
  struct Member {
    Index task = -1;
    int distance = 0;  // edges from the task that was asked for; negative before it
  };
  std::vector<Member> tasks;  // the nearest first
  std::vector<Index> edges;   // numbers of those between them
  bool complete = true;       // false: there were more than the limit within the distance
};
// Follows edges both ways, each direction by itself, so far and to so many tasks at most.
Neighbours neighbours(const Trace& trace, const Timeline& timeline, Index task, int distance,
                      std::size_t most);

// The task graph with one node for each site.
struct SiteEdge {
  Index from = -1;  // sites
  Index to = -1;
  std::int64_t count = 0;
  double bytes = 0;
};
struct SiteTasks {
  Index site = -1;
  std::int64_t count = 0;
  std::int64_t busy = 0;  // nanoseconds
};
struct SiteGraph {
  std::vector<SiteTasks> nodes;  // by site
  std::vector<SiteEdge> edges;   // by from, then to
  std::vector<SiteEdge> makers;  // who made whom; without bytes
};
SiteGraph site_graph(const Trace& trace);

}  // namespace jetlag::trace
