// What the samples of a trace say: figures for each counter.
#pragma once

#include <cstdint>
#include <vector>

#include "trace/store/trace.h"

namespace jetlag::trace {

struct CounterFigures {
  Index counter = -1;
  std::int64_t samples = 0;
  double first = 0;
  double last = 0;
  double least = 0;
  double mean = 0;
  double most = 0;
  double growth = 0;  // from the first sample to the last, of all threads that have some
};
// In the order of the counters; those without samples have NaN.
std::vector<CounterFigures> counter_figures(const Trace& trace);

}  // namespace jetlag::trace
