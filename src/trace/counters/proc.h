// What Linux tells of the machine and the process in /proc, as counters. A file is read into the
// same memory each time.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "trace/counters/counters.h"

namespace jetlag::trace {

// A number that was found in a file. The views end with the call that gets them.
struct Figure {
  std::string_view instance;  // "total", "cpu3", "eth0"
  std::string_view name;
  std::string_view unit;
  CounterKind kind;
  double value;
};
using FigureSink = std::function<void(const Figure&)>;

// A file of /proc that is understood: what it is called, and how it is read. Lines that are not as
// they should be are left out.
struct ProcFile {
  std::string_view path;  // its counters are called by it: /proc/stat{0/cpu3}/user
  std::string_view doc;
  void (*parse)(std::string_view text, const FigureSink& sink);
};
std::span<const ProcFile> proc_files();

// Its counters. `path`: another file of the same form.
std::unique_ptr<CounterSource> proc_source(const ProcFile& file, std::string path = {});

}  // namespace jetlag::trace
