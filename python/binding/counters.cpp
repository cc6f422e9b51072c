// Counters, for Python.
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "binding/module.h"
#include "runtime/exec/counters.h"
#include "trace/counters/counters.h"
#include "trace/counters/user.h"

namespace jetlag::python {

namespace {

// Names of devices may hold any bytes.
nb::object text(std::string_view words) {
  PyObject* decoded =
      PyUnicode_DecodeUTF8(words.data(), static_cast<Py_ssize_t>(words.size()), "replace");
  if (!decoded) nb::raise_python_error();
  return nb::steal(decoded);
}

nb::tuple row_of(const trace::Counter& c, std::string_view missing) {
  return nb::make_tuple(text(c.name), text(c.unit), text(trace::kind_name(c.kind)), text(c.doc),
                        text(missing));
}

nb::list values_of(trace::CounterReader& reader) {
  std::span<const double> values;
  {
    nb::gil_scoped_release others;
    values = reader.read();
  }
  nb::list list;
  for (const double v : values) list.append(v);
  return list;
}

}  // namespace

void add_counters(nb::module_& m) {
  exec::add_counters();
  m.def(
      "list_counters",
      [](const std::string& pattern) {
        std::vector<trace::ListedCounter> found;
        {
          nb::gil_scoped_release others;
          found = trace::list_counters(pattern);
        }
        nb::list rows;
        for (const trace::ListedCounter& c : found) rows.append(row_of(c.counter, c.missing));
        return rows;
      },
      nb::arg("pattern"), "Name, unit, kind, meaning and why it is missing, of those that fit.");
  nb::class_<trace::CounterReader>(m, "CounterReader")
      .def(nb::init<std::vector<std::string>>(), nb::arg("patterns"))
      .def("look", &trace::CounterReader::look)
      .def("names",
           [](const trace::CounterReader& r) {
             nb::list names;
             for (const trace::Counter& c : r.counters()) names.append(text(c.name));
             return names;
           })
      .def("rows",
           [](const trace::CounterReader& r) {
             nb::list rows;
             for (const trace::Counter& c : r.counters()) rows.append(row_of(c, ""));
             return rows;
           })
      .def("read", &values_of);
  // They live as long as the process: Python only holds a reference.
  nb::class_<trace::UserCounter>(m, "UserCounter")
      .def("add", &trace::UserCounter::add, nb::arg("more"))
      .def("set", &trace::UserCounter::set, nb::arg("value"))
      .def_prop_ro("value", &trace::UserCounter::value)
      .def_prop_ro("name", [](const trace::UserCounter& c) { return text(c.counter().name); })
      .def_prop_ro("unit", [](const trace::UserCounter& c) { return text(c.counter().unit); });
  m.def(
      "user_counter",
      [](const std::string& name, const std::string& unit, const std::string& kind,
         const std::string& doc) -> trace::UserCounter& {
        return trace::user_counter(name, unit, trace::counter_kind_named(kind), doc);
      },
      nb::arg("name"), nb::arg("unit"), nb::arg("kind"), nb::arg("doc"), nb::rv_policy::reference);
}

}  // namespace jetlag::python
