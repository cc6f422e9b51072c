// What machine code for a loop is made from, beside its program.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "compiler/jit/api.h"
#include "compiler/loops/program.h"

namespace jetlag::jit {

// A loop as machine code. What is made in a hurry is replaced once, from another thread.
class LoopCode {
 public:
  // The best there is; null if there is none.
  loops::Machine best() const { return code_.load(std::memory_order_acquire); }
  void replace(loops::Machine code) { code_.store(code, std::memory_order_release); }

 private:
  std::atomic<loops::Machine> code_{nullptr};
};

// Code that is found, or made now with full effort; none, with the reason, if it cannot be made.
std::shared_ptr<LoopCode> compile_loop(const loops::Program& program, std::string& why);

// Code that is found, or hurried code, while the other is made in the background. A process that is
// forked meanwhile stays with what it has.
std::shared_ptr<LoopCode> compile_loop_soon(std::shared_ptr<const loops::Program> program,
                                            std::string& why);

// What a loop of the primitives is called in object code.
inline std::string kernel_symbol(const loops::Instr& i) {
  return format("jetlag_loop_{}_{}", info(i.opcode).name, info(i.dtype).name);
}

inline std::string dot_symbol(const loops::Instr& i) {
  return format("jetlag_dot_{}", info(i.dtype).name);
}

inline std::string work_symbol(const loops::Instr& i) {
  return format("jetlag_line_work_{}", info(i.dtype).name);
}

inline constexpr const char* loop_symbol = "jetlag_loop";

}  // namespace jetlag::jit
