// What a kernel for elementwise work is made from.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "primitives/element.h"

namespace jetlag::jit {

// How an operation is computed that is not done in line.
struct ElementCall {
  enum class How : std::uint8_t { in_line, vector_function, loop };
  How how = How::in_line;
  std::string symbol;       // for the linker
  void* address = nullptr;  // of a loop of the interpreter; the C library has the others
};

struct ElementSource {
  const ElementProgram* program = nullptr;
  KernelLayout layout = 0;
  int vector_bytes = 0;
  std::string key;                 // names the code among all for this machine
  std::vector<ElementCall> calls;  // of each value
  std::vector<bool> needed;        // by the outputs: the others are left out
  int operations = 0;              // of these, constants apart
  std::int64_t widest = 1;         // bytes of the widest number among them
  // Whose conditions count although a compiler might know the value, or do without it in some
  // lanes: as the arm of a `where`, which AVX-512 computes where it is chosen only.
  std::vector<bool> held;
};

// Lines are summed in registers of so many bytes on every machine (primitives/reduce_loops.inc).
inline constexpr std::int64_t sum_register_bytes = 32;

// Nothing where the program is left to the interpreter: integer powers throw,
// and a `where` by one bool for all might skip an arm whose conditions count.
std::optional<ElementSource> element_source(const ElementProgram& program, KernelLayout layout);

// Machine code for it (an ElementKernel); null, with the reason, if it cannot be made.
void* compile_elements(const ElementSource& source, std::string& why);

inline constexpr const char* element_symbol = "jetlag_elements";

}  // namespace jetlag::jit
