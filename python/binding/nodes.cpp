// Builders of PhySL nodes, one for each kind.
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "binding/module.h"

namespace jetlag::python {

namespace {

std::vector<physl::NodePtr> nodes_of(const nb::sequence& boxes) {
  std::vector<physl::NodePtr> nodes;
  for (nb::handle box : boxes) nodes.push_back(nb::cast<NodeBox&>(box).node);
  return nodes;
}

NodeBox integer(nb::int_ value, int line, int column) {
  int over = 0;
  const long long i = PyLong_AsLongLongAndOverflow(value.ptr(), &over);
  if (!over) return {physl::make_integer(i, {line, column})};
  return {physl::make_big_integer(nb::cast<std::string>(nb::str(value)), {line, column})};
}

}  // namespace

void add_nodes(nb::module_& m) {
  nb::class_<NodeBox>(m, "Node", "A node of PhySL.").def("__str__", [](const NodeBox& n) {
    return physl::print(*n.node);
  });
  m.def("integer", integer, nb::arg("value"), nb::arg("line") = 0, nb::arg("column") = 0);
  m.def(
      "real", [](double v, int l, int c) { return NodeBox{physl::make_real(v, {l, c})}; },
      nb::arg("value"), nb::arg("line") = 0, nb::arg("column") = 0);
  m.def(
      "imaginary", [](double v, int l, int c) { return NodeBox{physl::make_imaginary(v, {l, c})}; },
      nb::arg("factor"), nb::arg("line") = 0, nb::arg("column") = 0);
  m.def(
      "boolean", [](bool v, int l, int c) { return NodeBox{physl::make_boolean(v, {l, c})}; },
      nb::arg("value"), nb::arg("line") = 0, nb::arg("column") = 0);
  m.def(
      "string",
      [](std::string v, int l, int c) { return NodeBox{physl::make_string(std::move(v), {l, c})}; },
      nb::arg("text"), nb::arg("line") = 0, nb::arg("column") = 0);
  m.def(
      "nil", [](int l, int c) { return NodeBox{physl::make_nil({l, c})}; }, nb::arg("line") = 0,
      nb::arg("column") = 0);
  m.def(
      "name",
      [](std::string v, int l, int c, bool quoted) {
        return NodeBox{physl::make_name(std::move(v), {l, c}, quoted)};
      },
      nb::arg("text"), nb::arg("line") = 0, nb::arg("column") = 0, nb::arg("quoted") = false);
  m.def(
      "call",
      [](std::string callee, nb::sequence arguments, int l, int c, std::string attribute,
         bool quoted) {
        return NodeBox{physl::make_call(std::move(callee), nodes_of(arguments), {l, c},
                                        std::move(attribute), quoted)};
      },
      nb::arg("callee"), nb::arg("arguments"), nb::arg("line") = 0, nb::arg("column") = 0,
      nb::arg("attribute") = "", nb::arg("quoted") = false);
  m.def(
      "list",
      [](nb::sequence items, int l, int c) {
        return NodeBox{physl::make_list(nodes_of(items), {l, c})};
      },
      nb::arg("items"), nb::arg("line") = 0, nb::arg("column") = 0);
}

}  // namespace jetlag::python
