#include "trace/formats/format.h"

#include "base/error.h"
#include "trace/formats/writers.h"

namespace jetlag::trace {

namespace {

constexpr Format table[] = {
    {"chrome", "Perfetto, chrome://tracing",
     "JSON of trace events: spans, edges as arrows, counters, arguments", write_chrome},
    {"csv", "pandas, spreadsheets", "a row for each span, with its site", write_csv},
    {"dot", "Graphviz", "the task graph", write_dot},
    {"hatchet", "Hatchet (GraphFrame.from_literal)", "the tree of calls, as JSON", write_hatchet},
    {"newick", "viewers of trees", "the tree of calls; lengths are own nanoseconds", write_newick},
    {"speedscope", "speedscope.app", "the spans of each thread, evented", write_speedscope},
};

}  // namespace

std::span<const Format> formats() { return table; }

const Format& format_named(std::string_view name) {
  std::string names;
  for (const Format& f : table) {
    if (f.name == name) return f;
    names += (names.empty() ? "" : ", ") + std::string(f.name);
  }
  throw Error(Kind::value, format("a trace cannot be written as '{}'", name),
              "formats are " + names);
}

Trace open(const std::string& path) {
  for (const Format& f : table) {
    if (f.read && f.recognises(path)) return f.read(path);
  }
  return load(path);
}

}  // namespace jetlag::trace
