// Folds a part of an array into results: what a block of a reduction does.
#pragma once

#include "primitives/reduction.h"
#include "primitives/reduction_layout.h"

namespace jetlag {

// Adds the elements of the part to its results, which have the fold's dtype and
// no gaps. The order of folding is that of the part's layout, wherever the
// elements come from: memory, or a computation (primitives/on_demand.h).
void fold_part(const Reduction& how, const Array& a, const ReductionLayout& part,
               std::byte* results);

}  // namespace jetlag
