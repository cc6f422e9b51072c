// A kernel folds along rows of its own, or across them: then the rows of a plane
// are its columns, and planes are its rows. What lies in strides there, and is
// the same in all planes, is copied once, so that kernels read vectors of it.
#include "primitives/element_fold.h"

#include <algorithm>

#include "primitives/element_run.h"

namespace jetlag {

namespace {

// A line is a row of the space, or one of several in a row.
bool is_row(const ElementSpace& space, std::int64_t n) {
  return n == space.row() && space.shape().size() > 1;
}

std::int64_t plane_rows(const ElementSpace& space) {
  return space.shape()[space.shape().size() - 2];
}

// From a line to the next, of operand i.
std::int64_t line_step(const ElementSpace& space, std::int64_t i, std::int64_t n) {
  if (!is_row(space, n)) return n * space.step(i);
  return space[i].strides[space.shape().size() - 2];
}

// From a plane of lines to the next.
std::int64_t plane_step(const ElementSpace& space, std::int64_t i, std::int64_t n) {
  const std::int64_t rank = space.shape().size();
  return is_row(space, n) && rank > 2 ? space[i].strides[rank - 3] : 0;
}

// Whether vectors across the lines of operand i are read from a copy of its one plane.
bool is_packed(const ElementSpace& space, std::int64_t i, std::int64_t n) {
  constexpr std::int64_t most_bytes = 16 << 10, least_planes = 4;
  const std::int64_t step = line_step(space, i, n), item = space[i].item;
  if (!is_row(space, n) || step == 0 || step == item) return false;
  const std::int64_t plane = n * plane_rows(space), rank = space.shape().size();
  if (plane * item > most_bytes || space.size() / plane < least_planes) return false;
  const Dims& strides = space[i].strides;
  return std::all_of(strides.begin(), strides.begin() + (rank - 2),
                     [](std::int64_t s) { return s == 0; });
}

Lie lie_for(std::int64_t step, std::int64_t item) {
  return step == 0 ? Lie::repeated : step == item ? Lie::dense : Lie::strided;
}

// Where the operands of a kernel that folds are, and how they go on.
class FoldPlaces {
 public:
  FoldPlaces(const ElementSpace& space, int operands, const LineFold& how, const LineStretch& lines)
      : space_(space),
        inputs_(operands - 1),
        across_(how.rows == RowFold::across),
        lines_(lines),
        item_(how.place ? size_of(DType::int64) : space[inputs_].item) {
    std::int64_t bytes = 0;
    for (int i = 0; i < inputs_; ++i) {
      const std::int64_t along = space.step(i), next = line_step(space, i, lines.n);
      packed_[i] = across_ && is_packed(space, i, lines.n) ? bytes : -1;
      if (packed_[i] >= 0) {
        const std::int64_t plane = plane_rows(space);
        inner_[i] = space[i].item;
        outer_[i] = 0;
        folded_[i] = plane * space[i].item;
        bytes += lines.n * folded_[i];
      } else {
        inner_[i] = across_ ? next : along;
        outer_[i] = across_ ? plane_step(space, i, lines.n) : next;
        folded_[i] = along;
      }
    }
    if (bytes > 0) pack(scratch(bytes));
  }

  unsigned run(ElementKernel kernel) {
    unsigned met = 0;
    const bool row = is_row(space_, lines_.n);
    for (std::int64_t done = 0; done < lines_.lines;) {
      const std::int64_t position = lines_.first + done * lines_.n, left = lines_.lines - done;
      space_.find(position, {places_, static_cast<std::size_t>(inputs_)});
      if (!row) {
        const std::int64_t some = std::min(left, space_.row_left(position) / lines_.n);
        met |= plane(kernel, done, some, 1, 0);
        done += some;
        continue;
      }
      const std::int64_t height = plane_rows(space_), line = position / lines_.n;
      const std::int64_t at = line % height, rank = space_.shape().size();
      if (at != 0 || left < height) {
        const std::int64_t some = std::min(left, height - at);
        met |= plane(kernel, done, some, 1, at);
        done += some;
        continue;
      }
      const std::int64_t planes = rank > 2 ? space_.shape()[rank - 3] : 1;
      const std::int64_t some = std::min(left / height, planes - line / height % planes);
      met |= plane(kernel, done, height, some, 0);
      done += some * height;
    }
    return met;
  }

