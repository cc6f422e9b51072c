#include "binding/signature.h"

#include <algorithm>

namespace jetlag::python {

Signature::Signature(nb::object function, nb::object binder)
    : function_(std::move(function)), binder_(std::move(binder)) {
  const nb::object code = function_.attr("__code__");
  names_ = nb::cast<nb::tuple>(nb::object(code.attr("co_varnames")));
  const auto count = [&](const char* name) {
    return nb::cast<std::size_t>(nb::object(code.attr(name)));
  };
  positional_ = count("co_argcount");
  positional_only_ = count("co_posonlyargcount");
  const std::size_t flags = count("co_flags");
  const std::size_t stars = (flags & CO_VARARGS ? 1 : 0) + (flags & CO_VARKEYWORDS ? 1 : 0);
  stars_ = stars > 0;
  parameters_ = positional_ + count("co_kwonlyargcount") + stars;
}

void Signature::bind(PyObject* const* args, Py_ssize_t given, PyObject* names,
                     std::span<PyObject*> bound, nb::object& kept) const {
  if (!stars_ && bind_plainly(args, given, names, bound)) return;
  kept =
      nb::steal(PyObject_Vectorcall(binder_.ptr(), args, static_cast<std::size_t>(given), names));
  if (!kept.is_valid()) nb::raise_python_error();
  std::copy_n(&PyTuple_GET_ITEM(kept.ptr(), 0), bound.size(), bound.begin());
}

bool Signature::bind_plainly(PyObject* const* args, Py_ssize_t given, PyObject* names,
                             std::span<PyObject*> bound) const {
  const auto count = static_cast<std::size_t>(given);
  if (count > positional_) return false;
  std::copy_n(args, count, bound.begin());
  if (count == bound.size() && !names) return true;
  std::fill(bound.begin() + given, bound.end(), nullptr);
  if (names && !bind_names(args + given, names, bound)) return false;
  return fill_defaults(bound);
}

bool Signature::bind_names(PyObject* const* values, PyObject* names,
                           std::span<PyObject*> bound) const {
  for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(names); ++k) {
    PyObject* name = PyTuple_GET_ITEM(names, k);
    std::size_t at = positional_only_;
    const auto parameter = [&] { return PyTuple_GET_ITEM(names_.ptr(), at); };
    while (at < bound.size() && parameter() != name) ++at;
    if (at == bound.size()) {
      // Names are interned as a rule, but need not be.
      at = positional_only_;
      while (at < bound.size() && PyUnicode_Compare(parameter(), name) != 0) ++at;
    }
    if (at == bound.size() || bound[at]) return false;
    bound[at] = values[k];
  }
  return true;
}

// Defaults are read from the function: they may change between calls.
bool Signature::fill_defaults(std::span<PyObject*> bound) const {
  PyObject* defaults = PyFunction_GET_DEFAULTS(function_.ptr());
  const std::size_t count = defaults ? static_cast<std::size_t>(PyTuple_GET_SIZE(defaults)) : 0;
  for (std::size_t i = 0; i < positional_; ++i) {
    if (bound[i]) continue;
    if (i + count < positional_) return false;
    bound[i] = PyTuple_GET_ITEM(defaults, static_cast<Py_ssize_t>(i + count - positional_));
  }
  PyObject* by_name = PyFunction_GET_KW_DEFAULTS(function_.ptr());
  for (std::size_t i = positional_; i < bound.size(); ++i) {
    if (bound[i]) continue;
    PyObject* name = PyTuple_GET_ITEM(names_.ptr(), static_cast<Py_ssize_t>(i));
    bound[i] = by_name ? PyDict_GetItemWithError(by_name, name) : nullptr;
    if (!bound[i]) return PyErr_Clear(), false;
  }
  return true;
}

int Signature::traverse(visitproc visit, void* arg) const {
  Py_VISIT(function_.ptr());
  Py_VISIT(binder_.ptr());
  return 0;
}

void Signature::clear() {
  function_.reset();
  binder_.reset();
}

}  // namespace jetlag::python
