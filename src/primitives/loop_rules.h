// How ufuncs choose the dtypes of their loop: NumPy 2's promotion, in which
// Python's scalars are weak (NEP 50).
#pragma once

#include "primitives/primitive.h"

namespace jetlag {

// numpy.result_type of the operands.
DType common_dtype(std::span<const Operand> operands);

namespace rules {

bool same(std::span<const Operand>, std::span<DType>);           // any dtype, the common one
bool number(std::span<const Operand>, std::span<DType>);         // bool becomes int8
bool signed_number(std::span<const Operand>, std::span<DType>);  // no bool at all
bool real_number(std::span<const Operand>, std::span<DType>);    // bool becomes int8; no complex
bool integer(std::span<const Operand>, std::span<DType>);        // bool becomes int8; integers only
bool true_integer(std::span<const Operand>, std::span<DType>);   // integers; not of bools alone
bool bits(std::span<const Operand>, std::span<DType>);           // bool and integers
bool real_or_bool(std::span<const Operand>, std::span<DType>);   // all but complex, unchanged
// float16 would be NumPy's for bool and 8-bit integers: those decline.
bool inexact(std::span<const Operand>, std::span<DType>);
bool real_inexact(std::span<const Operand>, std::span<DType>);
bool real_part(std::span<const Operand>, std::span<DType>);  // no complex; integers as float64
bool quotient(std::span<const Operand>, std::span<DType>);   // integers become float64
bool widest(std::span<const Operand>, std::span<DType>);     // float64 or complex128
bool compare(std::span<const Operand>, std::span<DType>);    // integers compare exactly
bool truth(std::span<const Operand>, std::span<DType>);      // every operand becomes a bool
bool clip(std::span<const Operand>, std::span<DType>);       // reals; the first is strong
bool choice(std::span<const Operand>,
            std::span<DType>);  // bool, and the common dtype; a weak int as int64
bool scale(std::span<const Operand>, std::span<DType>);     // a float and an integer: ldexp
bool subtract(std::span<const Operand>, std::span<DType>);  // throws for bool
bool negative(std::span<const Operand>, std::span<DType>);  // throws for bool

}  // namespace rules

constexpr Formula unary(Expr (*f)(Expr)) { return {.arity = 1, .unary = f}; }
constexpr Formula binary(Expr (*f)(Expr, Expr)) { return {.arity = 2, .binary = f}; }
constexpr Formula ternary(Expr (*f)(Expr, Expr, Expr)) { return {.arity = 3, .ternary = f}; }

// Another name of a row. Reports to users carry the name of the first.
constexpr Primitive alias(const Primitive& row, std::string_view name,
                          std::string_view python = {}) {
  Primitive other = row;
  other.name = name;
  other.python = python;
  other.example = {};
  other.method = {};
  other.attribute = {};
  return other;
}

}  // namespace jetlag
