// jetlag._call: the type Callable, from which the class of decorated functions
// derives. Python calls its instances without a frame, a tuple or a dict in
// between (PEP 590), and binds them to objects as it binds functions.
#include <cstddef>

#include "binding/callable.h"
// After Python.h, which must come first.
#include <structmember.h>

namespace jetlag::python {

namespace {

Callable& of(PyObject* self) { return *reinterpret_cast<Callable*>(self); }

PyObject* bind_to(PyObject* self, PyObject* instance, PyObject*) {
  return instance && instance != Py_None ? PyMethod_New(self, instance) : Py_NewRef(self);
}

// Before Python 3.12 these promises are not passed on to classes written in
// Python; a class that calls or binds in another way does not make them.
void pass_on_promises(PyTypeObject* type) {
  if (type->tp_call == PyVectorcall_Call) type->tp_flags |= Py_TPFLAGS_HAVE_VECTORCALL;
  if (type->tp_descr_get == bind_to) type->tp_flags |= Py_TPFLAGS_METHOD_DESCRIPTOR;
}

PyObject* make(PyTypeObject* type, PyObject*, PyObject*) {
  PyObject* self = type->tp_alloc(type, 0);
  if (!self) return nullptr;
  pass_on_promises(type);
  of(self).vectorcall = call_in_python;
  return self;
}

int traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(of(self).program);
  return 0;
}

int clear(PyObject* self) {
  of(self).vectorcall = call_in_python;
  Py_CLEAR(of(self).program);
  return 0;
}

void dealloc(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  clear(self);
  type->tp_free(self);
  Py_DECREF(type);
}

PyMemberDef members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Callable, vectorcall), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>("What Python calls of a decorated function.")},
    {Py_tp_new, reinterpret_cast<void*>(make)},
    {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
    {Py_tp_descr_get, reinterpret_cast<void*>(bind_to)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(clear)},
    {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
    {Py_tp_members, members},
    {0, nullptr},
};

PyType_Spec callable_spec = {"jetlag._call.Callable", sizeof(Callable), 0,
                             Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC |
                                 Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR,
                             slots};

int fill(PyObject* module) {
  PyObject* type = PyType_FromModuleAndSpec(module, &callable_spec, nullptr);
  if (!type) return -1;
  const int failed = PyModule_AddType(module, reinterpret_cast<PyTypeObject*>(type));
  Py_DECREF(type);
  return failed;
}

PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, reinterpret_cast<void*>(fill)},
    {0, nullptr},
};

PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_call", nullptr, 0,      nullptr,
                          module_slots,          nullptr, nullptr, nullptr};

}  // namespace

}  // namespace jetlag::python

PyMODINIT_FUNC PyInit__call() { return PyModuleDef_Init(&jetlag::python::definition); }
