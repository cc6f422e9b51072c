#include "trace/formats/format.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "base/error.h"
#include "trace/formats/writers.h"
#include "trace/store/ranks.h"

namespace jetlag::trace {

namespace {

constexpr Format table[] = {
    {"chrome", "Perfetto, chrome://tracing",
     "JSON of trace events: spans, edges as arrows, counters, arguments", write_chrome},
    {"csv", "pandas, spreadsheets",
     "a row for each span, with its site; samples of counters in a file beside it", write_csv},
    {"dot", "Graphviz", "the task graph", write_dot},
    {"hatchet", "Hatchet (GraphFrame.from_literal)", "the tree of calls, as JSON", write_hatchet},
    {"newick", "viewers of trees",
     "the tree of calls; lengths are own nanoseconds; read with Phylanx' CSV, DOT, PhySL and "
     "Python "
     "beside it",
     write_newick, is_phylanx, convert_phylanx},
    {"otf2", "Vampir, Traveler, Score-P's tools",
     "an archive, which is a folder: all of the trace, with GUIDs as APEX writes them", write_otf2,
     is_otf2, convert_otf2},
    {"perfetto", "Perfetto (ui.perfetto.dev)",
     "packets: spans with their lines, edges as flows, counters as tracks", write_perfetto},
    {"speedscope", "speedscope.app", "the spans of each thread, evented", write_speedscope},
};

const Format* format_of(const std::string& path) {
  for (const Format& f : table) {
    if (f.convert && f.recognises(path)) return &f;
  }
  return nullptr;
}

struct TemporaryFile {
  TemporaryFile() {
    path = (std::filesystem::temp_directory_path() / "jetlag-XXXXXX").string();
    const int file = mkstemp(path.data());
    if (file < 0)
      throw Error(Kind::io, jetlag::format("cannot make {}: {}", path, std::strerror(errno)),
                  "set TMPDIR to a folder that can be written");
    close(file);
  }
  ~TemporaryFile() { unlink(path.c_str()); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  std::string path;
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
  const Format* format = format_of(path);
  if (!format) return load(path);
  const TemporaryFile file;
  format->convert(path, file.path);
  Trace trace = load(file.path);
  trace.path = path;
  return trace;
}

Trace open(const std::vector<std::string>& paths) {
  std::vector<std::string> runs;  // the pieces of one are named once
  for (const std::string& path : paths) {
    const std::string run = leading_piece(path);
    const bool is_piece = is_phylanx(run);
    if (!is_piece || std::find(runs.begin(), runs.end(), run) == runs.end()) runs.push_back(run);
  }
  std::vector<Trace> parts;
  for (const std::string& path : runs) parts.push_back(open(path));
  return unite(std::move(parts));
}

void import_trace(const std::string& path, const std::string& output) {
  const Format* format = format_of(path);
  if (!format)
    throw Error(Kind::value, jetlag::format("{} is no trace of another tool", path),
                "name an OTF2 archive: its folder, or the file NAME.otf2 in it");
  format->convert(path, output);
}

}  // namespace jetlag::trace
