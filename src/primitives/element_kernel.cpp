#include "primitives/element_kernel.h"

#include <algorithm>

#include "primitives/element_space.h"

namespace jetlag {

KernelSlot* KernelTable::find(KernelLayout layout) {
  if (layout == 0) return nullptr;
  for (KernelSlot& slot : slots_) {
    KernelLayout known = slot.layout.load(std::memory_order_relaxed);
    if (known == layout) return &slot;
    if (known == 0 &&
        (slot.layout.compare_exchange_strong(known, layout, std::memory_order_relaxed) ||
         known == layout)) {
      return &slot;
    }
  }
  return nullptr;
}

namespace {

// Rows of fewer elements, where even a plane of them is small, are gathered
// faster than they are visited.
constexpr std::int64_t least_plane = 16;

}  // namespace

KernelLayout layout_of(const ElementSpace& space, int operands, int outputs) {
  const Dims& shape = space.shape();
  if (shape.empty() || operands > most_kernel_operands) return 0;
  const std::int64_t rows = shape.size() > 1 ? shape[shape.size() - 2] : 1;
  if (shape.size() > 2 && space.row() * rows < least_plane) return 0;
  KernelLayout layout = all_dense;
  for (int i = 0; i < operands; ++i) {
    const std::int64_t step = space.step(i);
    const bool repeated = step == 0 && i < operands - outputs;
    const Lie lie = repeated ? Lie::repeated : step == space[i].item ? Lie::dense : Lie::strided;
    layout += lie_at(i, lie);
  }
  return layout;
}

namespace {

// Where the operands of a kernel are, and how they go on.
class KernelPlaces {
 public:
  KernelPlaces(const ElementSpace& space, int inputs, int operands, std::int64_t first,
               std::span<std::byte* const> to)
      : space_(space), inputs_(inputs), operands_(operands), first_(first), to_(to) {
    const Dims& shape = space.shape();
    for (int i = 0; i < operands; ++i) {
      inner_[i] = space.step(i);
      outer_[i] = shape.size() > 1 ? space[i].strides[shape.size() - 2] : 0;
    }
    each_instead([&](int i, std::byte*) { outer_[i] = space.row() * space[i].item; });
  }

  void go_to(std::int64_t position) {
    space_.find(position, {places_, static_cast<std::size_t>(operands_)});
    each_instead([&](int i, std::byte* place) {
      places_[i] = place + (position - first_) * space_[i].item;
    });
  }

  // On along the third innermost axis, after a plane of so many elements.
  void next_plane(std::int64_t size) {
    const std::int64_t axis = space_.shape().size() - 3;
    for (int i = 0; i < operands_; ++i) places_[i] += space_[i].strides[axis];
    each_instead(
        [&](int i, std::byte*) { places_[i] += size * space_[i].item - space_[i].strides[axis]; });
  }

  unsigned compute(ElementKernel kernel, std::int64_t columns, std::int64_t rows) const {
    return kernel(places_, inner_, outer_, columns, rows, nullptr);
  }

 private:
  // f(operand, place) for outputs that go elsewhere.
  template <class F>
  void each_instead(const F& f) const {
    for (std::size_t o = 0; o < to_.size(); ++o) {
      if (to_[o]) f(inputs_ + static_cast<int>(o), to_[o]);
    }
  }

  const ElementSpace& space_;
  int inputs_, operands_;
  std::int64_t first_;
  std::span<std::byte* const> to_;
  std::byte* places_[most_kernel_operands];
  std::int64_t inner_[most_kernel_operands], outer_[most_kernel_operands];
};

}  // namespace

unsigned run_kernel(ElementKernel kernel, const ElementSpace& space, int inputs, int operands,
                    std::int64_t first, std::int64_t last, std::span<std::byte* const> to) {
  const Dims& shape = space.shape();
  const std::int64_t row = space.row(), plane = shape.size() > 1 ? shape[shape.size() - 2] : 1;
  const std::int64_t size = row * plane;
  const std::int64_t planes = shape.size() > 2 ? shape[shape.size() - 3] : 1;
  KernelPlaces places(space, inputs, operands, first, to);
  unsigned met = 0;
  for (std::int64_t position = first; position < last;) {
    places.go_to(position);
    const std::int64_t left = last - position, row_number = position / row;
    const std::int64_t column = position - row_number * row;
    const std::int64_t plane_number = row_number / plane;
    const std::int64_t row_in_plane = row_number - plane_number * plane;
    // Planes may be small: those in a row are gone through without a look at the shape.
    if (left >= size && column == 0 && row_in_plane == 0) {
      const std::int64_t some = std::min(left / size, planes - plane_number % planes);
      for (std::int64_t i = 0; i < some; ++i) {
        if (i > 0) places.next_plane(size);
        met |= places.compute(kernel, row, plane);
      }
      position += some * size;
      continue;
    }
    std::int64_t columns = row, rows = std::min(left / row, plane - row_in_plane);
    if (column != 0 || left < row) {
      columns = std::min(row - column, left);
      rows = 1;
    }
    met |= places.compute(kernel, columns, rows);
    position += columns * rows;
  }
  return met;
}

}  // namespace jetlag
