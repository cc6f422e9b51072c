// Python's arithmetic on its own numbers: ints that would not fit 64 bits, divisions by zero and
// what is an error otherwise leave at the operation.
#include <bit>
#include <cmath>
#include <limits>
#include <numbers>

#include "compiler/loops/specialiser.h"
#include "primitives/python_numbers.h"

namespace jetlag::loops {

namespace {

constexpr DType i64 = DType::int64, f64 = DType::float64, b1 = DType::boolean;
constexpr std::int64_t exact_limit = std::int64_t{1} << 53;

Kind int_kind() { return python_kind(ValueKind::integer); }
Kind real_kind() { return python_kind(ValueKind::real); }
Kind bool_kind() { return python_kind(ValueKind::boolean); }

bool is_comparison(std::string_view n) {
  return n == "__eq" || n == "__ne" || n == "__lt" || n == "__le" || n == "__gt" || n == "__ge";
}

}  // namespace

Val Specialiser::python_binary(const Primitive& p, const Val& a, const Val& b) {
  if (a.kind.is_complex_number() || b.kind.is_complex_number())
    return python_complexes(p.name, a, b);
  if (is_comparison(p.name)) return python_compare(p.name, a, b);
  if (a.kind.is_whole() && b.kind.is_whole()) return python_integers(p.name, a, b);
  return python_reals(p.name, a, b);
}

Val Specialiser::python_integers(std::string_view n, const Val& x, const Val& y) {
  const bool bools = x.kind.is(ValueKind::boolean) && y.kind.is(ValueKind::boolean);
  const int a = cast(x.value, held_as(x.kind), i64), b = cast(y.value, held_as(y.kind), i64);
  const Opcode o = n == "__add" ? Opcode::add : n == "__sub" ? Opcode::subtract : Opcode::multiply;
  if (n == "__add" || n == "__sub" || n == "__mul") {
    const Val known = symbolic(o, x, y);
    if (known.kind.bound()) return known;
    return {int_kind(), checked(o, i64, a, b)};
  }
  if (n == "__bitand" || n == "__bitor" || n == "__bitxor") {
    const Opcode bits = n == "__bitand"  ? Opcode::bit_and
                        : n == "__bitor" ? Opcode::bit_or
                                         : Opcode::bit_xor;
    if (bools) return {bool_kind(), compute(bits, b1, x.value, y.value)};
    return {int_kind(), compute(bits, i64, a, b)};
  }
  if (n == "__floordiv" || n == "__mod") {
    check_integer_division(i64, a, b);
    return {int_kind(), compute(n == "__mod" ? Opcode::modulo : Opcode::floor_divide, i64, a, b)};
  }
  if (n == "__div") {
    leave_if(compute(Opcode::equal, i64, b, integer(0)));
    for (int v : {a, b}) {
      leave_if(compute(Opcode::less, i64, integer(exact_limit), v));
      leave_if(compute(Opcode::less, i64, v, integer(-exact_limit)));
    }
    return {real_kind(), compute(Opcode::divide, f64, cast(a, i64, f64), cast(b, i64, f64))};
  }
  if (n == "__pow" && y.kind.known && y.kind.literal >= 0 && y.kind.literal <= 8) {
    int product = integer(1);
    for (std::int64_t i = 0; i < y.kind.literal; ++i)
      product = i == 0 ? a : checked(Opcode::multiply, i64, product, a);
    return {int_kind(), product};
  }
  if (n == "__rshift" || n == "__lshift") {
    if (!y.kind.known || y.kind.literal < 0 || y.kind.literal > 62)
      decline("it shifts by a variable");
    const int factor = integer(std::int64_t{1} << y.kind.literal);
    if (n == "__lshift") return {int_kind(), checked(Opcode::multiply, i64, a, factor)};
    return {int_kind(), compute(Opcode::floor_divide, i64, a, factor)};
  }
  decline(format("it calls {} on ints", n));
}

Val Specialiser::python_reals(std::string_view n, const Val& x, const Val& y) {
  const int a = as_real(x), b = as_real(y);
  const Arithmetic arithmetic(*this, true);
  if (n == "__add") return {real_kind(), compute(Opcode::add, f64, a, b)};
  if (n == "__sub") return {real_kind(), compute(Opcode::subtract, f64, a, b)};
  if (n == "__mul") return {real_kind(), compute(Opcode::multiply, f64, a, b)};
  if (n == "__div" || n == "__floordiv" || n == "__mod") {
    leave_if(compute(Opcode::equal, f64, b, real(0)));
    if (n == "__div") return {real_kind(), compute(Opcode::divide, f64, a, b)};
    const Primitive* p = find_primitive(n == "__mod" ? "remainder" : "floor_divide");
    const Val args[] = {{scalar_kind(f64), a}, {scalar_kind(f64), b}};
    return {real_kind(), evaluate(*p, args).value};
  }
  if (n == "__pow") {
    // What is not plain (zero, a root of a negative number, an overflow) is Python's.
    const bool whole =
        y.kind.is_whole() || (y.kind.known && std::trunc(std::bit_cast<double>(y.kind.literal)) ==
                                                  std::bit_cast<double>(y.kind.literal));
    if (whole) leave_if(compute(Opcode::equal, f64, a, real(0)));
    else leave_if(compute(Opcode::less_equal, f64, a, real(0)));
    const int power = emit({.what = Do::library, .dtype = f64, .a = a, .b = b, .name = "pow"});
    leave_if(negated(finite(power, f64)));
    return {real_kind(), power};
  }
  decline(format("it calls {} on floats", n));
}

Val Specialiser::python_compare(std::string_view n, const Val& x, const Val& y) {
  DType d = f64;
  int a, b;
  if (x.kind.is_whole() && y.kind.is_whole()) {
    d = i64;
    a = cast(x.value, held_as(x.kind), i64);
    b = cast(y.value, held_as(y.kind), i64);
  } else {
    // Beyond 2**53 an int is not the float nearest to it.
    for (const Val& v : {x, y}) {
      if (!v.kind.is(ValueKind::integer)) continue;
      if (v.kind.known && std::abs(v.kind.literal) <= exact_limit) continue;
      leave_if(compute(Opcode::less, i64, integer(exact_limit), v.value));
      leave_if(compute(Opcode::less, i64, v.value, integer(-exact_limit)));
    }
    a = as_real(x);
    b = as_real(y);
  }
  if (n == "__gt" || n == "__ge") std::swap(a, b);
  const Opcode o = n == "__eq"                  ? Opcode::equal
                   : n == "__ne"                ? Opcode::not_equal
                   : n == "__lt" || n == "__gt" ? Opcode::less
                                                : Opcode::less_equal;
  return {bool_kind(), compute(o, d, a, b)};
}

Val Specialiser::python_unary(std::string_view n, const Val& v) {
  if (v.kind.is_complex_number()) return complex_unary(n, v);
  const bool whole = v.kind.is_whole();
  const int a = whole ? cast(v.value, held_as(v.kind), i64) : v.value;
  const Kind k = whole ? int_kind() : real_kind();
  if (n == "__plus") return {k, a};
  if (n == "__invert" && v.kind.is(ValueKind::integer))
    return {k, compute(Opcode::bit_xor, i64, a, integer(-1))};
  if (n == "__minus" && whole && v.kind.known && v.kind.is(ValueKind::integer)) {
    Kind known = k;
    known.known = true;
    known.literal = -v.kind.literal;
    return {known, integer(known.literal)};
  }
  if (n == "__minus" && !whole) return {k, compute(Opcode::negate, f64, a)};
  if (n == "__abs" && !whole) return {k, compute(Opcode::absolute, f64, a)};
  if (n == "__minus") return {k, checked(Opcode::subtract, i64, integer(0), a)};
  if (n == "__abs") {
    const int minus = checked(Opcode::subtract, i64, integer(0), a);
    return {k, compute(Opcode::select, i64, compute(Opcode::less, i64, a, integer(0)), minus, a)};
  }
  decline(format("it calls {}", n));
}

// The module math, by the same functions as the interpreter's; what is an error leaves, and Python
// raises it.
Val Specialiser::math(const Primitive& p, std::span<const Val> args) {
  constexpr std::string_view prefix = "__math_";
  const std::string_view n = p.name.substr(prefix.size());
  const bool down = n == "floor";
  if (down || n == "ceil" || n == "trunc") {
    if (args[0].kind.is(ValueKind::integer)) return {int_kind(), args[0].value};
    const DType d = held_as(args[0].kind);
    if (!is_float(d) || (n == "trunc" && d != f64))
      decline(format("it calls math.{} of such a number", n));
    const Opcode o = down ? Opcode::floor : n == "ceil" ? Opcode::ceil : Opcode::trunc;
    return to_int({real_kind(), compute(o, f64, as_real(args[0]))});
  }
  const int x = as_real(args[0]);
  if (n == "isnan") return {bool_kind(), compute(Opcode::not_equal, f64, x, x)};
  if (n == "isfinite") return {bool_kind(), finite(x, f64)};
  if (n == "isinf") {
    const int infinity = real(std::numeric_limits<double>::infinity());
    return {bool_kind(), compute(Opcode::equal, f64, compute(Opcode::absolute, f64, x), infinity)};
  }
  if (n == "fabs") return {real_kind(), compute(Opcode::absolute, f64, x)};
  if (n == "copysign") return {real_kind(), compute(Opcode::copysign, f64, x, as_real(args[1]))};
  if (n == "degrees" || n == "radians") {
    const double factor = n == "degrees" ? 180 / std::numbers::pi : std::numbers::pi / 180;
    return {real_kind(), compute(Opcode::multiply, f64, x, real(factor))};
  }
  if (n == "sqrt") {
    leave_if(compute(Opcode::less, f64, x, real(0)));
    return {real_kind(), compute(Opcode::sqrt, f64, x)};
  }
  const bool ours = n == "hypot";
  const int made = emit({.what = Do::library,
                         .dtype = f64,
                         .a = x,
                         .b = args.size() > 1 ? as_real(args[1]) : -1,
                         .literal = ours ? reinterpret_cast<std::uint64_t>(&python::hypot) : 0,
                         .name = ours ? "jetlag_hypot" : p.name.data() + prefix.size()});
  leave_if(negated(finite(made, f64)));
  return {real_kind(), made};
}

}  // namespace jetlag::loops