 private:
  // `planes` times `height` lines, the first of them line `at` of its plane.
  unsigned plane(ElementKernel kernel, std::int64_t done, std::int64_t height, std::int64_t planes,
                 std::int64_t at) {
    for (int i = 0; i < inputs_; ++i) {
      if (packed_[i] >= 0) places_[i] = pack_ + packed_[i] + at * space_[i].item;
    }
    places_[inputs_] = lines_.out + done * item_;
    if (across_) {
      inner_[inputs_] = item_;
      outer_[inputs_] = height * item_;
      return kernel(places_, inner_, outer_, height, planes, folded_);
    }
    inner_[inputs_] = outer_[inputs_] = item_;
    unsigned met = 0;
    for (std::int64_t p = 0; p < planes; ++p) {
      met |= kernel(places_, inner_, outer_, lines_.n, height, lines_.vector);
      for (int i = 0; i < inputs_; ++i) places_[i] += plane_step(space_, i, lines_.n);
      places_[inputs_] += height * item_;
    }
    return met;
  }

  void pack(std::byte* to) {
    pack_ = to;
    const std::int64_t height = plane_rows(space_);
    for (int i = 0; i < inputs_; ++i) {
      if (packed_[i] < 0) continue;
      const Placement& p = space_[i];
      for (std::int64_t k = 0; k < lines_.n; ++k) {
        copy_strided(p.data + k * space_.step(i), line_step(space_, i, lines_.n),
                     to + packed_[i] + k * folded_[i], p.item, height, p.item);
      }
    }
  }

  const ElementSpace& space_;
  const int inputs_;
  const bool across_;
  const LineStretch& lines_;
  const std::int64_t item_;  // of a result
  std::byte* pack_ = nullptr;
  std::byte* places_[most_kernel_operands];
  std::int64_t inner_[most_kernel_operands], outer_[most_kernel_operands];
  std::int64_t folded_[most_kernel_operands];  // from an element of a line to the next
  std::int64_t packed_[most_kernel_operands];  // where its copy is; -1: there is none
};

// Whether rows that are folded down are parts of one row of the space.
bool in_one_row(const ElementSpace& space, const LineStretch& rows) {
  return rows.first % space.row() + (rows.lines - 1) * rows.step + rows.n <= space.row();
}

// Otherwise they are columns of rows that follow each other in a plane.
bool rows_fit(const ElementSpace& space, const LineStretch& rows) {
  if (in_one_row(space, rows)) return true;
  const std::int64_t row = space.row();
  if (rows.step != row || rows.first % row + rows.n > row || space.shape().size() < 2) return false;
  const std::int64_t height = plane_rows(space);
  return rows.first / row % height + rows.lines <= height;
}

unsigned fold_down(ElementKernel kernel, const ElementSpace& space, int operands,
                   const LineStretch& rows) {
  std::byte* places[most_kernel_operands];
  std::int64_t inner[most_kernel_operands], outer[most_kernel_operands];
  const int inputs = operands - 1;
  const bool one_row = in_one_row(space, rows);
  space.find(rows.first, {places, static_cast<std::size_t>(inputs)});
  for (int i = 0; i < inputs; ++i) {
    inner[i] = space.step(i);
    outer[i] = one_row ? rows.step * inner[i] : space[i].strides[space.shape().size() - 2];
  }
  places[inputs] = rows.out;
  inner[inputs] = space[inputs].item;
  outer[inputs] = 0;
  return kernel(places, inner, outer, rows.n, rows.lines, nullptr);
}

}  // namespace

bool lines_fit(const ElementSpace& space, const LineStretch& lines) {
  if (lines.step > 0) return rows_fit(space, lines);
  const std::int64_t n = lines.n, row = space.row(), column = lines.first % row;
  return column + n * lines.lines <= row || (row % n == 0 && lines.first % n == 0);
}

KernelLayout fold_layout(const ElementSpace& space, int operands, LineFold how, std::int64_t n) {
  if (operands > most_kernel_operands || space.shape().empty()) return 0;
  const std::int64_t item = space[operands - 1].item;
  // Lines that FoldLoops takes side by side.
  constexpr std::int64_t bytes = 8 * 32;
  if (how.rows == RowFold::along && n <= longest_across && n * item < bytes) {
    how.rows = RowFold::across;
    how.length = static_cast<int>(n);
  }
  KernelLayout layout = all_dense;
  for (int i = 0; i + 1 < operands; ++i) {
    const bool across = how.rows == RowFold::across;
    const Lie lie = across && is_packed(space, i, n)
                        ? Lie::dense
                        : lie_for(across ? line_step(space, i, n) : space.step(i), space[i].item);
    layout += lie_at(i, lie);
  }
  return with_fold(layout, how);
}

unsigned run_fold(ElementKernel kernel, KernelLayout layout, const ElementSpace& space,
                  int operands, const LineStretch& lines) {
  const LineFold how = fold_of(layout);
  if (how.rows == RowFold::down) return fold_down(kernel, space, operands, lines);
  return FoldPlaces(space, operands, how, lines).run(kernel);
}

}  // namespace jetlag
