// jetlag._core: the engine as Python sees it.
#define JETLAG_IMPORTS_NUMPY
#include "binding/module.h"

#include "binding/policies.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "base/settings.h"
#include "binding/python_host.h"
#include "compiler/jit/kernels.h"
#include "primitives/constants.h"
#include "runtime/exec/lane.h"
#include "runtime/tasks/tasks.h"

namespace jetlag::python {

namespace {

PyObject* sentinel(const char* name) {
  const nb::object type =
      nb::module_::import_("enum").attr("Enum")("Sentinel", nb::make_tuple(nb::str(name)));
  return nb::object(type.attr(name)).release().ptr();
}

nb::dict primitive_row(const Primitive& p) {
  nb::dict row;
  const auto text = [](std::string_view s) { return nb::str(s.data(), s.size()); };
  row["name"] = text(p.name);
  row["python"] = text(p.python);
  row["params"] = text(p.params);
  row["doc"] = text(p.doc);
  row["example"] = text(p.example);
  row["method"] = text(p.method);
  row["attribute"] = text(p.attribute);
  row["arity"] = p.formula.arity;
  row["kind"] = p.formula              ? "formula"
                : p.kernel             ? "kernel"
                : p.view               ? "view"
                : p.form != Form::none ? "form"
                : !p.ufunc.empty()     ? "operator"
                                       : "value";
  return row;
}

nb::dict setting_row(const Setting& s) {
  const auto text = [](std::string_view t) { return nb::str(t.data(), t.size()); };
  nb::dict row;
  row["name"] = text(s.name);
  row["environment"] = text(s.environment);
  row["kind"] = text(kind_name(s.kind));
  row["otherwise"] = text(s.otherwise);
  row["choices"] = text(s.choices);
  row["doc"] = text(s.doc);
  return row;
}

void add_settings(nb::module_& m) {
  m.def(
      "settings",
      [] {
        nb::list rows;
        for (const Setting& s : settings()) rows.append(setting_row(s));
        return rows;
      },
      "The table of settings: one dict a row.");
  m.def("setting", [](const std::string& name) { return setting(name); }, nb::arg("name"));
  m.def(
      "set_setting",
      [](const std::string& name, const std::string& value) { set_setting(name, value); },
      nb::arg("name"), nb::arg("value"));
  m.def("finish", &jit::finish, "To be called before the process ends.");
  m.def("check_environment", &check_environment,
        "Raises if a variable of the environment holds what its setting does not take.");
}

int threads(std::optional<int> count) {
  if (count) tasks::set_workers(*count);
  return tasks::workers();
}

}  // namespace

PyObject* unbound_object() {
  static PyObject* object = sentinel("UNBOUND");
  return object;
}

PyObject* missing_object() {
  static PyObject* object = sentinel("MISSING");
  return object;
}

void add_tables(nb::module_& m) {
  m.def(
      "primitives",
      [] {
        nb::list rows;
        for (const Primitive* p : primitives()) rows.append(primitive_row(*p));
        return rows;
      },
      "The table of primitives: one dict a row.");
  m.def(
      "primitive_of",
      [](const std::string& dotted) -> std::optional<std::string> {
        const Primitive* p = find_python(dotted);
        return p ? std::optional<std::string>(p->name) : std::nullopt;
      },
      nb::arg("dotted"), "The primitive of a Python function, by its dotted name.");
  m.def(
      "reserved",
      [](const std::string& name) {
        return find_primitive(name) || find_constant(name) || name == "nil" || name == "true" ||
               name == "false" || name == "int" || name == "float" || name == "bool";
      },
      nb::arg("name"), "Whether a user's name must be quoted in PhySL.");
  m.def("threads", threads, nb::arg("count") = nb::none(),
        "Sets, if given, and returns the number of workers.");
  add_settings(m);
  m.def(
      "set_hooks",
      [](nb::object locate, nb::object warn_fp, nb::object warn_opaque, nb::object call_at,
         nb::object name_of) { set_hooks({locate, warn_fp, warn_opaque, call_at, name_of, true}); },
      nb::kw_only(), nb::arg("raise_at"), nb::arg("warn_fp"), nb::arg("warn_opaque"),
      nb::arg("call_at"), nb::arg("name_of"));
  m.attr("UNBOUND") = nb::borrow(unbound_object());
  m.attr("MISSING") = nb::borrow(missing_object());
}

}  // namespace jetlag::python

namespace {

int import_numpy() {
  import_array1(-1);
  return 0;
}

}  // namespace

NB_MODULE(_core, m) {
  using namespace jetlag::python;
  if (import_numpy() < 0) nb::raise_python_error();
  // Handles may live in caches until the process ends.
  nb::set_leak_warnings(false);
  nb::register_exception_translator([](const std::exception_ptr& p, void*) {
    try {
      std::rethrow_exception(p);
    } catch (const jetlag::Error& error) {
      try {
        raise(error, {});
      } catch (nb::python_error& e) {
        e.restore();
      }
    }
  });
  add_nodes(m);
  add_program(m);
  add_physl(m);
  add_tables(m);
  add_memory(m);
  add_tuning(m);
  add_traces(m);
  add_counters(m);
  add_policies(m);
}
