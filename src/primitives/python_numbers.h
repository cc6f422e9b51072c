// Python's own arithmetic on bool, int, float and complex, as CPython 3.11
// does it. Unbound means: not here (an int beyond 64 bits, a type error, an
// OverflowError); the host then computes or raises.
#pragma once

#include "array/value.h"

namespace jetlag::python {

Value add(const Value& a, const Value& b);  // strings too
Value subtract(const Value& a, const Value& b);
Value multiply(const Value& a, const Value& b);
Value divide(const Value& a, const Value& b);
Value floor_divide(const Value& a, const Value& b);
Value modulo(const Value& a, const Value& b);
Value power(const Value& a, const Value& b);
Value left_shift(const Value& a, const Value& b);
Value right_shift(const Value& a, const Value& b);
Value bit_and(const Value& a, const Value& b);
Value bit_or(const Value& a, const Value& b);
Value bit_xor(const Value& a, const Value& b);
Value negative(const Value& a);
Value positive(const Value& a);
Value invert(const Value& a);

// The result of a comparison; nothing where Python would ask the objects.
std::optional<bool> equal(const Value& a, const Value& b);
std::optional<bool> less(const Value& a, const Value& b);
std::optional<bool> less_equal(const Value& a, const Value& b);

Value to_int(const Value& v);
Value to_float(const Value& v);

double hypot(double x, double y);  // as math.hypot rounds it, nearly always correctly

}  // namespace jetlag::python
