// The class Program: what Python sees of a lowered function, and how a call of it goes.
#include "binding/program.h"

#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "binding/callable.h"
#include "binding/module.h"
#include "runtime/exec/slots.h"
#include "trace/counters/tally.h"

namespace jetlag::python {

using physl::NodePtr;

namespace {

constexpr std::size_t few_arguments = 8;

nb::dict row_dict(const exec::ExplainRow& row) {
  nb::dict d;
  d["depth"] = row.depth;
  d["kind"] = row.kind;
  d["text"] = row.text;
  d["node"] = row.node;
  d["file"] = row.file;
  d["line"] = row.line;
  // An array is "f64[2,3]"; what else may hold brackets is told as it is: "tuple(i64[3], i64[3])".
  const std::size_t end = row.result.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789");
  const bool is_array = end != std::string::npos && end > 0 && row.result[end] == '[';
  d["dtype"] = is_array ? row.result.substr(0, end) : row.result;
  d["shape"] = is_array ? row.result.substr(end + 1, row.result.size() - end - 2) : "";
  d["native"] = row.native;
  d["calls"] = row.figures.calls;
  d["tasks"] = row.figures.tasks;
  d["time"] = static_cast<double>(row.figures.ns) * 1e-9;
  d["bytes"] = row.figures.bytes;
  d["needed"] = row.figures.needed;
  d["flops"] = row.figures.flops;
  d["rule"] = row.figures.rule;
  nb::list refused, compiled;
  for (const exec::Refusal& r : row.figures.refused) refused.append(nb::make_tuple(r.rule, r.why));
  for (const exec::Compilation& c : row.figures.compiled)
    compiled.append(nb::make_tuple(c.what, static_cast<double>(c.ns) * 1e-9));
  d["refused"] = refused;
  d["compiled"] = compiled;
  return d;
}

// Whether calls are pending, or Python must be asked for another reason.
bool attention() {
  static PyObject* const names = [] {
    nb::object module = nb::module_::import_("jetlag.pending");
    return nb::object(module.attr("__dict__")).release().ptr();
  }();
  static PyObject* const name = PyUnicode_InternFromString("attention");
  return PyDict_GetItemWithError(names, name) != Py_False;
}

// Where calls of a served function go.
PyObject* call_program(PyObject* self, PyObject* const* args, std::size_t flags, PyObject* names) {
  // Held: another thread may put another program in while this one runs.
  PyObject* const program = Py_NewRef(reinterpret_cast<Callable*>(self)->program);
  const Program& served = *nb::inst_ptr<Program>(program);
  PyObject* const result = guarded([&] {
    if (attention() || !served.guards_hold()) return call_in_python(self, args, flags, names);
    return served.call(args, PyVectorcall_NARGS(flags), names);
  });
  Py_DECREF(program);
  return result;
}

}  // namespace

Program::Program(nb::list functions, nb::list opaques, bool fastmath, bool strict) {
  side_.strict = strict;
  std::vector<plan::Source> sources;
  for (nb::handle f : functions) {
    const nb::tuple t = nb::cast<nb::tuple>(f);
    plan::Source source;
    source.node = nb::cast<NodeBox&>(t[0]).node;
    source.file = nb::cast<std::string>(t[1]);
    source.name = nb::cast<std::string>(t[2]);
    add_captures(source, nb::cast<nb::list>(t[4]));
    sources.push_back(std::move(source));
  }
  for (nb::handle o : opaques) {
    const nb::tuple t = nb::cast<nb::tuple>(o);
    side_.helpers.push_back({t[0], nb::cast<std::string>(t[1]), nb::cast<int>(t[2]),
                             nb::cast<int>(t[3]), nb::cast<bool>(t[4])});
  }
  program_ = plan::build(sources, [](const std::string& digits) {
    const nb::object value = nb::steal(PyLong_FromString(digits.c_str(), nullptr, 10));
    return Value::object(make<PyHandle>(value.ptr()));
  });
  program_->fastmath = fastmath;
  resolve_captures();
}

void Program::add_captures(plan::Source& source, const nb::list& captures) {
  auto& known = side_.captures.emplace_back();
  for (nb::handle c : captures) {
    const nb::tuple t = nb::cast<nb::tuple>(c);
    CaptureSource capture;
    if (nb::isinstance<nb::str>(t[1])) {
      // The object itself: it is fetched from no holder.
      capture.holder = nb::none();
      capture.key = t[2];
    } else {
      capture.holder = t[1];
      capture.key = t[2];
    }
    source.captures.push_back(nb::cast<std::string>(t[0]));
    known.emplace_back(source.captures.back(), std::move(capture));
  }
}

// The plan knows captures by function and name.
void Program::resolve_captures() {
  for (const plan::Capture& wanted : program_->captures) {
    CaptureSource source;
    for (std::size_t f = 0; f < program_->functions.size() && f < side_.captures.size(); ++f) {
      if (program_->functions[f].get() != wanted.function) continue;
      for (const auto& [name, capture] : side_.captures[f]) {
        if (name == wanted.name) source = capture;
      }
    }
    side_.resolved.push_back(std::move(source));
  }
}

PyObject* Program::run(std::span<PyObject* const> arguments, exec::Profile* profile) const {
  trace::count(std::exchange(called_, true) ? trace::Tally::plan_hits : trace::Tally::plan_misses);
  PythonHost host(side_);
  exec::Slots<few_arguments> values(arguments.size());
  for (std::size_t i = 0; i < arguments.size(); ++i)
    values[i] = host.border().from_python(arguments[i]);
  exec::Lane lane(host, *program_, caches_, profile);
  Value result;
  try {
    result = lane.run(values);
  } catch (const Error& error) {
    host.take();
    raise(error, lane.frames());
  } catch (nb::python_error& error) {
    host.take();
    raise_located(error, lane.frames());
  } catch (const std::bad_alloc&) {
    host.take();
    raise(Error(Kind::memory, "out of memory"), lane.frames());
  }
  host.take();
  PyObject* const object = host.border().result_to_python(result);
  if (!object) nb::raise_python_error();
  return object;
}

nb::object Program::run(const nb::tuple& arguments) const {
  return nb::steal(run({&PyTuple_GET_ITEM(arguments.ptr(), 0), nb::len(arguments)}, nullptr));
}

nb::tuple Program::explain(const nb::tuple& arguments) const {
  exec::Profile profile(program_->ids);
  const nb::object result =
      nb::steal(run({&PyTuple_GET_ITEM(arguments.ptr(), 0), nb::len(arguments)}, &profile));
  nb::list rows;
  for (const exec::ExplainRow& row : exec::explain_rows(*program_, profile))
    rows.append(row_dict(row));
  return nb::make_tuple(result, rows);
}

void Program::serve(const nb::object& callable, nb::object function, nb::object binder) {
  static PyObject* const type =
      nb::object(nb::module_::import_("jetlag._call").attr("Callable")).release().ptr();
  if (!PyObject_TypeCheck(callable.ptr(), reinterpret_cast<PyTypeObject*>(type)))
    throw nb::type_error("only a Callable can be served");
  signature_ = Signature(std::move(function), std::move(binder));
  auto& served = *reinterpret_cast<Callable*>(callable.ptr());
  PyObject* const before = std::exchange(served.program, Py_NewRef(nb::find(this).ptr()));
  served.vectorcall = call_program;
  Py_XDECREF(before);
}

PyObject* Program::call(PyObject* const* args, Py_ssize_t given, PyObject* names) const {
  PyObject* here[few_arguments];
  std::unique_ptr<PyObject*[]> elsewhere;
  const std::size_t count = signature_.parameters();
  if (count > few_arguments) elsewhere = std::make_unique<PyObject*[]>(count);
  const std::span<PyObject*> bound(elsewhere ? elsewhere.get() : here, count);
  nb::object kept;
  signature_.bind(args, given, names, bound, kept);
  return run(bound, nullptr);
}

std::string Program::physl(bool tags) const {
  return physl::print(program_->nodes, {.tags = tags, .infix = !tags});
}

std::string Program::tree(const std::string& form) const {
  if (form == "dot") return physl::to_dot(program_->nodes, program_->file);
  if (form == "newick") return physl::to_newick(program_->nodes);
  if (form == "text") return physl::to_tree_text(program_->nodes);
  throw nb::value_error("the form of a tree is text, dot or newick");
}

int Program::traverse(visitproc visit, void* arg) const {
  const auto captures = [&](const CaptureSource& c) {
    Py_VISIT(c.holder.ptr());
    Py_VISIT(c.key.ptr());
    return 0;
  };
  for (const auto& of_function : side_.captures) {
    for (const auto& [name, source] : of_function) {
      if (const int stop = captures(source)) return stop;
    }
  }
  for (const CaptureSource& source : side_.resolved) {
    if (const int stop = captures(source)) return stop;
  }
  for (const Helper& helper : side_.helpers) Py_VISIT(helper.callable.ptr());
  if (const int stop = side_.guards.traverse(visit, arg)) return stop;
  return signature_.traverse(visit, arg);
}

void Program::clear() {
  // Let go of only once nothing refers to them any more.
  const PythonSide side = std::exchange(side_, {});
  const Signature signature = std::exchange(signature_, {});
}

namespace {

int traverse_program(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  return nb::inst_ready(self) ? nb::inst_ptr<Program>(self)->traverse(visit, arg) : 0;
}

int clear_program(PyObject* self) {
  if (nb::inst_ready(self)) nb::inst_ptr<Program>(self)->clear();
  return 0;
}

// Programs and the functions that they serve refer to each other.
PyType_Slot collected[] = {{Py_tp_traverse, reinterpret_cast<void*>(traverse_program)},
                           {Py_tp_clear, reinterpret_cast<void*>(clear_program)},
                           {0, nullptr}};

}  // namespace

void add_program(nb::module_& m) {
  nb::class_<Program>(m, "Program", nb::type_slots(collected),
                      "Functions lowered from Python; the first is the entry.")
      .def(nb::init<nb::list, nb::list, bool, bool>(), nb::arg("functions"), nb::arg("opaques"),
           nb::arg("fastmath") = false, nb::arg("strict") = false)
      .def("set_guards", &Program::set_guards, nb::arg("guards"),
           "Guards (holder, key, expected): the program is right while a dict's item (MISSING if "
           "there is none), a cell's contents (no key) or an attribute is what was expected.")
      .def("guards_hold", &Program::guards_hold)
      .def("serve", &Program::serve, nb::arg("callable"), nb::arg("function"), nb::arg("binder"),
           "From now on calls of the callable run the program, bound as those of the function.")
      .def("run", nb::overload_cast<const nb::tuple&>(&Program::run, nb::const_),
           nb::arg("arguments"), "Calls the entry. Raises what Python would raise.")
      .def("explain", &Program::explain, nb::arg("arguments"),
           "Calls the entry; the result and the rows.")
      .def("physl", &Program::physl, nb::arg("tags") = true)
      .def("tree", &Program::tree, nb::arg("form") = "text")
      .def("plan", &Program::plan)
      .def("may_write", &Program::may_write, "Whether memory of an argument may be written.")
      .def("has_opaque", &Program::has_opaque);
}

}  // namespace jetlag::python
