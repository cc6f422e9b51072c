// Which variables of a function may still be read, and where a read is the last.
#pragma once

#include <vector>

#include "compiler/plan/plan.h"

namespace jetlag::plan {

using Slots = std::vector<bool>;  // by slot of the function

// Marks reads after which a variable's value is not wanted (Op::last), and
// assignments of values that nothing reads. Functions whose variables others
// see are left alone.
void mark_last_reads(Program&, Function& function);

// The variables whose values a block may read from before it began.
Slots read_on_entry(const Block& block, std::size_t slots);

}  // namespace jetlag::plan
