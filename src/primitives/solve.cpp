// inv, solve, det, cholesky: by LAPACK as NumPy calls it, for every matrix of a
// stack. A matrix is copied to Fortran order, where LAPACK overwrites it.
#include "primitives/solve.h"

#include <cmath>

#include "primitives/arguments.h"
#include "primitives/blas.h"
#include "primitives/linalg.h"
#include "primitives/moves.h"

namespace jetlag {

namespace {

// ---- what all of them ask of their operands ------------------------------------

// LAPACK knows floats only; other numbers become doubles.
DType inexact(DType d) { return is_float(d) || is_complex(d) ? d : DType::float64; }

void check_matrices(const Outline& a) {
  if (a.rank() >= 2) return;
  throw Error(Kind::linalg, format("{}-dimensional array given. Array must be at least "
                                   "two-dimensional",
                                   a.rank()));
}

void check_square(const Outline& a) {
  check_matrices(a);
  if (a.shape[a.rank() - 1] == a.shape[a.rank() - 2]) return;
  throw Error(Kind::linalg, "Last 2 dimensions of the array must be square");
}

std::optional<Outline> square_outline(const Value& v) {
  if (!v.is_array() && !operand(v)) return std::nullopt;
  std::optional<Outline> known = outline(v);
  if (known) check_square(*known);
  return known;
}

// ---- stacks of matrices --------------------------------------------------------------

Dims leading(const Dims& shape, std::int64_t core) {
  return Dims(std::span(shape.begin(), shape.end() - core));
}

// Matrix (or vector) number i of a stack whose leading axes are broadcast to `stack`.
Array member(const Array& a, const Dims& stack, std::int64_t i, std::int64_t core) {
  std::byte* data = a.data();
  for (std::int64_t axis = stack.size() - 1; axis >= 0; --axis) {
    const std::int64_t own = a.rank() - core - (stack.size() - axis);
    const std::int64_t position = i % stack[axis];
    i /= stack[axis];
    if (own >= 0 && a.shape()[own] != 1) data += position * a.strides()[own];
  }
  return Array(a.buffer(), data, a.dtype(),
               Dims(std::span(a.shape().end() - core, a.shape().end())),
               Dims(std::span(a.strides().end() - core, a.strides().end())));
}

// A copy in Fortran order and the dtype that LAPACK is called for. The array
// that is returned is its transpose, in C order.
Ref<Array> fortran_copy(const Array& a, DType dtype) {
  Dims shape = a.shape();
  std::reverse(shape.begin(), shape.end());
  Ref<Array> copy = new_array(dtype, std::move(shape));
  copy_elements(a, *transposed(copy));
  return copy;
}

// Calls f(T) with the LAPACK type of a dtype.
template <class F>
void with_lapack_type(DType dtype, F&& f) {
  visit(dtype, [&](auto tag) {
    if constexpr (blas::has_blas<typename decltype(tag)::type>) f(tag);
  });
}

// One block for some matrices of a stack of `count`: work(i) does one.
template <class Work>
Job stack_job(std::int64_t count, double flops_each, double bytes_each, Work work) {
  constexpr double block_flops = 1e5;
  const auto fitting = static_cast<std::int64_t>(block_flops / (flops_each + 1)) + 1;
  auto body = [work = std::move(work), count, fitting](std::int64_t block) {
    const std::int64_t last = std::min((block + 1) * fitting, count);
    for (std::int64_t i = block * fitting; i < last; ++i) work(i);
  };
  return {.blocks = std::max<std::int64_t>((count + fitting - 1) / fitting, 1),
          .body = body,
          .finish = {},
          .bytes = bytes_each * static_cast<double>(count),
          .flops = flops_each * static_cast<double>(count)};
}

[[noreturn]] void refuse_singular() { throw Error(Kind::linalg, "Singular matrix"); }

// ---- inv ------------------------------------------------------------------------------

Spec inv_type(Arguments args) {
  const auto a = square_outline(args[0]);
  return a ? Spec::array(inexact(a->dtype), a->shape) : Spec::decline();
}

double cube(std::int64_t n) {
  return static_cast<double>(n) * static_cast<double>(n) * static_cast<double>(n);
}

Job inv_kernel(Arguments args, const Ref<Array>& out, Watch*) {
  const Ref<Array> a = operand(args[0]);
  const Dims stack = leading(out->shape(), 2);
  const std::int64_t n = out->shape().back();
  auto work = [a, out, stack](std::int64_t i) {
    invert(member(*a, stack, i, 2), member(*out, stack, i, 2));
  };
  return stack_job(element_count(stack), 2 * cube(n),
                   static_cast<double>(2 * n * n * size_of(out->dtype())), work);
}

// ---- solve ------------------------------------------------------------------------------

struct System {
  Outline a, b;
  bool is_vector() const { return b.rank() == 1; }
  std::int64_t core() const { return is_vector() ? 1 : 2; }
  DType dtype() const { return promote(inexact(a.dtype), inexact(b.dtype)); }
};

std::optional<System> system_of(Arguments args) {
  auto a = square_outline(args[0]);
  if (!a || (!args[1].is_array() && !operand(args[1]))) return std::nullopt;
  auto b = outline(args[1]);
  if (!b || b->rank() == 0) return std::nullopt;
  return System{std::move(*a), std::move(*b)};
}

Spec solve_type(Arguments args) {
  const auto system = system_of(args);
  if (!system) return Spec::decline();
  const auto& [a, b] = *system;
  const std::int64_t n = a.shape.back(), core = system->core();
  if (b.shape[b.rank() - core] != n) {
    throw Error(
        Kind::shape,
        format("{}: Input operand 1 has a mismatch in its core dimension 0, with gufunc "
               "signature {} (size {} is different from {})",
               core == 1 ? "solve1" : "solve", core == 1 ? "(m,m),(m)->(m)" : "(m,m),(m,n)->(m,n)",
               b.shape[b.rank() - core], n));
  }
  Dims shape;
  try {
    shape = broadcast_shapes(leading(a.shape, 2), leading(b.shape, core));
  } catch (const Error&) {
    return Spec::decline();
  }
  shape.push_back(n);
  if (core == 2) shape.push_back(b.shape.back());
  return Spec::array(system->dtype(), std::move(shape));
}

void solve_one(const Array& a, const Array& b, const Array& out) {
  const std::int64_t n = a.shape()[0];
  const std::int64_t count = b.rank() == 1 ? 1 : b.shape()[1];
  if (n == 0 || count == 0) return;
  const Ref<Array> factors = fortran_copy(a, out.dtype());
  const Ref<Array> solution = fortran_copy(b, out.dtype());
  with_lapack_type(out.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    if (blas::gesv(n, count, factors->as<T>(), solution->as<T>()) != 0) refuse_singular();
  });
  copy_elements(*transposed(solution), out);
}

Job solve_kernel(Arguments args, const Ref<Array>& out, Watch*) {
  const Ref<Array> a = operand(args[0]), b = operand(args[1]);
  const std::int64_t core = b->rank() == 1 ? 1 : 2;
  const Dims stack = leading(out->shape(), core);
  const std::int64_t n = a->shape().back();
  auto work = [a, b, out, stack, core](std::int64_t i) {
    solve_one(member(*a, stack, i, 2), member(*b, stack, i, core), member(*out, stack, i, core));
  };
  return stack_job(element_count(stack), cube(n),
                   static_cast<double>(n * n * size_of(out->dtype())), work);
}

// ---- det ----------------------------------------------------------------------------------

Spec det_type(Arguments args) {
  const auto a = square_outline(args[0]);
  return a ? Spec::of(inexact(a->dtype), leading(a->shape, 2)) : Spec::decline();
}

// The sign of a number: its direction, if it is complex.
template <class T>
T direction(T x) {
  if constexpr (std::is_floating_point_v<T>) return x < 0 ? T(-1) : T(1);
  else return x / std::abs(x);
}

// As NumPy: a sign, and the exponential of a sum of logarithms.
template <class T>
T determinant(std::int64_t n, T* factors) {
  std::vector<std::int32_t> pivots(static_cast<std::size_t>(n));
  if (n > 0 && blas::getrf(n, factors, pivots.data()) > 0) return T(0);
  T sign(1);
  auto log_sum = std::abs(T(0));
  for (std::int64_t i = 0; i < n; ++i) {
    if (pivots[static_cast<std::size_t>(i)] != i + 1) sign = -sign;
    const T x = factors[i * (n + 1)];
    sign *= direction(x);
    log_sum += std::log(std::abs(x));
  }
  return sign * std::exp(log_sum);
}

Job det_kernel(Arguments args, const Ref<Array>& out, Watch*) {
  const Ref<Array> a = operand(args[0]);
  const Dims stack = out->shape();
  const std::int64_t n = a->shape().back();
  auto work = [a, out, stack, n](std::int64_t i) {
    const Ref<Array> factors = fortran_copy(member(*a, stack, i, 2), out->dtype());
    with_lapack_type(out->dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      out->as<T>()[i] = determinant(n, factors->as<T>());
    });
  };
  return stack_job(element_count(stack), cube(n) * 2 / 3,
                   static_cast<double>(n * n * size_of(out->dtype())), work);
}

