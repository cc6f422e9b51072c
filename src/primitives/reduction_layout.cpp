#include "primitives/reduction_layout.h"

#include <algorithm>

#include "primitives/moves.h"
#include "primitives/reduction.h"

namespace jetlag {

namespace {

// More blocks than this balance nothing better.
constexpr std::int64_t most_blocks = 256;
// So many keep many workers busy: below it, folded axes are cut as well.
constexpr std::int64_t enough_blocks = 64;
// Partial results cost an addition each at the end, by one thread.
constexpr std::int64_t most_folded_pieces = 32;
constexpr std::int64_t least_folded = 16;  // elements of a folded axis in a piece
// Stripes of an innermost axis: shorter ones read memory in jumps.
constexpr std::int64_t stripe_bytes = 16 * 1024;

// Axes of one element do not matter; those that run backwards are turned.
void add_axes(const Array& a, AxisSet axes, const Array& out, ReductionLayout& layout) {
  const Array to = with_folded_axes(out, a.shape(), axes);
  for (std::int64_t i = 0; i < a.rank(); ++i) {
    ReductionAxis axis{a.shape()[i], a.strides()[i], contains(axes, i), 0};
    if (!axis.folded) axis.out_stride = to.strides()[i];
    if (axis.count == 1) continue;
    if (axis.stride < 0) {
      layout.offset += axis.stride * (axis.count - 1);
      layout.out += axis.out_stride * (axis.count - 1);
      axis.stride = -axis.stride;
      axis.out_stride = -axis.out_stride;
    }
    layout.axes.push_back(axis);
  }
}

bool can_join(const ReductionAxis& outer, const ReductionAxis& inner) {
  return outer.folded == inner.folded && outer.stride == inner.stride * inner.count &&
         outer.out_stride == inner.out_stride * inner.count;
}

void sort_and_join(std::vector<ReductionAxis>& axes) {
  std::stable_sort(axes.begin(), axes.end(), [](const ReductionAxis& a, const ReductionAxis& b) {
    return a.stride > b.stride;
  });
  std::vector<ReductionAxis> joined;
  for (const ReductionAxis& axis : axes) {
    if (!joined.empty() && can_join(joined.back(), axis)) {
      joined.back() = {joined.back().count * axis.count, axis.stride, axis.folded, axis.out_stride};
    } else {
      joined.push_back(axis);
    }
  }
  axes = std::move(joined);
}

std::int64_t first_axis(const ReductionLayout& layout, bool folded) {
  for (std::size_t i = 0; i < layout.axes.size(); ++i) {
    if (layout.axes[i].folded == folded) return static_cast<std::int64_t>(i);
  }
  return -1;
}

// Kept axes first, since their pieces need no additions afterwards.
void cut(ReductionLayout& layout, std::int64_t bytes, std::int64_t item) {
  const std::int64_t wanted = pieces_of(bytes, most_blocks);
  layout.kept_axis = first_axis(layout, false);
  layout.folded_axis = first_axis(layout, true);
  if (wanted == 1) return;
  if (layout.kept_axis >= 0) {
    const auto i = static_cast<std::size_t>(layout.kept_axis);
    std::int64_t most = layout.axes[i].count;
    if (i + 1 == layout.axes.size()) most = most * item / stripe_bytes;
    layout.kept_pieces = std::clamp<std::int64_t>(most, 1, wanted);
  }
  if (layout.folded_axis >= 0 && layout.kept_pieces < enough_blocks) {
    const std::int64_t count = layout.axes[static_cast<std::size_t>(layout.folded_axis)].count;
    const std::int64_t missing = std::min(wanted, enough_blocks) / layout.kept_pieces;
    layout.folded_pieces =
        std::clamp<std::int64_t>(std::min(missing, count / least_folded), 1, most_folded_pieces);
  }
}

void keep(ReductionLayout& part, ReductionAxis& cut, std::int64_t first, std::int64_t last) {
  part.offset += first * cut.stride;
  part.out += first * cut.out_stride;
  cut.count = last - first;
}

void keep_piece(ReductionLayout& part, std::int64_t axis, std::int64_t pieces, std::int64_t i) {
  if (axis < 0) return;
  ReductionAxis& cut = part.axes[static_cast<std::size_t>(axis)];
  keep(part, cut, piece_begin(cut.count, pieces, i), piece_begin(cut.count, pieces, i + 1));
}

}  // namespace

std::int64_t results_of(std::span<const ReductionAxis> axes) {
  std::int64_t count = 1;
  for (const ReductionAxis& axis : axes) {
    if (!axis.folded) count *= axis.count;
  }
  return count;
}

bool all_folded(std::span<const ReductionAxis> axes) {
  return std::all_of(axes.begin(), axes.end(), [](const auto& axis) { return axis.folded; });
}

std::int64_t ReductionLayout::results() const { return results_of(axes); }

ReductionLayout lay_out_reduction(const Array& a, AxisSet axes, const Array& out) {
  ReductionLayout layout;
  layout.out = out.data();
  add_axes(a, axes, out, layout);
  sort_and_join(layout.axes);
  cut(layout, a.bytes(), size_of(a.dtype()));
  return layout;
}

ReductionLayout part_of_reduction(const ReductionLayout& all, std::int64_t block) {
  ReductionLayout part = all;
  keep_piece(part, all.kept_axis, all.kept_pieces, block / all.folded_pieces);
  keep_piece(part, all.folded_axis, all.folded_pieces, block % all.folded_pieces);
  part.kept_pieces = part.folded_pieces = 1;
  return part;
}

bool goes_by_rows(const ReductionLayout& layout, const Array& a, AxisSet axes, const Array& out) {
  if (layout.axes.empty() || layout.folded_pieces > 1) return false;
  const ReductionAxis& first = layout.axes.front();
  if (first.folded) return false;
  const Dims out_strides = with_folded_axes(out, a.shape(), axes).strides();
  std::int64_t rows = 1;
  for (std::int64_t i = 0; i < a.rank() && !contains(axes, i) && rows < first.count; ++i) {
    rows *= a.shape()[i];
    if (rows == first.count)
      return a.strides()[i] == first.stride && out_strides[i] == first.out_stride;
  }
  return false;
}

ReductionLayout rows_of_reduction(const ReductionLayout& all, std::int64_t first,
                                  std::int64_t last) {
  ReductionLayout part = all;
  keep(part, part.axes.front(), first, last);
  part.kept_pieces = 1;
  return part;
}

}  // namespace jetlag
