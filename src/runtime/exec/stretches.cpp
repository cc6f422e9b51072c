#include "runtime/exec/stretches.h"

namespace jetlag::exec {

bool lies_in_rows(const Array& a) {
  bool innermost = true;
  std::int64_t room = size_of(a.dtype());
  for (std::int64_t axis = a.rank() - 1; axis >= 0; --axis) {
    const std::int64_t count = a.shape()[axis];
    if (count <= 1) continue;
    const std::int64_t stride = a.strides()[axis];
    if (innermost ? stride != room : stride < room) return false;
    innermost = false;
    room = stride * count;
  }
  return true;
}

std::int64_t row_axis(const Array& a) {
  std::int64_t axis = 0;
  while (axis + 1 < a.rank() && a.shape()[axis] == 1) ++axis;
  return axis;
}

std::int64_t whole_rows(const Array& a, std::int64_t elements) {
  const std::int64_t row = a.rank() > 1 ? a.shape()[a.rank() - 1] : 1;
  return row > 1 && row < elements ? elements / row * row : elements;
}

}  // namespace jetlag::exec
