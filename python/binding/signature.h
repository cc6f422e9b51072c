// How the arguments of a call find their parameters.
#pragma once

#include <span>

#include "binding/numpy_api.h"

namespace jetlag::python {

// Binds as the function itself would. What is plain is done here; the rest,
// stars and every mistake, is left to `binder`: a Python function of the same
// signature that returns its arguments, or raises in Python's own words.
class Signature {
 public:
  Signature() = default;
  Signature(nb::object function, nb::object binder);

  // The arguments in the order of the parameters, borrowed: from the caller,
  // from the defaults, or from `kept`. Throws what Python raises.
  void bind(PyObject* const* args, Py_ssize_t given, PyObject* names, std::span<PyObject*> bound,
            nb::object& kept) const;
  std::size_t parameters() const { return parameters_; }

  int traverse(visitproc visit, void* arg) const;
  void clear();

 private:
  bool bind_plainly(PyObject* const* args, Py_ssize_t given, PyObject* names,
                    std::span<PyObject*> bound) const;
  bool bind_names(PyObject* const* values, PyObject* names, std::span<PyObject*> bound) const;
  bool fill_defaults(std::span<PyObject*> bound) const;

  nb::object function_, binder_;
  nb::tuple names_;
  std::size_t parameters_ = 0;
  std::size_t positional_ = 0;       // given by position or name
  std::size_t positional_only_ = 0;  // the first of them, by position only
  bool stars_ = false;
};

}  // namespace jetlag::python
