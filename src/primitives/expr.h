// The expression of a formula: a graph of elementary operations, each with one
// exact meaning. The interpreter (element.cpp) evaluates it over runs of
// elements; a compiler walks the same list. Both must give the same bits, so
// an operation is defined by opcodes() below and loops.inc, nowhere else.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "array/dtype.h"

namespace jetlag {

// Operands have one dtype unless said otherwise; so does the result.
enum class Opcode : std::uint8_t {
  input,     // the operand number `index` of the program
  constant,  // the bytes in `literal`
  cast,      // as a C conversion (to bool: != 0); complex to real drops the imaginary part
  // Integers wrap, floats are IEEE, complex numbers are pairs of floats: the
  // product is (ac - bd, ad + bc), the quotient is Smith's.
  add,
  subtract,
  multiply,
  divide,
  // Integers only, rounding down as Python does. Division by zero gives 0 and
  // raises the flag; the least integer by -1 gives itself (or 0) and overflow.
  floor_divide,
  modulo,
  fmod,  // the remainder with the sign of the dividend; integers by zero: 0 and the flag
  negate,
  absolute,  // the least integer gives itself; complex: hypot of the parts, a real
  // a if a > b or a is NaN, else b; and with <. Complex: lexicographic, >= and
  // <=, false where an imaginary part is NaN.
  maximum,
  minimum,
  bit_and,
  bit_or,
  bit_xor,
  bit_not,  // booleans stay 0 or 1
  // By the width or more: all bits leave. Negative counts count as large ones.
  shift_left,
  shift_right,
  equal,
  not_equal,
  less,
  less_equal,  // a bool; less only for reals
  select,      // operands: bool, T, T
  take,        // operands: an input that is a whole array, int64: its element of that number
  real,
  imag,  // of a complex: a real
  pair,  // two reals: a complex
  floor,
  ceil,
  trunc,
  rint,
  sqrt,  // exact; sqrt also complex
  copysign,
  nextafter,
  ldexp,  // operands: float, int64
  gcd,    // never negative, but for the least integer
  // Integers by squaring, wrapping; a negative exponent throws. Floats: y == 2
  // is x * x, y == 0.5 is sqrt(x), y == -1 is 1 / x, else libm. Complex: as NumPy.
  pow,
  exp,
  exp2,
  exp10,
  expm1,
  log,
  log2,
  log10,
  log1p,
  sin,
  cos,
  tan,
  arcsin,
  arccos,
  arctan,
  sinh,
  cosh,
  tanh,
  arcsinh,
  arccosh,
  arctanh,
  cbrt,
  erf,
  erfc,
  arctan2,
  hypot,
  // hypot(a, b) and a third number, as the comparison of that name. One operation, so that a
  // compiler may leave the root out where the squares tell.
  length_less,
  length_less_equal,
  length_greater,
  length_greater_equal,
};

// What the result's dtype is, given the operands'.
enum class ResultRule : std::uint8_t { own, same, boolean, real_part, complex_of };

struct OpcodeInfo {
  Opcode opcode;
  std::string_view name;
  int arity;
  ResultRule result;
  std::string_view kinds;  // of the operands, in NumPy's letters
  bool quiet = false;      // raises no floating-point condition that NumPy would report
};
std::span<const OpcodeInfo> opcodes();
inline const OpcodeInfo& info(Opcode opcode) { return opcodes()[static_cast<std::size_t>(opcode)]; }
inline constexpr int opcode_count = static_cast<int>(Opcode::length_greater_equal) + 1;

struct Operation {
  Opcode opcode = Opcode::input;
  DType dtype = DType::boolean;             // of the result
  std::int32_t operands[3] = {-1, -1, -1};  // earlier operations
  std::int32_t index = -1;                  // of an input; of a take that is far: 0
  std::uint64_t literal[2] = {0, 0};        // of a constant
  bool operator==(const Operation&) const = default;
};

// A straight-line program: every operation reads earlier ones. Equal
// operations are one.
class Code {
 public:
  std::span<const Operation> operations() const { return operations_; }
  const Operation& operator[](int i) const { return operations_[static_cast<std::size_t>(i)]; }
  int size() const { return static_cast<int>(operations_.size()); }
  // The dtype by which an operation is chosen: that of its operands.
  DType operand_dtype(const Operation& o) const;
  int emit(const Operation& o);

 private:
  struct Hash {
    std::size_t operator()(const Operation& o) const;
  };
  std::vector<Operation> operations_;
  std::unordered_map<Operation, int, Hash> known_;
};

// One value of a Code under construction.
class Expr {
 public:
  Expr(Code& code, int value) : code_(&code), value_(value) {}
  Code& code() const { return *code_; }
  int value() const { return value_; }
  DType dtype() const { return (*code_)[value_].dtype; }
  bool is_float() const { return jetlag::is_float(dtype()); }
  bool is_complex() const { return jetlag::is_complex(dtype()); }
  bool is_integer() const { return jetlag::is_integer(dtype()); }
  bool is_boolean() const { return dtype() == DType::boolean; }

