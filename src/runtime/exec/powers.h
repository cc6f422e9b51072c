// Powers by constants: NumPy has formulas of their own for some of them.
#pragma once

#include "primitives/primitive.h"

namespace jetlag::exec {

// What NumPy makes of `array ** exponent`, exactly: square, sqrt, reciprocal or
// positive, which take the array alone; or products and roots that are as close
// to the power of a float as NumPy is, at a fraction of its cost. Null for a
// power like any other. The row is the one that was called: numpy.power itself
// makes nothing of it.
const Primitive* power_of_constant(const Primitive& row, DType array, const Value& exponent);

}  // namespace jetlag::exec
