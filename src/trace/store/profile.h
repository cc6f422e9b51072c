// Where the time went: figures for each site, the tree of calls, how busy the threads were.
#pragma once

#include <cstdint>
#include <vector>

#include "trace/store/trace.h"

namespace jetlag::trace {

// Nanoseconds. A span's own time is what it did not spend in the spans inside it.
struct SiteFigures {
  Index site = -1;  // -1: spans of an unknown site
  std::int64_t count = 0;
  std::int64_t total = 0;
  std::int64_t self = 0;
  std::int64_t least = 0;
  std::int64_t median = 0;
  std::int64_t p99 = 0;
  std::int64_t most = 0;
  double bytes = 0;
  double flops = 0;
};
// Those with the most time of their own first.
std::vector<SiteFigures> profile_by_site(const Trace& trace);

// The tree of calls: spans by the sites around them. A task hangs where it was made; a task made
// outside of any hangs at the root.
struct TreeNode {
  Index site = -1;
  Index parent = -1;  // stands before its children
  std::int64_t count = 0;
  std::int64_t total = 0;
  std::int64_t self = 0;
  // Of the durations of its spans.
  std::int64_t least = 0;
  std::int64_t median = 0;
  std::int64_t p99 = 0;
  std::int64_t most = 0;
  double bytes = 0;
  double flops = 0;
};
// If asked, `node_of_span` gets each span's node.
std::vector<TreeNode> call_tree(const Trace& trace, std::vector<Index>* node_of_span = nullptr);

struct ThreadFigures {
  Index thread = -1;
  std::int64_t busy = 0;  // in spans that are no waiting
  std::int64_t spans = 0;
  std::int64_t rank = 0;
};
std::vector<ThreadFigures> profile_by_thread(const Trace& trace);

// The busy share of each of `bins` equal parts of the trace, over the threads that have spans.
std::vector<double> utilisation(const Trace& trace, int bins);

// The longest busy time of a worker over the mean of all; 1 is even, 0 if there is no worker.
double imbalance(const Trace& trace);
// The same for ranks, of all their threads; 0 if there is one rank.
double imbalance_of_ranks(const Trace& trace);

}  // namespace jetlag::trace
