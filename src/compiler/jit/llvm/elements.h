// Kernels for elementwise work: one loop nest for a whole program.
#pragma once

#include <llvm/IR/Module.h>

#include "compiler/jit/element_source.h"

namespace jetlag::jit {

// Adds element_symbol, an ElementKernel (primitives/element_kernel.h).
void emit_elements(llvm::Module& module, const ElementSource& source);

}  // namespace jetlag::jit
