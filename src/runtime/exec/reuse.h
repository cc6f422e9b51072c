// last-use: w = w - d → written into w's memory, when nobody else can see the
// old value. Whether that is so is read off the reference counts, for which the
// references of unfinished tasks are told apart: the order of tasks on a buffer
// takes care of those.
#pragma once

#include <span>
#include <vector>

#include "array/value.h"
#include "compiler/plan/plan.h"
#include "primitives/element.h"

namespace jetlag::exec {

// The same array for a task to hold, counted apart. Small ones are handed out
// as they are.
Ref<Array> lent(const Ref<Array>& array);
std::vector<Value> lent(const std::vector<Value>& values);

// The operand whose memory an elementwise result may take over; null if there
// is none. values[i] was copied from register registers[i], for this operation.
Ref<Array> dying_operand(const plan::Op& op, std::span<const int> registers,
                         std::span<const Value> values, DType dtype, const Dims& shape);

// Runs elements [first, last) into memory that is an input as well, and lies in rows, by way of
// the first-level cache. Where a wanted condition shows, `tell` is called for a stretch while the
// inputs still hold what they held.
void run_over(const ElementRun& run, std::int64_t first, std::int64_t last, const Array& out,
              unsigned wanted, const std::function<void(std::int64_t, std::int64_t)>& tell);

}  // namespace jetlag::exec
