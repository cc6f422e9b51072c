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
    return kind == ValueKind::boolean || kind == ValueKind::integer || kind == ValueKind::real;
  }
  bool is_number() const { return is_python_number() || kind == ValueKind::scalar; }
  bool is_pending() const { return line && array < 0; }
  bool is_whole() const { return kind == ValueKind::boolean || kind == ValueKind::integer; }
  bool operator==(const Kind&) const = default;
};

// The dtype in which a number of the kind is held.
inline DType held_as(const Kind& k) {
  switch (k.kind) {
    case ValueKind::boolean: return DType::boolean;
    case ValueKind::real: return DType::float64;
    case ValueKind::scalar: return k.dtype;
    default: return DType::int64;
  }
}

inline Kind python_kind(ValueKind k) { return {.kind = k}; }
inline Kind scalar_kind(DType d) { return {.kind = ValueKind::scalar, .dtype = d}; }

}  // namespace jetlag::loops
