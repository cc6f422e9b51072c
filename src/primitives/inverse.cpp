// Inverse: a matrix whose inverse is wanted in products only, as its factors. A
// product with the inverse is then the solution of a system.
#include <algorithm>
#include <cmath>

#include "primitives/blas.h"
#include "primitives/small_loops.h"
#include "primitives/solve.h"
#include "primitives/structured.h"

namespace jetlag {

namespace {

// From this size on LAPACK is faster than our own loops.
constexpr std::int64_t most_small_rows = 96;

// Pivots that differ by more tell of a matrix whose inverse has no digit right,
// and then NumPy's wrong digits are wanted.
constexpr double least_pivot_ratio = 1e-10;

bool is_symmetric(const Array& a) {
  const std::int64_t n = a.shape()[0], down = a.strides()[0], across = a.strides()[1];
  const auto value = [](const std::byte* p) { return *reinterpret_cast<const double*>(p); };
  for (std::int64_t i = 0; i < n; ++i) {
    if (!(value(a.data() + i * (down + across)) > 0)) return false;
  }
  for (std::int64_t i = 1; i < n; ++i) {
    const std::byte *below = a.data() + i * down, *above = a.data() + i * across;
    bool same = true;
    for (std::int64_t j = 0; j < i; ++j, below += across, above += down)
      same = same & (value(below) == value(above));
    if (!same) return false;
  }
  return true;
}

}  // namespace

Inverse::Inverse(Ref<Array> matrix)
    : matrix_(std::move(matrix)), size_(matrix_->shape()[0]), width_(size_) {}

Ref<Inverse> Inverse::of(Ref<Array> matrix) {
  Ref<Inverse> inverse(new Inverse(std::move(matrix)));
  return inverse->factorise() ? inverse : nullptr;
}

Ref<Inverse> Inverse::again() const {
  Ref<Inverse> inverse(new Inverse(matrix_));
  inverse->width_ = width_;
  inverse->factors_ = factors_;
  return inverse;
}

bool Inverse::factorise() {
  const std::int64_t n = size_;
  const bool small = n <= most_small_rows;
  const auto pivots_differ_little = [&](std::int64_t step, bool squared) {
    double most = 0, least = INFINITY;
    for (std::int64_t i = 0; i < n; ++i) {
      const double pivot = std::abs(factors_->numbers[static_cast<std::size_t>(i * step)]);
      most = std::max(most, pivot);
      least = std::min(least, pivot);
    }
    const double ratio = least / most;
    return (squared ? ratio * ratio : ratio) > least_pivot_ratio;
  };
  // Row by row, `width` apart; zeros behind each row.
  const auto copy_rows = [&](std::int64_t width, bool turned) {
    width_ = width;
    factors_->numbers.assign(static_cast<std::size_t>(n * width), 0.0);
    const Array& a = *matrix_;
    const std::int64_t step = a.strides()[turned ? 1 : 0], item = a.strides()[turned ? 0 : 1];
    for (std::int64_t i = 0; i < n; ++i) {
      const std::byte* from = a.data() + i * step;
      double* to = factors_->numbers.data() + i * width;
      if (item == sizeof(double)) {
        std::copy_n(reinterpret_cast<const double*>(from), n, to);
        continue;
      }
      for (std::int64_t j = 0; j < n; ++j) {
        to[j] = *reinterpret_cast<const double*>(from + j * item);
      }
    }
  };
  if (is_symmetric(*matrix_)) {
    copy_rows(small ? small_width(n) : n, false);
    // The upper triangle by rows is the lower one by columns.
    const bool definite = small ? small_loops().cholesky(factors_->numbers.data(), n, width_)
                                : blas::potrf(n, factors_->numbers.data()) == 0;
    if (definite) return pivots_differ_little(width_ + 1, true);
  }
  copy_rows(n, true);
  factors_->pivots.resize(static_cast<std::size_t>(n));
  return blas::getrf(n, factors_->numbers.data(), factors_->pivots.data()) == 0 &&
         pivots_differ_little(n + 1, false);
}

Ref<Array> Inverse::written_out() const {
  const Ref<Array> out = new_array(DType::float64, {size_, size_});
  invert(*matrix_, *out);
  return out;
}

// b is lost.
void Inverse::solve_vector(double* b, double* x) const {
  if (by_cholesky() && size_ <= most_small_rows) {
    return small_loops().solve(factors_->numbers.data(), size_, width_, b, x);
  }
  solve_columns(1, b);
  std::copy(b, b + size_, x);
}

void Inverse::solve_columns(std::int64_t count, double* columns) const {
  if (!by_cholesky()) {
    blas::getrs(size_, count, factors_->numbers.data(), factors_->pivots.data(), columns);
  } else if (size_ > most_small_rows) {
    blas::potrs(size_, count, factors_->numbers.data(), columns);
  } else {
    std::vector<double> b(static_cast<std::size_t>(width_), 0.0);
    for (std::int64_t c = 0; c < count; ++c) {
      std::copy(columns + c * size_, columns + (c + 1) * size_, b.data());
      small_loops().solve(factors_->numbers.data(), size_, width_, b.data(), columns + c * size_);
    }
  }
}

Ref<Array> Inverse::times(const Array& b) const {
  Ref<Array> result;
  if (b.rank() == 1) {
    result = new_array(DType::float64, {size_});
    std::vector<double> rest(static_cast<std::size_t>(width_), 0.0);
    const Array line(result->buffer(), reinterpret_cast<std::byte*>(rest.data()), DType::float64,
                     {size_}, {sizeof(double)});
    copy_elements(b, line);
    solve_vector(rest.data(), result->as<double>());
  } else {
    const Ref<Array> columns = new_array(DType::float64, {b.shape()[1], size_});
    copy_elements(b, *transposed(columns));
    solve_columns(b.shape()[1], columns->as<double>());
    result = new_array(DType::float64, {size_, b.shape()[1]});
    copy_elements(*transposed(columns), *result);
  }
  return std::isfinite(largest_magnitude(*result)) ? result : nullptr;
}

}  // namespace jetlag
