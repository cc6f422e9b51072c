// The inverse of one matrix, for who has looked at the operands already.
#pragma once

#include "array/array.h"

namespace jetlag {

// out = the inverse of a, as NumPy computes it. Throws Error(linalg) if a is singular.
void invert(const Array& a, const Array& out);

}  // namespace jetlag
