// The parts of the reduce family that have sources of their own.
#pragma once

#include "primitives/primitive.h"

namespace jetlag {

std::span<const Primitive> extremum_rows();  // extremum.cpp: argmin, argmax
std::span<const Primitive> spread_rows();    // spread.cpp: var, std, ptp

}  // namespace jetlag
