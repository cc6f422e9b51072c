// How a reduction walks through memory: axes in the order in which they lie
// there, neighbours joined, and the cut into blocks.
#pragma once

#include <span>
#include <vector>

#include "primitives/arguments.h"

namespace jetlag {

struct ReductionAxis {
  std::int64_t count;
  std::int64_t stride;          // bytes, never negative
  bool folded;                  // or kept
  std::int64_t out_stride = 0;  // bytes in the result; 0 for folded axes
};

// How many results such axes have together.
std::int64_t results_of(std::span<const ReductionAxis> axes);
bool all_folded(std::span<const ReductionAxis> axes);

struct ReductionLayout {
  std::int64_t offset = 0;          // bytes from the array's first element to the part's
  std::byte* out = nullptr;         // the result of the first elements
  std::vector<ReductionAxis> axes;  // largest strides first

  // The axis that is cut, of each kind, and into how many pieces; -1: none.
  std::int64_t kept_axis = -1, folded_axis = -1;
  std::int64_t kept_pieces = 1, folded_pieces = 1;
  std::int64_t blocks() const { return kept_pieces * folded_pieces; }

  // How many results there are, in this order: the kept axes, first one slowest.
  std::int64_t results() const;
};

// The array is not empty. out has its shape without the axes, or with length 1
// there.
ReductionLayout lay_out_reduction(const Array& a, AxisSet axes, const Array& out);

// The part of a block: a layout of its own, not cut further. Blocks of one
// piece of the kept axis are neighbours.
ReductionLayout part_of_reduction(const ReductionLayout& all, std::int64_t block);

// Whether the results along the first axis of the layout, which is made of the first ones of the
// array, hang on nothing but their own rows.
bool goes_by_rows(const ReductionLayout& layout, const Array& a, AxisSet axes, const Array& out);
// Of such a layout the part of rows [first, last).
ReductionLayout rows_of_reduction(const ReductionLayout& all, std::int64_t first,
                                  std::int64_t last);

}  // namespace jetlag
