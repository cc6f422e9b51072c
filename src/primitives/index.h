// Subscripts with Python's and NumPy's meaning.
#pragma once

#include <optional>

#include "primitives/primitive.h"

namespace jetlag {

// a[items] for ints, spans, nil (a new axis) and ellipsis: a view (of rank 0 if
// only ints are given). Nothing if an item is an array, a list or a mask (or
// anything else: then gather declines as well). Throws Error(index) with
// NumPy's message.
std::optional<Ref<Array>> basic_index(const Ref<Array>& a, std::span<const Value> items);

// a[items] with integer arrays, lists or boolean masks among the items: a copy.
// Reads the data of the items. Null declines.
Ref<Array> gather(const Ref<Array>& a, std::span<const Value> items);

// a[items] = value for the same items. False declines. Nothing is written
// when it throws.
bool scatter(const Ref<Array>& a, std::span<const Value> items, const Value& value);

// view[...] = value, with NumPy's "unsafe" casting and broadcasting; the job
// writes into `to`. Throws Error(shape) with NumPy's message ("could not
// broadcast input array from shape (3,) into shape (2,)"). Copies the value
// first where it overlaps the target. Python scalars that do not fit raise
// Error(overflow). Nothing declines: an object, numbers that NumPy refuses or
// warns of. The watch hears of array elements that do not fit.
std::optional<Job> assign(const Ref<Array>& to, const Value& value, Watch* watch = nullptr);

}  // namespace jetlag
