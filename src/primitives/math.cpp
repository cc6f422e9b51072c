// Python's module math on single numbers, by the C library as CPython does (but for hypot).
// Whatever is an error declines, and Python raises it.
#include <cmath>
#include <numbers>

#include "primitives/families.h"
#include "primitives/operators.h"
#include "primitives/python_numbers.h"

namespace jetlag {

namespace {

std::optional<double> number(const Value& v) {
  const Value real = python::to_float(v);
  return real.bound() ? std::optional(real.real()) : std::nullopt;
}

// A NaN out of a number, or an infinity out of finite ones, is a ValueError or an OverflowError.
Value unless_error(double result, bool all_finite, bool some_nan) {
  if (std::isnan(result) && !some_nan) return {};
  if (std::isinf(result) && all_finite) return {};
  return Value::of(result);
}

template <double (*function)(double)>
Value unary(Arguments a) {
  const auto x = number(a[0]);
  if (!x) return {};
  return unless_error(function(*x), std::isfinite(*x), std::isnan(*x));
}

template <double (*function)(double, double)>
Value binary(Arguments a) {
  const auto x = number(a[0]), y = number(a[1]);
  if (!x || !y) return {};
  return unless_error(function(*x, *y), std::isfinite(*x) && std::isfinite(*y),
                      std::isnan(*x) || std::isnan(*y));
}

// Of NaNs and infinities Python has opinions of its own.
template <double (*function)(double, double)>
Value finite_binary(Arguments a) {
  const auto x = number(a[0]), y = number(a[1]);
  if (!x || !y || !std::isfinite(*x) || !std::isfinite(*y)) return {};
  const double result = function(*x, *y);
  return std::isfinite(result) ? Value::of(result) : Value{};
}

template <bool (*holds)(double)>
Value test(Arguments a) {
  const auto x = number(a[0]);
  return x ? Value::of(holds(*x)) : Value{};
}

template <double (*function)(double)>
Value to_whole(Arguments a) {
  const Value& v = a[0];
  if (v.is(ValueKind::integer)) return v;
  if (!v.is(ValueKind::real) && !(v.is(ValueKind::scalar) && is_float(v.dtype()))) return {};
  return python::to_int(Value::of(function(*number(v))));
}

double sqrt(double x) { return std::sqrt(x); }
double exp(double x) { return std::exp(x); }
double exp2(double x) { return std::exp2(x); }
double expm1(double x) { return std::expm1(x); }
double log(double x) { return std::log(x); }
double log2(double x) { return std::log2(x); }
double log10(double x) { return std::log10(x); }
double log1p(double x) { return std::log1p(x); }
double sin(double x) { return std::sin(x); }
double cos(double x) { return std::cos(x); }
double tan(double x) { return std::tan(x); }
double asin(double x) { return std::asin(x); }
double acos(double x) { return std::acos(x); }
double atan(double x) { return std::atan(x); }
double sinh(double x) { return std::sinh(x); }
double cosh(double x) { return std::cosh(x); }
double tanh(double x) { return std::tanh(x); }
double asinh(double x) { return std::asinh(x); }
double acosh(double x) { return std::acosh(x); }
double atanh(double x) { return std::atanh(x); }
double cbrt(double x) { return std::cbrt(x); }
double erf(double x) { return std::erf(x); }
double erfc(double x) { return std::erfc(x); }
double fabs(double x) { return std::fabs(x); }
double floor(double x) { return std::floor(x); }
double ceil(double x) { return std::ceil(x); }
double trunc(double x) { return std::trunc(x); }
double degrees(double x) { return x * (180 / std::numbers::pi); }
double radians(double x) { return x * (std::numbers::pi / 180); }
double atan2(double y, double x) { return std::atan2(y, x); }
double copysign(double x, double y) { return std::copysign(x, y); }
double pow(double x, double y) { return std::pow(x, y); }
double fmod(double x, double y) { return std::fmod(x, y); }
bool isnan(double x) { return std::isnan(x); }
bool isinf(double x) { return std::isinf(x); }
bool isfinite(double x) { return std::isfinite(x); }

// NumPy's floats of other sizes have no __trunc__.
Value truncated(Arguments a) {
  const Value& v = a[0];
  if (v.is(ValueKind::scalar) && v.dtype() != DType::float64) return {};
  return to_whole<trunc>(a);
}

constexpr Primitive row(std::string_view name, std::string_view python, std::string_view params,
                        std::string_view doc, std::string_view example, ValueRule value) {
  return {.name = name,
          .python = python,
          .params = params,
          .doc = doc,
          .example = example,
          .value = value,
          .can_fail = true};
}

constexpr Primitive table[] = {
    row("__math_sqrt", "math.sqrt", "x", "Square root.", "__math_sqrt(4)  #= 2.0", unary<sqrt>),
    row("__math_exp", "math.exp", "x", "e to the power of x.", "__math_exp(0)  #= 1.0", unary<exp>),
    row("__math_exp2", "math.exp2", "x", "2 to the power of x.", "__math_exp2(3)  #= 8.0",
        unary<exp2>),
    row("__math_expm1", "math.expm1", "x", "exp(x) - 1, exact near 0.", "__math_expm1(0)  #= 0.0",
        unary<expm1>),
    row("__math_log", "math.log", "x", "Natural logarithm.", "__math_log(1)  #= 0.0", unary<log>),
    row("__math_log2", "math.log2", "x", "Logarithm to base 2.", "__math_log2(8)  #= 3.0",
        unary<log2>),
    row("__math_log10", "math.log10", "x", "Logarithm to base 10.", "__math_log10(100)  #= 2.0",
        unary<log10>),
    row("__math_log1p", "math.log1p", "x", "log(1 + x), exact near 0.", "__math_log1p(0)  #= 0.0",
        unary<log1p>),
    row("__math_sin", "math.sin", "x", "Sine.", "__math_sin(0)  #= 0.0", unary<sin>),
    row("__math_cos", "math.cos", "x", "Cosine.", "__math_cos(0)  #= 1.0", unary<cos>),
    row("__math_tan", "math.tan", "x", "Tangent.", "__math_tan(0)  #= 0.0", unary<tan>),
    row("__math_asin", "math.asin", "x", "Inverse sine.", "__math_asin(0)  #= 0.0", unary<asin>),
    row("__math_acos", "math.acos", "x", "Inverse cosine.", "__math_acos(1)  #= 0.0", unary<acos>),
    row("__math_atan", "math.atan", "x", "Inverse tangent.", "__math_atan(0)  #= 0.0", unary<atan>),
    row("__math_sinh", "math.sinh", "x", "Hyperbolic sine.", "__math_sinh(0)  #= 0.0", unary<sinh>),
    row("__math_cosh", "math.cosh", "x", "Hyperbolic cosine.", "__math_cosh(0)  #= 1.0",
        unary<cosh>),
    row("__math_tanh", "math.tanh", "x", "Hyperbolic tangent.", "__math_tanh(0)  #= 0.0",
        unary<tanh>),
    row("__math_asinh", "math.asinh", "x", "Inverse hyperbolic sine.", "__math_asinh(0)  #= 0.0",
        unary<asinh>),
    row("__math_acosh", "math.acosh", "x", "Inverse hyperbolic cosine.", "__math_acosh(1)  #= 0.0",
        unary<acosh>),
    row("__math_atanh", "math.atanh", "x", "Inverse hyperbolic tangent.", "__math_atanh(0)  #= 0.0",
        unary<atanh>),
    row("__math_cbrt", "math.cbrt", "x", "Cube root.", "__math_cbrt(8)  #= 2.0", unary<cbrt>),
    row("__math_erf", "math.erf", "x", "Error function.", "__math_erf(0)  #= 0.0", unary<erf>),
    row("__math_erfc", "math.erfc", "x", "1 - erf(x), exact for large x.", "__math_erfc(0)  #= 1.0",
        unary<erfc>),
    row("__math_fabs", "math.fabs", "x", "Magnitude, as a float.", "__math_fabs(-3)  #= 3.0",
        unary<fabs>),
    row("__math_degrees", "math.degrees", "x", "From radians.", "__math_degrees(0)  #= 0.0",
        unary<degrees>),
    row("__math_radians", "math.radians", "x", "From degrees.", "__math_radians(0)  #= 0.0",
        unary<radians>),
    row("__math_atan2", "math.atan2", "y, x", "Angle of the point (x, y).",
        "__math_atan2(0, 1)  #= 0.0", binary<atan2>),
    row("__math_hypot", "math.hypot", "x, y", "Length of the vector (x, y).",
        "__math_hypot(3, 4)  #= 5.0", binary<python::hypot>),
    row("__math_copysign", "math.copysign", "x, y", "x with the sign of y.",
        "__math_copysign(2, -1)  #= -2.0", binary<copysign>),
    row("__math_pow", "math.pow", "x, y", "x to the power of y, as floats.",
        "__math_pow(2, 3)  #= 8.0", finite_binary<pow>),
    row("__math_fmod", "math.fmod", "x, y", "The rest that the C library leaves.",
        "__math_fmod(-7, 3)  #= -1.0", finite_binary<fmod>),
    row("__math_isnan", "math.isnan", "x", "Whether it is not a number.",
        "__math_isnan(1.5)  #= false", test<isnan>),
    row("__math_isinf", "math.isinf", "x", "Whether it is an infinity.",
        "__math_isinf(1.5)  #= false", test<isinf>),
    row("__math_isfinite", "math.isfinite", "x", "Whether it is neither NaN nor an infinity.",
        "__math_isfinite(1.5)  #= true", test<isfinite>),
    row("__math_floor", "math.floor", "x", "The largest int that is not above x.",
        "__math_floor(-1.5)  #= -2", to_whole<floor>),
    row("__math_ceil", "math.ceil", "x", "The smallest int that is not below x.",
        "__math_ceil(-1.5)  #= -1", to_whole<ceil>),
    row("__math_trunc", "math.trunc", "x", "x without its fraction.", "__math_trunc(-1.5)  #= -1",
        truncated),
};

}  // namespace

std::span<const Primitive> math_primitives() { return table; }

}  // namespace jetlag
