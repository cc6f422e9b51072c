// The iteration space of a run: how its operands lie in memory, and how a
// stretch of elements is gathered from them or scattered to them.
#pragma once

#include <span>
#include <vector>

#include "array/value.h"

namespace jetlag {

// An operand seen over the whole space. Strides are in bytes, 0 along axes
// that are repeated.
struct Placement {
  std::byte* data = nullptr;
  std::int64_t item = 0;
  Dims strides;
  bool flat = false;     // element i lies at data + i * item
  bool uniform = false;  // one element for all
};

// The memory from one byte to another.
struct Extent {
  const std::byte* begin;
  const std::byte* end;
};

class ElementSpace {
 public:
  // The placements come with the rank of the shape. Axes are put in the order
  // of the memory of placement `leader`, and joined where all operands allow.
  ElementSpace(Dims shape, std::vector<Placement> placements, std::int64_t leader);

  std::int64_t size() const { return size_; }
  const Dims& shape() const { return shape_; }  // after sorting and joining
  const Placement& operator[](std::int64_t i) const {
    return placements_[static_cast<std::size_t>(i)];
  }
  void aim(std::int64_t i, std::byte* data) {
    placements_[static_cast<std::size_t>(i)].data = data;
  }
  // How many elements from `position` on lie in one row, and where the row's
  // next element of operand i is.
  std::int64_t row_left(std::int64_t position) const { return row_ - position % row_; }
  std::int64_t row() const { return row_; }
  std::byte* at(std::int64_t i, std::int64_t position) const;
  // The same of the first operands, as many as there is room for.
  void find(std::int64_t position, std::span<std::byte*> places) const;
  std::int64_t step(std::int64_t i) const;
  // Where elements [first, last) of operand i lie, or somewhat more; there is at least one.
  Extent extent(std::int64_t i, std::int64_t first, std::int64_t last) const;

  // n elements of operand i, from `position` on, to or from contiguous memory.
  void gather(std::int64_t i, std::int64_t position, std::int64_t n, std::byte* to) const;
  void scatter(std::int64_t i, std::int64_t position, std::int64_t n, const std::byte* from) const;

 private:
  void sort_axes(std::int64_t leader);
  void join_axes();
  template <class F>
  void for_rows(std::int64_t i, std::int64_t position, std::int64_t n, F f) const;

  Dims shape_;
  std::int64_t size_ = 0;
  std::int64_t row_ = 1;
  std::vector<Placement> placements_;
};

// Copies n elements of the given size between steps (bytes).
void copy_strided(const std::byte* from, std::int64_t from_step, std::byte* to,
                  std::int64_t to_step, std::int64_t n, std::int64_t item);

}  // namespace jetlag
