// The profile of a trace as text: what `jetlag profile` prints.
#pragma once

#include <string>

#include "trace/store/trace.h"

namespace jetlag::trace {

struct ReportOptions {
  std::string sort = "self";  // self, total, count, median, most, bytes, flops or name
  std::string filter;         // only sites whose name, file or function holds this
  int rows = 30;              // at most; 0 is all
  bool tree = false;          // the tree of calls instead of the table of sites
};

// Throws Error(value) for a sort key that is none.
std::string report(const Trace& trace, const ReportOptions& options = {});

// "1.23 ms", three digits and a unit; missing or zero figures are "-" and "0".
std::string duration_text(std::int64_t ns);
// "48.0 MB".
std::string bytes_text(double bytes);

}  // namespace jetlag::trace
