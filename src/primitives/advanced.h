// Subscripts with arrays: from the items to places in memory.
#pragma once

#include <optional>
#include <vector>

#include "array/value.h"

namespace jetlag {

// An index counted from the end if negative; throws NumPy's IndexError.
std::int64_t normal_index(std::int64_t index, std::int64_t count, std::int64_t axis);

// The elements of an axis that a span takes.
struct Stretch {
  std::int64_t start, step, count;
};
Stretch stretch_of(const Span& span, std::int64_t count);

void check_index_count(std::int64_t used, std::int64_t rank);
// Throws for items that are no index at all.
void check_index_kinds(std::span<const Value> items);
std::span<const Value> unpacked(std::span<const Value> items);

// a[items] has the axes `places` (those of the index arrays, broadcast) and the
// axes that the arrays leave alone, `rest`:
//
//   element (p..., r...) lies at offsets[p] + rest.strides . r
//
// The result has the axes of places before axis `at` of the rest: there, where
// the arrays stood next to each other, and otherwise in front.
struct Selection {
  std::byte* data;
  Dims places;
  std::vector<std::int64_t> offsets = {};  // bytes, one for each place, in C order
  Dims rest = {}, rest_strides = {};
  // How a result without a rest lies, in elements: as the index arrays do.
  // Empty for C order.
  Dims places_strides = {};
  // Axes of the places along which every index array lies backwards, or is repeated.
  Dims backwards = {};
  std::int64_t at = 0;
  // A single mask over leading axes: NumPy words its errors differently.
  bool is_mask = false;
  // The only arrays are numbers: as an assignment goes, these are plain indices.
  bool has_numbers_only = false;

  Dims shape() const;
};

// Nothing where only the host understands the items.
std::optional<Selection> select(const Ref<Array>& a, std::span<const Value> items);

}  // namespace jetlag
