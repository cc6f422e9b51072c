// What object code depends on beside the program it computes: it runs here, or nowhere.
#pragma once

#include <string>

namespace jetlag::jit {

// The processor and its features, jetlag's version, LLVM's, and which build of
// the module that makes code. Found without loading LLVM.
const std::string& machine();

}  // namespace jetlag::jit
