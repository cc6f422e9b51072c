// Subscripts with Python's and NumPy's meaning.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "primitives/primitive.h"

namespace jetlag {

// a[items] for ints, spans, nil (a new axis) and ellipsis: a view (of rank 0 if
// only ints are given). Nothing if an item is an array, a list or a mask (or
// anything else: then gather declines as well). Throws Error(index) with
// NumPy's message.
std::optional<Ref<Array>> basic_index(const Ref<Array>& a, std::span<const Value> items);

// Work on the elements that a subscript with arrays takes. Nothing is done before the job is; but
// little work is where all that it touches is `ready`, and then there is no body.
struct Subscript {
  Ref<Array> array;  // the result, or the target
  Job job;
  std::vector<Ref<Array>> reads;  // kept alive by whoever runs the job
};

// a[items] with integer arrays, lists or boolean masks among the items: a copy, into an array that
// `make` gives. Masks and numbers among the items are read here. The job, if it can fail, throws
// NumPy's IndexError when all is done. Nothing declines.
using MakeArray = std::function<Ref<Array>(DType, const Dims& shape)>;
std::optional<Subscript> gather(const Ref<Array>& a, std::span<const Value> items,
                                const MakeArray& make, bool ready);

// a[items] = value for the same items, which are read here, and the value where it has to be
// copied. Nothing declines. Nothing is written when it throws; the job does not. By index arrays,
// where a place may be named twice, it is cut into so many shares at most.
std::optional<Subscript> scatter(const Ref<Array>& a, std::span<const Value> items,
                                 const Value& value, std::int64_t shares, bool ready);

// view[...] = value, with NumPy's "unsafe" casting and broadcasting; the job
// writes into `to`. Throws Error(shape) with NumPy's message ("could not
// broadcast input array from shape (3,) into shape (2,)"). Copies the value
// first where it overlaps the target. Python scalars that do not fit raise
// Error(overflow). Nothing declines: an object, numbers that NumPy refuses or
// warns of. The watch hears of array elements that do not fit.
std::optional<Job> assign(const Ref<Array>& to, const Value& value, Watch* watch = nullptr);

}  // namespace jetlag
