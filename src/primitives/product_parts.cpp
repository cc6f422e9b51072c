#include "primitives/product_parts.h"

#include <memory>
#include <vector>

#include "array/convert.h"
#include "primitives/blas.h"
#include "primitives/element_space.h"
#include "primitives/moves.h"
#include "primitives/product_loops.h"

namespace jetlag {

namespace {

// ---- operands as loops want them ---------------------------------------------

template <class T>
T load(const std::byte* p) {
  if constexpr (std::is_same_v<T, bool>) return *p != std::byte{0};
  else return *reinterpret_cast<const T*>(p);
}

// A matrix copied into rows without gaps, converted on the way. As a bool may
// hold any byte, bools are copied too.
template <class T>
void pack(const Matrix& a, bool conjugate, T* out) {
  visit(a.dtype, [&](auto tag) {
    using From = typename decltype(tag)::type;
    for (std::int64_t i = 0; i < a.rows; ++i) {
      const std::byte* p = a.data + i * a.row_step;
      for (std::int64_t j = 0; j < a.columns; ++j, p += a.column_step) {
        T x = convert<T>(load<From>(p));
        if constexpr (is_complex_type<T>) {
          if (conjugate) x = std::conj(x);
        }
        *out++ = x;
      }
    }
  });
}

// An operand where it lies, if its rows or columns are contiguous lines that do
// not overlap; otherwise a packed copy, kept as long as this lives.
template <class T>
class Ready {
 public:
  Ready(const Matrix& a, bool conjugate = false) {
    const bool as_is = a.dtype == dtype_of<T>() && !conjugate && !std::is_same_v<T, bool>;
    if (as_is && is_lines(a.rows, a.columns, a.row_step, a.column_step)) {
      operand = {reinterpret_cast<const T*>(a.data), step(a.rows, a.columns, a.row_step), false};
    } else if (as_is && is_lines(a.columns, a.rows, a.column_step, a.row_step)) {
      operand = {reinterpret_cast<const T*>(a.data), step(a.columns, a.rows, a.column_step), true};
    } else {
      copy_.reset(new T[static_cast<std::size_t>(std::max<std::int64_t>(a.rows * a.columns, 1))]);
      pack(a, conjugate, copy_.get());
      operand = {copy_.get(), std::max<std::int64_t>(a.columns, 1), false};
    }
  }

  blas::Operand<T> operand;

 private:
  static bool is_lines(std::int64_t count, std::int64_t length, std::int64_t step,
                       std::int64_t item_step) {
    constexpr std::int64_t item = sizeof(T);
    if (length > 1 && item_step != item) return false;
    return count <= 1 || (step % item == 0 && step >= length * item);
  }
  // In elements; with a single line no step is ever taken.
  static std::int64_t step(std::int64_t count, std::int64_t length, std::int64_t step) {
    return std::max<std::int64_t>(count > 1 ? step / static_cast<std::int64_t>(sizeof(T)) : length,
                                  1);
  }

  std::unique_ptr<T[]> copy_;
};

// A vector without gaps: where it lies, or a packed copy.
template <class T>
class ReadyLine {
 public:
  // A matrix of one column.
  explicit ReadyLine(const Matrix& a, bool conjugate = false) {
    const bool gaps = a.rows > 1 && a.row_step != static_cast<std::int64_t>(sizeof(T));
    if (a.dtype == dtype_of<T>() && !conjugate && !gaps) {
      data = reinterpret_cast<const T*>(a.data);
      return;
    }
    copy_.reset(new T[static_cast<std::size_t>(std::max<std::int64_t>(a.rows, 1))]);
    pack(a, conjugate, copy_.get());
    data = copy_.get();
  }

  const T* data;

