// OpenBLAS is loaded at the first call: that takes 5 ms, a third of what a first call of a program
// without products takes.
#include "primitives/blas.h"

#include <cblas.h>
#include <dlfcn.h>
#include <lapack.h>

#include <vector>

#include "base/error.h"

namespace jetlag::blas {

namespace {

using c64 = std::complex<float>;
using c128 = std::complex<double>;

[[noreturn]] void fail() {
  throw Error(Kind::runtime, format("OpenBLAS cannot be loaded: {}", dlerror()),
              "install the package libopenblas0");
}

void* routine_named(const char* name) {
  static void* const library = [] {
    void* opened = dlopen(JETLAG_OPENBLAS, RTLD_LAZY | RTLD_LOCAL);
    if (!opened) fail();
    void* threads = dlsym(opened, "openblas_set_num_threads");
    if (!threads) fail();
    reinterpret_cast<decltype(&openblas_set_num_threads)>(threads)(1);
    return opened;
  }();
  void* found = dlsym(library, name);
  if (!found) fail();
  return found;
}

#define JETLAG_TEXT(name) #name
// A routine of the headers by the name that it has in the library.
#define JETLAG_ROUTINE(declared)                                                     \
  [] {                                                                               \
    static const auto found =                                                        \
        reinterpret_cast<decltype(&declared)>(routine_named(JETLAG_TEXT(declared))); \
    return found;                                                                    \
  }()

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
  const T one(1), zero(0);
  const auto call = [&](auto routine, auto alpha, auto beta) {
    routine(CblasRowMajor, flag(a.transposed), flag(b.transposed), size(m), size(n), size(k), alpha,
            a.data, size(a.step), b.data, size(b.step), beta, c, size(c_step));
  };
  if constexpr (std::is_same_v<T, float>) call(JETLAG_ROUTINE(cblas_sgemm), one, zero);
  else if constexpr (std::is_same_v<T, double>) call(JETLAG_ROUTINE(cblas_dgemm), one, zero);
  else if constexpr (std::is_same_v<T, c64>) call(JETLAG_ROUTINE(cblas_cgemm), &one, &zero);
  else call(JETLAG_ROUTINE(cblas_zgemm), &one, &zero);
}

template <class T>
void syrk(Operand<T> a, T* c, std::int64_t c_step, std::int64_t n, std::int64_t k) {
  const T one(1), zero(0);
  const auto call = [&](auto routine, auto alpha, auto beta) {
    routine(CblasRowMajor, CblasUpper, flag(a.transposed), size(n), size(k), alpha, a.data,
            size(a.step), beta, c, size(c_step));
  };
  if constexpr (std::is_same_v<T, float>) call(JETLAG_ROUTINE(cblas_ssyrk), one, zero);
  else if constexpr (std::is_same_v<T, double>) call(JETLAG_ROUTINE(cblas_dsyrk), one, zero);
  else if constexpr (std::is_same_v<T, c64>) call(JETLAG_ROUTINE(cblas_csyrk), &one, &zero);
  else call(JETLAG_ROUTINE(cblas_zsyrk), &one, &zero);
}

template <class T>
void gemv(Operand<T> a, const T* x, T* y, std::int64_t m, std::int64_t k) {
  const T one(1), zero(0);
  const std::int64_t rows = a.transposed ? k : m;
  const std::int64_t columns = a.transposed ? m : k;
  const auto call = [&](auto routine, auto alpha, auto beta) {
    routine(CblasRowMajor, flag(a.transposed), size(rows), size(columns), alpha, a.data,
            size(a.step), x, 1, beta, y, 1);
  };
  if constexpr (std::is_same_v<T, float>) call(JETLAG_ROUTINE(cblas_sgemv), one, zero);
  else if constexpr (std::is_same_v<T, double>) call(JETLAG_ROUTINE(cblas_dgemv), one, zero);
  else if constexpr (std::is_same_v<T, c64>) call(JETLAG_ROUTINE(cblas_cgemv), &one, &zero);
  else call(JETLAG_ROUTINE(cblas_zgemv), &one, &zero);
}

template <class T>
std::int64_t gesv(std::int64_t n, std::int64_t count, T* a, T* b) {
  std::vector<lapack_int> pivots(static_cast<std::size_t>(n));
  const lapack_int rows = count_of(n), columns = count_of(count);
  lapack_int status = 0;
  const auto call = [&](auto routine, auto* factors, auto* solution) {
    routine(&rows, &columns, factors, &rows, pivots.data(), solution, &rows, &status);
  };
  if constexpr (std::is_same_v<T, float>) call(JETLAG_ROUTINE(LAPACK_sgesv), a, b);
  else if constexpr (std::is_same_v<T, double>) call(JETLAG_ROUTINE(LAPACK_dgesv), a, b);
  else if constexpr (std::is_same_v<T, c64>)
    call(JETLAG_ROUTINE(LAPACK_cgesv), lapack(a), lapack(b));
  else call(JETLAG_ROUTINE(LAPACK_zgesv), lapack(a), lapack(b));
  return status;
}

template <class T>
std::int64_t getrf(std::int64_t n, T* a, std::int32_t* pivots) {
  const lapack_int rows = count_of(n);
  lapack_int status = 0;
  const auto call = [&](auto routine, auto* matrix) {
    routine(&rows, &rows, matrix, &rows, pivots, &status);
  };
  if constexpr (std::is_same_v<T, float>) call(JETLAG_ROUTINE(LAPACK_sgetrf), a);
  else if constexpr (std::is_same_v<T, double>) call(JETLAG_ROUTINE(LAPACK_dgetrf), a);
  else if constexpr (std::is_same_v<T, c64>) call(JETLAG_ROUTINE(LAPACK_cgetrf), lapack(a));
  else call(JETLAG_ROUTINE(LAPACK_zgetrf), lapack(a));
  return status;
}

// Of routines that take letters, the declarations have another name; Fortran adds the letters'
// lengths.
constexpr std::size_t length_of_letter = 1;

template <class T>
std::int64_t potrf(std::int64_t n, T* a) {
  const lapack_int rows = count_of(n);
  lapack_int status = 0;
  if constexpr (std::is_same_v<T, float>)
    JETLAG_ROUTINE(LAPACK_spotrf_base)("L", &rows, a, &rows, &status, length_of_letter);
  else if constexpr (std::is_same_v<T, double>)
    JETLAG_ROUTINE(LAPACK_dpotrf_base)("L", &rows, a, &rows, &status, length_of_letter);
  else if constexpr (std::is_same_v<T, c64>)
    JETLAG_ROUTINE(LAPACK_cpotrf_base)("L", &rows, lapack(a), &rows, &status, length_of_letter);
  else JETLAG_ROUTINE(LAPACK_zpotrf_base)("L", &rows, lapack(a), &rows, &status, length_of_letter);
  return status;
}

void getrs(std::int64_t n, std::int64_t count, const double* factors, const std::int32_t* pivots,
           double* b) {
  const lapack_int rows = count_of(n), columns = count_of(count);
  lapack_int status = 0;
  JETLAG_ROUTINE(LAPACK_dgetrs_base)("N", &rows, &columns, factors, &rows, pivots, b, &rows,
                                     &status, length_of_letter);
}

void potrs(std::int64_t n, std::int64_t count, const double* factor, double* b) {
  const lapack_int rows = count_of(n), columns = count_of(count);
  lapack_int status = 0;
  JETLAG_ROUTINE(LAPACK_dpotrs_base)("L", &rows, &columns, factor, &rows, b, &rows, &status,
                                     length_of_letter);
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
