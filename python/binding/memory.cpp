#include "binding/memory.h"

#include <nanobind/stl/string.h>

#include <cstdlib>

#include "array/memory.h"
#include "binding/module.h"
#include "compiler/jit/kernels.h"
#include "runtime/exec/allocations.h"
#include "runtime/exec/machine.h"
#include "runtime/policies/policies.h"
#include "runtime/tasks/tasks.h"
#include "trace/counters/counters.h"
#include "trace/policy/policy.h"
#include "trace/record/record.h"

namespace jetlag::python {

namespace {

void* allocate(void*, std::size_t bytes) {
  return memory::take(static_cast<std::int64_t>(bytes), false);
}

void* allocate_zeroed(void*, std::size_t count, std::size_t item) {
  std::size_t bytes = 0;
  if (__builtin_mul_overflow(count, item, &bytes)) return nullptr;
  return memory::take(static_cast<std::int64_t>(bytes), true);
}

// ndarray.resize: the difference stays off the books.
void* reallocate(void*, void* block, std::size_t bytes) { return std::realloc(block, bytes); }

void give_back(void*, void* block, std::size_t bytes) {
  memory::give_back(block, static_cast<std::int64_t>(bytes));
}

PyDataMem_Handler handler = {
    "jetlag", 1, {nullptr, allocate, allocate_zeroed, reallocate, give_back}};

}  // namespace

void hand_over(PyArrayObject* array) {
  // Never let go: arrays outlive everything else.
  static PyObject* capsule = PyCapsule_New(&handler, "mem_handler", nullptr);
  PyArray_ENABLEFLAGS(array, NPY_ARRAY_OWNDATA);
  // NumPy has no function that names the handler of a block which it did not ask for.
  reinterpret_cast<PyArrayObject_fields*>(array)->mem_handler = Py_NewRef(capsule);
}

void add_memory(nb::module_& m) {
  exec::record_allocations();
  m.def(
      "allocated",
      [](bool reset) {
        if (reset) memory::reset_peak();
        const memory::Counters c = memory::counters();
        nb::dict d;
        d["now"] = c.now;
        d["kept"] = c.kept;
        d["peak"] = c.peak;
        d["total"] = c.total;
        return d;
      },
      nb::arg("reset") = false,
      "Bytes of array buffers: in use now, kept for reuse, the most at once, ever handed out. With "
      "reset, memory that is kept is let go and the most at once is counted anew.");
  m.def(
      "machine",
      [](const std::string& folder) {
        exec::Machine known;
        {
          nb::gil_scoped_release others;
          known = exec::known_machine(folder);
        }
        nb::dict d;
        d["workers"] = known.workers;
        d["read"] = known.read_bytes_per_s;
        d["read_alone"] = known.read_bytes_per_s_alone;
        d["flops"] = known.flops_per_s;
        d["flops_alone"] = known.flops_per_s_alone;
        return d;
      },
      nb::arg("folder") = "",
      "What this machine was measured to reach, a second: bytes read from memory and double "
      "precision operations, by all workers and by one. Measured once, and kept in the folder.");
  m.def("after_fork", [] {
    memory::after_fork();
    tasks::after_fork();
    jit::after_fork();
    trace::after_fork();
    trace::counters_after_fork();
    policy::after_fork();
    policy::built_in_after_fork();
  });
}

}  // namespace jetlag::python
