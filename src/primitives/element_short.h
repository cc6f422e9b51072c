// Elementwise work on some elements, without the preparations of a run.
#pragma once

#include "primitives/element.h"

namespace jetlag {

// Computes n elements. Inputs are scalars, or dense arrays of n elements; out is memory that no
// input reaches, and the one output. Returns the floating-point flags that were raised, as Anomaly
// bits; they may be spurious. Throws what ElementRun throws.
unsigned run_short(const ElementProgram& program, std::span<const Value> inputs, std::byte* out,
                   std::int64_t n);

}  // namespace jetlag
