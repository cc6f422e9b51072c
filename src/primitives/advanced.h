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

// An array among the items, of any integer dtype, and the axis that it goes along.
struct PlaceIndex {
  Ref<Array> values;  // seen over the axes of the places
  Ref<Array> given;   // as it lies in memory
  std::int64_t axis, count, stride;
};

// a[items] has the axes `places` (those of the index arrays, broadcast) and the
// axes that the arrays leave alone, `rest`:
//
//   element (p..., r...) lies at data + arrays.values[p] . arrays.stride + rest.strides . r
//
// The result has the axes of places before axis `at` of the rest: there, where
// the arrays stood next to each other, and otherwise in front.
struct Selection {
  std::byte* data;
  Dims places;
  std::vector<PlaceIndex> arrays = {};  // without those that are numbers
  Dims rest = {}, rest_strides = {};
  std::int64_t at = 0;
  // A single mask over leading axes: NumPy words its errors differently.
  bool is_mask = false;
  // The only arrays are numbers: as an assignment goes, these are plain indices.
  bool has_numbers_only = false;

  Dims shape() const;
  // Single ones: the rest has no axes, or none of more than one element.
  bool takes_elements() const { return element_count(rest) == 1; }
  // How a result of such lies, in elements: as the index arrays do. Empty for C order.
  Dims places_strides() const;
  // Axes of the places along which every index array lies backwards, or is repeated.
  Dims backwards() const;
  // There is an index that is out of bounds: throws NumPy's IndexError for it.
  [[noreturn]] void refuse() const;
};

// Nothing where only the host understands the items. Reads masks and indices that are numbers;
// the index arrays are looked at by Places.
std::optional<Selection> select(const Ref<Array>& a, std::span<const Value> items);

}  // namespace jetlag
