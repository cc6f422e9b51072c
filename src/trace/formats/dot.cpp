// The task graph in Graphviz' language: who waited for whom, and dashed who made whom.
#include "trace/formats/text.h"
#include "trace/formats/writers.h"
#include "trace/store/report.h"

namespace jetlag::trace {

namespace {

// A label; backslash and quote are the only letters that mean something in it.
std::string quoted(std::string_view text) {
  std::string all = "\"";
  for (const char c : valid_text(text)) {
    if (c == '"' || c == '\\') all += '\\';
    all += c;
  }
  return all + '"';
}

}  // namespace

void write_dot(const Trace& trace, const std::string& path) {
  TextFile file(path);
  file.print("digraph tasks {{\n  node [shape=box];\n");
  const auto id = [&](Index t) { return trace.tasks[static_cast<std::size_t>(t)].id; };
  for (const TaskRow& t : trace.tasks) {
    const Site& s = site_of(trace, t.site);
    std::string label = s.name;
    if (s.line > 0) label += format("\n{}:{}", s.file.substr(s.file.rfind('/') + 1), s.line);
    label += format("\n{}", t.begin < 0 ? "never ran" : duration_text(t.busy));
    file.print("  t{} [label={}];\n", t.id, quoted(label));
  }
  for (const TaskRow& t : trace.tasks) {
    if (t.parent >= 0) file.print("  t{} -> t{} [style=dashed];\n", id(t.parent), t.id);
  }
  for (const Edge& e : trace.edges) {
    if (e.from < 0 || e.to < 0) continue;
    file.print("  t{} -> t{}", id(e.from), id(e.to));
    if (e.bytes > 0) file.print(" [label=\"{} B\"]", e.bytes);
    file.print(";\n");
  }
  file.print("}}\n");
  file.finish();
}

}  // namespace jetlag::trace
