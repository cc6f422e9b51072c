// The routines of OpenBLAS and LAPACK that we use, by element type. Only
// blas.cpp includes their headers. OpenBLAS runs single-threaded: parallelism
// is ours, by blocks.
#pragma once

#include <complex>
#include <cstdint>

namespace jetlag::blas {

template <class T>
inline constexpr bool has_blas =
    std::is_same_v<T, float> || std::is_same_v<T, double> ||
    std::is_same_v<T, std::complex<float>> || std::is_same_v<T, std::complex<double>>;

// A matrix whose rows are contiguous, `step` elements from one row to the next;
// transposed if the contiguous lines are its columns.
template <class T>
struct Operand {
  const T* data;
  std::int64_t step;
  bool transposed;
};

// c[m, n] = a[m, k] b[k, n]; c has contiguous rows.
template <class T>
void gemm(Operand<T> a, Operand<T> b, T* c, std::int64_t c_step, std::int64_t m, std::int64_t n,
          std::int64_t k);

// The upper triangle of c[n, n] = a[n, k] a[n, k]^T.
template <class T>
void syrk(Operand<T> a, T* c, std::int64_t c_step, std::int64_t n, std::int64_t k);

// y[m] = a[m, k] x[k], vectors contiguous.
template <class T>
void gemv(Operand<T> a, const T* x, T* y, std::int64_t m, std::int64_t k);

// Matrices below are in Fortran order without gaps, and are overwritten. The
// result is LAPACK's info: > 0 for a singular or indefinite matrix.

// b[n, count] becomes the solution of a x = b, a its LU factors.
template <class T>
std::int64_t gesv(std::int64_t n, std::int64_t count, T* a, T* b);
// LU factors; pivots counts from 1.
template <class T>
std::int64_t getrf(std::int64_t n, T* a, std::int32_t* pivots);
// The lower Cholesky factor; the upper triangle is left as it was.
template <class T>
std::int64_t potrf(std::int64_t n, T* a);

// b[n, count] becomes the solution, by the factors of getrf or potrf.
void getrs(std::int64_t n, std::int64_t count, const double* factors, const std::int32_t* pivots,
           double* b);
void potrs(std::int64_t n, std::int64_t count, const double* factor, double* b);

}  // namespace jetlag::blas
