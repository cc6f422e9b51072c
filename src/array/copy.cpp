// copy_elements: axes are sorted and joined until few are left, then a loop
// for the pair of dtypes runs along the innermost one.
#include <algorithm>
#include <cstring>
#include <vector>

#include "array/array.h"
#include "array/convert.h"

namespace jetlag {

namespace {

struct Axis {
  std::int64_t count, from, to;  // strides in bytes
};

struct Walk {
  const std::byte* from;
  std::byte* to;
  std::vector<Axis> axes;  // outermost first
};

std::int64_t magnitude(std::int64_t stride) { return stride < 0 ? -stride : stride; }

// Order is free, since every element is copied once: the target is written
// forwards, its nearest elements innermost, and neighbours become one axis.
Walk plan_walk(const Array& from, const Array& to) {
  Walk walk{from.data(), to.data(), {}};
  for (std::int64_t i = 0; i < to.rank(); ++i) {
    Axis axis{to.shape()[i], from.strides()[i], to.strides()[i]};
    if (axis.count == 1) continue;
    if (axis.to < 0) {
      walk.from += axis.from * (axis.count - 1);
      walk.to += axis.to * (axis.count - 1);
      axis.from = -axis.from;
      axis.to = -axis.to;
    }
    walk.axes.push_back(axis);
  }
  std::stable_sort(walk.axes.begin(), walk.axes.end(),
                   [](const Axis& a, const Axis& b) { return a.to > b.to; });
  std::vector<Axis> joined;
  for (const Axis& axis : walk.axes) {
    if (!joined.empty() && joined.back().from == axis.from * axis.count &&
        joined.back().to == axis.to * axis.count) {
      joined.back() = {joined.back().count * axis.count, axis.from, axis.to};
    } else {
      joined.push_back(axis);
    }
  }
  walk.axes = std::move(joined);
  return walk;
}

template <class T>
T load(const std::byte* p) {
  if constexpr (std::is_same_v<T, bool>) {
    // A bool from outside may hold any byte.
    return *p != std::byte{0};
  } else {
    T value;
    std::memcpy(&value, p, sizeof(T));
    return value;
  }
}

using Line = void (*)(const std::byte* from, std::byte* to, const Axis& axis);

template <class From, class To>
void convert_line(const std::byte* from, std::byte* to, const Axis& axis) {
  auto move = [&](std::int64_t from_step, std::int64_t to_step) {
    for (std::int64_t i = 0; i < axis.count; ++i) {
      const To value = convert<To>(load<From>(from + i * from_step));
      std::memcpy(to + i * to_step, &value, sizeof(To));
    }
  };
  // Strides known when compiling become vector instructions.
  constexpr std::int64_t from_size = sizeof(From);
  constexpr std::int64_t to_size = sizeof(To);
  if (axis.from == from_size && axis.to == to_size) move(from_size, to_size);
  else if (axis.to == to_size) move(axis.from, to_size);
  else move(axis.from, axis.to);
}

// One element, many times.
template <int size>
void fill_line(const std::byte* from, std::byte* to, std::int64_t count) {
  std::byte value[size];
  std::memcpy(value, from, size);
  for (std::int64_t i = 0; i < count; ++i) std::memcpy(to + i * size, value, size);
}

// The same dtype on both sides: only the size counts.
template <int size>
void move_line(const std::byte* from, std::byte* to, const Axis& axis) {
  if (axis.from == size && axis.to == size) {
    std::memmove(to, from, static_cast<std::size_t>(axis.count * size));
    return;
  }
  if (axis.from == 0 && axis.to == size) return fill_line<size>(from, to, axis.count);
  for (std::int64_t i = 0; i < axis.count; ++i) {
    std::memcpy(to + i * axis.to, from + i * axis.from, size);
  }
}

Line line_for(DType from, DType to) {
  if (from == to) {
    switch (size_of(from)) {
      case 1: return move_line<1>;
      case 2: return move_line<2>;
      case 4: return move_line<4>;
      case 8: return move_line<8>;
      default: return move_line<16>;
    }
  }
  return visit(from, [to](auto source) {
    return visit(to, [](auto target) -> Line {
      return convert_line<typename decltype(source)::type, typename decltype(target)::type>;
    });
  });
}

// Rows and columns of a block that stays in the first cache while a transposed
// source is read across its rows.
constexpr std::int64_t block = 32;

// When the source runs along another axis than the target, going block by
// block uses each cache line of both while it is near.
void copy_blocks(const std::byte* from, std::byte* to, Axis outer, Axis inner, Line line) {
  for (std::int64_t i = 0; i < outer.count; i += block) {
    const std::int64_t rows = std::min(block, outer.count - i);
    for (std::int64_t j = 0; j < inner.count; j += block) {
      const Axis part{std::min(block, inner.count - j), inner.from, inner.to};
      for (std::int64_t row = i; row < i + rows; ++row) {
        line(from + row * outer.from + j * inner.from, to + row * outer.to + j * inner.to, part);
      }
    }
  }
}

void copy_axes(const std::byte* from, std::byte* to, std::span<const Axis> axes, Line line) {
  if (axes.size() == 1) return line(from, to, axes[0]);
  if (axes.size() == 2 && magnitude(axes[0].from) < magnitude(axes[1].from)) {
    return copy_blocks(from, to, axes[0], axes[1], line);
  }
  for (std::int64_t i = 0; i < axes[0].count; ++i) {
    copy_axes(from + i * axes[0].from, to + i * axes[0].to, axes.subspan(1), line);
  }
}

}  // namespace

void copy_elements(const Array& from, const Array& to) {
  JETLAG_CHECK(from.shape() == to.shape(), "copying {} to {}", shape_text(from.shape()),
               shape_text(to.shape()));
  const std::int64_t size = to.size();
  if (size == 0) return;
  const Line line = line_for(from.dtype(), to.dtype());
  const Axis whole{size, size_of(from.dtype()), size_of(to.dtype())};
  if (from.is_contiguous() && to.is_contiguous()) return line(from.data(), to.data(), whole);
  // Not both contiguous: some axis has more than one element.
  const Walk walk = plan_walk(from, to);
  copy_axes(walk.from, walk.to, walk.axes, line);
}

}  // namespace jetlag
