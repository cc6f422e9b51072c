// The loops of matrix-vector products, for one thread. Products of a matrix
// with a vector are bound by memory: several rows are read at once, so that
// each element of the vector is used several times, and lines are fetched
// ahead of their use.
#pragma once

#include <cstdint>

namespace jetlag {

// Where the matrix is: far, in memory, so that its lines are asked for early;
// or near, in the processor's own caches. Changes no bits.
enum class Distance : std::uint8_t { near, far };
inline Distance distance_of(std::int64_t bytes) {
  constexpr std::int64_t second_level = 512 << 10;
  return bytes > second_level ? Distance::far : Distance::near;
}

// Those of one instruction set, for one real element type. Steps count elements.
template <class T>
struct ProductLoops {
  // The sum of a[i] * b[i].
  T (*dot)(const T* a, const T* b, std::int64_t n);
  // y[i] = the sum over j of a[i, j] * x[j]: row by row. A row's bits do not
  // depend on the rows beside it.
  void (*rows)(const T* a, std::int64_t step, std::int64_t rows, std::int64_t columns, const T* x,
               T* y, Distance distance);
  // y[j] += the sum over i of a[i, j] * x[i]: all columns at once, row after
  // row. The bits do not depend on how the rows are shared out among calls.
  void (*add_columns)(const T* a, std::int64_t step, std::int64_t rows, std::int64_t columns,
                      const T* x, T* y, Distance distance);
  // What the processor can do at best: the sum of numbers that come from
  // memory; and so many multiply-adds, times 64, without any memory.
  T (*sum)(const T* a, std::int64_t n);
  T (*multiply_adds)(std::int64_t rounds);
};

// Floating-point operations of one round of multiply_adds.
inline constexpr double flops_of_a_round = 2 * 64;

// product_loops.inc, compiled for each level; only the first exists everywhere.
extern const ProductLoops<float> product_loops_f32_baseline;
extern const ProductLoops<double> product_loops_f64_baseline;
extern const ProductLoops<float> product_loops_f32_x86_64_v3;
extern const ProductLoops<double> product_loops_f64_x86_64_v3;
extern const ProductLoops<float> product_loops_f32_x86_64_v4;
extern const ProductLoops<double> product_loops_f64_x86_64_v4;

// The loops for this machine.
template <class T>
const ProductLoops<T>& product_loops();

}  // namespace jetlag