// ---- cholesky --------------------------------------------------------------------------------

Spec cholesky_type(Arguments args) {
  const auto upper = as_flag(args[1]);
  if (!upper || *upper) return Spec::decline();
  return inv_type(args);
}

void factor(const Array& a, const Array& out) {
  const std::int64_t n = a.shape()[0];
  if (n == 0) return;
  const Ref<Array> lower = fortran_copy(a, out.dtype());
  with_lapack_type(out.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* x = lower->as<T>();
    if (blas::potrf(n, x) != 0) throw Error(Kind::linalg, "Matrix is not positive definite");
    for (std::int64_t column = 1; column < n; ++column) {
      std::fill(x + column * n, x + column * n + column, T(0));
    }
  });
  copy_elements(*transposed(lower), out);
}

Job cholesky_kernel(Arguments args, const Ref<Array>& out, Watch*) {
  const Ref<Array> a = operand(args[0]);
  const Dims stack = leading(out->shape(), 2);
  const std::int64_t n = out->shape().back();
  auto work = [a, out, stack](std::int64_t i) {
    factor(member(*a, stack, i, 2), member(*out, stack, i, 2));
  };
  return stack_job(element_count(stack), cube(n) / 3,
                   static_cast<double>(2 * n * n * size_of(out->dtype())), work);
}

