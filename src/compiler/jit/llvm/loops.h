// Typed loop programs (compiler/loops) become functions of an LLVM module.
#pragma once

#include <llvm/IR/Module.h>

#include "compiler/loops/program.h"

namespace jetlag::jit {

void emit_loop(llvm::Module& module, const std::string& symbol, const loops::Program& program);

}  // namespace jetlag::jit
