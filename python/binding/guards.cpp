#include "binding/guards.h"

#include <string_view>

#include "binding/python_host.h"

namespace jetlag::python {

Guards::Guards(const nb::list& guards) {
  for (nb::handle g : guards) {
    const nb::tuple t = nb::cast<nb::tuple>(g);
    nb::object holder = t[0], key = t[1];
    if (PyUnicode_CheckExact(key.ptr())) {
      // Names in dicts are interned: found by their address.
      PyObject* name = key.release().ptr();
      PyUnicode_InternInPlace(&name);
      key = nb::steal(name);
    }
    const auto look = look_for(holder, key);
    guards_.push_back({look, std::move(holder), std::move(key), t[2]});
  }
}

bool Guards::hold() const {
  for (const Guard& g : guards_) {
    if (g.look(g) != g.expected.ptr()) return false;
  }
  return true;
}

PyObject* Guards::in_dict(const Guard& g) {
  PyObject* found = PyDict_GetItemWithError(g.holder.ptr(), g.key.ptr());
  if (!found && PyErr_Occurred()) nb::raise_python_error();
  return found ? found : missing_object();
}

PyObject* Guards::in_cell(const Guard& g) { return PyCell_GET(g.holder.ptr()); }

PyObject* Guards::code_of(const Guard& g) { return PyFunction_GET_CODE(g.holder.ptr()); }

PyObject* Guards::defaults_of(const Guard& g) {
  PyObject* found = PyFunction_GET_DEFAULTS(g.holder.ptr());
  return found ? found : Py_None;
}

PyObject* Guards::keyword_defaults_of(const Guard& g) {
  PyObject* found = PyFunction_GET_KW_DEFAULTS(g.holder.ptr());
  return found ? found : Py_None;
}

PyObject* Guards::attribute_of(const Guard& g) {
  PyObject* found = PyObject_GetAttr(g.holder.ptr(), g.key.ptr());
  if (!found) {
    PyErr_Clear();
    return nullptr;
  }
  // Only compared: what was expected is kept alive by the guard itself.
  Py_DECREF(found);
  return found;
}

PyObject* (*Guards::look_for(const nb::object& holder, const nb::object& key))(const Guard&) {
  if (PyDict_Check(holder.ptr())) return in_dict;
  if (key.is_none() && PyCell_Check(holder.ptr())) return in_cell;
  if (!PyFunction_Check(holder.ptr())) return attribute_of;
  const std::string_view name = PyUnicode_AsUTF8(key.ptr());
  if (name == "__code__") return code_of;
  if (name == "__defaults__") return defaults_of;
  if (name == "__kwdefaults__") return keyword_defaults_of;
  return attribute_of;
}

int Guards::traverse(visitproc visit, void* arg) const {
  for (const Guard& g : guards_) {
    Py_VISIT(g.holder.ptr());
    Py_VISIT(g.expected.ptr());
  }
  return 0;
}

}  // namespace jetlag::python
