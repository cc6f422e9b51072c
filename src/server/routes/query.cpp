// The tables that a trace is asked by, and the route that answers in SQL.
#include "server/routes/query.h"

#include <nlohmann/json.hpp>

#include "server/routes/answers.h"
#include "server/routes/tables.h"

namespace jetlag::routes {

namespace {

using nlohmann::json;
using sql::Cell;
using sql::Column;
using sql::Table;
using trace::Index;

constexpr std::uint64_t most_question = 64 << 10;
constexpr std::int64_t most_rows = 100'000;

// A column of rows: `get` gives a number, a text, or a Cell, of one of them.
template <class Rows, class F>
Column column(std::string_view name, std::string_view doc, const Rows& rows, F get) {
  return {name, doc, [&rows, get](std::int64_t i) -> Cell {
            const auto value = get(rows[static_cast<std::size_t>(i)]);
            using Value = std::remove_cvref_t<decltype(value)>;
            static_assert(!std::is_same_v<Value, std::string>, "a text has to live on");
            if constexpr (std::is_same_v<Value, Cell>) return value;
            else if constexpr (std::is_integral_v<Value>) return static_cast<std::int64_t>(value);
            else if constexpr (std::is_floating_point_v<Value>) return static_cast<double>(value);
            else return std::string_view(value);
          }};
}

Column number() {
  return {"number", "of the row", [](std::int64_t i) -> Cell { return i; }};
}

// What is not there (-1) is NULL.
Cell known(std::int64_t value) { return value < 0 ? Cell() : Cell(value); }

std::int64_t rows_in(std::size_t size) { return static_cast<std::int64_t>(size); }

Table spans(const OpenTrace& open) {
  using trace::SpanRow;
  const trace::Trace& t = open.trace;
  const auto& rows = t.spans;
  const auto name = [&t](const SpanRow& s) -> Cell {
    if (s.site < 0) return {};
    return std::string_view(t.sites[static_cast<std::size_t>(s.site)].name);
  };
  const auto tree = [&open](std::int64_t i) -> Cell {
    return known(open.timeline.node_of(static_cast<Index>(i)));
  };
  return {
      "spans",
      "what ran: by thread, then begin",
      rows_in(rows.size()),
      {number(),
       column("begin", "nanoseconds from the beginning", rows, [](auto& s) { return s.begin; }),
       column("end", "nanoseconds from the beginning", rows, [](auto& s) { return s.end; }),
       column("duration", "nanoseconds", rows, [](auto& s) { return s.duration(); }),
       column("site", "in sites", rows, [](auto& s) { return known(s.site); }),
       column("name", "of the site", rows, name),
       column("thread", "in threads", rows, [](auto& s) { return s.thread; }),
       column("parent", "the span around it", rows, [](auto& s) { return known(s.parent); }),
       column("task", "whose work it is, in tasks", rows, [](auto& s) { return known(s.task); }),
       {"tree", "its node in tree", tree},
       column("open", "1: its end was not recorded", rows, [](auto& s) { return s.open; })},
      0};
}

Table sites(const OpenTrace& open) {
  const auto& rows = open.trace.sites;
  return {"sites",
          "where spans come from",
          rows_in(rows.size()),
          {number(), column("name", "", rows, [](auto& s) { return std::string_view(s.name); }),
           column("category", "", rows, [](auto& s) { return trace::category_name(s.category); }),
           column("function", "of the program", rows,
                  [](auto& s) { return std::string_view(s.function); }),
           column("file", "", rows, [](auto& s) { return std::string_view(s.file); }),
           column("line", "from 1 on; 0: unknown", rows, [](auto& s) { return s.line; }),
           column("position", "column in the line", rows, [](auto& s) { return s.column; }),
           column("node", "in the plan", rows, [](auto& s) { return known(s.node); }),
           column("physl", "its text", rows, [](auto& s) { return std::string_view(s.text); })},
          0};
}

Table tasks(const OpenTrace& open) {
  const trace::Trace& t = open.trace;
  const auto& rows = t.tasks;
  const auto name = [&t](const trace::TaskRow& row) -> Cell {
    if (row.site < 0) return {};
    return std::string_view(t.sites[static_cast<std::size_t>(row.site)].name);
  };
  const auto slack = [&open](std::int64_t i) -> Cell {
    return open.critical_path().slack[static_cast<std::size_t>(i)];
  };
  return {"tasks",
          "pieces of steps; by id",
          rows_in(rows.size()),
          {number(),
           column("id", "rank << 32 | number", rows,
                  [](auto& r) { return static_cast<std::int64_t>(r.id); }),
           column("site", "in sites", rows, [](auto& r) { return known(r.site); }),
           column("name", "of the site", rows, name),
           column("parent", "the task that made it", rows, [](auto& r) { return known(r.parent); }),
           column("created", "nanoseconds", rows, [](auto& r) { return known(r.created); }),
           column("ready", "nanoseconds", rows, [](auto& r) { return known(r.ready); }),
           column("begin", "of its first span", rows, [](auto& r) { return known(r.begin); }),
           column("end", "of its last span", rows, [](auto& r) { return known(r.end); }),
           column("busy", "nanoseconds in spans", rows, [](auto& r) { return r.busy; }),
           column("bytes", "moved", rows, [](auto& r) { return r.bytes; }),
           column("flops", "done", rows, [](auto& r) { return r.flops; }),
           {"slack", "how much later it could end, nanoseconds", slack}},
          0,
          1};
}

Table edges(const OpenTrace& open) {
  const auto& rows = open.trace.edges;
  return {"edges",
          "the target could begin because the source had ended; by target",
          rows_in(rows.size()),
          {number(), column("source", "in tasks", rows, [](auto& e) { return known(e.from); }),
           column("target", "in tasks", rows, [](auto& e) { return std::int64_t{e.to}; }),
           column("bytes", "handed over", rows, [](auto& e) { return e.bytes; })},
          0,
          2};
}

Table threads(const OpenTrace& open) {
  const auto& rows = open.trace.threads;
  return {
      "threads",
      "of all ranks",
      rows_in(rows.size()),
      {number(), column("name", "", rows, [](auto& t) { return std::string_view(t.name); }),
       column("rank", "the process", rows,
              [](auto& t) { return static_cast<std::int64_t>(t.id >> 32); }),
       column("system", "the operating system's number", rows, [](auto& t) { return t.system; })},
      0};
}

Table tree(const OpenTrace& open) {
  const trace::Trace& t = open.trace;
  const auto& rows = open.timeline.tree();
  const auto name = [&t](const trace::TreeNode& n) -> Cell {
    if (n.site < 0) return {};
    return std::string_view(t.sites[static_cast<std::size_t>(n.site)].name);
  };
  return {
      "tree",
      "the tree of calls; parents first",
      rows_in(rows.size()),
      {number(), column("parent", "in tree", rows, [](auto& n) { return known(n.parent); }),
       column("site", "in sites", rows, [](auto& n) { return known(n.site); }),
       column("name", "of the site", rows, name),
       column("count", "of spans", rows, [](auto& n) { return n.count; }),
       column("total", "nanoseconds", rows, [](auto& n) { return n.total; }),
       column("self", "nanoseconds without what is inside", rows, [](auto& n) { return n.self; }),
       column("least", "duration", rows, [](auto& n) { return n.least; }),
       column("median", "duration", rows, [](auto& n) { return n.median; }),
       column("p99", "duration", rows, [](auto& n) { return n.p99; }),
       column("most", "duration", rows, [](auto& n) { return n.most; }),
       column("bytes", "moved", rows, [](auto& n) { return n.bytes; }),
       column("flops", "done", rows, [](auto& n) { return n.flops; })},
      0};
}

Table counters(const OpenTrace& open) {
  const auto& rows = open.trace.counters;
  return {"counters",
          "measured quantities",
          rows_in(rows.size()),
          {number(), column("name", "", rows, [](auto& c) { return std::string_view(c.name); }),
           column("unit", "", rows, [](auto& c) { return std::string_view(c.unit); }),
           column("kind", "", rows, [](auto& c) { return trace::kind_name(c.kind); }),
           column("doc", "", rows, [](auto& c) { return std::string_view(c.doc); })},
          0};
}

Table samples(const OpenTrace& open) {
  const auto& rows = open.trace.samples;
  return {"samples",
          "values of counters; by time",
          rows_in(rows.size()),
          {number(), column("time", "nanoseconds", rows, [](auto& s) { return s.time; }),
           column("counter", "in counters", rows, [](auto& s) { return s.counter; }),
           column("thread", "in threads", rows, [](auto& s) { return s.thread; }),
           column("value", "", rows, [](auto& s) { return s.value; })},
          0,
          1};
}

Table points(const OpenTrace& open) {
  using trace::Point;
  const auto& rows = open.trace.points;
  return {"points",
          "moments: messages, memory, steals, policies, trials, marks; by time",
          rows_in(rows.size()),
          {number(), column("time", "nanoseconds", rows, [](auto& p) { return p.time; }),
           column("event", "its kind", rows, [](auto& p) { return trace::describe(p.event).name; }),
           column("site", "in sites", rows, [](auto& p) { return known(p.site); }),
           column("thread", "in threads", rows, [](auto& p) { return p.thread; }),
           column("task", "in tasks", rows, [](auto& p) { return known(p.task); }),
           column("value", "what the event says", rows,
                  [](const Point& p) { return trace::value_of(p.event, p.argument); }),
           column("other", "the rank at the other end of a message", rows,
                  [](const Point& p) { return known(trace::rank_of(p.event, p.argument)); })},
          0,
          1};
}

Table facts(const OpenTrace& open) {
  const auto& rows = open.trace.facts;
  return {"facts",
          "of the run",
          rows_in(rows.size()),
          {column("name", "", rows, [](auto& f) { return std::string_view(f.first); }),
           column("value", "", rows, [](auto& f) { return std::string_view(f.second); })}};
}

json json_of(const sql::Value& value) {
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return *whole;
  if (const auto* real = std::get_if<double>(&value)) return *real;
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  return nullptr;
}

http::Response describe(App& app, const http::Request& request) {
  return of_trace(app, request, [&](const OpenTrace& open) {
    json list = json::array();
    for (const Table& t : tables_of(open)) {
      json columns = json::array();
      for (const Column& c : t.columns) columns.push_back({{"name", c.name}, {"doc", c.doc}});
      list.push_back({{"name", t.name}, {"doc", t.doc}, {"rows", t.rows}, {"columns", columns}});
    }
    return answer(list);
  });
}

http::Response ask(App& app, const http::Request& request) {
  const auto open = app.traces->open(request.part(0));
  sql::Limits limits;
  limits.rows = static_cast<std::size_t>(request.number("limit", 1000, 1, most_rows));
  const std::vector<Table> tables = tables_of(*open);
  const auto start = std::chrono::steady_clock::now();
  const sql::Answer found = sql::ask(tables, request.body, limits);
  const std::chrono::nanoseconds took = std::chrono::steady_clock::now() - start;
  json rows = json::array();
  for (const auto& row : found.rows) {
    json cells = json::array();
    for (const sql::Value& value : row) cells.push_back(json_of(value));
    rows.push_back(std::move(cells));
  }
  const json all = {
      {"columns", found.columns}, {"rows", rows}, {"more", found.more}, {"took", took.count()}};
  return answer(all);
}

constexpr Route table[] = {
    {"GET", "/v1/traces/{trace}/sql", "the tables that SQL may ask, with their columns",
     "SqlTable[]", http::Access::token, describe},
    {"POST",
     "/v1/traces/{trace}/sql",
     "one SELECT, as text; at most so many rows: limit; nothing can be written",
     "SqlAnswer",
     http::Access::token,
     ask,
     {most_question}},
};

}  // namespace

std::vector<Table> tables_of(const OpenTrace& open) {
  return {spans(open), sites(open),    tasks(open),   edges(open),  threads(open),
          tree(open),  counters(open), samples(open), points(open), facts(open)};
}

std::span<const Route> query_routes() { return table; }

}  // namespace jetlag::routes
