// Jobs that move elements, and the cutting of work into blocks.
#pragma once

#include <vector>

#include "primitives/primitive.h"

namespace jetlag {

// What a block should touch at least, so that starting it costs nothing beside
// its work: tens of microseconds at the speed of memory.
inline constexpr std::int64_t block_bytes = 512 * 1024;

// How many pieces of at least block_bytes, at most `most`.
inline std::int64_t pieces_of(std::int64_t bytes, std::int64_t most) {
  return std::clamp<std::int64_t>(bytes / block_bytes, 1, std::max<std::int64_t>(most, 1));
}

// Where piece i of n elements begins; piece i ends where i + 1 begins.
inline std::int64_t piece_begin(std::int64_t n, std::int64_t pieces, std::int64_t i) {
  return n / pieces * i + std::min(n % pieces, i);
}

// Elements [first, last) along an axis, as an array over the same bytes.
Array part_of(const Array& a, std::int64_t axis, std::int64_t first, std::int64_t last);

// Copies `from` into `to` (equal shapes), converting as NumPy casts; the watch
// hears of values that do not fit.
Job move_job(Ref<Array> from, Ref<Array> to, Watch* watch = nullptr);

// Several copies; targets do not overlap.
struct Move {
  Ref<Array> from, to;
};
Job move_job(std::vector<Move> moves);

// Writes one element, given as a 0-d array of any dtype, everywhere.
Job fill_job(const Ref<Array>& element, Ref<Array> to);

// All bytes zero.
void clear(const Array& a);

// The strides of an array made "like" another (order K): the axes lie in the
// same order as there. Empty for C order.
Dims strides_like(const Array& a, std::int64_t item);

// The axes from the outermost to the innermost, in the order in which NumPy
// walks operands of one shape: by their strides, C order where these disagree.
// An iterator (nditer) learns nothing from strides of 0, concatenate nothing
// from axes of one element.
enum class Walker { iterator, concatenate };
Dims iteration_order(std::span<const Dims> shapes, std::span<const Dims> strides, Walker walker);

// The strides of a fresh array whose axes lie in an order. Empty for C order.
Dims strides_in_order(std::span<const std::int64_t> shape, const Dims& order, std::int64_t item);

}  // namespace jetlag
