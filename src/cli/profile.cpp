#include <iostream>

#include "cli/commands.h"
#include "trace/store/report.h"

namespace jetlag::cli {

int profile(const Options& options) {
  const trace::Trace trace = trace::load(options.file);
  std::cout << trace::report(trace, {options.sort, options.filter, options.rows, options.tree});
  return 0;
}

}  // namespace jetlag::cli
