// Array memory as NumPy sees it: arrays made here give their blocks back here.
#pragma once

#include "binding/numpy_api.h"

namespace jetlag::python {

// The array owns its block from now on; NumPy gives it back through us. The
// block came from array/memory.h. The GIL is held.
void hand_over(PyArrayObject* array);

}  // namespace jetlag::python
