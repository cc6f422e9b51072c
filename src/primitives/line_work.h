// Elementwise work on lines of memory (parts of arrays along one axis), as compiled loops call it.
#pragma once

#include "primitives/expr.h"

namespace jetlag {

// The work in reverse Polish order, a byte a step, the lowest first: a line and a number are the
// next operands, an operation takes as many results as it wants.
enum class LineStep : std::uint8_t { end, line, number, operation };
inline constexpr std::size_t most_line_steps = 8;
constexpr std::uint8_t line_step(Opcode opcode) {
  return static_cast<std::uint8_t>(LineStep::operation) + static_cast<std::uint8_t>(opcode);
}

// Longer lines are left to who shares them out.
inline constexpr std::int64_t longest_line_work = 1 << 13;

// Called as `unsigned f(const std::uint64_t* words)`. The words: how many elements, the floating-
// point conditions (Anomaly bits) on which nothing is stored, the steps; then place and step in
// bytes of the result and of each line, and the bits of each number. The result may lie where the
// lines do. Gives the conditions that were met. Null for dtypes other than real floats.
using LineFunction = void (*)();
LineFunction find_line_work(DType dtype);

}  // namespace jetlag
