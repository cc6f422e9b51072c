// Functions lowered from Python, ready to be called.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "binding/guards.h"
#include "binding/python_host.h"
#include "binding/signature.h"
#include "runtime/exec/lane.h"

namespace jetlag::python {

class Program {
 public:
  Program(nb::list functions, nb::list opaques, bool fastmath, bool strict);

  void set_guards(const nb::list& guards) { side_.guards = Guards(guards); }
  bool guards_hold() const { return side_.guards.hold(); }

  nb::object run(const nb::tuple& arguments) const;
  // The result and the rows.
  nb::tuple explain(const nb::tuple& arguments) const;

  // From now on calls of the callable come here, without Python in between:
  // they are bound as those of the function.
  void serve(const nb::object& callable, nb::object function, nb::object binder);
  // Such a call. Throws what it raises.
  PyObject* call(PyObject* const* args, Py_ssize_t given, PyObject* names) const;

  std::string physl(bool tags) const;
  std::string tree(const std::string& form) const;
  std::string plan() const { return plan::print(*program_); }
  bool may_write() const { return program_->may_write; }
  bool has_opaque() const { return program_->has_opaque; }

  int traverse(visitproc visit, void* arg) const;
  void clear();

 private:
  void add_captures(plan::Source& source, const nb::list& captures);
  void resolve_captures();
  PyObject* run(std::span<PyObject* const> arguments, exec::Profile* profile) const;

  PythonSide side_;
  Signature signature_;
  std::unique_ptr<plan::Program> program_;
  mutable exec::Caches caches_;
  mutable bool called_ = false;  // read and written with the GIL held
};

// Turns what a C++ function throws into a Python error and null.
template <class F>
PyObject* guarded(const F& f) noexcept {
  try {
    return f();
  } catch (nb::python_error& error) {
    error.restore();
  } catch (const Error& error) {
    try {
      raise(error, {});
    } catch (nb::python_error& raised) {
      raised.restore();
    }
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_RuntimeError, error.what());
  }
  return nullptr;
}

}  // namespace jetlag::python
