// Comma-separated values (RFC 4180): a row for each span.
#include "trace/formats/text.h"
#include "trace/formats/writers.h"

namespace jetlag::trace {

namespace {

std::string field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return valid_text(text);
  std::string quoted = "\"";
  for (const char c : valid_text(text)) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

}  // namespace

void write_csv(const Trace& trace, const std::string& path) {
  TextFile file(path);
  file.print(
      "span,begin,end,parent,thread,thread_name,task,open,name,category,function,file,line,"
      "column,node,physl\r\n");
  std::vector<std::string> threads;
  for (const Thread& t : trace.threads) threads.push_back(field(t.name));
  std::vector<std::string> sites;
  for (Index i = -1; i < static_cast<Index>(trace.sites.size()); ++i) {
    const Site& s = site_of(trace, i);
    sites.push_back(format("{},{},{},{},{},{},{},{}", field(s.name), category_name(s.category),
                           field(s.function), field(s.file), s.line, s.column, s.node,
                           field(s.text)));
  }
  for (std::size_t i = 0; i < trace.spans.size(); ++i) {
    const SpanRow& s = trace.spans[i];
    const auto thread = static_cast<std::size_t>(s.thread);
    file.print("{},{},{},{},{},{},{},{},{}\r\n", i, s.begin, s.end, s.parent,
               trace.threads[thread].id, threads[thread],
               s.task < 0 ? 0 : trace.tasks[static_cast<std::size_t>(s.task)].id, s.open ? 1 : 0,
               sites[static_cast<std::size_t>(s.site + 1)]);
  }
  file.finish();
}

}  // namespace jetlag::trace