 private:
  Code* code_;
  int value_;
};

Expr apply(Opcode opcode, Expr a);
Expr apply(Opcode opcode, Expr a, Expr b);
Expr apply(Opcode opcode, Expr a, Expr b, Expr c);
Expr select(Expr condition, Expr yes, Expr no);
// Of an array that no cache holds: loads one by one wait less than a gather does.
Expr take(Expr array, Expr index, bool far);
Expr cast(Expr e, DType dtype);
// A number in the dtype of another expression.
Expr constant(Expr like, double value);
Expr constant(Code& code, DType dtype, double value);
DType real_dtype(DType dtype);  // complex64 -> float32; others stay
Expr isnan(Expr e);
Expr isinf(Expr e);
Expr isfinite(Expr e);
Expr signbit(Expr e);

inline Expr operator+(Expr a, Expr b) { return apply(Opcode::add, a, b); }
inline Expr operator-(Expr a, Expr b) { return apply(Opcode::subtract, a, b); }
inline Expr operator*(Expr a, Expr b) { return apply(Opcode::multiply, a, b); }
inline Expr operator/(Expr a, Expr b) { return apply(Opcode::divide, a, b); }
inline Expr operator-(Expr a) { return apply(Opcode::negate, a); }
inline Expr operator&(Expr a, Expr b) { return apply(Opcode::bit_and, a, b); }
inline Expr operator|(Expr a, Expr b) { return apply(Opcode::bit_or, a, b); }
inline Expr operator^(Expr a, Expr b) { return apply(Opcode::bit_xor, a, b); }
inline Expr operator~(Expr a) { return apply(Opcode::bit_not, a); }
inline Expr operator==(Expr a, Expr b) { return apply(Opcode::equal, a, b); }
inline Expr operator!=(Expr a, Expr b) { return apply(Opcode::not_equal, a, b); }
// Complex numbers are ordered by their real parts, then the imaginary ones.
Expr operator<(Expr a, Expr b);
Expr operator<=(Expr a, Expr b);
inline Expr operator>(Expr a, Expr b) { return b < a; }
inline Expr operator>=(Expr a, Expr b) { return b <= a; }

template <class T>
concept Number = std::is_arithmetic_v<T>;

template <Number T>
Expr operator+(Expr a, T b) {
  return a + constant(a, static_cast<double>(b));
}
template <Number T>
Expr operator-(Expr a, T b) {
  return a - constant(a, static_cast<double>(b));
}
template <Number T>
Expr operator*(Expr a, T b) {
  return a * constant(a, static_cast<double>(b));
}
template <Number T>
Expr operator/(Expr a, T b) {
  return a / constant(a, static_cast<double>(b));
}
template <Number T>
Expr operator==(Expr a, T b) {
  return a == constant(a, static_cast<double>(b));
}
template <Number T>
Expr operator!=(Expr a, T b) {
  return a != constant(a, static_cast<double>(b));
}
template <Number T>
Expr operator<(Expr a, T b) {
  return a < constant(a, static_cast<double>(b));
}
template <Number T>
Expr operator<=(Expr a, T b) {
  return a <= constant(a, static_cast<double>(b));
}
template <Number T>
Expr operator>(Expr a, T b) {
  return a > constant(a, static_cast<double>(b));
}
template <Number T>
Expr operator>=(Expr a, T b) {
  return a >= constant(a, static_cast<double>(b));
}

// "%2 = multiply f64 %0 %1", a line each: what a compiler would see.
std::string to_text(const Code& code);

// Names for the operations that have no symbol.
#define JETLAG_UNARY(name) \
  inline Expr name(Expr a) { return apply(Opcode::name, a); }
#define JETLAG_BINARY(name) \
  inline Expr name(Expr a, Expr b) { return apply(Opcode::name, a, b); }
// clang-format off
JETLAG_UNARY(absolute) JETLAG_UNARY(real) JETLAG_UNARY(imag) JETLAG_UNARY(floor) JETLAG_UNARY(ceil)
JETLAG_UNARY(trunc) JETLAG_UNARY(rint) JETLAG_UNARY(sqrt) JETLAG_UNARY(exp) JETLAG_UNARY(exp2)
JETLAG_UNARY(exp10) JETLAG_UNARY(expm1) JETLAG_UNARY(log) JETLAG_UNARY(log2) JETLAG_UNARY(log10)
JETLAG_UNARY(log1p) JETLAG_UNARY(sin) JETLAG_UNARY(cos) JETLAG_UNARY(tan) JETLAG_UNARY(arcsin)
JETLAG_UNARY(arccos) JETLAG_UNARY(arctan) JETLAG_UNARY(sinh) JETLAG_UNARY(cosh) JETLAG_UNARY(tanh)
JETLAG_UNARY(arcsinh) JETLAG_UNARY(arccosh) JETLAG_UNARY(arctanh) JETLAG_UNARY(cbrt)
JETLAG_UNARY(erf) JETLAG_UNARY(erfc) JETLAG_BINARY(floor_divide) JETLAG_BINARY(modulo)
JETLAG_BINARY(fmod) JETLAG_BINARY(maximum) JETLAG_BINARY(minimum) JETLAG_BINARY(pair)
JETLAG_BINARY(shift_left) JETLAG_BINARY(shift_right) JETLAG_BINARY(copysign)
JETLAG_BINARY(nextafter) JETLAG_BINARY(ldexp) JETLAG_BINARY(gcd) JETLAG_BINARY(pow)
JETLAG_BINARY(arctan2) JETLAG_BINARY(hypot)
// clang-format on
#undef JETLAG_UNARY
#undef JETLAG_BINARY

}  // namespace jetlag
