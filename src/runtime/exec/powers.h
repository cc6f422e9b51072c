// Powers by constants: NumPy has formulas of their own for some of them.
#pragma once

#include "primitives/primitive.h"

namespace jetlag::exec {

// What NumPy makes of `base ** exponent`, where the base is an array, exactly: square, sqrt,
// reciprocal or positive, which take the base alone; or products and roots that are as close
// to the power of a float as NumPy is, at a fraction of its cost. Null for a
// power like any other. The row is the one that was called: numpy.power itself, of whatever base,
// takes the root alone.
const Primitive* power_of_constant(const Primitive& row, const Operand& base,
                                   const Value& exponent);

inline bool is_power(const Primitive& row) {
  return row.ufunc == "power" || row.name == "power" || row.name == "pow";
}

}  // namespace jetlag::exec
