// What may be stored where: the checks of an assignment, and of a cast.
#pragma once

#include "primitives/primitive.h"

namespace jetlag {

// Whether NumPy would write the value into the dtype without a warning or an
// error of its own; if not, the caller declines. Throws Error(overflow) for a
// Python int that an integer dtype cannot hold.
bool is_storable(const Value& v, DType dtype);

// The same for each number in a list, which NumPy converts one by one.
bool are_storable(const Value& list, DType dtype);

// The same for a[i] = value, where Python's and NumPy's numbers count as items.
bool is_assignable(const Value& v, DType dtype);

// Converting would drop an imaginary part: NumPy warns of it, so it is left to NumPy.
bool loses_imaginary(DType from, DType to);

// The value as an array to be copied into one of the dtype (by a converting
// copy): scalars already converted, arrays as they are.
Ref<Array> stored_operand(const Value& v, DType dtype);

// Whether a shape can be written into another. Throws NumPy's error if not.
// Leading axes of length 1 are forgiven, and left out of the message.
void check_assignable(std::span<const std::int64_t> from, std::span<const std::int64_t> to);

// `from` without the leading axes that the target lacks, broadcast to it.
Ref<Array> broadcast_into(const Ref<Array>& from, std::span<const std::int64_t> to);

// Whether no two elements share a byte, as they may by NumPy's stride tricks.
bool elements_are_apart(const Array& a);

// Whether converting may give "invalid value" or "overflow encountered in cast".
bool cast_can_warn(DType from, DType to);
// The Anomaly bits of converting these elements.
unsigned cast_anomalies(const Array& from, DType to);

}  // namespace jetlag
