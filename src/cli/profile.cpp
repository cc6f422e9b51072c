#include <iostream>

#include "cli/commands.h"
#include "trace/formats/format.h"
#include "trace/store/report.h"

namespace jetlag::cli {

int profile(const Options& options) {
  const trace::Trace trace = trace::open(options.files);
  std::cout << trace::report(trace, {options.sort, options.filter, options.rows, options.tree});
  return 0;
}

int export_trace(const Options& options) {
  const trace::Format& format = trace::format_named(options.to);
  format.write(trace::open(options.files), options.output);
  return 0;
}

int import_trace(const Options& options) {
  trace::import_trace(options.file, options.output);
  return 0;
}

}  // namespace jetlag::cli
