// The parts of the extension module.
#pragma once

#include "binding/numpy_api.h"
#include "compiler/physl/node.h"

namespace jetlag::python {

// A PhySL node as a Python object.
struct NodeBox {
  physl::NodePtr node;
};

void add_nodes(nb::module_& m);
void add_program(nb::module_& m);
void add_tables(nb::module_& m);
void add_physl(nb::module_& m);
void add_memory(nb::module_& m);
void add_tuning(nb::module_& m);
void add_traces(nb::module_& m);
void add_counters(nb::module_& m);

}  // namespace jetlag::python
