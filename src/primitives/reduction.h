// Reductions of arrays of any layout along any axes, as jobs.
#pragma once

#include "primitives/arguments.h"
#include "primitives/element_reader.h"
#include "primitives/primitive.h"
#include "primitives/reduce_loops.h"

namespace jetlag {

// Makes final results of folds, in place: divides by how many were folded.
using Finish = void (*)(void* results, std::int64_t n, std::int64_t folded);

struct Reduction {
  Fold fold = Fold::add;
  DType dtype = DType::float64;  // in which numbers are folded; elements are converted to it
  bool by_truth = false;         // elements count as 0 or 1
  Change change = nullptr;       // of elements, before they are folded
  Finish finish = nullptr;
  bool watched = false;  // reports what the processor noticed, as NumPy's ufuncs do
};

// out has the fold's dtype, and no gaps. A fold of nothing is the neutral
// number of the fold.
Job reduction_job(const Ref<Array>& a, AxisSet axes, const Reduction& how, const Ref<Array>& out,
                  Watch* watch);

// The shape of a reduction's result.
Dims reduced_shape(const Dims& shape, AxisSet axes, bool keepdims);
// The result of a call: its axes lie in memory as those of the operand do, as
// NumPy's iterators have it. Without strides: in C order.
Spec reduced_spec(const Outline& a, std::span<const std::int64_t> strides, AxisSet axes,
                  bool keepdims, DType dtype);
// The strides of an array; none of other values.
std::span<const std::int64_t> strides_of(const Value& v);
// The result with axes of length 1 in place of those that were folded.
Array with_folded_axes(const Array& out, const Dims& shape, AxisSet axes);
// How many elements meet in one result.
std::int64_t folded_count(const Dims& shape, AxisSet axes);

}  // namespace jetlag
