// What NumPy's scalars do by themselves, and not as its arrays do it.
#pragma once

#include <span>

#include "primitives/primitive.h"

namespace jetlag {

// What orders complex ones, for an operator that compares, where one of them has the dtype in which
// they are compared and none is an array; null: what orders arrays.
const Primitive* order_of_scalars(const Primitive& row, std::span<const Operand> operands);

}  // namespace jetlag
