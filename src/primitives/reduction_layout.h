// How a reduction walks through memory: axes in the order in which they lie
// there, neighbours joined, and the cut into blocks.
#pragma once

#include <vector>

#include "primitives/arguments.h"

namespace jetlag {

struct ReductionAxis {
  std::int64_t count;
  std::int64_t stride;  // bytes, never negative
  bool folded;          // or kept
  // In the results: elements from one to the next, in the order of the layout.
  std::int64_t result_stride = 0;
};

struct ReductionLayout {
  const std::byte* data;
  std::vector<ReductionAxis> axes;  // largest strides first
  std::int64_t results = 1;         // their number
  std::int64_t folded = 1;          // elements in each

  // The axis that is cut, of each kind, and into how many pieces; -1: none.
  std::int64_t kept_axis = -1, folded_axis = -1;
  std::int64_t kept_pieces = 1, folded_pieces = 1;
};

// The array is not empty.
ReductionLayout lay_out_reduction(const Array& a, AxisSet axes);

// A block's part: the layout with its pieces of the cut axes, and where its
// first result lies among all results.
struct ReductionPart {
  const std::byte* data;
  std::vector<ReductionAxis> axes;
  std::int64_t first_result;
};
ReductionPart part_of_reduction(const ReductionLayout& layout, std::int64_t block);

// Where the results of a layout go: the kept axes with their strides in an
// array of the result's shape (order of the layout).
struct ResultAxes {
  Dims shape, strides;
};
ResultAxes result_axes(const Array& a, AxisSet axes, const Array& out);

}  // namespace jetlag
