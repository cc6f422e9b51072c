// Rule outer-elements, as far as the text decides it.
#pragma once

#include "compiler/plan/plan.h"

namespace jetlag::plan {

// Notes elementwise operations that only elementwise work of the region reads, more than once, with
// nothing in between that writes memory or runs Python (Op::read_by_elements). Where such a result
// turns out to be much larger than its operands, each reader computes the elements it reads.
void note_outers(Program&, Function& function);

}  // namespace jetlag::plan
