// Reductions of arrays of any layout along any axes, as jobs.
#pragma once

#include "primitives/arguments.h"
#include "primitives/reduce_loops.h"

namespace jetlag {

// What happens to `n` numbers before they are folded, and to a result after.
// Both are in the dtype of the fold, contiguous, and may be null.
using Before = void (*)(void* numbers, std::int64_t n);
using After = void (*)(void* results, std::int64_t n, std::int64_t folded);

struct Reduction {
  Fold fold;
  DType dtype;            // in which numbers are folded; elements are converted to it
  Before before = nullptr;
  After after = nullptr;  // told how many numbers each result was folded from
  bool watched = false;   // reports what the processor noticed, as NumPy's ufuncs do
};

// out has a's shape without the axes, or with length 1 there, in C order and of
// any dtype: results are converted as they are written. A fold of nothing is
// the fold's neutral number.
Job reduction_job(const Ref<Array>& a, AxisSet axes, const Reduction& how, const Ref<Array>& out,
                  Watch* watch);

// The shape of a reduction's result.
Dims reduced_shape(const Dims& shape, AxisSet axes, bool keepdims);
// How many elements meet in one result.
std::int64_t folded_count(const Dims& shape, AxisSet axes);

}  // namespace jetlag
