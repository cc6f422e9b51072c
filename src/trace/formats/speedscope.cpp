// What speedscope reads (its file-format-schema.json): an evented profile for each thread.
#include "trace/formats/text.h"
#include "trace/formats/writers.h"

namespace jetlag::trace {

void write_speedscope(const Trace& trace, const std::string& path) {
  TextFile file(path);
  file.print(
      "{{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\","
      "\"exporter\":\"jetlag\",\"name\":{},\"activeProfileIndex\":0,\n\"shared\":"
      "{{\"frames\":[",
      json_text(trace.path));
  for (Index i = -1; i < static_cast<Index>(trace.sites.size()); ++i) {
    const Site& s = site_of(trace, i);
    file.print("{}\n{{\"name\":{}", i < 0 ? "" : ",", json_text(s.name));
    if (!s.file.empty()) file.print(",\"file\":{}", json_text(s.file));
    if (s.line > 0) file.print(",\"line\":{}", s.line);
    if (s.column > 0) file.print(",\"col\":{}", s.column);
    file.print("}}");
  }
  file.print("]}},\n\"profiles\":[");

  Index thread = -1;
  bool first = true;
  const auto event = [&](char kind, Index span, std::int64_t time) {
    const SpanRow& s = trace.spans[static_cast<std::size_t>(span)];
    if (s.thread != thread) {
      file.print(
          "{}\n{{\"type\":\"evented\",\"name\":{},\"unit\":\"nanoseconds\","
          "\"startValue\":0,\"endValue\":{},\"events\":[",
          thread < 0 ? "" : "]},",
          json_text(trace.threads[static_cast<std::size_t>(s.thread)].name), trace.length);
      thread = s.thread;
      first = true;
    }
    file.print("{}\n{{\"type\":\"{}\",\"frame\":{},\"at\":{}}}", first ? "" : ",", kind, s.site + 1,
               time);
    first = false;
  };
  walk_spans(
      trace, [&](Index i) { event('O', i, trace.spans[static_cast<std::size_t>(i)].begin); },
      [&](Index i) { event('C', i, trace.spans[static_cast<std::size_t>(i)].end); });
  file.print("{}]}}\n", thread < 0 ? "" : "]}");
  file.finish();
}

}  // namespace jetlag::trace
