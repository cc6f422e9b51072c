// What the loop compiler knows of a variable: Python's kind of it, NumPy's dtype, which array.
#pragma once

#include "array/value.h"

namespace jetlag::loops {

struct Kind {
  ValueKind kind = ValueKind::unbound;
  DType dtype = DType::boolean;  // of a scalar or an array
  std::int16_t array = -1;       // which operand; of a tuple: the array whose shape it is, or -1
  std::int16_t rank = 0;         // axes left: a row of a matrix has one
  bool known = false;            // `literal` is its value (of an int, a bool)
  std::int64_t literal = 0;      // of a tuple of registers: the node that made it
  int symbol = -1;               // the int as a function of the loop's variable
  // An object: part of an array along one axis, `literal`; of no array: elements still to be
  // computed, `literal` of the specialiser's.
  bool line = false;
  bool flipped = false;  // a line from its end to its beginning

  bool is(ValueKind k) const { return kind == k; }
  bool bound() const { return kind != ValueKind::unbound; }
  bool is_python_number() const {
    return kind == ValueKind::boolean || kind == ValueKind::integer || kind == ValueKind::real ||
           kind == ValueKind::complex;
  }
  bool is_number() const { return is_python_number() || kind == ValueKind::scalar; }
  // Held as two numbers of float64.
  bool is_complex_number() const {
    return kind == ValueKind::complex || (kind == ValueKind::scalar && is_complex(dtype));
  }
  bool is_pending() const { return line && array < 0; }
  bool is_whole() const { return kind == ValueKind::boolean || kind == ValueKind::integer; }
  bool operator==(const Kind&) const = default;
};

// The dtype of a number of the kind.
inline DType held_as(const Kind& k) {
  switch (k.kind) {
    case ValueKind::boolean: return DType::boolean;
    case ValueKind::real: return DType::float64;
    case ValueKind::complex: return DType::complex128;
    case ValueKind::scalar: return k.dtype;
    default: return DType::int64;
  }
}

// The dtype in which it is held, or each part of it.
inline DType part_of(const Kind& k) { return k.is_complex_number() ? DType::float64 : held_as(k); }

inline Kind python_kind(ValueKind k) { return {.kind = k}; }
inline Kind scalar_kind(DType d) { return {.kind = ValueKind::scalar, .dtype = d}; }

}  // namespace jetlag::loops
