// The operators of the language: symbols, precedence and their meaning on
// Python's own scalars.
#pragma once

#include "primitives/primitive.h"

namespace jetlag {

struct Operator {
  std::string_view name;    // "__add"
  std::string_view symbol;  // "+"; empty where PhySL has none
  int precedence;           // higher binds tighter; 0: prefix
  std::string_view python;  // "operator.add"
};
std::span<const Operator> operators();

// The truth of a value as bool() gives it; nothing for objects. An array must
// be ready. Throws Error(value) for arrays of more than one element (NumPy's
// message) .
std::optional<bool> truth(const Value& v);

}  // namespace jetlag
