// Arrays whose elements lie in memory in the order of their subscripts.
#pragma once

#include <algorithm>
#include <cstdint>

#include "array/array.h"

namespace jetlag::exec {

// Whether elements lie in memory in the order of their subscripts, none over
// another, and without gaps along the last axis: a block of rows.
bool lies_in_rows(const Array& a);

// Rows are those of the outermost axis that has several.
std::int64_t row_axis(const Array& a);

// So many elements, or somewhat fewer, that are whole rows where these are shorter: work on part of
// a row costs the same beginning.
std::int64_t whole_rows(const Array& a, std::int64_t elements);

// Calls f(place, elements before it, count) for each stretch of [first, last) that has no gap.
template <class F>
void each_stretch(const Array& a, std::int64_t first, std::int64_t last, const F& f) {
  if (a.is_contiguous()) return f(a.data() + first * size_of(a.dtype()), 0, last - first);
  const std::int64_t inner = a.rank() - 1;
  const std::int64_t columns = a.shape()[inner];
  for (std::int64_t at = first; at < last;) {
    const std::int64_t column = at % columns;
    const std::int64_t count = std::min(columns - column, last - at);
    std::byte* place = a.data() + column * a.strides()[inner];
    std::int64_t row = at / columns;
    for (std::int64_t axis = inner - 1; axis >= 0; --axis) {
      place += row % a.shape()[axis] * a.strides()[axis];
      row /= a.shape()[axis];
    }
    f(place, at - first, count);
    at += count;
  }
}

}  // namespace jetlag::exec
