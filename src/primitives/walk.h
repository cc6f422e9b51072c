// Walking over several arrays of one shape at once, axis by axis, in C order.
#pragma once

#include <array>
#include <cstddef>

#include "array/dims.h"

namespace jetlag {

// Calls run(at, steps, count) for every line along the last axis: pointers to
// its first elements, their strides in bytes, and the number of elements.
template <std::size_t N, class Run>
void walk(std::span<const std::int64_t> shape, std::array<std::byte*, N> at,
          const std::array<const std::int64_t*, N>& strides, Run&& run) {
  const auto rank = static_cast<std::int64_t>(shape.size());
  std::array<std::int64_t, N> steps{};
  if (rank == 0) return run(at, steps, std::int64_t{1});
  std::int64_t lines = 1;
  for (const std::int64_t n : shape) lines *= n;
  if (lines == 0) return;
  const std::int64_t last = rank - 1;
  const std::int64_t count = shape[static_cast<std::size_t>(last)];
  lines /= count;
  for (std::size_t k = 0; k < N; ++k) steps[k] = strides[k][last];
  Dims position(last);
  for (std::int64_t line = 0;; ++line) {
    run(at, steps, count);
    if (line + 1 == lines) return;
    std::int64_t axis = last - 1;
    for (;; --axis) {
      const std::int64_t n = shape[static_cast<std::size_t>(axis)];
      const bool wraps = ++position[axis] == n;
      for (std::size_t k = 0; k < N; ++k) at[k] += strides[k][axis] * (wraps ? 1 - n : 1);
      if (!wraps) break;
      position[axis] = 0;
    }
  }
}

}  // namespace jetlag
