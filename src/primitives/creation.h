// The parts of the creation family that have sources of their own.
#pragma once

#include "primitives/primitive.h"

namespace jetlag {

std::span<const Primitive> sequence_rows();  // sequences.cpp: arange, linspace
std::span<const Primitive> facts_rows();     // facts.cpp: shape, ndim, size, dtype …

// Whether the kernel stores its first argument as it is, in the dtype of the result.
bool copies_argument(const Primitive& p);

}  // namespace jetlag
