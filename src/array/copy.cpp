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

// By value: bytes that are written might be an axis elsewhere, which would be read again each time.
using Line = void (*)(const std::byte* from, std::byte* to, Axis axis);

template <class From, class To>
void convert_line(const std::byte* from, std::byte* to, Axis axis) {
  auto move = [=](std::int64_t from_step, std::int64_t to_step) {
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
void move_line(const std::byte* from, std::byte* to, Axis axis) {
  if (axis.from == size && axis.to == size) {
    std::memmove(to, from, static_cast<std::size_t>(axis.count * size));
    return;
  }
  if (axis.from == 0 && axis.to == size) return fill_line<size>(from, to, axis.count);
  // Four at a time: a round of one would cost as much as where it happens to lie in the code.
  constexpr std::int64_t some = 4;
  std::int64_t i = 0;
  for (; i + some <= axis.count; i += some, from += some * axis.from, to += some * axis.to) {
#pragma GCC unroll 4
    for (std::int64_t k = 0; k < some; ++k)
      std::memcpy(to + k * axis.to, from + k * axis.from, size);
  }
  for (; i < axis.count; ++i, from += axis.from, to += axis.to) std::memcpy(to, from, size);
}

// Rows of the target lie in memory as columns of the source do: a few of both pass
// through registers at once. Gives how many rows and columns it has copied.
struct Copied {
  std::int64_t rows = 0, columns = 0;
};
using Turn = Copied (*)(const std::byte* from, std::byte* to, Axis rows, Axis columns);

template <class T>
Copied turn_pairs(const std::byte* from, std::byte* to, Axis rows, Axis columns) {
  constexpr std::int64_t size = sizeof(T);
  typedef T Pair __attribute__((vector_size(2 * size)));
  const Copied done{rows.count / 2 * 2, columns.count / 2 * 2};
  for (std::int64_t i = 0; i < done.rows; i += 2) {
    const std::byte* p = from + i * size;
    std::byte* q = to + i * rows.to;
    for (std::int64_t j = 0; j < done.columns; j += 2, p += 2 * columns.from, q += 2 * size) {
      Pair a, b;
      std::memcpy(&a, p, sizeof(a));
      std::memcpy(&b, p + columns.from, sizeof(b));
      const Pair first = __builtin_shufflevector(a, b, 0, 2);
      const Pair second = __builtin_shufflevector(a, b, 1, 3);
      std::memcpy(q, &first, sizeof(first));
      std::memcpy(q + rows.to, &second, sizeof(second));
    }
  }
  return done;
}

// Null where elements pass one by one.
Turn turn_for(DType from, DType to, const Axis& rows, const Axis& columns) {
  const std::int64_t size = size_of(from);
  if (from != to || rows.from != size || columns.to != size) return nullptr;
  return size == 8 ? turn_pairs<std::uint64_t> : size == 4 ? turn_pairs<std::uint32_t> : nullptr;
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

// What copies elements of one dtype to another.
struct Ways {
  DType from_dtype, to_dtype;
  Line line;

  // Rows of `outer`, each along `inner`.
  void rows(const std::byte* from, std::byte* to, const Axis& outer, const Axis& inner) const {
    for (std::int64_t i = 0; i < outer.count; ++i)
      line(from + i * outer.from, to + i * outer.to, inner);
  }
};

void copy_block(const std::byte* from, std::byte* to, const Axis& outer, const Axis& inner,
                const Ways& ways, Turn turn) {
  if (!turn) return ways.rows(from, to, outer, inner);
  const Copied done = turn(from, to, outer, inner);
  const Axis rest_of_row{inner.count - done.columns, inner.from, inner.to};
  if (rest_of_row.count > 0) {
    ways.rows(from + done.columns * inner.from, to + done.columns * inner.to,
              {done.rows, outer.from, outer.to}, rest_of_row);
  }
  ways.rows(from + done.rows * outer.from, to + done.rows * outer.to,
            {outer.count - done.rows, outer.from, outer.to}, inner);
}

// When the source runs along another axis than the target, going block by
// block uses each cache line of both while it is near.
void copy_blocks(const std::byte* from, std::byte* to, const Axis& outer, const Axis& inner,
                 const Ways& ways) {
  const Turn turn = turn_for(ways.from_dtype, ways.to_dtype, outer, inner);
  for (std::int64_t i = 0; i < outer.count; i += block) {
    const Axis rows{std::min(block, outer.count - i), outer.from, outer.to};
    for (std::int64_t j = 0; j < inner.count; j += block) {
      const Axis columns{std::min(block, inner.count - j), inner.from, inner.to};
      copy_block(from + i * outer.from + j * inner.from, to + i * outer.to + j * inner.to, rows,
                 columns, ways, turn);
    }
  }
}

// Lines so short that beginning them costs most: some are gone through across.
constexpr std::int64_t short_line = 8;

void copy_across(const std::byte* from, std::byte* to, const Axis& outer, const Axis& inner,
                 const Ways& ways) {
  constexpr std::int64_t some = 256;
  for (std::int64_t i = 0; i < outer.count; i += some) {
    const Axis part{std::min(some, outer.count - i), outer.from, outer.to};
    ways.rows(from + i * outer.from, to + i * outer.to, inner, part);
  }
}

void copy_axes(const std::byte* from, std::byte* to, std::span<const Axis> axes, const Ways& ways) {
  if (axes.size() == 1) return ways.line(from, to, axes[0]);
  if (axes.size() == 2 && axes[1].count < short_line && axes[1].count < axes[0].count)
    return copy_across(from, to, axes[0], axes[1], ways);
  if (axes.size() == 2 && magnitude(axes[0].from) < magnitude(axes[1].from))
    return copy_blocks(from, to, axes[0], axes[1], ways);
  for (std::int64_t i = 0; i < axes[0].count; ++i)
    copy_axes(from + i * axes[0].from, to + i * axes[0].to, axes.subspan(1), ways);
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
  copy_axes(walk.from, walk.to, walk.axes, {from.dtype(), to.dtype(), line});
}

}  // namespace jetlag
