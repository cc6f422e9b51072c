// Policies in the extension module.
#pragma once

#include "binding/numpy_api.h"

namespace jetlag::python {

void add_policies(nb::module_& m);

}  // namespace jetlag::python
