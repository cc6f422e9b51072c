// Trace events as JSON ("Trace Event Format", the Chromium project). Times are microseconds.
#include <algorithm>
#include <cmath>

#include "trace/formats/text.h"
#include "trace/formats/writers.h"

namespace jetlag::trace {

namespace {

class Chrome {
 public:
  Chrome(const Trace& trace, const std::string& path) : trace_(trace), file_(path) {}

  void run() {
    file_.print("{{\"displayTimeUnit\":\"ns\",\"otherData\":{{");
    bool first = true;
    for (const auto& [name, value] : trace_.facts) {
      file_.print("{}{}:{}", first ? "" : ",", json_text(name), json_text(value));
      first = false;
    }
    file_.print("}},\"traceEvents\":[\n");
    file_.print("{{\"ph\":\"M\",\"pid\":0,\"name\":\"process_name\",\"args\":{{\"name\":{}}}}}",
                json_text(trace_.fact("program").empty() ? "jetlag" : trace_.fact("program")));
    threads();
    spans();
    edges();
    samples();
    points();
    file_.print("\n]}}\n");
    file_.finish();
  }

 private:
  void threads() {
    for (std::size_t i = 0; i < trace_.threads.size(); ++i) {
      file_.print(",\n{{\"ph\":\"M\",{},\"name\":\"thread_name\",\"args\":{{\"name\":{}}}}}",
                  place(static_cast<Index>(i)), json_text(trace_.threads[i].name));
    }
  }

  void spans() {
    std::vector<std::string> heads;
    std::vector<std::string> arguments;
    for (Index i = -1; i < static_cast<Index>(trace_.sites.size()); ++i) {
      const Site& s = site_of(trace_, i);
      heads.push_back(
          format("\"name\":{},\"cat\":\"{}\"", json_text(s.name), category_name(s.category)));
      arguments.push_back(format(
          "\"file\":{},\"line\":{},\"column\":{},\"function\":{},"
          "\"node\":{},\"physl\":{}",
          json_text(s.file), s.line, s.column, json_text(s.function), s.node, json_text(s.text)));
    }
    for (const SpanRow& s : trace_.spans) {
      const auto site = static_cast<std::size_t>(s.site + 1);
      file_.print(",\n{{\"ph\":\"X\",{},\"ts\":{},\"dur\":{},{},\"args\":{{{}", place(s.thread),
                  us(s.begin), us(s.duration()), heads[site], arguments[site]);
      if (s.task >= 0) {
        const TaskRow& t = trace_.tasks[static_cast<std::size_t>(s.task)];
        file_.print(",\"task\":{},\"bytes\":{},\"flops\":{}", t.id, t.bytes, t.flops);
      }
      file_.print("{}}}}}", s.open ? ",\"open\":true" : "");
    }
  }

  // An arrow from the last span of a task to the first of the one that waited for it. Its
  // beginning must lie inside of the span: the end is outside.
  void edges() {
    const std::vector<TaskSpans> of = spans_of_tasks(trace_);
    for (std::size_t i = 0; i < trace_.edges.size(); ++i) {
      const Edge& e = trace_.edges[i];
      const Index from = e.from < 0 ? -1 : of[static_cast<std::size_t>(e.from)].last;
      const Index to = e.to < 0 ? -1 : of[static_cast<std::size_t>(e.to)].first;
      if (from < 0 || to < 0) continue;
      const SpanRow& a = trace_.spans[static_cast<std::size_t>(from)];
      const SpanRow& b = trace_.spans[static_cast<std::size_t>(to)];
      constexpr const char* head = "\"cat\":\"edge\",\"name\":\"ready\"";
      file_.print(",\n{{\"ph\":\"s\",{},\"ts\":{},\"id\":{},{},\"args\":{{\"bytes\":{}}}}}",
                  place(a.thread), us(std::max(a.begin, a.end - 1)), i, head, e.bytes);
      file_.print(",\n{{\"ph\":\"f\",\"bp\":\"e\",{},\"ts\":{},\"id\":{},{}}}", place(b.thread),
                  us(b.begin), i, head);
    }
  }

  void samples() {
    for (const Sample& s : trace_.samples) {
      const Counter& c = trace_.counters[static_cast<std::size_t>(s.counter)];
      // JSON has no inf and no NaN.
      if (!std::isfinite(s.value)) continue;
      file_.print(",\n{{\"ph\":\"C\",{},\"ts\":{},\"name\":{},\"args\":{{{}:{}}}}}",
                  place(s.thread), us(s.time), json_text(c.name),
                  json_text(c.unit.empty() ? "value" : c.unit), s.value);
    }
  }

  void points() {
    for (const Point& p : trace_.points) {
      file_.print(
          ",\n{{\"ph\":\"i\",\"s\":\"t\",{},\"ts\":{},\"cat\":\"{}\",\"name\":{},"
          "\"args\":{{{}}}}}",
          place(p.thread), us(p.time), describe(p.event).name,
          json_text(p.site < 0 ? describe(p.event).name
                               : std::string_view(site_of(trace_, p.site).name)),
          said_by(p));
    }
  }

  // What the event says, as members of an object.
  std::string said_by(const Point& p) const {
    const EventKind& kind = describe(p.event);
    std::string said;
    if (kind.form != ArgumentForm::nothing) {
      const double value = value_of(p.event, p.argument);
      // JSON has no inf and no NaN.
      said = format("\"value\":{},\"meaning\":{}",
                    std::isfinite(value) ? format("{}", value) : "null", json_text(kind.argument));
    }
    const auto add = [&](std::string_view name, const std::string& value) {
      said += format("{}{}:{}", said.empty() ? "" : ",", json_text(name), value);
    };
    if (const std::int64_t rank = rank_of(p.event, p.argument); rank >= 0)
      add("rank", format("{}", rank));
    if (p.task >= 0) add("task", format("{}", trace_.tasks[static_cast<std::size_t>(p.task)].id));
    if (p.site >= 0 && !site_of(trace_, p.site).text.empty())
      add("physl", json_text(site_of(trace_, p.site).text));
    return said;
  }

  // Ranks are processes.
  std::string place(Index thread) const {
    const std::uint64_t id = thread < 0 ? 0 : trace_.threads[static_cast<std::size_t>(thread)].id;
    return format("\"pid\":{},\"tid\":{}", id >> 32, id & 0xffffffff);
  }
  static std::string us(std::int64_t ns) { return format("{}.{:03}", ns / 1000, ns % 1000); }

  const Trace& trace_;
  TextFile file_;
};

}  // namespace

void write_chrome(const Trace& trace, const std::string& path) { Chrome(trace, path).run(); }

}  // namespace jetlag::trace
