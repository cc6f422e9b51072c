// share-pass: finds products that may read one matrix together.
#pragma once

#include "compiler/plan/plan.h"

namespace jetlag::plan {

void share_pass(Program& program, Function& function);

// dot, matmul, @ and a.dot(b): may read a matrix together with others.
bool shares_matrix(const Op& op);
// x.T, x.shape: if x is an array, which is seen when it runs, no element is read.
bool spares_elements(const Op& op);
// A function of whole arrays that may be called later: it looks at no values
// before it computes, and no value makes it fail. Null if the operation is none.
const Primitive* whole_kernel(const Op& op);

}  // namespace jetlag::plan
