// Rules outer-elements, fused-gather and masked-select, as far as the text decides them.
#pragma once

#include "compiler/plan/plan.h"

namespace jetlag::plan {

// Notes elementwise operations that only elementwise work of the region reads, more than once, with
// nothing in between that writes memory or runs Python (Op::read_by_elements). Where such a result
// turns out to be much larger than its operands, each reader computes the elements it reads.
void note_outers(Program&, Function& function);

// Notes subscripts by one index that only one group of elementwise work reads, or one operation,
// which becomes a group (Op::feeds_elements). Where the index turns out to be an array, the group
// takes elements as it reads them. After find_repeats: what is kept is made by itself. And
// subscripts that are changed in place, with nothing but numbers in between (Op::feeds_augment).
void note_gathers(Program&, Function& function);

}  // namespace jetlag::plan
