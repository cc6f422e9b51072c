// Exponentials, logarithms, and the functions of angles.
#include <numbers>

#include "primitives/expr.h"
#include "primitives/families.h"
#include "primitives/loop_rules.h"

namespace jetlag {

namespace {

// Where the library has a function for reals only, complex numbers take
// NumPy's way round.
Expr scale(Expr z, double factor) {
  const Expr f = constant(real(z), factor);
  return pair(real(z) * f, imag(z) * f);
}

Expr exp2_any(Expr a) { return a.is_complex() ? exp(scale(a, std::numbers::ln2)) : exp2(a); }
Expr exp10_any(Expr a) { return a.is_complex() ? exp(scale(a, std::numbers::ln10)) : exp10(a); }
Expr log2_any(Expr a) { return a.is_complex() ? scale(log(a), std::numbers::log2e) : log2(a); }

// Logarithms of whole powers are whole, which the library misses for 1e14.
Expr log10_any(Expr a) {
  if (a.is_complex()) return scale(log(a), std::numbers::log10e);
  const Expr exponent = log10(a), whole = rint(exponent);
  if (a.dtype() == DType::float32) return exponent;
  return select(exp10(whole) == a, whole, exponent);
}

// exp(x + iy) - 1, with 1 - cos y as 2 sin²(y/2), which does not cancel; where
// exp(x) is small, the plain difference loses less.
Expr expm1_any(Expr a) {
  if (!a.is_complex()) return expm1(a);
  const Expr x = real(a), y = imag(a);
  const Expr half = sin(y / 2);
  const Expr near = expm1(x) * cos(y) - constant(x, 2) * half * half;
  return pair(select(x < -1, exp(x) * cos(y) - 1, near), exp(x) * sin(y));
}

Expr log1p_any(Expr a) {
  if (!a.is_complex()) return log1p(a);
  const Expr x = real(a) + 1;
  return pair(log(hypot(x, imag(a))), arctan2(imag(a), x));
}

// The larger operand carries the result; the other adds a small correction.
// Equal operands include two infinities, whose gap would be NaN.
Expr logaddexp(Expr a, Expr b) {
  const Expr gap = -absolute(a - b);
  const Expr sum = select(a > b, a, b) + log1p(exp(gap));
  return select(a == b, a + std::numbers::ln2, select(isnan(gap), gap, sum));
}

Expr logaddexp2(Expr a, Expr b) {
  const Expr gap = -absolute(a - b);
  const Expr sum = select(a > b, a, b) + constant(a, std::numbers::log2e) * log1p(exp2(gap));
  return select(a == b, a + 1, select(isnan(gap), gap, sum));
}

// The factor is rounded as NumPy rounds it: pi first, then the quotient.
template <bool to_radians>
Expr convert_angle(Expr a) {
  const bool narrow = a.dtype() == DType::float32;
  constexpr float pi32 = std::numbers::pi_v<float>;
  const double wide = to_radians ? std::numbers::pi / 180 : 180 / std::numbers::pi;
  const float small = to_radians ? pi32 / 180 : 180 / pi32;
  return a * constant(a, narrow ? static_cast<double>(small) : wide);
}

constexpr Primitive function(std::string_view name, std::string_view python, std::string_view doc,
                             std::string_view example, LoopRule loop, Formula formula) {
  return {.name = name,
          .python = python,
          .params = formula.arity == 1 ? "x" : "a, b",
          .doc = doc,
          .example = example,
          .loop = loop,
          .formula = formula,
          .flops = 20};
}

using rules::inexact, rules::real_inexact;

constexpr Primitive arcsin_row = function("arcsin", "numpy.arcsin", "Inverse sine.",
                                          "arcsin([0.0])  #= [0.0]", inexact, unary(arcsin));
constexpr Primitive arccos_row = function("arccos", "numpy.arccos", "Inverse cosine.",
                                          "arccos([1.0])  #= [0.0]", inexact, unary(arccos));
constexpr Primitive arctan_row = function("arctan", "numpy.arctan", "Inverse tangent.",
                                          "arctan([0.0])  #= [0.0]", inexact, unary(arctan));
constexpr Primitive arcsinh_row = function("arcsinh", "numpy.arcsinh", "Inverse hyperbolic sine.",
                                           "arcsinh([0.0])  #= [0.0]", inexact, unary(arcsinh));
constexpr Primitive arccosh_row = function("arccosh", "numpy.arccosh", "Inverse hyperbolic cosine.",
                                           "arccosh([1.0])  #= [0.0]", inexact, unary(arccosh));
constexpr Primitive arctanh_row =
    function("arctanh", "numpy.arctanh", "Inverse hyperbolic tangent.", "arctanh([0.0])  #= [0.0]",
             inexact, unary(arctanh));
constexpr Primitive arctan2_row =
    function("arctan2", "numpy.arctan2", "The angle of the point (b, a).",
             "arctan2([0.0], [1.0])  #= [0.0]", real_inexact, binary(arctan2));

constexpr Primitive table[] = {
    function("exp", "numpy.exp", "e to the power of x.", "exp([0, 0])  #= [1.0, 1.0]", inexact,
             unary(exp)),
    function("exp2", "numpy.exp2", "2 to the power of x.", "exp2([3])  #= [8.0]", inexact,
             unary(exp2_any)),
    function("exp10", {}, "10 to the power of x.", "exp10([2])  #= [100.0]", inexact,
             unary(exp10_any)),
    function("expm1", "numpy.expm1", "exp(x) - 1, exact for small x.", "expm1([0])  #= [0.0]",
             inexact, unary(expm1_any)),
    function("log", "numpy.log", "Natural logarithm.", "log([1])  #= [0.0]", inexact, unary(log)),
    function("log2", "numpy.log2", "Logarithm to base 2.", "log2([8])  #= [3.0]", inexact,
             unary(log2_any)),
    function("log10", "numpy.log10", "Logarithm to base 10.", "log10([100])  #= [2.0]", inexact,
             unary(log10_any)),
    function("log1p", "numpy.log1p", "log(1 + x), exact for small x.", "log1p([0])  #= [0.0]",
             inexact, unary(log1p_any)),
    function("sin", "numpy.sin", "Sine.", "sin([0])  #= [0.0]", inexact, unary(sin)),
    function("cos", "numpy.cos", "Cosine.", "cos([0])  #= [1.0]", inexact, unary(cos)),
    function("tan", "numpy.tan", "Tangent.", "tan([0])  #= [0.0]", inexact, unary(tan)),
    arcsin_row,
    alias(arcsin_row, "asin", "numpy.asin"),
    arccos_row,
    alias(arccos_row, "acos", "numpy.acos"),
    arctan_row,
    alias(arctan_row, "atan", "numpy.atan"),
    function("sinh", "numpy.sinh", "Hyperbolic sine.", "sinh([0])  #= [0.0]", inexact, unary(sinh)),
    function("cosh", "numpy.cosh", "Hyperbolic cosine.", "cosh([0])  #= [1.0]", inexact,
             unary(cosh)),
    function("tanh", "numpy.tanh", "Hyperbolic tangent.", "tanh([0])  #= [0.0]", inexact,
             unary(tanh)),
    arcsinh_row,
    alias(arcsinh_row, "asinh", "numpy.asinh"),
    arccosh_row,
    alias(arccosh_row, "acosh", "numpy.acosh"),
    arctanh_row,
    alias(arctanh_row, "atanh", "numpy.atanh"),
    arctan2_row,
    alias(arctan2_row, "atan2", "numpy.atan2"),
    function("hypot", "numpy.hypot", "sqrt(a² + b²) without overflow.",
             "hypot([3.0], [4.0])  #= [5.0]", real_inexact, binary(hypot)),
    function("logaddexp", "numpy.logaddexp", "Logarithm of exp(a) + exp(b), without overflow.",
             "logaddexp(0.0, -inf)  #= 0.0", real_inexact, binary(logaddexp)),
    function("softplus", "", "log(1 + exp(a)), without overflow.",
             "softplus([0.0, 800.0])  #= [0.6931471805599453, 800.0]", real_inexact,
             unary([](Expr a) { return logaddexp(a, constant(a.code(), a.dtype(), 0)); })),
    function("logaddexp2", "numpy.logaddexp2", "Logarithm of 2**a + 2**b to base 2.",
             "logaddexp2([1.0], [1.0])  #= [2.0]", real_inexact, binary(logaddexp2)),
    function("deg2rad", "numpy.deg2rad", "Degrees to radians.", "deg2rad([0.0])  #= [0.0]",
             real_inexact, unary([](Expr a) { return convert_angle<true>(a); })),
    function("radians", "numpy.radians", "Degrees to radians.", "radians([0.0])  #= [0.0]",
             real_inexact, unary([](Expr a) { return convert_angle<true>(a); })),
    function("rad2deg", "numpy.rad2deg", "Radians to degrees.", "rad2deg([0.0])  #= [0.0]",
             real_inexact, unary([](Expr a) { return convert_angle<false>(a); })),
    function("degrees", "numpy.degrees", "Radians to degrees.", "degrees([0.0])  #= [0.0]",
             real_inexact, unary([](Expr a) { return convert_angle<false>(a); })),
    function("erf", {}, "The error function.", "erf([0.0])  #= [0.0]", real_inexact, unary(erf)),
    function("erfc", {}, "1 - erf(x), exact for large x.", "erfc([0.0])  #= [1.0]", real_inexact,
             unary(erfc)),
};

}  // namespace

std::span<const Primitive> transcendental_primitives() { return table; }

}  // namespace jetlag
