// Products of matrices of any layout, as jobs.
#pragma once

#include <vector>

#include "primitives/primitive.h"

namespace jetlag {

// A matrix as it lies in memory, steps in bytes. A vector is a matrix of one
// row or one column.
struct Matrix {
  std::byte* data = nullptr;
  DType dtype = DType::float64;
  std::int64_t rows = 0, columns = 0;
  std::int64_t row_step = 0, column_step = 0;

  Matrix transposed() const { return {data, dtype, columns, rows, column_step, row_step}; }
  // Rows [first, last).
  Matrix rows_part(std::int64_t first, std::int64_t last) const {
    return {data + first * row_step, dtype, last - first, columns, row_step, column_step};
  }
  Matrix columns_part(std::int64_t first, std::int64_t last) const {
    return transposed().rows_part(first, last).transposed();
  }
};

// One product c = a b of a batch. c has the dtype of the product and contiguous
// rows (or is a single column); a and b are converted as they are read.
struct Product {
  Matrix a, b, c;
};

// All products have the same shapes and strides. `conjugate` takes a's complex
// conjugate. The memory of a, b and c belongs to the caller.
Job product_job(std::vector<Product> batch, bool conjugate = false);
// The same as NumPy's matmul has it: a column times a row is none of BLAS.
Job matmul_job(std::vector<Product> batch);

// Whether the product is over before a job were made; then it can be done here
// and now, with the bits of the job.
bool is_small(const Product& product);
void multiply_small(const Product& product);

// The product of two lines of n numbers, steps in bytes, with the bits of the job: what compiled
// loops call, as `T f(a, a_step, b, b_step, n)`. Null for dtypes other than real floats.
constexpr std::int64_t longest_dot_line = 1 << 16;
using DotLines = void (*)();
DotLines find_dot_lines(DType dtype);

}  // namespace jetlag
