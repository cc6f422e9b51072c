// Elementwise results, and what masks take, that only a reduction reads.
#pragma once

#include "compiler/plan/plan.h"

namespace jetlag::plan {

// Of an array, where args[0] is one, which is seen when it runs.
bool is_reduction(const Op& op);

// fused-reduction, masked-reduction: notes at each group, and at each subscript that
// may be a mask, that its result is read by one reduction alone, with nothing in
// between that could tell whether it is in memory. Elementwise operations before
// such a reduction become groups of their own.
void fuse_reductions(Program&, Function& function);

}  // namespace jetlag::plan
