// Products that NumPy's order decides: a zero meets an infinity, or not.
#pragma once

#include "primitives/reduction.h"
#include "primitives/reduction_layout.h"

namespace jetlag {

// Factors are multiplied in lanes, runs and blocks, where a partial product may overflow, or
// vanish, that NumPy's never makes. The results of the part that are not normal numbers are made
// again, one factor after another as they lie in memory; whether there were some. Before that the
// floating-point flags are cleared: they tell of what is made then.
bool multiply_in_order(const Reduction& how, const Array& a, const ReductionLayout& part,
                       std::byte* results);

}  // namespace jetlag
