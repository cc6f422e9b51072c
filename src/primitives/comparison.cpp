// Comparisons, logic, and questions about single values.
#include "primitives/expr.h"
#include "primitives/families.h"
#include "primitives/loop_rules.h"

namespace jetlag {

namespace {

// Integers of different dtypes arrive as they are (rules::compare): an int64
// and a uint64. A negative number is less than any unsigned one.
bool is_mixed(Expr a, Expr b) { return a.dtype() != b.dtype(); }
bool has_sign(Expr e) { return e.dtype() == DType::int64; }
Expr unsigned_of(Expr e) { return cast(e, DType::uint64); }

template <Opcode order>
Expr exact_order(Expr a, Expr b) {
  if (!is_mixed(a, b)) return order == Opcode::less ? a < b : a <= b;
  const Expr among_unsigned = apply(order, unsigned_of(a), unsigned_of(b));
  return has_sign(a) ? (a < 0) | among_unsigned : (b >= 0) & among_unsigned;
}

Expr equal(Expr a, Expr b) {
  if (!is_mixed(a, b)) return a == b;
  const Expr with_sign = has_sign(a) ? a : b;
  return (with_sign >= 0) & (unsigned_of(a) == unsigned_of(b));
}

Expr not_equal(Expr a, Expr b) { return is_mixed(a, b) ? ~equal(a, b) : a != b; }
Expr less(Expr a, Expr b) { return exact_order<Opcode::less>(a, b); }
Expr less_equal(Expr a, Expr b) { return exact_order<Opcode::less_equal>(a, b); }
Expr greater(Expr a, Expr b) { return less(b, a); }
Expr greater_equal(Expr a, Expr b) { return less_equal(b, a); }

// NumPy's complex numbers by themselves are ordered by one part, a NaN in the other or not.
template <Opcode order>
Expr scalar_order(Expr a, Expr b) {
  if (!is_complex(a.dtype())) return exact_order<order>(a, b);
  return select(real(a) == real(b), apply(order, imag(a), imag(b)), apply(order, real(a), real(b)));
}

Expr scalar_less(Expr a, Expr b) { return scalar_order<Opcode::less>(a, b); }
Expr scalar_less_equal(Expr a, Expr b) { return scalar_order<Opcode::less_equal>(a, b); }
Expr scalar_greater(Expr a, Expr b) { return scalar_less(b, a); }
Expr scalar_greater_equal(Expr a, Expr b) { return scalar_less_equal(b, a); }

// A Python int arrives as int64 and wraps, as where() lets it.
Expr where(Expr condition, Expr yes, Expr no) {
  const DType d = yes.dtype() == DType::int64 ? no.dtype() : yes.dtype();
  return select(condition, cast(yes, d), cast(no, d));
}

Expr isneginf(Expr a) {
  return a.is_float() ? a == -std::numeric_limits<double>::infinity() : isinf(a);
}
Expr isposinf(Expr a) {
  return a.is_float() ? a == std::numeric_limits<double>::infinity() : isinf(a);
}

constexpr Primitive table[] = {
    {.name = "equal",
     .python = "numpy.equal",
     .params = "a, b",
     .doc = "Whether a == b.",
     .example = "equal([1, 2], 2)  #= [false, true]",
     .loop = rules::compare,
     .formula = binary(equal)},
    {.name = "not_equal",
     .python = "numpy.not_equal",
     .params = "a, b",
     .doc = "Whether a != b.",
     .example = "not_equal([1, 2], 2)  #= [true, false]",
     .loop = rules::compare,
     .formula = binary(not_equal)},
    {.name = "less",
     .python = "numpy.less",
     .params = "a, b",
     .doc = "Whether a < b.",
     .example = "less([1, 2], 2)  #= [true, false]",
     .loop = rules::compare,
     .formula = binary(less)},
    {.name = "less_equal",
     .python = "numpy.less_equal",
     .params = "a, b",
     .doc = "Whether a <= b.",
     .example = "less_equal([1, 3], 2)  #= [true, false]",
     .loop = rules::compare,
     .formula = binary(less_equal)},
    {.name = "greater",
     .python = "numpy.greater",
     .params = "a, b",
     .doc = "Whether a > b.",
     .example = "greater([1, 3], 2)  #= [false, true]",
     .loop = rules::compare,
     .formula = binary(greater)},
    {.name = "greater_equal",
     .python = "numpy.greater_equal",
     .params = "a, b",
     .doc = "Whether a >= b.",
     .example = "greater_equal([1, 2], 2)  #= [false, true]",
     .loop = rules::compare,
     .formula = binary(greater_equal)},
    {.name = "__scalar_less",
     .params = "a, b",
     .doc = "Whether a < b, for complex numbers of NumPy that are no arrays.",
     .example = "__scalar_less(1, 2)  #= true",
     .loop = rules::compare,
     .formula = binary(scalar_less)},
    {.name = "__scalar_less_equal",
     .params = "a, b",
     .doc = "Whether a <= b, for complex numbers of NumPy that are no arrays.",
     .example = "__scalar_less_equal(3, 2)  #= false",
     .loop = rules::compare,
     .formula = binary(scalar_less_equal)},
    {.name = "__scalar_greater",
     .params = "a, b",
     .doc = "Whether a > b, for complex numbers of NumPy that are no arrays.",
     .example = "__scalar_greater(1, 3)  #= false",
     .loop = rules::compare,
     .formula = binary(scalar_greater)},
    {.name = "__scalar_greater_equal",
     .params = "a, b",
     .doc = "Whether a >= b, for complex numbers of NumPy that are no arrays.",
     .example = "__scalar_greater_equal(2, 2)  #= true",
     .loop = rules::compare,
     .formula = binary(scalar_greater_equal)},
    {.name = "logical_and",
     .python = "numpy.logical_and",
     .params = "a, b",
     .doc = "Whether both are true.",
     .example = "logical_and([0, 1], [1, 1])  #= [false, true]",
     .loop = rules::truth,
     .formula = binary(operator&)},
    {.name = "logical_or",
     .python = "numpy.logical_or",
     .params = "a, b",
     .doc = "Whether one or both are true.",
     .example = "logical_or([0, 1], [0, 1])  #= [false, true]",
     .loop = rules::truth,
     .formula = binary(operator|)},
    {.name = "logical_xor",
     .python = "numpy.logical_xor",
     .params = "a, b",
     .doc = "Whether exactly one is true.",
     .example = "logical_xor([0, 1], [1, 1])  #= [true, false]",
     .loop = rules::truth,
     .formula = binary(operator^)},
    {.name = "logical_not",
     .python = "numpy.logical_not",
     .params = "x",
     .doc = "Whether it is false.",
     .example = "logical_not([0, 2])  #= [true, false]",
     .loop = rules::truth,
     .formula = unary(operator~)},
    {.name = "isnan",
     .python = "numpy.isnan",
     .params = "x",
     .doc = "Whether it is not a number.",
     .example = "isnan(nan)  #= true",
     .loop = rules::same,
     .formula = unary(isnan)},
    {.name = "isinf",
     .python = "numpy.isinf",
     .params = "x",
     .doc = "Whether it is infinite.",
     .example = "isinf(inf)  #= true",
     .loop = rules::same,
     .formula = unary(isinf)},
    {.name = "isfinite",
     .python = "numpy.isfinite",
     .params = "x",
     .doc = "Whether it is neither infinite nor NaN.",
     .example = "isfinite(inf)  #= false",
     .loop = rules::same,
     .formula = unary(isfinite)},
    {.name = "isneginf",
     .python = "numpy.isneginf",
     .params = "x",
     .doc = "Whether it is -inf.",
     .example = "isneginf(inf)  #= false",
     .loop = rules::real_or_bool,
     .formula = unary(isneginf)},
    {.name = "isposinf",
     .python = "numpy.isposinf",
     .params = "x",
     .doc = "Whether it is +inf.",
     .example = "isposinf(inf)  #= true",
     .loop = rules::real_or_bool,
     .formula = unary(isposinf)},
    {.name = "signbit",
     .python = "numpy.signbit",
     .params = "x",
     .doc = "Whether the sign is set, of -0.0 too.",
     .example = "signbit([1.0, -0.0])  #= [false, true]",
     .loop = rules::real_part,
     .formula = unary(signbit)},
    {.name = "iscomplex",
     .params = "x",
     .doc = "Whether the imaginary part is not 0.",
     .example = "iscomplex([1.0, 2.0])  #= [false, false]",
     .loop = rules::same,
     .formula = unary([](Expr a) {
       return a.is_complex() ? imag(a) != 0 : constant(a.code(), DType::boolean, 0);
     })},
    {.name = "isreal",
     .params = "x",
     .doc = "Whether the imaginary part is 0.",
     .example = "isreal([1.0, 2.0])  #= [true, true]",
     .loop = rules::same,
     .formula = unary([](Expr a) {
       return a.is_complex() ? imag(a) == 0 : constant(a.code(), DType::boolean, 1);
     })},
    {.name = "where",
     .python = "numpy.where",
     .params = "condition, x, y",
     .doc = "x where the condition is true, else y.",
     .example = "where([true, false], [1, 2], [3, 4])  #= [1, 4]",
     .loop = rules::choice,
     .formula = ternary(where),
     .keeps_arrays = true},
};

}  // namespace

std::span<const Primitive> comparison_primitives() { return table; }

}  // namespace jetlag
