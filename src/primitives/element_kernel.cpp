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
  KernelLayout layout = 0;
  for (int i = 0; i < operands; ++i) {
    const std::int64_t step = space.step(i);
    const bool repeated = step == 0 && i < operands - outputs;
    const Lie lie = repeated ? Lie::repeated : step == space[i].item ? Lie::dense : Lie::strided;
    layout |= static_cast<KernelLayout>(lie) << (2 * i);
  }
  return layout;
}

unsigned run_kernel(ElementKernel kernel, const ElementSpace& space, int operands,
                    std::int64_t first, std::int64_t last, std::byte* to) {
  std::byte* places[most_kernel_operands];
  std::int64_t inner[most_kernel_operands], outer[most_kernel_operands];
  const Dims& shape = space.shape();
  const bool has_rows = shape.size() > 1;
  for (int i = 0; i < operands; ++i) {
    inner[i] = space.step(i);
    outer[i] = has_rows ? space[i].strides[shape.size() - 2] : 0;
  }
  if (to) outer[operands - 1] = space.row() * space[operands - 1].item;
  const std::int64_t row = space.row(), plane = has_rows ? shape[shape.size() - 2] : 1;
  unsigned met = 0;
  for (std::int64_t position = first; position < last;) {
    const std::int64_t column = position % row, left = last - position;
    std::int64_t columns = row, rows = std::min(left / row, plane - position / row % plane);
    if (column != 0 || left < row) {
      columns = std::min(row - column, left);
      rows = 1;
    }
    for (int i = 0; i < operands; ++i) places[i] = space.at(i, position);
    if (to) places[operands - 1] = to + (position - first) * space[operands - 1].item;
    met |= kernel(places, inner, outer, columns, rows);
    position += columns * rows;
  }
  return met;
}

}  // namespace jetlag
