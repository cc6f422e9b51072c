// Routes of traces: what there is, and its tables.
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <thread>

#include "server/routes/answers.h"
#include "server/routes/tables.h"
#include "trace/store/samples.h"

namespace jetlag::routes {

namespace {

using nlohmann::json;
using trace::Index;

constexpr std::size_t most_on_path = 50;   // sites whose speed-up is tried
constexpr std::size_t most_listed = 5000;  // tasks, edges or spans of one answer
constexpr std::int64_t most_source = 4'000'000;

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

http::Response list(App& app, const http::Request& request) {
  json rows = json::array();
  // A user has the traces of jobs, which are found by the jobs.
  for (const ListedTrace& t :
       request.user.empty() ? app.traces->list() : std::vector<ListedTrace>())
    rows.push_back({{"id", t.id}, {"name", t.name}, {"bytes", t.bytes}, {"changed", t.changed}});
  return answer(rows);
}

std::vector<std::string> files_of(const trace::Trace& t) {
  std::set<std::string> files;
  for (const trace::Site& s : t.sites) {
    if (!s.file.empty()) files.insert(s.file);
  }
  return {files.begin(), files.end()};
}

// A column: what `get` says of each row.
template <class Row, class F>
json column(const std::vector<Row>& rows, const F& get) {
  json::array_t values;
  values.reserve(rows.size());
  for (const Row& row : rows) values.emplace_back(get(row));
  return values;
}

// Only files that the trace names, and only text that programs are written in: a trace may come
// from somebody else.
bool is_source(const std::string& file) {
  constexpr std::string_view endings[] = {".py", ".physl", ".cpp", ".cc", ".c", ".h", ".hpp"};
  struct stat status{};
  return std::any_of(std::begin(endings), std::end(endings),
                     [&](std::string_view e) { return file.ends_with(e); }) &&
         stat(file.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
         status.st_size <= most_source;
}

http::Response summary(App& app, const http::Request& request) {
  return of_trace(app, request, [&](const OpenTrace& open) {
    const trace::Trace& t = open.trace;
    json facts = json::object();
    for (const auto& [name, value] : t.facts) facts[name] = value;
    json tracks = json::array();
    for (const auto& k : open.timeline.tracks()) {
      const trace::Thread& thread = t.threads[at(k.thread)];
      tracks.push_back({{"thread", k.thread},
                        {"rank", thread.id >> 32},
                        {"name", thread.name},
                        {"depth", k.depth},
                        {"slices", k.slices.size()}});
    }
    const std::vector<std::string> files = files_of(t);
    const json readable = column(files, is_source);
    json counters = json::array();
    const auto figures = trace::counter_figures(t);
    for (std::size_t i = 0; i < t.counters.size(); ++i) {
      const trace::Counter& c = t.counters[i];
      counters.push_back({{"name", c.name},
                          {"unit", c.unit},
                          {"kind", trace::kind_name(c.kind)},
                          {"doc", c.doc},
                          {"samples", figures[i].samples}});
    }
    return answer({{"id", request.part(0)},
                   {"revision", open.revision},
                   {"path", t.path},
                   {"length", t.length},
                   {"closed", t.closed},
                   {"dropped", t.dropped},
                   {"spans", t.spans.size()},
                   {"tasks", t.tasks.size()},
                   {"edges", t.edges.size()},
                   {"complaints", t.complaints},
                   {"facts", facts},
                   {"tracks", tracks},
                   {"counters", counters},
                   {"files", files},
                   {"readable", readable}});
  });
}

// Columns: a row for each site of the trace, also for those without spans.
http::Response sites(App& app, const http::Request& request) {
  return of_trace(app, request, [&](const OpenTrace& open) {
    const trace::Trace& t = open.trace;
    std::vector<trace::SiteFigures> by_site(t.sites.size());
    for (const trace::SiteFigures& f : open.sites()) {
      if (f.site >= 0) by_site[at(f.site)] = f;
    }
    const auto of_site = [&](auto get) { return column(t.sites, get); };
    const auto figure = [&](auto get) { return column(by_site, get); };
    return answer({{"name", of_site([](auto& s) { return s.name; })},
                   {"category", of_site([](auto& s) { return trace::category_name(s.category); })},
                   {"function", of_site([](auto& s) { return s.function; })},
                   {"file", of_site([](auto& s) { return s.file; })},
                   {"line", of_site([](auto& s) { return s.line; })},
                   {"column", of_site([](auto& s) { return s.column; })},
                   {"node", of_site([](auto& s) { return s.node; })},
                   {"text", of_site([](auto& s) { return s.text; })},
                   {"count", figure([](auto& f) { return f.count; })},
                   {"total", figure([](auto& f) { return f.total; })},
                   {"self", figure([](auto& f) { return f.self; })},
                   {"least", figure([](auto& f) { return f.least; })},
                   {"median", figure([](auto& f) { return f.median; })},
                   {"p99", figure([](auto& f) { return f.p99; })},
                   {"most", figure([](auto& f) { return f.most; })},
                   {"bytes", figure([](auto& f) { return f.bytes; })},
                   {"flops", figure([](auto& f) { return f.flops; })}});
  });
}

http::Response tree(App& app, const http::Request& request) {
  return of_trace(app, request, [&](const OpenTrace& open) {
    const auto& nodes = open.timeline.tree();
    return answer({{"site", column(nodes, [](auto& n) { return n.site; })},
                   {"parent", column(nodes, [](auto& n) { return n.parent; })},
                   {"count", column(nodes, [](auto& n) { return n.count; })},
                   {"total", column(nodes, [](auto& n) { return n.total; })},
                   {"self", column(nodes, [](auto& n) { return n.self; })}});
  });
}

json span_of(const OpenTrace& open, Index i) {
  const trace::SpanRow& s = open.trace.spans[at(i)];
  int depth = 0;
  for (Index p = s.parent; p >= 0; p = open.trace.spans[at(p)].parent) ++depth;
  return {{"span", i},          {"begin", s.begin},   {"end", s.end},
          {"site", s.site},     {"thread", s.thread}, {"depth", depth},
          {"parent", s.parent}, {"task", s.task},     {"tree", open.timeline.node_of(i)},
          {"open", s.open}};
}

json task_of(const OpenTrace& open, Index i, bool with_slack) {
  const trace::TaskRow& t = open.trace.tasks[at(i)];
  json row = {{"task", i},          {"id", t.id},           {"site", t.site},
              {"parent", t.parent}, {"created", t.created}, {"ready", t.ready},
              {"begin", t.begin},   {"end", t.end},         {"busy", t.busy},
              {"bytes", t.bytes},   {"flops", t.flops},     {"thread", -1},
              {"depth", 0}};
  const auto spans = open.timeline.spans_of(i);
  if (!spans.empty()) {
    const json first = span_of(open, spans.front());
    row["span"] = first["span"];
    row["thread"] = first["thread"];
    row["depth"] = first["depth"];
  }
  if (with_slack) row["slack"] = open.critical_path().slack[at(i)];
  return row;
}

json edges_of(const OpenTrace& open, std::span<const Index> edges, bool from) {
  json rows = json::array();
  for (const Index e : edges.first(std::min(edges.size(), most_listed))) {
    const trace::Edge& edge = open.trace.edges[at(e)];
    json row = task_of(open, from ? edge.from : edge.to, false);
    row["handed"] = edge.bytes;
    rows.push_back(row);
  }
  return rows;
}

http::Response span(App& app, const http::Request& request) {
  return of_trace(app, request, [&](const OpenTrace& open) {
    const Index i = number_of(request, 1, open.trace.spans.size(), "span");
    json row = span_of(open, i);
    const auto work = std::lower_bound(open.trace.work.begin(), open.trace.work.end(), i,
                                       [](const trace::Work& w, Index s) { return w.span < s; });
    for (auto w = work; w != open.trace.work.end() && w->span == i; ++w) {
      row["bytes"] = w->bytes;
      row["flops"] = w->flops;
    }
    return answer(row);
  });
}

http::Response task(App& app, const http::Request& request) {
  return of_trace(app, request, [&](const OpenTrace& open) {
    const Index i = number_of(request, 1, open.trace.tasks.size(), "task");
    json row = task_of(open, i, true);
    row["before"] = edges_of(open, open.timeline.edges_into(i), true);
    row["after"] = edges_of(open, open.timeline.edges_out_of(i), false);
    return answer(row);
  });
}

http::Response critical(App& app, const http::Request& request) {
  return of_trace(app, request, [&](const OpenTrace& open) {
    const trace::CriticalPath& path = open.critical_path();
    json rows = json::array();
    for (std::size_t i = 0; i < std::min(path.path.size(), most_listed); ++i)
      rows.push_back(task_of(open, path.path[i], false));
    json sites = json::array();
    for (const trace::SpeedUp& s : trace::speed_ups(open.trace, path, most_on_path, 2)) {
      if (s.site >= 0)
        sites.push_back({{"site", s.site}, {"time", s.time}, {"twice_as_fast", s.length}});
    }
    return answer({{"length", path.length},
                   {"own", path.own},
                   {"tasks", path.path.size()},
                   {"path", rows},
                   {"sites", sites}});
  });
}

// What policies and the tuner did, decisions and marks: the moments that a person asks about.
// Steals and allocations are too many.
http::Response points(App& app, const http::Request& request) {
  return of_trace(app, request, [&](const OpenTrace& open) {
    constexpr std::size_t most = 20'000;
    json c = {{"time", json::array()},
              {"event", json::array()},
              {"value", json::array()},
              {"site", json::array()},
              {"thread", json::array()}};
    for (const trace::Point& p : open.trace.points) {
      const bool shown = p.event == trace::Event::fire || p.event == trace::Event::trial ||
                         p.event == trace::Event::decide || p.event == trace::Event::mark;
      if (!shown || c["time"].size() >= most) continue;
      c["time"].push_back(p.time);
      c["event"].push_back(trace::describe(p.event).name);
      c["value"].push_back(trace::value_of(p.event, p.argument));
      c["site"].push_back(p.site);
      c["thread"].push_back(p.thread);
    }
    return answer(c);
  });
}

http::Response source(App& app, const http::Request& request) {
  return of_trace(app, request, [&](const OpenTrace& open) {
    const std::vector<std::string> files = files_of(open.trace);
    const std::string& file = files[at(number_of(request, 1, files.size(), "file"))];
    std::ifstream in(is_source(file) ? file : std::string(), std::ios::binary);
    if (!in)
      throw http::HttpError(404, "source", format("{} cannot be read here", http::json_text(file)),
                            "the trace was recorded elsewhere, or in a notebook");
    std::stringstream text;
    text << in.rdbuf();
    return answer({{"file", file}, {"text", text.str()}});
  });
}

// Tells the revision whenever it changes, and goes on until the trace is complete.
http::Response events(App& app, const http::Request& request) {
  app.traces->open(request.part(0));
  http::Response r;
  r.type = "text/event-stream";
  r.headers.emplace_back("Cache-Control", "no-store");
  r.stream = [&app, id = std::string(request.part(0)), told = std::string(),
              quiet = 0](const http::Sink& out) mutable {
    constexpr int quiet_for = 50;  // a comment that tells whether the client is still there
    std::this_thread::sleep_for(std::chrono::milliseconds(told.empty() ? 0 : 200));
    try {
      const auto open = app.traces->open(id);
      if (open->revision == told) return ++quiet % quiet_for != 0 || out(":\n\n");
      told = open->revision;
      const json row = {{"revision", told},
                        {"length", open->trace.length},
                        {"spans", open->trace.spans.size()},
                        {"closed", open->trace.closed}};
      return out(http::event("trace", text_of(row)));
    } catch (const http::HttpError& error) {
      out(http::event("gone", http::problem(error).body));
    } catch (const Error& error) {
      out(http::event("gone", http::problem(error).body));
    }
    return false;
  };
  return r;
}

constexpr auto token = http::Access::token;
constexpr Route table[] = {
    {"GET", "/v1/traces", "the traces that are served, the last changed first", "ListedTrace[]",
     token, list},
    {"GET", "/v1/traces/{trace}",
     "length, revision, tracks, counters, files, facts of the run, complaints", "Summary", token,
     summary},
    {"GET", "/v1/traces/{trace}/sites", "where spans come from, with figures, as columns", "Sites",
     token, sites},
    {"GET", "/v1/traces/{trace}/tree", "the tree of calls, as columns; parents first", "Tree",
     token, tree},
    {"GET", "/v1/traces/{trace}/spans/{span}", "one span", "SpanInfo", token, span},
    {"GET", "/v1/traces/{trace}/tasks/{task}", "one task, what it waited for, what waited for it",
     "TaskInfo", token, task},
    {"GET", "/v1/traces/{trace}/critical",
     "the longest way through the task graph, and what would shorten it", "Critical", token,
     critical},
    {"GET", "/v1/traces/{trace}/points",
     "moments: policies that fired, trials of the tuner, decisions, marks", "Points", token,
     points},
    {"GET", "/v1/traces/{trace}/sources/{file}", "the text of a file that the trace names",
     "SourceText", token, source},
    {"GET", "/v1/traces/{trace}/events", "the revision whenever it changes, as server-sent events",
     "text/event-stream", token, events},
};

}  // namespace

std::span<const Route> trace_routes() { return table; }

}  // namespace jetlag::routes
