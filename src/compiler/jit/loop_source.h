// What machine code for a loop is made from, beside its program.
#pragma once

#include <string>

#include "compiler/jit/api.h"
#include "compiler/loops/program.h"

namespace jetlag::jit {

// The loop as machine code; null, with the reason, if it cannot be made.
loops::Machine compile_loop(const loops::Program& program, std::string& why);

// What a loop of the primitives is called in object code.
inline std::string kernel_symbol(const loops::Instr& i) {
  return format("jetlag_loop_{}_{}", info(i.opcode).name, info(i.dtype).name);
}

inline std::string dot_symbol(const loops::Instr& i) {
  return format("jetlag_dot_{}", info(i.dtype).name);
}

inline constexpr const char* loop_symbol = "jetlag_loop";

}  // namespace jetlag::jit