 private:
  std::unique_ptr<T[]> copy_;
};

// ---- kinds of tiles --------------------------------------------------------------

// Wraps around as NumPy's integers do; bools are "or" of "and".
template <class T>
T add_product(T sum, T a, T b) {
  if constexpr (std::is_same_v<T, bool>) {
    return sum || (a && b);
  } else if constexpr (std::is_integral_v<T>) {
    // Small integers are multiplied as unsigned int, which cannot overflow.
    using U = std::common_type_t<std::make_unsigned_t<T>, unsigned>;
    return static_cast<T>(static_cast<U>(sum) + static_cast<U>(a) * static_cast<U>(b));
  } else if constexpr (is_complex_type<T>) {
    // As NumPy, which makes no infinity of NaN parts.
    return {sum.real() + (a.real() * b.real() - a.imag() * b.imag()),
            sum.imag() + (a.real() * b.imag() + a.imag() * b.real())};
  } else {
    return sum + a * b;
  }
}

// Row by row of b: both inner lines are contiguous.
template <class T>
void multiply_plainly(const Matrix& a, const Matrix& b, T* c, std::int64_t c_step) {
  const Ready<T> left(a);
  const Ready<T> right(b);
  const T* rows = right.operand.data;
  std::int64_t b_step = right.operand.step;
  std::unique_ptr<T[]> packed;
  if (right.operand.transposed) {
    packed.reset(new T[static_cast<std::size_t>(b.rows * b.columns)]);
    pack(b, false, packed.get());
    rows = packed.get();
    b_step = b.columns;
  }
  const blas::Operand<T>& l = left.operand;
  for (std::int64_t i = 0; i < a.rows; ++i) {
    T* to = c + i * c_step;
    std::fill(to, to + b.columns, T(0));
    for (std::int64_t k = 0; k < a.columns; ++k) {
      const T factor = l.transposed ? l.data[k * l.step + i] : l.data[i * l.step + k];
      const T* from = rows + k * b_step;
      for (std::int64_t j = 0; j < b.columns; ++j) to[j] = add_product(to[j], factor, from[j]);
    }
  }
}

// A vector result, by loops of our own or by BLAS.
template <class T>
void multiply_vector(const Matrix& a, bool conjugate, const T* x, T* y) {
  if constexpr (std::is_floating_point_v<T>) {
    if (a.rows == 1) {
      *y = product_loops<T>().dot(ReadyLine<T>(a.transposed()).data, x, a.columns);
      return;
    }
  }
  const Ready<T> ready(a, conjugate);
  const blas::Operand<T>& left = ready.operand;
  if constexpr (std::is_floating_point_v<T>) {
    const ProductLoops<T>& loops = product_loops<T>();
    const Distance distance =
        distance_of(a.rows * a.columns * static_cast<std::int64_t>(sizeof(T)));
    if (left.transposed) {
      std::fill(y, y + a.rows, T(0));
      loops.add_columns(left.data, left.step, a.columns, a.rows, x, y, distance);
    } else {
      loops.rows(left.data, left.step, a.rows, a.columns, x, y, distance);
    }
  } else {
    blas::gemv(left, x, y, a.rows, a.columns);
  }
}

template <class T>
void clear_tile(const Matrix& c) {
  for (std::int64_t i = 0; i < c.rows; ++i) {
    for (std::int64_t j = 0; j < c.columns; ++j) {
      *reinterpret_cast<T*>(c.data + i * c.row_step + j * c.column_step) = T(0);
    }
  }
}

template <class T>
void multiply_column(const Product& tile, bool conjugate) {
  const ReadyLine<T> x(tile.b);
  const std::int64_t m = tile.c.rows;
  const bool gaps = m > 1 && tile.c.row_step != static_cast<std::int64_t>(sizeof(T));
  if (!gaps) return multiply_vector(tile.a, conjugate, x.data, reinterpret_cast<T*>(tile.c.data));
  std::vector<T> line(static_cast<std::size_t>(m));
  multiply_vector(tile.a, conjugate, x.data, line.data());
  for (std::int64_t i = 0; i < m; ++i) {
    *reinterpret_cast<T*>(tile.c.data + i * tile.c.row_step) = line[static_cast<std::size_t>(i)];
  }
}

template <class T>
void multiply(const Product& tile, bool conjugate) {
  if (tile.c.rows == 0 || tile.c.columns == 0) return;
  if (tile.a.columns == 0) return clear_tile<T>(tile.c);
  if constexpr (blas::has_blas<T>) {
    if (tile.c.columns == 1) return multiply_column<T>(tile, conjugate);
    const Ready<T> a(tile.a, conjugate);
    const Ready<T> b(tile.b);
    blas::gemm(a.operand, b.operand, reinterpret_cast<T*>(tile.c.data),
               tile.c.row_step / static_cast<std::int64_t>(sizeof(T)), tile.c.rows, tile.c.columns,
               tile.a.columns);
  } else {
    // A column of c may have gaps, which rows of one element bridge.
    multiply_plainly(tile.a, tile.b, reinterpret_cast<T*>(tile.c.data),
                     tile.c.row_step / static_cast<std::int64_t>(sizeof(T)));
  }
}

// ---- partial results ---------------------------------------------------------------

template <class T>
T add(T a, T b) {
  return add_product(a, b, T(1));
}

template <class T>
void add_partials(std::byte* partials, std::int64_t count, const Matrix& c) {
  auto* all = reinterpret_cast<T*>(partials);
  const std::int64_t n = c.rows * c.columns;
  for (std::int64_t apart = 1; apart < count; apart *= 2) {
    for (std::int64_t i = 0; i + apart < count; i += 2 * apart) {
      for (std::int64_t j = 0; j < n; ++j) {
        all[i * n + j] = add(all[i * n + j], all[(i + apart) * n + j]);
      }
    }
  }
  for (std::int64_t j = 0; j < n; ++j) {
    *reinterpret_cast<T*>(c.data + j * c.row_step) = all[j];
  }
}

// ---- lines of a compiled loop ---------------------------------------------------------

// A line without gaps, for as long as this lives.
template <class T>
class CloseLine {
 public:
  CloseLine(const std::byte* p, std::int64_t step, std::int64_t n) {
    if (step == static_cast<std::int64_t>(sizeof(T)) || n < 2) {
      data = reinterpret_cast<const T*>(p);
      return;
    }
    if (n > short_line) copy_.reset(new T[static_cast<std::size_t>(n)]);
    T* to = n > short_line ? copy_.get() : inside_;
    data = to;
    constexpr std::int64_t item = sizeof(T);
    copy_strided(p, step, reinterpret_cast<std::byte*>(to), item, n, item);
  }

