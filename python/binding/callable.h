// The part of a decorated function that Python calls. The type comes from
// jetlag._call, a module so small that importing it costs nothing; once there
// is a plan, jetlag._core puts the plan's program in, and where calls go.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <algorithm>
#include <memory>

namespace jetlag::python {

struct Callable {
  PyObject_HEAD vectorcallfunc vectorcall;  // never null
  PyObject* program;                        // whose calls they are; null while Python decides
};

// A call that no plan is ready for: `_call` of the Python class finds one.
inline PyObject* call_in_python(PyObject* self, PyObject* const* args, std::size_t flags,
                                PyObject* names) {
  static PyObject* const method = PyUnicode_InternFromString("_call");
  constexpr std::size_t few = 8;
  const auto given = static_cast<std::size_t>(PyVectorcall_NARGS(flags));
  const std::size_t all = given + static_cast<std::size_t>(names ? PyTuple_GET_SIZE(names) : 0);
  PyObject* here[few + 1];
  std::unique_ptr<PyObject*[]> elsewhere;
  if (all > few) elsewhere = std::make_unique<PyObject*[]>(all + 1);
  PyObject** const passed = elsewhere ? elsewhere.get() : here;
  passed[0] = self;
  std::copy_n(args, all, passed + 1);
  return PyObject_VectorcallMethod(method, passed, given + 1, names);
}

}  // namespace jetlag::python
