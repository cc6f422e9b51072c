#include "primitives/blas.h"

#include <cblas.h>
#include <lapack.h>

#include <vector>

namespace jetlag::blas {

namespace {

using c64 = std::complex<float>;
using c128 = std::complex<double>;

// Once, before the first call.
void run_single_threaded() {
  static const bool done = [] {
    openblas_set_num_threads(1);
    return true;
  }();
  static_cast<void>(done);
}

CBLAS_TRANSPOSE flag(bool transposed) { return transposed ? CblasTrans : CblasNoTrans; }

// BLAS counts in its own integers, LAPACK in its own.
blasint size(std::int64_t n) { return static_cast<blasint>(n); }
lapack_int count_of(std::int64_t n) { return static_cast<lapack_int>(n); }

auto* lapack(c64* p) { return reinterpret_cast<lapack_complex_float*>(p); }
auto* lapack(c128* p) { return reinterpret_cast<lapack_complex_double*>(p); }

}  // namespace

template <class T>
void gemm(Operand<T> a, Operand<T> b, T* c, std::int64_t c_step, std::int64_t m, std::int64_t n,
          std::int64_t k) {
  run_single_threaded();
  const T one(1), zero(0);
  const auto call = [&](auto routine, auto alpha, auto beta) {
    routine(CblasRowMajor, flag(a.transposed), flag(b.transposed), size(m), size(n), size(k), alpha,
            a.data, size(a.step), b.data, size(b.step), beta, c, size(c_step));
  };
  if constexpr (std::is_same_v<T, float>) call(cblas_sgemm, one, zero);
  else if constexpr (std::is_same_v<T, double>) call(cblas_dgemm, one, zero);
  else if constexpr (std::is_same_v<T, c64>) call(cblas_cgemm, &one, &zero);
  else call(cblas_zgemm, &one, &zero);
}

template <class T>
void syrk(Operand<T> a, T* c, std::int64_t c_step, std::int64_t n, std::int64_t k) {
  run_single_threaded();
  const T one(1), zero(0);
  const auto call = [&](auto routine, auto alpha, auto beta) {
    routine(CblasRowMajor, CblasUpper, flag(a.transposed), size(n), size(k), alpha, a.data,
            size(a.step), beta, c, size(c_step));
  };
  if constexpr (std::is_same_v<T, float>) call(cblas_ssyrk, one, zero);
  else if constexpr (std::is_same_v<T, double>) call(cblas_dsyrk, one, zero);
  else if constexpr (std::is_same_v<T, c64>) call(cblas_csyrk, &one, &zero);
  else call(cblas_zsyrk, &one, &zero);
}

template <class T>
void gemv(Operand<T> a, const T* x, T* y, std::int64_t m, std::int64_t k) {
  run_single_threaded();
  const T one(1), zero(0);
  const std::int64_t rows = a.transposed ? k : m;
  const std::int64_t columns = a.transposed ? m : k;
  const auto call = [&](auto routine, auto alpha, auto beta) {
    routine(CblasRowMajor, flag(a.transposed), size(rows), size(columns), alpha, a.data,
            size(a.step), x, 1, beta, y, 1);
  };
  if constexpr (std::is_same_v<T, float>) call(cblas_sgemv, one, zero);
  else if constexpr (std::is_same_v<T, double>) call(cblas_dgemv, one, zero);
  else if constexpr (std::is_same_v<T, c64>) call(cblas_cgemv, &one, &zero);
  else call(cblas_zgemv, &one, &zero);
}

template <class T>
std::int64_t gesv(std::int64_t n, std::int64_t count, T* a, T* b) {
  run_single_threaded();
  std::vector<lapack_int> pivots(static_cast<std::size_t>(n));
  const lapack_int rows = count_of(n), columns = count_of(count);
  lapack_int status = 0;
  const auto call = [&](auto routine, auto* factors, auto* solution) {
    routine(&rows, &columns, factors, &rows, pivots.data(), solution, &rows, &status);
  };
  if constexpr (std::is_same_v<T, float>) call(LAPACK_sgesv, a, b);
  else if constexpr (std::is_same_v<T, double>) call(LAPACK_dgesv, a, b);
  else if constexpr (std::is_same_v<T, c64>) call(LAPACK_cgesv, lapack(a), lapack(b));
  else call(LAPACK_zgesv, lapack(a), lapack(b));
  return status;
}

template <class T>
std::int64_t getrf(std::int64_t n, T* a, std::int32_t* pivots) {
  run_single_threaded();
  const lapack_int rows = count_of(n);
  lapack_int status = 0;
  const auto call = [&](auto routine, auto* matrix) {
    routine(&rows, &rows, matrix, &rows, pivots, &status);
  };
  if constexpr (std::is_same_v<T, float>) call(LAPACK_sgetrf, a);
  else if constexpr (std::is_same_v<T, double>) call(LAPACK_dgetrf, a);
  else if constexpr (std::is_same_v<T, c64>) call(LAPACK_cgetrf, lapack(a));
  else call(LAPACK_zgetrf, lapack(a));
  return status;
}

// LAPACK_… of routines that take letters are macros: they add the lengths of the letters.
template <class T>
std::int64_t potrf(std::int64_t n, T* a) {
  run_single_threaded();
  const lapack_int rows = count_of(n);
  lapack_int status = 0;
  if constexpr (std::is_same_v<T, float>) LAPACK_spotrf("L", &rows, a, &rows, &status);
  else if constexpr (std::is_same_v<T, double>) LAPACK_dpotrf("L", &rows, a, &rows, &status);
  else if constexpr (std::is_same_v<T, c64>) LAPACK_cpotrf("L", &rows, lapack(a), &rows, &status);
  else LAPACK_zpotrf("L", &rows, lapack(a), &rows, &status);
  return status;
}

void getrs(std::int64_t n, std::int64_t count, const double* factors, const std::int32_t* pivots,
           double* b) {
  run_single_threaded();
  const lapack_int rows = count_of(n), columns = count_of(count);
  lapack_int status = 0;
  LAPACK_dgetrs("N", &rows, &columns, factors, &rows, pivots, b, &rows, &status);
}

void potrs(std::int64_t n, std::int64_t count, const double* factor, double* b) {
  run_single_threaded();
  const lapack_int rows = count_of(n), columns = count_of(count);
  lapack_int status = 0;
  LAPACK_dpotrs("L", &rows, &columns, factor, &rows, b, &rows, &status);
}

#define JETLAG_INSTANTIATE(T)                                                              \
  template void gemm(Operand<T>, Operand<T>, T*, std::int64_t, std::int64_t, std::int64_t, \
                     std::int64_t);                                                        \
  template void syrk(Operand<T>, T*, std::int64_t, std::int64_t, std::int64_t);            \
  template void gemv(Operand<T>, const T*, T*, std::int64_t, std::int64_t);                \
  template std::int64_t gesv(std::int64_t, std::int64_t, T*, T*);                          \
  template std::int64_t getrf(std::int64_t, T*, std::int32_t*);                            \
  template std::int64_t potrf(std::int64_t, T*);

JETLAG_INSTANTIATE(float)
JETLAG_INSTANTIATE(double)
JETLAG_INSTANTIATE(c64)
JETLAG_INSTANTIATE(c128)

}  // namespace jetlag::blas