  const T* data;

 private:
  static constexpr std::int64_t short_line = 512;
  T inside_[short_line];
  std::unique_ptr<T[]> copy_;
};

template <class T>
T dot_lines(const std::byte* a, std::int64_t a_step, const std::byte* b, std::int64_t b_step,
            std::int64_t n) {
  static_assert(longest_dot_line * sizeof(T) < 2 * block_bytes, "a job would cut it");
  if (a_step == sizeof(T) && b_step == sizeof(T)) {
    return product_loops<T>().dot(reinterpret_cast<const T*>(a), reinterpret_cast<const T*>(b), n);
  }
  const CloseLine<T> left(a, a_step, n), right(b, b_step, n);
  return n == 0 ? T(0) : product_loops<T>().dot(left.data, right.data, n);
}

}  // namespace

DotLines find_dot_lines(DType dtype) {
  if (dtype == DType::float64) return reinterpret_cast<DotLines>(dot_lines<double>);
  if (dtype == DType::float32) return reinterpret_cast<DotLines>(dot_lines<float>);
  return nullptr;
}

MultiplyTile find_plain_multiply(DType dtype) {
  return visit(dtype, [](auto tag) -> MultiplyTile {
    using T = typename decltype(tag)::type;
    return [](const Product& tile, bool) {
      multiply_plainly(tile.a, tile.b, reinterpret_cast<T*>(tile.c.data),
                       tile.c.row_step / static_cast<std::int64_t>(sizeof(T)));
    };
  });
}

MultiplyTile find_multiply(DType dtype) {
  return visit(dtype,
               [](auto tag) -> MultiplyTile { return multiply<typename decltype(tag)::type>; });
}

AddPartials find_add_partials(DType dtype) {
  return visit(dtype,
               [](auto tag) -> AddPartials { return add_partials<typename decltype(tag)::type>; });
}

void multiply_symmetric(const Product& tile) {
  visit(tile.c.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (blas::has_blas<T>) {
      const Ready<T> a(tile.a);
      const std::int64_t step = tile.c.row_step / static_cast<std::int64_t>(sizeof(T));
      T* c = reinterpret_cast<T*>(tile.c.data);
      blas::syrk(a.operand, c, step, tile.c.rows, tile.a.columns);
      for (std::int64_t i = 0; i < tile.c.rows; ++i) {
        for (std::int64_t j = 0; j < i; ++j) c[i * step + j] = c[j * step + i];
      }
    }
  });
}

void mirror(const Matrix& from, const Matrix& to) {
  visit(from.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (std::int64_t i = 0; i < to.rows; ++i) {
      for (std::int64_t j = 0; j < to.columns; ++j) {
        *reinterpret_cast<T*>(to.data + i * to.row_step + j * to.column_step) =
            *reinterpret_cast<const T*>(from.data + j * from.row_step + i * from.column_step);
      }
    }
  });
}

}  // namespace jetlag
