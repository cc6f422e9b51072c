// The parts of the shape family that have sources of their own.
#pragma once

#include "primitives/primitive.h"

namespace jetlag {

std::span<const Primitive> reshape_rows();    // reshape.cpp: reshape, ravel, flatten, expand_dims
std::span<const Primitive> joining_rows();    // joining.cpp: concatenate, stack, vstack …
std::span<const Primitive> diagonal_rows();   // diagonals.cpp: diag, diagonal, tril, triu
std::span<const Primitive> arranging_rows();  // arranging.cpp: roll, repeat, tile

// a[:, ...] seen in another shape, if strides can express it; null otherwise.
// The sizes agree.
Ref<Array> reshaped_view(const Ref<Array>& a, std::span<const std::int64_t> shape);

// a with an axis of length 1 before axis i of the result.
Ref<Array> with_axis(const Ref<Array>& a, std::int64_t i);

// Diagonal k of two axes as an axis at the end, read-only. Throws as NumPy does.
Ref<Array> diagonal_of(const Ref<Array>& a, std::int64_t k, std::int64_t axis1, std::int64_t axis2);

}  // namespace jetlag
