// Loops of linear algebra on small matrices that stay in the cache: where BLAS
// and LAPACK would spend more on preparing than on computing. Every element is
// a sum in the order of its terms, so that leaving out a term of zero changes
// no bit.
//
// Rows have a width that is a multiple of `small_lane`; what lies beyond their
// own elements is zero.
#pragma once

#include <cstdint>

namespace jetlag {

inline constexpr std::int64_t small_lane = 8;
inline std::int64_t small_width(std::int64_t n) {
  return (n + small_lane - 1) / small_lane * small_lane;
}

// Those of one instruction set.
struct SmallLoops {
  // out[i] = a[i] * factor
  void (*scale)(const double* a, double factor, std::int64_t width, double* out);
  // g[i, j] += the sum over k < count of s[k, i] * y[k, j], for the tiles on and
  // above the diagonal of g[width, width].
  void (*gram)(const double* s, const double* y, std::int64_t count, std::int64_t width, double* g);
  // out[j] += the sum over k < count of s[k, j] * v[k]
  void (*sum_rows)(const double* s, const double* v, std::int64_t count, std::int64_t width,
                   double* out);
  // The upper triangle of a[n, width] becomes u with u^T u = a; what lies below it
  // is lost. False if a is not positive definite.
  bool (*cholesky)(double* a, std::int64_t n, std::int64_t width);
  // u^T u x = b, where b[width] is lost.
  void (*solve)(const double* u, std::int64_t n, std::int64_t width, double* b, double* x);
  // The largest magnitude; NaN if there is one, as NaN's bits are larger than others.
  double (*largest)(const double* a, std::int64_t n);
  // Where a[n] has other numbers than zero, in order; gives how many. There must be room for n.
  std::int64_t (*nonzeros)(const double* a, std::int64_t n, std::int32_t* at);
};

// small_loops.inc, compiled for each level; only the first exists everywhere.
extern const SmallLoops small_loops_baseline;
extern const SmallLoops small_loops_x86_64_v3;
extern const SmallLoops small_loops_x86_64_v4;

// The loops for this machine.
const SmallLoops& small_loops();

}  // namespace jetlag
