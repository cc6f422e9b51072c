// The parts of the linear algebra family that have sources of their own.
#pragma once

#include "primitives/primitive.h"

namespace jetlag {

std::span<const Primitive> solve_rows();  // solve.cpp: inv, solve, det, cholesky
std::span<const Primitive> norm_rows();   // norm.cpp: norm

}  // namespace jetlag