constexpr Primitive table[] = {
    {.name = "inv",
     .python = "numpy.linalg.inv",
     .params = "a",
     .doc = "The inverse of a matrix.",
     .example = "inv([[2, 0], [0, 4]])  #= [[0.5, 0.0], [0.0, 0.25]]",
     .type = inv_type,
     .kernel = inv_kernel,
     .algebra = Algebra::inverse,
     .can_fail = true},
    {.name = "inverse",
     .params = "a",
     .doc = "Phylanx's name of inv.",
     .example = "inverse([[2, 0], [0, 4]])  #= [[0.5, 0.0], [0.0, 0.25]]",
     .type = inv_type,
     .kernel = inv_kernel,
     .algebra = Algebra::inverse,
     .can_fail = true},
    {.name = "solve",
     .python = "numpy.linalg.solve",
     .params = "a, b",
     .doc = "The solution x of a x = b.",
     .example = "solve([[2, 0], [0, 4]], [2, 4])  #= [1.0, 1.0]",
     .type = solve_type,
     .kernel = solve_kernel,
     .can_fail = true},
    {.name = "det",
     .python = "numpy.linalg.det",
     .params = "a",
     .doc = "The determinant.",
     .example = "det([[2.0, 0.0], [0.0, 4.0]])  #= 7.999999999999998",
     .type = det_type,
     .kernel = det_kernel},
    {.name = "determinant",
     .params = "a",
     .doc = "Phylanx's name of det.",
     .example = "determinant([[1.0, 0.0], [0.0, 1.0]])  #= 1.0",
     .type = det_type,
     .kernel = det_kernel},
    {.name = "cholesky",
     .python = "numpy.linalg.cholesky",
     .params = "a, upper=false",
     .doc = "The lower triangular factor of a positive definite matrix.",
     .example = "cholesky([[4.0, 0.0], [0.0, 9.0]])  #= [[2.0, 0.0], [0.0, 3.0]]",
     .type = cholesky_type,
     .kernel = cholesky_kernel,
     .can_fail = true},
};

}  // namespace

// As NumPy: the solution of a x = 1.
void invert(const Array& a, const Array& out) {
  const std::int64_t n = a.shape()[0];
  if (n == 0) return;
  const Ref<Array> factors = fortran_copy(a, out.dtype());
  const Ref<Array> solution = new_array(out.dtype(), {n, n}, true);
  with_lapack_type(out.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* x = solution->as<T>();
    for (std::int64_t i = 0; i < n; ++i) x[i * (n + 1)] = T(1);
    if (blas::gesv(n, n, factors->as<T>(), x) != 0) refuse_singular();
  });
  copy_elements(*transposed(solution), out);
}

std::span<const Primitive> solve_rows() { return table; }

}  // namespace jetlag
