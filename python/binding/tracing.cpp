// Recording and reading traces, for Python.
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <memory>

#include "binding/module.h"
#include "runtime/tasks/tasks.h"
#include "trace/counters/sampler.h"
#include "trace/formats/format.h"
#include "trace/record/record.h"
#include "trace/store/graph.h"
#include "trace/store/profile.h"
#include "trace/store/report.h"
#include "trace/store/samples.h"

namespace jetlag::python {

namespace {

// A span of Python's own code: begun and ended by the same thread.
class PythonSpan {
 public:
  explicit PythonSpan(trace::SiteId site) : site_(site) {}
  void enter() {
    if (trace::recording()) span_.begin(site_);
  }
  void exit() { span_.end(); }

 private:
  trace::SiteId site_;
  trace::Span span_;
};

// One number of each row, as an array.
template <class T, class Rows, class F>
nb::object column(const Rows& rows, const F& of) {
  auto values = std::make_unique<T[]>(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) values[i] = static_cast<T>(of(rows[i]));
  T* data = values.release();
  nb::capsule owner(data, [](void* p) noexcept { delete[] static_cast<T*>(p); });
  return nb::cast(nb::ndarray<nb::numpy, T, nb::ndim<1>>(data, {rows.size()}, owner));
}

template <class Rows, class F>
nb::object words(const Rows& rows, const F& of) {
  nb::list list;
  for (const auto& r : rows) {
    const std::string_view text = of(r);
    // Names may hold any bytes.
    PyObject* word =
        PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace");
    if (!word) nb::raise_python_error();
    list.append(nb::steal(word));
  }
  return list;
}

using I = std::int64_t;
using trace::Trace;

// Of sites, or of nodes of the tree of calls.
template <class Row>
void figures(nb::dict& d, const std::vector<Row>& rows) {
  d["site"] = column<I>(rows, [](const Row& f) { return f.site; });
  d["count"] = column<I>(rows, [](const Row& f) { return f.count; });
  d["total"] = column<I>(rows, [](const Row& f) { return f.total; });
  d["self"] = column<I>(rows, [](const Row& f) { return f.self; });
  d["min"] = column<I>(rows, [](const Row& f) { return f.least; });
  d["median"] = column<I>(rows, [](const Row& f) { return f.median; });
  d["p99"] = column<I>(rows, [](const Row& f) { return f.p99; });
  d["max"] = column<I>(rows, [](const Row& f) { return f.most; });
  d["bytes"] = column<double>(rows, [](const Row& f) { return f.bytes; });
  d["flops"] = column<double>(rows, [](const Row& f) { return f.flops; });
}

void add_counter_columns(nb::dict& d, const Trace& t) {
  using Row = trace::Counter;
  d["name"] = words(t.counters, [](const Row& c) -> std::string_view { return c.name; });
  d["unit"] = words(t.counters, [](const Row& c) -> std::string_view { return c.unit; });
  d["kind"] = words(t.counters, [](const Row& c) { return trace::kind_name(c.kind); });
  d["doc"] = words(t.counters, [](const Row& c) -> std::string_view { return c.doc; });
  const std::vector<trace::CounterFigures> rows = trace::counter_figures(t);
  using Figures = trace::CounterFigures;
  d["samples"] = column<I>(rows, [](const Figures& f) { return f.samples; });
  d["first"] = column<double>(rows, [](const Figures& f) { return f.first; });
  d["last"] = column<double>(rows, [](const Figures& f) { return f.last; });
  d["min"] = column<double>(rows, [](const Figures& f) { return f.least; });
  d["mean"] = column<double>(rows, [](const Figures& f) { return f.mean; });
  d["max"] = column<double>(rows, [](const Figures& f) { return f.most; });
  d["growth"] = column<double>(rows, [](const Figures& f) { return f.growth; });
}

nb::dict table(const Trace& t, const std::string& name) {
  nb::dict d;
  if (name == "spans") {
    using Row = trace::SpanRow;
    d["begin"] = column<I>(t.spans, [](const Row& s) { return s.begin; });
    d["end"] = column<I>(t.spans, [](const Row& s) { return s.end; });
    d["site"] = column<I>(t.spans, [](const Row& s) { return s.site; });
    d["thread"] = column<I>(t.spans, [](const Row& s) { return s.thread; });
    d["parent"] = column<I>(t.spans, [](const Row& s) { return s.parent; });
    d["task"] = column<I>(t.spans, [](const Row& s) { return s.task; });
  } else if (name == "tasks") {
    using Row = trace::TaskRow;
    d["id"] = column<I>(t.tasks, [](const Row& r) { return r.id; });
    d["site"] = column<I>(t.tasks, [](const Row& r) { return r.site; });
    d["parent"] = column<I>(t.tasks, [](const Row& r) { return r.parent; });
    d["created"] = column<I>(t.tasks, [](const Row& r) { return r.created; });
    d["ready"] = column<I>(t.tasks, [](const Row& r) { return r.ready; });
    d["begin"] = column<I>(t.tasks, [](const Row& r) { return r.begin; });
    d["end"] = column<I>(t.tasks, [](const Row& r) { return r.end; });
    d["busy"] = column<I>(t.tasks, [](const Row& r) { return r.busy; });
    d["bytes"] = column<double>(t.tasks, [](const Row& r) { return r.bytes; });
    d["flops"] = column<double>(t.tasks, [](const Row& r) { return r.flops; });
    const trace::CriticalPath path = trace::critical_path(t);
    d["slack"] = column<I>(path.slack, [](I s) { return s; });
  } else if (name == "edges") {
    using Row = trace::Edge;
    d["from"] = column<I>(t.edges, [](const Row& e) { return e.from; });
    d["to"] = column<I>(t.edges, [](const Row& e) { return e.to; });
    d["bytes"] = column<double>(t.edges, [](const Row& e) { return e.bytes; });
  } else if (name == "samples") {
    using Row = trace::Sample;
    d["time"] = column<I>(t.samples, [](const Row& s) { return s.time; });
    d["counter"] = column<I>(t.samples, [](const Row& s) { return s.counter; });
    d["thread"] = column<I>(t.samples, [](const Row& s) { return s.thread; });
    d["value"] = column<double>(t.samples, [](const Row& s) { return s.value; });
  } else if (name == "counters") {
    add_counter_columns(d, t);
  } else if (name == "points") {
    using Row = trace::Point;
    d["time"] = column<I>(t.points, [](const Row& p) { return p.time; });
    d["event"] = words(t.points, [](const Row& p) { return trace::describe(p.event).name; });
    d["site"] = column<I>(t.points, [](const Row& p) { return p.site; });
    d["thread"] = column<I>(t.points, [](const Row& p) { return p.thread; });
    d["task"] = column<I>(t.points, [](const Row& p) { return p.task; });
    d["argument"] = column<std::uint64_t>(t.points, [](const Row& p) { return p.argument; });
    d["value"] =
        column<double>(t.points, [](const Row& p) { return trace::value_of(p.event, p.argument); });
    d["rank"] =
        column<I>(t.points, [](const Row& p) { return trace::rank_of(p.event, p.argument); });
  } else if (name == "threads") {
    const std::vector<trace::ThreadFigures> busy = trace::profile_by_thread(t);
    using Row = trace::Thread;
    d["name"] = words(t.threads, [](const Row& r) -> std::string_view { return r.name; });
    d["system"] = column<I>(t.threads, [](const Row& r) { return r.system; });
    d["rank"] = column<I>(busy, [](const trace::ThreadFigures& f) { return f.rank; });
    d["busy"] = column<I>(busy, [](const trace::ThreadFigures& f) { return f.busy; });
    d["spans"] = column<I>(busy, [](const trace::ThreadFigures& f) { return f.spans; });
  } else if (name == "sites") {
    using Row = trace::Site;
    d["name"] = words(t.sites, [](const Row& s) -> std::string_view { return s.name; });
    d["category"] = words(t.sites, [](const Row& s) { return trace::category_name(s.category); });
    d["function"] = words(t.sites, [](const Row& s) -> std::string_view { return s.function; });
    d["file"] = words(t.sites, [](const Row& s) -> std::string_view { return s.file; });
    d["line"] = column<I>(t.sites, [](const Row& s) { return s.line; });
    d["column"] = column<I>(t.sites, [](const Row& s) { return s.column; });
    d["node"] = column<I>(t.sites, [](const Row& s) { return s.node; });
    d["text"] = words(t.sites, [](const Row& s) -> std::string_view { return s.text; });
  } else if (name == "profile") {
    figures(d, trace::profile_by_site(t));
  } else if (name == "tree") {
    const std::vector<trace::TreeNode> rows = trace::call_tree(t);
    figures(d, rows);
    d["parent"] = column<I>(rows, [](const trace::TreeNode& n) { return n.parent; });
  } else {
    throw Error(Kind::key, format("a trace has no table '{}'", name));
  }
  return d;
}

void add_recording(nb::module_& m) {
  m.def(
      "trace_start",
      [](const std::string& path, const std::string& facts, const std::string& counters,
         double period, const std::string& hardware) {
        return trace::start_recording(path,
                                      {.ready_rings = tasks::recording_threads(), .facts = facts},
                                      trace::sampling_of(counters, period, hardware));
      },
      nb::arg("path"), nb::arg("facts") = "", nb::arg("counters") = "", nb::arg("period") = 0.1,
      nb::arg("hardware") = "none",
      "Begins to record into the file, with samples of the counters that fit, seconds apart. What "
      "is "
      "missing of the hardware's counters, and why; empty if nothing is.");
  m.def(
      "trace_stop",
      [] {
        trace::SampledSummary all;
        {
          const nb::gil_scoped_release free;
          all = trace::stop_recording_and_sampling();
        }
        const trace::RecordingSummary& s = all.recording;
        nb::dict d;
        d["path"] = s.path;
        d["records"] = s.records;
        d["dropped"] = s.dropped;
        d["trouble"] = s.trouble;
        d["unfit"] = all.unfit;
        return d;
      },
      "Ends the recording; what became of it.");
  m.def("trace_is_recording", &trace::recording);
  m.def("trace_path", &trace::recording_path, "What is recorded into; empty if nothing is.");
  m.def(
      "trace_site",
      [](const std::string& name, const std::string& function, const std::string& file, int line) {
        trace::Site site;
        site.name = name;
        site.function = function;
        site.file = file;
        site.line = line;
        return trace::define(site);
      },
      nb::arg("name"), nb::arg("function"), nb::arg("file"), nb::arg("line"),
      "The number of a site of the user's.");
  nb::class_<PythonSpan>(m, "TraceSpan")
      .def(nb::init<trace::SiteId>(), nb::arg("site"))
      .def("enter", &PythonSpan::enter)
      .def("exit", &PythonSpan::exit);
}

}  // namespace

void add_traces(nb::module_& m) {
  add_recording(m);
  nb::class_<Trace>(m, "TraceData")
      .def(
          "__init__",
          [](Trace* t, const std::vector<std::string>& paths) {
            new (t) Trace(trace::open(paths));
          },
          nb::arg("paths"))
      .def(
          "write",
          [](const Trace& t, const std::string& path, const std::string& to) {
            trace::format_named(to).write(t, path);
          },
          nb::arg("path"), nb::arg("to"))
      .def("table", &table, nb::arg("name"))
      .def_ro("length", &Trace::length)
      .def_ro("dropped", &Trace::dropped)
      .def_ro("closed", &Trace::closed)
      .def_ro("complaints", &Trace::complaints)
      .def("facts",
           [](const Trace& t) {
             nb::dict d;
             for (const auto& [name, value] : t.facts) d[nb::str(name.c_str())] = value;
             return d;
           })
      .def("critical_path",
           [](const Trace& t) {
             const trace::CriticalPath path = trace::critical_path(t);
             return nb::make_tuple(path.length, column<I>(path.path, [](I i) { return i; }));
           })
      .def(
          "what_if",
          [](const Trace& t, I site, double times) {
            const auto index = static_cast<trace::Index>(site);
            return trace::what_if(t, {&index, 1}, times).front();
          },
          nb::arg("site"), nb::arg("times"))
      .def("utilisation", &trace::utilisation, nb::arg("bins"))
      .def("imbalance", &trace::imbalance)
      .def("imbalance_of_ranks", &trace::imbalance_of_ranks)
      .def(
          "report",
          [](const Trace& t, const std::string& sort, const std::string& filter, int rows,
             bool tree) { return trace::report(t, {sort, filter, rows, tree}); },
          nb::arg("sort"), nb::arg("filter"), nb::arg("rows"), nb::arg("tree"));
}

}  // namespace jetlag::python
