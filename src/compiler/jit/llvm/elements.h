// Kernels for elementwise work: one loop nest for a whole program.
#pragma once

#include "compiler/jit/element_source.h"

namespace jetlag::jit {

// An ElementKernel (primitives/element_kernel.h). Throws Error.
void* compile_elements(const ElementSource& source);

}  // namespace jetlag::jit
