// Elements from any layout into a short contiguous run of one dtype, as the
// loops of reductions want them.
#pragma once

#include <span>
#include <vector>

#include "array/array.h"

namespace jetlag {

// Changes a run, on the way or in place: squares it, for example.
using Change = void (*)(const void* from, void* to, std::int64_t n);

struct ReaderAxis {
  std::int64_t count, stride;  // bytes
};

// Those of an array, joined where it has no gaps.
std::vector<ReaderAxis> axes_of(const Array& a);

class ElementReader {
 public:
  // Elements of `from` become bools or numbers of `to`; `by_truth` first makes
  // them 0 or 1, as count_nonzero counts them.
  ElementReader(DType from, DType to, bool by_truth = false, Change change = nullptr);

  // Whether contiguous elements can be used where they lie.
  bool reads_in_place() const { return in_place_; }
  // Elements [first, first + n) of the axes in C order, n at most run.
  void read(const std::byte* data, std::span<const ReaderAxis> axes, std::int64_t first,
            std::int64_t n, void* out) const;

  static constexpr std::int64_t run = 1024;

 private:
  void convert(const void* raw, void* out, std::int64_t n) const;
  DType from_, to_;
  bool by_truth_, in_place_;
  Change change_;
};

}  // namespace jetlag
