// Arithmetic ufuncs: sums to greatest common divisors, and work on bits.
#include <limits>

#include "primitives/expr.h"
#include "primitives/families.h"
#include "primitives/loop_rules.h"

namespace jetlag {

namespace {

// Among booleans + is "or", * is "and".
Expr add(Expr a, Expr b) { return a.is_boolean() ? a | b : a + b; }
Expr multiply(Expr a, Expr b) { return a.is_boolean() ? a & b : a * b; }
Expr larger(Expr a, Expr b) { return a.is_boolean() ? a | b : maximum(a, b); }
Expr smaller(Expr a, Expr b) { return a.is_boolean() ? a & b : minimum(a, b); }
Expr subtract(Expr a, Expr b) { return a - b; }
Expr divide(Expr a, Expr b) { return a / b; }
Expr itself(Expr a) { return a; }
Expr zero_like(Expr a) { return constant(a, 0); }

// The remainder with the sign of the divisor, from fmod's, which is exact.
Expr float_remainder(Expr a, Expr b) {
  const Expr rest = fmod(a, b);
  const Expr signs_differ = (b < 0) ^ (rest < 0);
  const Expr moved = select(signs_differ, rest + b, rest);
  const Expr signed_result = select(rest != 0, moved, copysign(zero_like(a), b));
  return select(b == 0, rest, signed_result);
}

Expr remainder(Expr a, Expr b) { return a.is_float() ? float_remainder(a, b) : modulo(a, b); }

// (a - remainder) / b is nearly whole; rounding to the nearest whole number
// makes it so. A zero quotient takes the sign of the true one.
Expr float_floor_divide(Expr a, Expr b) {
  const Expr rest = fmod(a, b);
  const Expr near = (a - rest) / b;
  const Expr down = select((rest != 0) & ((b < 0) ^ (rest < 0)), near - 1, near);
  const Expr whole = floor(down);
  const Expr snapped = select(down - whole > 0.5, whole + 1, whole);
  const Expr quotient = a / b;
  const Expr result = select(down != 0, snapped, copysign(zero_like(a), quotient));
  return select(b == 0, quotient, result);
}

Expr floor_divide_any(Expr a, Expr b) {
  return a.is_float() ? float_floor_divide(a, b) : floor_divide(a, b);
}

Expr square(Expr a) { return a * a; }

// As Smith's quotient, but 0 gives NaN, where 1 / 0 has an infinite part.
Expr complex_reciprocal(Expr a) {
  const Expr re = real(a), im = imag(a), one = constant(re, 1);
  const Expr slope = im / re, size = re + im * slope;
  const Expr other_slope = re / im, other_size = re * other_slope + im;
  return select(absolute(im) <= absolute(re), pair(one / size, -slope / size),
                pair(other_slope / other_size, -one / other_size));
}

// Integers by way of double, as in NumPy.
Expr reciprocal(Expr a) {
  if (a.is_complex()) return complex_reciprocal(a);
  if (!a.is_integer()) return constant(a, 1) / a;
  const Expr wide = cast(a, DType::float64);
  return cast(constant(wide, 1) / wide, a.dtype());
}

Expr absolute_any(Expr a) { return a.is_boolean() ? a : absolute(a); }

// A complex sign is z / |z|, whose limits at infinity lie on an axis.
Expr complex_sign(Expr a) {
  const Expr size = absolute(a);
  const Expr re = real(a), im = imag(a);
  const Expr zero = zero_like(re), nan = constant(re, std::numeric_limits<double>::quiet_NaN());
  const Expr one = constant(re, 1);
  const Expr both = isinf(re) & isinf(im);
  const Expr far =
      select(both, pair(nan, nan),
             select(isinf(re), pair(copysign(one, re), zero), pair(zero, copysign(one, im))));
  const Expr near = select(size == 0, pair(zero, zero), pair(re / size, im / size));
  return select(isinf(size), far, near);
}

Expr sign(Expr a) {
  if (a.is_complex()) return complex_sign(a);
  const Expr positive = select(a > 0, constant(a, 1), zero_like(a));
  if (kind_of(a.dtype()) == 'u') return positive;
  const Expr either = select(a < 0, constant(a, -1), positive);
  return a.is_float() ? select(isnan(a), a, either) : either;
}

// Of a number and NaN, the number.
Expr fmax(Expr a, Expr b) {
  if (!a.is_float() && !a.is_complex()) return larger(a, b);
  return select(isnan(b), a, select(isnan(a), b, maximum(a, b)));
}
Expr fmin(Expr a, Expr b) {
  if (!a.is_float() && !a.is_complex()) return smaller(a, b);
  return select(isnan(b), a, select(isnan(a), b, minimum(a, b)));
}

// In this order a NaN among the bounds wins, crossed bounds give the upper, and a zero keeps its
// sign where the bound is the other zero.
Expr clip(Expr a, Expr low, Expr high) { return smaller(high, larger(low, a)); }

Expr conjugate(Expr a) { return a.is_complex() ? pair(real(a), -imag(a)) : a; }

Expr each_part(Expr a, Expr (*f)(Expr)) {
  return a.is_complex() ? pair(f(real(a)), f(imag(a))) : f(a);
}
Expr round_even(Expr a) { return each_part(a, rint); }

// Integers, and booleans, have no fraction.
template <Expr (*f)(Expr)>
Expr whole(Expr a) {
  return a.is_float() ? f(a) : a;
}

// Roots of whole cubes are whole, which the library misses for 27.
Expr cube_root(Expr a) {
  const Expr root = cbrt(a), whole_root = rint(root);
  return select(whole_root * whole_root * whole_root == a, whole_root, root);
}

// Powers of floats by some constants, as products, quotients and roots of theirs that stay in the
// range of numbers where the power does. An infinity has powers, whatever its sign.
Expr without_root_trouble(Expr x) {
  const Expr infinite = constant(x, std::numeric_limits<double>::infinity());
  return select(x == -infinite, infinite, x);
}
Expr to_3(Expr x) { return x * x * x; }
Expr to_3_halves(Expr x) {
  const Expr y = without_root_trouble(x);
  return y * sqrt(y);
}
// The root of a negative zero is one, and its reciprocal would be a negative infinity.
Expr to_minus_half(Expr x) { return constant(x, 1) / sqrt(without_root_trouble(x) + 0); }
Expr to_minus_3_halves(Expr x) {
  const Expr y = without_root_trouble(x);
  return constant(x, 1) / y / sqrt(y);
}

Expr lcm(Expr a, Expr b) {
  const Expr x = absolute(a), y = absolute(b);
  const Expr divisor = gcd(x, y);
  return floor_divide(x, select(divisor == 0, constant(a, 1), divisor)) * y;
}

Expr heaviside(Expr a, Expr at_zero) {
  const Expr step = select(a < 0, zero_like(a), constant(a, 1));
  return select(isnan(a), a, select(a == 0, at_zero, step));
}

constexpr Primitive add_row = {.name = "add",
                               .python = "numpy.add",
                               .params = "a, b",
                               .doc = "Sum; of booleans: or.",
                               .example = "add([1, 2], 10)  #= [11, 12]",
                               .loop = rules::same,
                               .formula = binary(add),
                               .algebra = Algebra::add};
constexpr Primitive divide_row = {.name = "divide",
                                  .python = "numpy.divide",
                                  .params = "a, b",
                                  .doc = "Quotient; of integers a float.",
                                  .example = "divide([1, 3], 2)  #= [0.5, 1.5]",
                                  .loop = rules::quotient,
                                  .formula = binary(divide),
                                  .algebra = Algebra::divide};
constexpr Primitive remainder_row = {.name = "remainder",
                                     .python = "numpy.remainder",
                                     .params = "a, b",
                                     .doc = "Remainder of floor_divide: it has the sign of b.",
                                     .example = "remainder([-7, 7], 3)  #= [2, 1]",
                                     .loop = rules::real_number,
                                     .formula = binary(remainder),
                                     .flops = 10};
constexpr Primitive power_row = {.name = "power",
                                 .python = "numpy.power",
                                 .params = "a, b",
                                 .doc = "a to the power of b; integers refuse negative exponents.",
                                 .example = "power([2, 3], 3)  #= [8, 27]",
                                 .loop = rules::number,
                                 .formula = binary(pow),
                                 .can_fail = true,
                                 .flops = 20};
constexpr Primitive absolute_row = {.name = "absolute",
                                    .python = "numpy.absolute",
                                    .params = "x",
                                    .doc = "Magnitude; of a complex number a real.",
                                    .example = "absolute([-1, 2])  #= [1, 2]",
                                    .loop = rules::same,
                                    .formula = unary(absolute_any)};
constexpr Primitive conjugate_row = {.name = "conjugate",
                                     .python = "numpy.conjugate",
                                     .params = "x",
                                     .doc = "Complex conjugate.",
                                     .example = "conjugate([1, 2])  #= [1, 2]",
                                     .method = "conjugate",
                                     .loop = rules::number,
                                     .formula = unary(conjugate)};
constexpr Primitive invert_row = {.name = "invert",
                                  .python = "numpy.invert",
                                  .params = "x",
                                  .doc = "Every bit flipped; of a boolean: not.",
                                  .example = "invert([0, 5])  #= [-1, -6]",
                                  .loop = rules::bits,
                                  .formula = unary(operator~)};
constexpr Primitive left_shift_row = {.name = "left_shift",
                                      .python = "numpy.left_shift",
                                      .params = "a, b",
                                      .doc = "Bits moved up by b places.",
                                      .example = "left_shift([1, 3], 2)  #= [4, 12]",
                                      .loop = rules::integer,
                                      .formula = binary(shift_left)};
constexpr Primitive right_shift_row = {.name = "right_shift",
                                       .python = "numpy.right_shift",
                                       .params = "a, b",
                                       .doc = "Bits moved down by b places; the sign stays.",
                                       .example = "right_shift([4, -3], 1)  #= [2, -2]",
                                       .loop = rules::integer,
                                       .formula = binary(shift_right)};

constexpr Primitive table[] = {
    add_row,
    {.name = "subtract",
     .python = "numpy.subtract",
     .params = "a, b",
     .doc = "Difference.",
     .example = "subtract([1, 2], 10)  #= [-9, -8]",
     .loop = rules::subtract,
     .formula = binary(subtract),
     .algebra = Algebra::subtract},
    {.name = "multiply",
     .python = "numpy.multiply",
     .params = "a, b",
     .doc = "Product; of booleans: and.",
     .example = "multiply([1, 2], 10)  #= [10, 20]",
     .loop = rules::same,
     .formula = binary(multiply),
     .algebra = Algebra::multiply},
    divide_row,
    alias(divide_row, "true_divide", "numpy.true_divide"),
    {.name = "floor_divide",
     .python = "numpy.floor_divide",
     .params = "a, b",
     .doc = "Quotient rounded down.",
     .example = "floor_divide([-7, 7], 2)  #= [-4, 3]",
     .loop = rules::real_number,
     .formula = binary(floor_divide_any),
     .flops = 10},
    remainder_row,
    alias(remainder_row, "mod", "numpy.mod"),
    {.name = "fmod",
     .python = "numpy.fmod",
     .params = "a, b",
     .doc = "Remainder with the sign of a.",
     .example = "fmod([-7, 7], 3)  #= [-1, 1]",
     .loop = rules::real_number,
     .formula = binary(fmod),
     .flops = 10},
    power_row,
    alias(power_row, "pow", "numpy.pow"),
    {.name = "__scalar_power",
     .params = "a, b",
     .doc = "The power of two of NumPy's numbers, which the C library computes.",
     .example = "__scalar_power(2.0, 3.0)  #= 8.0",
     .loop = rules::number,
     .formula = binary([](Expr a, Expr b) { return pow(a, b); }),
     .reports = "scalar power",
     .can_fail = true,
     .flops = 20},
    {.name = "float_power",
     .python = "numpy.float_power",
     .params = "a, b",
     .doc = "a to the power of b, in float64 at least.",
     .example = "float_power([2, 4], -1)  #= [0.5, 0.25]",
     .loop = rules::widest,
     .formula = binary([](Expr a, Expr b) { return pow(a, b); }),
     .flops = 20},
    {.name = "negative",
     .python = "numpy.negative",
     .params = "x",
     .doc = "The opposite number.",
     .example = "negative([1, -2])  #= [-1, 2]",
     .loop = rules::negative,
     .formula = unary(operator-)},
    {.name = "positive",
     .python = "numpy.positive",
     .params = "x",
     .doc = "A copy.",
     .example = "positive([1, -2])  #= [1, -2]",
     .loop = rules::signed_number,
     .formula = unary(itself)},
    absolute_row,
    alias(absolute_row, "abs", "numpy.abs"),
    {.name = "fabs",
     .python = "numpy.fabs",
     .params = "x",
     .doc = "Magnitude, as a float.",
     .example = "fabs([-1, 2])  #= [1.0, 2.0]",
     .loop = rules::real_inexact,
     .formula = unary(absolute)},
    {.name = "sign",
     .python = "numpy.sign",
     .params = "x",
     .doc = "-1, 0 or 1.",
     .example = "sign([-5, 0, 5])  #= [-1, 0, 1]",
     .loop = rules::signed_number,
     .formula = unary(sign)},
    {.name = "square",
     .python = "numpy.square",
     .params = "x",
     .doc = "x * x.",
     .example = "square([3, -4])  #= [9, 16]",
     .loop = rules::number,
     .formula = unary(square)},
    {.name = "sqrt",
     .python = "numpy.sqrt",
     .params = "x",
     .doc = "Square root.",
     .example = "sqrt([4, 9])  #= [2.0, 3.0]",
     .loop = rules::inexact,
     .formula = unary(sqrt),
     .flops = 4},
    {.name = "cbrt",
     .python = "numpy.cbrt",
     .params = "x",
     .doc = "Cube root.",
     .example = "cbrt([8, 27])  #= [2.0, 3.0]",
     .loop = rules::real_inexact,
     .formula = unary(cube_root),
     .flops = 20},
    {.name = "invsqrt",
     .params = "x",
     .doc = "1 / sqrt(x).",
     .example = "invsqrt([4, 16])  #= [0.5, 0.25]",
     .loop = rules::real_inexact,
     .formula = unary([](Expr x) { return constant(x, 1) / sqrt(x); }),
     .flops = 5},
    {.name = "invcbrt",
     .params = "x",
     .doc = "1 / cbrt(x).",
     .example = "invcbrt([8])  #= [0.5]",
     .loop = rules::real_inexact,
     .formula = unary([](Expr x) { return constant(x, 1) / cube_root(x); }),
     .flops = 21},
    {.name = "__power_3",
     .params = "x",
     .doc = "x to the power of 3, for floats.",
     .example = "__power_3([2.0, -3.0])  #= [8.0, -27.0]",
     .loop = rules::real_inexact,
     .formula = unary(to_3),
     .reports = "power",
     .flops = 2},
    {.name = "__power_half",
     .params = "x",
     .doc = "x to the power of 0.5 by its root, as numpy.power takes it for a number as exponent.",
     .example = "__power_half([4.0, 9.0])  #= [2.0, 3.0]",
     .loop = rules::real_inexact,
     .formula = unary([](Expr x) { return sqrt(x); }),
     .reports = "power"},
    {.name = "__power_3_halves",
     .params = "x",
     .doc = "x to the power of 1.5.",
     .example = "__power_3_halves([4.0, 9.0])  #= [8.0, 27.0]",
     .loop = rules::real_inexact,
     .formula = unary(to_3_halves),
     .reports = "power",
     .flops = 5},
    {.name = "__power_minus_half",
     .params = "x",
     .doc = "x to the power of -0.5.",
     .example = "__power_minus_half([4.0, 16.0])  #= [0.5, 0.25]",
     .loop = rules::real_inexact,
     .formula = unary(to_minus_half),
     .reports = "power",
     .flops = 5},
    {.name = "__power_minus_3_halves",
     .params = "x",
     .doc = "x to the power of -1.5.",
     .example = "__power_minus_3_halves([4.0])  #= [0.125]",
     .loop = rules::real_inexact,
     .formula = unary(to_minus_3_halves),
     .reports = "power",
     .flops = 6},
    {.name = "reciprocal",
     .python = "numpy.reciprocal",
     .params = "x",
     .doc = "1 / x, in the dtype of x.",
     .example = "reciprocal([2.0, 4.0])  #= [0.5, 0.25]",
     .loop = rules::number,
     .formula = unary(reciprocal)},
    {.name = "maximum",
     .python = "numpy.maximum",
     .params = "a, b",
     .doc = "The larger; NaN if one is NaN.",
     .example = "maximum([1, 5], 3)  #= [3, 5]",
     .loop = rules::same,
     .formula = binary(larger)},
    {.name = "minimum",
     .python = "numpy.minimum",
     .params = "a, b",
     .doc = "The smaller; NaN if one is NaN.",
     .example = "minimum([1, 5], 3)  #= [1, 3]",
     .loop = rules::same,
     .formula = binary(smaller)},
    {.name = "fmax",
     .python = "numpy.fmax",
     .params = "a, b",
     .doc = "The larger; of a number and NaN the number.",
     .example = "fmax(1.0, nan)  #= 1.0",
     .loop = rules::same,
     .formula = binary(fmax)},
    {.name = "fmin",
     .python = "numpy.fmin",
     .params = "a, b",
     .doc = "The smaller; of a number and NaN the number.",
     .example = "fmin(nan, 2.0)  #= 2.0",
     .loop = rules::same,
     .formula = binary(fmin)},
    {.name = "clip",
     .python = "numpy.clip",
     .params = "a, a_min, a_max",
     .doc = "Values held between two bounds.",
     .example = "clip([1, 5, 9], 2, 6)  #= [2, 5, 6]",
     .method = "clip",
     .loop = rules::clip,
     .formula = ternary(clip),
     .flops = 2},
    conjugate_row,
    alias(conjugate_row, "conj", "numpy.conj"),
    {.name = "rint",
     .python = "numpy.rint",
     .params = "x",
     .doc = "The nearest whole number, the even one of two.",
     .example = "rint([0.5, 1.5])  #= [0.0, 2.0]",
     .loop = rules::inexact,
     .formula = unary(round_even)},
    {.name = "floor",
     .python = "numpy.floor",
     .params = "x",
     .doc = "Rounded down.",
     .example = "floor([1.5, -1.5])  #= [1.0, -2.0]",
     .loop = rules::real_or_bool,
     .formula = unary(whole<floor>)},
    {.name = "ceil",
     .python = "numpy.ceil",
     .params = "x",
     .doc = "Rounded up.",
     .example = "ceil([1.5, -1.5])  #= [2.0, -1.0]",
     .loop = rules::real_or_bool,
     .formula = unary(whole<ceil>)},
    {.name = "trunc",
     .python = "numpy.trunc",
     .params = "x",
     .doc = "Rounded towards zero.",
     .example = "trunc([1.5, -1.5])  #= [1.0, -1.0]",
     .loop = rules::real_or_bool,
     .formula = unary(whole<trunc>)},
    {.name = "gcd",
     .python = "numpy.gcd",
     .params = "a, b",
     .doc = "Greatest common divisor.",
     .example = "gcd([12, 18], 8)  #= [4, 2]",
     .loop = rules::true_integer,
     .formula = binary(gcd),
     .flops = 20},
    {.name = "lcm",
     .python = "numpy.lcm",
     .params = "a, b",
     .doc = "Least common multiple.",
     .example = "lcm([4, 6], 10)  #= [20, 30]",
     .loop = rules::true_integer,
     .formula = binary(lcm),
     .flops = 20},
    {.name = "bitwise_and",
     .python = "numpy.bitwise_and",
     .params = "a, b",
     .doc = "Bits set in both.",
     .example = "bitwise_and([6, 7], 3)  #= [2, 3]",
     .loop = rules::bits,
     .formula = binary(operator&)},
    {.name = "bitwise_or",
     .python = "numpy.bitwise_or",
     .params = "a, b",
     .doc = "Bits set in one or both.",
     .example = "bitwise_or([4, 5], 3)  #= [7, 7]",
     .loop = rules::bits,
     .formula = binary(operator|)},
    {.name = "bitwise_xor",
     .python = "numpy.bitwise_xor",
     .params = "a, b",
     .doc = "Bits set in exactly one.",
     .example = "bitwise_xor([6, 7], 3)  #= [5, 4]",
     .loop = rules::bits,
     .formula = binary(operator^)},
    invert_row,
    alias(invert_row, "bitwise_not", "numpy.bitwise_not"),
    alias(invert_row, "bitwise_invert", "numpy.bitwise_invert"),
    left_shift_row,
    alias(left_shift_row, "bitwise_left_shift", "numpy.bitwise_left_shift"),
    right_shift_row,
    alias(right_shift_row, "bitwise_right_shift", "numpy.bitwise_right_shift"),
    {.name = "heaviside",
     .python = "numpy.heaviside",
     .params = "a, b",
     .doc = "0 below zero, b at zero, 1 above.",
     .example = "heaviside([-1.0, 0.0, 2.0], 0.5)  #= [0.0, 0.5, 1.0]",
     .loop = rules::real_inexact,
     .formula = binary(heaviside)},
    {.name = "copysign",
     .python = "numpy.copysign",
     .params = "a, b",
     .doc = "a with the sign of b.",
     .example = "copysign([1.0, -2.0], -3)  #= [-1.0, -2.0]",
     .loop = rules::real_inexact,
     .formula = binary(copysign)},
    {.name = "nextafter",
     .python = "numpy.nextafter",
     .params = "a, b",
     .doc = "The next float after a towards b.",
     .example = "nextafter([1.0], [1.0])  #= [1.0]",
     .loop = rules::real_inexact,
     .formula = binary(nextafter),
     .flops = 4},
    {.name = "ldexp",
     .python = "numpy.ldexp",
     .params = "a, b",
     .doc = "a * 2**b.",
     .example = "ldexp([1.0, 3.0], 2)  #= [4.0, 12.0]",
     .loop = rules::scale,
     .formula = binary([](Expr a, Expr b) { return ldexp(a, cast(b, DType::int64)); }),
     .flops = 2},
};

}  // namespace

std::span<const Primitive> arithmetic_primitives() { return table; }

}  // namespace jetlag
