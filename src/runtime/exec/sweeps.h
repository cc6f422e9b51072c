// Elementwise work and copies as sweeps over memory: what each part of them touches.
#pragma once

#include "primitives/element.h"
#include "runtime/exec/footprint.h"

namespace jetlag::exec {

// Calls compute(first, last) for elements of the run, whole rows at a time. `known` is the
// footprint of a run on the same operands, or null.
Sweep element_sweep(const ElementRun& run, const Array& out,
                    std::function<void(std::int64_t first, std::int64_t last)> compute,
                    std::shared_ptr<const Footprint> known);

// Stores the value into the array, of which it reads nothing: an array of the same dtype, or a
// number.
bool is_plain_copy(const Array& to, const Value& from);
// The same, of an array, by rows.
RowWork copied_rows(const Ref<Array>& to, const Ref<Array>& from);
Sweep copy_sweep(const Ref<Array>& to, const Value& from, std::shared_ptr<const Footprint> known);

// For elements [first, last) of the run, part by part: where the inputs lie.
void touch_inputs(Footprint& print, const ElementRun& run,
                  const std::function<std::int64_t(std::int64_t part)>& first_element);

}  // namespace jetlag::exec
