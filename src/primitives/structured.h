// Structured operands: matrices that are known by fewer numbers than they have,
// and the products that make use of it.
//
//   Diagonal   zeros beside a diagonal: what diag(v), eye and identity give
//   Scaled     a matrix whose columns (m D) or rows (D m) are scaled
//   Inverse    the inverse of a matrix, by the factors of the latter
//   Turned     the transpose of an array that is not in memory
//
// A term with a factor of zero may be left out only where its other factor is
// finite: callers look first (largest_magnitude), and look at results.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "primitives/primitive.h"

namespace jetlag {

// The largest magnitude in an array of real floats; inf or NaN if some element
// is not finite.
double largest_magnitude(const Array& a);

class Diagonal : public Structure {
 public:
  // values: a vector of a real dtype that nobody writes any more.
  explicit Diagonal(Ref<Array> values);

  Ref<Array> written_out() const override;
  std::int64_t size() const { return values_->shape()[0]; }
  const Ref<Array>& values() const { return values_; }
  const double* weights() const { return weights_->as<double>(); }  // the values, as doubles
  double largest() const { return largest_; }
  // Where the weights are not zero, if they are few.
  bool is_sparse() const { return is_sparse_; }
  const std::vector<std::int32_t>& support() const { return support_; }

 private:
  Ref<Array> values_, weights_;
  double largest_;
  bool is_sparse_;
  std::vector<std::int32_t> support_;
};

// Whose axis 1 (columns) or 0 (rows) is scaled. The matrix has finite floats.
class Scaled : public Structure {
 public:
  Scaled(Ref<Array> matrix, Ref<const Diagonal> diagonal, std::int64_t axis)
      : matrix_(std::move(matrix)), diagonal_(std::move(diagonal)), axis_(axis) {}

  Ref<Array> written_out() const override;
  bool reads(const Buffer& b) const override { return matrix_->buffer().get() == &b; }
  const Ref<Array>& matrix() const { return matrix_; }
  const Diagonal& diagonal() const { return *diagonal_; }
  std::int64_t axis() const { return axis_; }

 private:
  Ref<Array> matrix_;
  Ref<const Diagonal> diagonal_;
  std::int64_t axis_;
};

class Turned : public Structure {
 public:
  explicit Turned(Ref<Array> of) : of_(std::move(of)) {}
  Ref<Array> written_out() const override { return transposed(of_); }
  bool reads(const Buffer& b) const override {
    return of_->structure() && of_->structure()->reads(b);
  }
  const Ref<Array>& of() const { return of_; }

 private:
  Ref<Array> of_;
};

// Of a square matrix of doubles.
class Inverse : public Structure {
 public:
  // Null if the matrix is singular, or so close to it that rounding would decide.
  static Ref<Inverse> of(Ref<Array> matrix);
  // As if made anew, without the work: it has been used by nobody yet.
  Ref<Inverse> again() const;

  Ref<Array> written_out() const override;
  bool reads(const Buffer& b) const override { return matrix_->buffer().get() == &b; }
  bool by_cholesky() const { return factors_->pivots.empty(); }
  // Whether the next product should solve too: one who multiplies again and again
  // had better have the inverse itself.
  bool is_worth_solving() const { return uses_.fetch_add(1, std::memory_order_relaxed) < 2; }
  // The product with b, a vector or a matrix of real numbers: a solution. Null
  // where it is not finite.
  Ref<Array> times(const Array& b) const;

 private:
  struct Factors {
    std::vector<double> numbers;
    std::vector<std::int32_t> pivots;  // of LU factors; none for a Cholesky factor
  };

  explicit Inverse(Ref<Array> matrix);
  bool factorise();
  void solve_vector(double* b, double* x) const;
  void solve_columns(std::int64_t count, double* columns) const;

  mutable std::atomic<int> uses_{0};
  Ref<Array> matrix_;
  std::int64_t size_, width_;  // rows, and from one row of factors to the next
  std::shared_ptr<Factors> factors_ = std::make_shared<Factors>();
};

// What an array that is not in memory stands for: null unless it is a Diagonal (a
// transposed one is the same), …
const Diagonal* as_diagonal(const Array& a);
const Scaled* as_scaled(const Array& a);
const Inverse* as_inverse(const Array& a);

Ref<Array> structured_array(Ref<Structure> structure, DType dtype, Dims shape);

// ---- products ---------------------------------------------------------------------

// The largest f for which gram_job is meant.
inline constexpr std::int64_t most_gram_rows = 512;
// m D m^T into out[f, f], symmetric, where m is the matrix of [f, n], or its
// transpose if axis 0 is scaled.
Job gram_job(Ref<const Scaled> scaled, Ref<Array> out);
// The weighted sum of columns (m D) v into out[f], or of rows v (D m), where v
// has n finite doubles.
void scaled_times_vector(const Scaled& scaled, const double* v, const Array& out);
// A vector or a matrix of real numbers as doubles, in C order.
Ref<Array> as_doubles(const Ref<Array>& a);

}  // namespace jetlag
