// PhySL as text: parsed, printed and run.
#include <nanobind/stl/string.h>

#include "binding/module.h"
#include "binding/python_host.h"
#include "primitives/primitive.h"
#include "runtime/exec/lane.h"

namespace jetlag::python {

namespace {

std::string reprint(const std::string& text) { return physl::print(physl::parse(text)); }

nb::object run_text(const std::string& text, nb::list arguments) {
  const auto nodes = physl::parse(text, "<physl>");
  physl::verify(nodes, [](std::string_view name) { return find_primitive(name) != nullptr; });
  const auto program = plan::build(nodes, "<physl>", {"sys_argv"});
  PythonSide side;
  PythonHost host(side);
  exec::Caches caches;
  std::vector<Value> given;
  for (nb::handle a : arguments) given.push_back(host.border().from_python(a.ptr()));
  exec::Lane lane(host, *program, caches, nullptr);
  Value result;
  try {
    Value list = Value::list(std::move(given));
    result = lane.run({&list, 1});
  } catch (const Error& error) {
    host.take();
    raise(error, lane.frames());
  } catch (nb::python_error& error) {
    host.take();
    raise_located(error, lane.frames());
  }
  host.take();
  PyObject* object = host.border().to_python(result);
  if (!object) nb::raise_python_error();
  return nb::steal(object);
}

}  // namespace

void add_physl(nb::module_& m) {
  m.def("parse", reprint, nb::arg("text"), "Parses PhySL and prints it again.");
  m.def("run_physl", run_text, nb::arg("text"), nb::arg("arguments") = nb::list(),
        "Runs a PhySL program; the arguments are its sys_argv.");
}

}  // namespace jetlag::python
