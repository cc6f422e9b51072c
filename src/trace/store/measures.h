// What a span can be coloured by besides its site.
#pragma once

#include <span>
#include <string_view>

#include "trace/store/graph.h"
#include "trace/store/trace.h"

namespace jetlag::trace {

struct Measure {
  std::string_view name;
  std::string_view unit;
  std::string_view doc;
  // NaN where nothing is known of it. The critical path is asked only if it needs it.
  double (*of)(const Trace& trace, Index span, const CriticalPath* path);
  bool needs_path = false;
};
std::span<const Measure> measures();
// Null if there is none of that name.
const Measure* measure_named(std::string_view name);

}  // namespace jetlag::trace
