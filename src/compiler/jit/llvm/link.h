// Linking by LLVM's ORC JIT, for object code that our own linker (compiler/jit/object.h) refuses.
#pragma once

#include <string>

#include "compiler/jit/api.h"

namespace jetlag::jit {

// The address of the symbol. Throws Error(runtime) with LLVM's message. Safe from any thread.
void* link_by_llvm(const std::string& object, const char* symbol, const Externals& externals);

}  // namespace jetlag::jit
