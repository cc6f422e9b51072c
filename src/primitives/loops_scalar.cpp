// Elementary operations that run one element at a time: integer division,
// powers, and what the mathematics library has in scalar form only.
#include <algorithm>
#include <cfenv>
#include <cmath>
#include <complex>
#include <limits>

#include "base/error.h"
#include "primitives/loops.h"
#include "primitives/primitive.h"

namespace jetlag {

namespace {

template <class T>
constexpr bool is_complex_v = false;
template <class T>
constexpr bool is_complex_v<std::complex<T>> = true;
template <class T>
constexpr bool is_int_v = std::is_integral_v<T> && !std::is_same_v<T, bool>;

// What integer loops met; reported once for a run.
struct Met {
  unsigned anomalies = 0;
  ~Met() {
    if (anomalies) raise_flags(anomalies);
  }
};

template <class T>
bool overflows(T a, T b) {
  return std::is_signed_v<T> && b == static_cast<T>(-1) && a == std::numeric_limits<T>::min();
}

template <class T>
T floor_divide(T a, T b, Met& met) {
  if (b == 0) {
    met.anomalies |= divide_by_zero;
    return 0;
  }
  if (overflows(a, b)) {
    met.anomalies |= overflow;
    return a;
  }
  const T quotient = static_cast<T>(a / b);
  return static_cast<T>(quotient - ((a % b != 0) & ((a < 0) != (b < 0))));
}

template <class T>
T modulo(T a, T b, Met& met) {
  if (b == 0) {
    met.anomalies |= divide_by_zero;
    return 0;
  }
  if (overflows(a, b)) return 0;
  const T rest = static_cast<T>(a % b);
  return rest != 0 && (rest < 0) != (b < 0) ? static_cast<T>(rest + b) : rest;
}

template <class T>
T fmod(T a, T b, Met& met) {
  if constexpr (is_int_v<T>) {
    if (b == 0) met.anomalies |= divide_by_zero;
    return b == 0 || overflows(a, b) ? T{0} : static_cast<T>(a % b);
  } else {
    return std::fmod(a, b);
  }
}

// Euclid's, on magnitudes: that of the least integer does not fit its own dtype.
template <class T>
T gcd(T a, T b) {
  using U = std::make_unsigned_t<T>;
  auto magnitude = [](T x) {
    return x < 0 ? static_cast<U>(U{0} - static_cast<U>(x)) : static_cast<U>(x);
  };
  U x = magnitude(a), y = magnitude(b);
  while (x != 0) {
    const U rest = static_cast<U>(y % x);
    y = x;
    x = rest;
  }
  return static_cast<T>(y);
}

template <class T>
T integer_power(T base, T exponent) {
  if (exponent < 0) {
    throw Error(Kind::value, "Integers to negative integer powers are not allowed.");
  }
  using U = std::common_type_t<std::make_unsigned_t<T>, unsigned>;
  U factor = static_cast<U>(base), product = 1;
  for (auto left = static_cast<std::make_unsigned_t<T>>(exponent); left != 0; left >>= 1) {
    if (left & 1) product *= factor;
    factor *= factor;
  }
  return static_cast<T>(product);
}

template <class T>
T real_power(T x, T y) {
  // The exponents of everyday use, exact and fast. A power of -0.0 or of minus infinity is none of
  // their roots.
  if (y == 2) return x * x;
  if (y == T(0.5) && x > 0) return std::sqrt(x);
  if (y == -1) return 1 / x;
  const T power = std::pow(x, y);
  // The C library need not tell of this pole; NumPy's vectors do.
  if (x == 0 && std::isinf(y) && y < 0) std::feraiseexcept(FE_DIVBYZERO);
  return power;
}

template <class C>
C product(C x, C y) {
  return C(x.real() * y.real() - x.imag() * y.imag(), x.real() * y.imag() + x.imag() * y.real());
}

// Smith's quotient of 1 + 0i, whose zero decides the signs of zeros.
template <class C>
C reciprocal(C y) {
  using R = typename C::value_type;
  const R c = y.real(), d = y.imag();
  if (std::abs(c) >= std::abs(d)) {
    const R ratio = d / c, scale = 1 / (c + d * ratio);
    return C(scale, (R(0) - ratio) * scale);
  }
  const R ratio = c / d, scale = 1 / (c * ratio + d);
  return C((ratio + R(0)) * scale, -scale);
}

// Small whole exponents by multiplication, as NumPy: more exact than exp(log).
template <class C>
C whole_power(C base, int exponent) {
  C result(1, 0), factor = base;
  for (int left = std::abs(exponent); left > 0; left >>= 1) {
    if (left & 1) result = product(result, factor);
    // The square that nobody needs might overflow.
    if (left > 1) factor = product(factor, factor);
  }
  return exponent < 0 ? reciprocal(result) : result;
}

// Whether NumPy's complex power compares a NaN with a number, which is "invalid": where it looks
// for whole exponents, and in its quotient for negative ones.
bool power_compares_nan(std::complex<double> base, std::complex<double> exponent) {
  const double y = exponent.real();
  if (std::isnan(y)) return exponent.imag() == 0 || base == 0.0;
  const bool of_nan = std::isnan(base.real()) || std::isnan(base.imag());
  if (!of_nan || exponent.imag() != 0) return false;
  return std::isinf(y) || (y < 0 && y > -100 && y == std::trunc(y));
}

template <class C>
C complex_power(C x, C y) {
  using R = typename C::value_type;
  if (y.real() == 0 && y.imag() == 0) return C(1, 0);
  if (x.real() == 0 && x.imag() == 0) {
    if (std::isgreater(y.real(), R(0))) return C(0, 0);
    raise_flags(invalid);
    const R nan = std::numeric_limits<R>::quiet_NaN();
    return C(nan, nan);
  }
  const R limit = 100;
  if (power_compares_nan(x, y)) raise_flags(invalid);
  const bool small = std::isgreater(y.real(), -limit) && std::isless(y.real(), limit);
  if (y.imag() == 0 && small && y.real() == std::trunc(y.real())) {
    const int exponent = static_cast<int>(y.real());
    if (exponent == 1) return x;
    if (exponent == 2) return product(x, x);
    if (exponent == 3) return product(x, product(x, x));
    return whole_power(x, exponent);
  }
  return std::pow(x, y);
}

template <Opcode op, class T>
auto function(T a) {
  if constexpr (op == Opcode::sqrt) return std::sqrt(a);
  else if constexpr (op == Opcode::exp) return std::exp(a);
  else if constexpr (op == Opcode::log) return std::log(a);
  else if constexpr (op == Opcode::sin) return std::sin(a);
  else if constexpr (op == Opcode::cos) return std::cos(a);
  else if constexpr (op == Opcode::tan) return std::tan(a);
  else if constexpr (op == Opcode::arcsin) return std::asin(a);
  else if constexpr (op == Opcode::arccos) return std::acos(a);
  else if constexpr (op == Opcode::arctan) return std::atan(a);
  else if constexpr (op == Opcode::sinh) return std::sinh(a);
  else if constexpr (op == Opcode::cosh) return std::cosh(a);
  else if constexpr (op == Opcode::tanh) return std::tanh(a);
  else if constexpr (op == Opcode::arcsinh) return std::asinh(a);
  else if constexpr (op == Opcode::arccosh) return std::acosh(a);
  else if constexpr (op == Opcode::arctanh) return std::atanh(a);
  else if constexpr (op == Opcode::exp2) return std::exp2(a);
  else if constexpr (op == Opcode::exp10)
    return sizeof(T) == 4 ? T(__builtin_exp10f(a)) : T(__builtin_exp10(a));
  else if constexpr (op == Opcode::expm1) return std::expm1(a);
  else if constexpr (op == Opcode::log2) return std::log2(a);
  else if constexpr (op == Opcode::log10) return std::log10(a);
  else if constexpr (op == Opcode::log1p) return std::log1p(a);
  else if constexpr (op == Opcode::cbrt) return std::cbrt(a);
  else if constexpr (op == Opcode::erf) return std::erf(a);
  else return std::erfc(a);
}

template <Opcode op, class T>
T function(T a, T b, Met& met) {
  if constexpr (op == Opcode::floor_divide) return floor_divide(a, b, met);
  else if constexpr (op == Opcode::modulo) return modulo(a, b, met);
  else if constexpr (op == Opcode::fmod) return fmod(a, b, met);
  else if constexpr (op == Opcode::gcd) return gcd(a, b);
  else if constexpr (op == Opcode::nextafter) return std::nextafter(a, b);
  else if constexpr (op == Opcode::arctan2) return std::atan2(a, b);
  else if constexpr (is_int_v<T>) return integer_power(a, b);
  else if constexpr (is_complex_v<T>) return complex_power(a, b);
  else return real_power(a, b);
}

template <Opcode op, class T>
void unary_loop(const void* a, const void*, const void*, void* out, std::int64_t n) {
  const T* x = static_cast<const T*>(a);
  auto* r = static_cast<decltype(function<op>(T{}))*>(out);
  for (std::int64_t i = 0; i < n; ++i) r[i] = function<op>(x[i]);
}

template <Opcode op, class T>
void binary_loop(const void* a, const void* b, const void*, void* out, std::int64_t n) {
  const T* x = static_cast<const T*>(a);
  const T* y = static_cast<const T*>(b);
  T* r = static_cast<T*>(out);
  Met met;
  for (std::int64_t i = 0; i < n; ++i) r[i] = function<op>(x[i], y[i], met);
}

template <class T>
void ldexp_loop(const void* a, const void* b, const void*, void* out, std::int64_t n) {
  const T* x = static_cast<const T*>(a);
  const auto* y = static_cast<const std::int64_t*>(b);
  T* r = static_cast<T*>(out);
  // Beyond this every finite number has become 0 or infinite.
  constexpr std::int64_t most = 100'000;
  for (std::int64_t i = 0; i < n; ++i) {
    r[i] = std::ldexp(x[i], static_cast<int>(std::clamp(y[i], -most, most)));
  }
}

// Moves bytes: a NaN stays the one that it is.
template <class T>
void take_loop(const void* a, const void* b, const void*, void* out, std::int64_t n) {
  struct Item {
    std::byte bytes[sizeof(T)];
  };
  const auto* from = static_cast<const Item*>(a);
  const auto* index = static_cast<const std::int64_t*>(b);
  auto* r = static_cast<Item*>(out);
  for (std::int64_t i = 0; i < n; ++i) r[i] = from[index[i]];
}

template <Opcode op>
Loop complex_loop(DType d) {
  if (d == DType::complex64) return unary_loop<op, std::complex<float>>;
  return d == DType::complex128 ? unary_loop<op, std::complex<double>> : nullptr;
}

template <Opcode op>
Loop float_loop(DType d) {
  if (d == DType::float32) return unary_loop<op, float>;
  return d == DType::float64 ? unary_loop<op, double> : nullptr;
}

template <Opcode op>
Loop float_or_complex_loop(DType d) {
  return is_complex(d) ? complex_loop<op>(d) : float_loop<op>(d);
}

template <Opcode op>
Loop float_binary(DType d) {
  if (d == DType::float32) return binary_loop<op, float>;
  return d == DType::float64 ? binary_loop<op, double> : nullptr;
}

template <Opcode op>
Loop integer_binary(DType d) {
  return visit(d, []<class T>(Tag<T>) -> Loop {
    if constexpr (is_int_v<T>) return binary_loop<op, T>;
    else return nullptr;
  });
}

Loop power_loop(DType d) {
  if (d == DType::complex64) return binary_loop<Opcode::pow, std::complex<float>>;
  if (d == DType::complex128) return binary_loop<Opcode::pow, std::complex<double>>;
  return is_float(d) ? float_binary<Opcode::pow>(d) : integer_binary<Opcode::pow>(d);
}

}  // namespace

unsigned met_by_power(std::complex<double> base, std::complex<double> exponent, bool narrow) {
  using Narrow = std::complex<float>;
  // The compiler's own comparisons protest where NumPy's may not.
  if (std::isnan(exponent.real())) return power_compares_nan(base, exponent) ? invalid : 0u;
  clear_flags();
  if (narrow) {
    [[maybe_unused]] const volatile Narrow power =
        complex_power(static_cast<Narrow>(base), static_cast<Narrow>(exponent));
  } else {
    [[maybe_unused]] const volatile std::complex<double> power = complex_power(base, exponent);
  }
  return read_flags();
}

Loop find_scalar_loop(Opcode opcode, DType d) {
  switch (opcode) {
    case Opcode::take: return visit(d, []<class T>(Tag<T>) -> Loop { return take_loop<T>; });
    case Opcode::floor_divide: return integer_binary<Opcode::floor_divide>(d);
    case Opcode::modulo: return integer_binary<Opcode::modulo>(d);
    case Opcode::fmod:
      return is_float(d) ? float_binary<Opcode::fmod>(d) : integer_binary<Opcode::fmod>(d);
    case Opcode::gcd: return integer_binary<Opcode::gcd>(d);
    case Opcode::pow: return power_loop(d);
    case Opcode::nextafter: return float_binary<Opcode::nextafter>(d);
    case Opcode::arctan2: return float_binary<Opcode::arctan2>(d);
    case Opcode::ldexp: return d == DType::float32 ? ldexp_loop<float> : ldexp_loop<double>;
    case Opcode::sqrt: return complex_loop<Opcode::sqrt>(d);
    default: return nullptr;
#define JETLAG_CASE(op) \
  case Opcode::op: return float_or_complex_loop<Opcode::op>(d);
      // clang-format off
      JETLAG_CASE(exp) JETLAG_CASE(log) JETLAG_CASE(sin) JETLAG_CASE(cos) JETLAG_CASE(tan)
      JETLAG_CASE(arcsin) JETLAG_CASE(arccos) JETLAG_CASE(arctan) JETLAG_CASE(sinh)
      JETLAG_CASE(cosh) JETLAG_CASE(tanh) JETLAG_CASE(arcsinh) JETLAG_CASE(arccosh)
      JETLAG_CASE(arctanh)
#undef JETLAG_CASE
#define JETLAG_CASE(op) \
  case Opcode::op: return float_loop<Opcode::op>(d);
      JETLAG_CASE(exp2) JETLAG_CASE(exp10) JETLAG_CASE(expm1) JETLAG_CASE(log2)
      JETLAG_CASE(log10) JETLAG_CASE(log1p) JETLAG_CASE(cbrt) JETLAG_CASE(erf)
      JETLAG_CASE(erfc)
      // clang-format on
#undef JETLAG_CASE
  }
}

}  // namespace jetlag
