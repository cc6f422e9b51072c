// Comma-separated values (RFC 4180): a row for each span; in a file beside it, one for each sample
// of a counter.
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

// "run.csv" has its samples in "run.counters.csv".
std::string path_of_samples(const std::string& path) {
  const std::size_t dot = path.rfind('.');
  const bool suffix = dot != std::string::npos && path.find('/', dot) == std::string::npos;
  return path.substr(0, suffix ? dot : path.size()) + ".counters.csv";
}

void write_samples(const Trace& trace, const std::string& path) {
  if (trace.samples.empty()) return;
  TextFile file(path);
  file.print("time,value,unit,kind,counter,thread,thread_name\r\n");
  for (const Sample& s : trace.samples) {
    const Counter& c = trace.counters[static_cast<std::size_t>(s.counter)];
    const Thread& t = trace.threads[static_cast<std::size_t>(s.thread)];
    file.print("{},{},{},{},{},{},{}\r\n", s.time, s.value, field(c.unit), kind_name(c.kind),
               field(c.name), t.id, field(t.name));
  }
  file.finish();
}

}  // namespace

void write_csv(const Trace& trace, const std::string& path) {
  write_samples(trace, path_of_samples(path));
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
