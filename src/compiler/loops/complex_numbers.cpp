// Complex numbers, held as two floats: Python's arithmetic on its own, and what NumPy's is made of.
#include <cmath>
#include <limits>

#include "compiler/loops/specialiser.h"

namespace jetlag::loops {

namespace {

constexpr DType f64 = DType::float64, b1 = DType::boolean;

Kind real_kind() { return python_kind(ValueKind::real); }
Kind bool_kind() { return python_kind(ValueKind::boolean); }
Kind complex_kind() { return python_kind(ValueKind::complex); }

}  // namespace

// A real number has an imaginary part of 0.0, as where Python or NumPy convert it.
Parts Specialiser::parts_of(const Val& v) {
  if (v.kind.is_complex_number()) return {v.value, v.imaginary};
  return {as_real(v), real(0)};
}

Parts Specialiser::sum(Opcode opcode, const Parts& a, const Parts& b) {
  return {compute(opcode, f64, a.re, b.re), compute(opcode, f64, a.im, b.im)};
}

Parts Specialiser::product(const Parts& a, const Parts& b) {
  const auto times = [&](int x, int y) { return compute(Opcode::multiply, f64, x, y); };
  return {compute(Opcode::subtract, f64, times(a.re, b.re), times(a.im, b.im)),
          compute(Opcode::add, f64, times(a.re, b.im), times(a.im, b.re))};
}

// Smith's algorithm, by the larger part of the divisor: what is left to be divided, and by what.
std::pair<Parts, int> Specialiser::reduced(const Parts& a, const Parts& b) {
  const auto choose = [&](int condition, int x, int y) {
    return compute(Opcode::select, f64, condition, x, y);
  };
  const auto times = [&](int x, int y) { return compute(Opcode::multiply, f64, x, y); };
  const int by_real = compute(Opcode::less_equal, f64, compute(Opcode::absolute, f64, b.im),
                              compute(Opcode::absolute, f64, b.re));
  const int large = choose(by_real, b.re, b.im), small = choose(by_real, b.im, b.re);
  const int ratio = compute(Opcode::divide, f64, small, large);
  const int size = compute(Opcode::add, f64, large, times(small, ratio));
  const int first = choose(by_real, a.re, a.im), second = choose(by_real, a.im, a.re);
  const int re = compute(Opcode::add, f64, first, times(second, ratio));
  const int part = times(first, ratio);
  // Not the one negated: equal numbers have the difference 0.0 both ways.
  const int im = choose(by_real, compute(Opcode::subtract, f64, second, part),
                        compute(Opcode::subtract, f64, part, second));
  return {{re, im}, size};
}

int Specialiser::equals(const Parts& a, const Parts& b) {
  return both(compute(Opcode::equal, f64, a.re, b.re), compute(Opcode::equal, f64, a.im, b.im));
}

int Specialiser::is_infinite(int value) {
  const int infinity = real(std::numeric_limits<double>::infinity());
  return compute(Opcode::equal, f64, compute(Opcode::absolute, f64, value), infinity);
}

// ---- Python's --------------------------------------------------------------------------------

Val Specialiser::python_complexes(std::string_view n, const Val& x, const Val& y) {
  if (n == "__eq" || n == "__ne") {
    const Val& z = x.kind.is_complex_number() ? x : y;
    const Val& other = x.kind.is_complex_number() ? y : x;
    int same;
    if (other.kind.is_complex_number()) {
      same = equals(parts_of(z), parts_of(other));
    } else {
      const Val re{real_kind(), z.value};
      const int alike = other.kind.is(ValueKind::scalar)
                            ? compute(Opcode::equal, f64, re.value, other.value)
                            : python_compare("__eq", re, other).value;
      same = both(compute(Opcode::equal, f64, z.imaginary, real(0)), alike);
    }
    return {bool_kind(), n == "__eq" ? same : negated(same)};
  }
  const Parts a = parts_of(x);
  if (n == "__pow") return complex_power(a, y);
  const Parts b = parts_of(y);
  const auto made = [](const Parts& p) { return Val{complex_kind(), p.re, p.im}; };
  if (n == "__add") return made(sum(Opcode::add, a, b));
  if (n == "__sub") return made(sum(Opcode::subtract, a, b));
  if (n == "__mul") return made(product(a, b));
  if (n == "__div") {
    // A zero is an error; what Python makes of a NaN is its own.
    leave_if(equals(b, {real(0), real(0)}));
    leave_if(either(compute(Opcode::not_equal, f64, b.re, b.re),
                    compute(Opcode::not_equal, f64, b.im, b.im)));
    const auto [rest, size] = reduced(a, b);
    return made(
        {compute(Opcode::divide, f64, rest.re, size), compute(Opcode::divide, f64, rest.im, size)});
  }
  decline(format("it calls {} on complex numbers", n));
}

// To a small whole power, as CPython multiplies.
Val Specialiser::complex_power(const Parts& base, const Val& exponent) {
  constexpr std::int64_t most = 16;
  const Kind& k = exponent.kind;
  if (!k.is(ValueKind::integer) || !k.known || k.literal < 1 || k.literal > most)
    decline("it raises a complex number to a power that is no small constant");
  Parts result{real(1), real(0)}, power = base;
  for (std::int64_t bit = 1; bit <= k.literal; bit <<= 1) {
    if (k.literal & bit) result = product(result, power);
    power = product(power, power);
  }
  leave_if(either(is_infinite(result.re), is_infinite(result.im)));
  return {complex_kind(), result.re, result.im};
}

Val Specialiser::complex_unary(std::string_view n, const Val& v) {
  if (n == "__plus") return v;
  if (n == "__minus")
    return {v.kind, compute(Opcode::negate, f64, v.value),
            compute(Opcode::negate, f64, v.imaginary)};
  if (n != "__abs") decline(format("it calls {}", n));
  const int size =
      emit({.what = Do::library, .dtype = f64, .a = v.value, .b = v.imaginary, .name = "hypot"});
  // An overflow is an error; an infinite part is none.
  const int may_be = either(is_infinite(v.value), is_infinite(v.imaginary));
  leave_if(negated(either(finite(size, f64), may_be)));
  return {real_kind(), size};
}

// Real numbers have both parts as well, of their own kind.
Val Specialiser::number_attribute(const Val& v, std::string_view name) {
  const DType d = held_as(v.kind);
  if ((name != "real" && name != "imag") || d == b1) decline(format("it reads .{}", name));
  if (v.kind.is_complex_number()) {
    const Kind k = v.kind.is(ValueKind::scalar) ? scalar_kind(f64) : real_kind();
    return {k, name == "real" ? v.value : v.imaginary};
  }
  if (name == "real") return v;
  const Kind k = v.kind.is(ValueKind::scalar) ? scalar_kind(d) : python_kind(v.kind.kind);
  return {k, literal(d, 0)};
}

Val Specialiser::make_complex(std::span<const Val> args) {
  const bool two = args.size() > 1 && args[1].kind.is_number();
  if (!two) {
    const Parts p = parts_of(args[0]);
    return {complex_kind(), p.re, p.im};
  }
  return {complex_kind(), as_real(args[0]), as_real(args[1])};
}

// ---- NumPy's ---------------------------------------------------------------------------------

// One operation of a formula, as the primitives' loops do it.
Parts Specialiser::complex_operation(const Code& code, const Operation& o,
                                     std::span<const Parts> operands) {
  const auto [a, b, c] = std::array{operands[0], operands[1], operands[2]};
  switch (o.opcode) {
    case Opcode::constant: {
      const Parts p{literal(f64, o.literal[0]), literal(f64, o.literal[1])};
      return p;
    }
    case Opcode::cast: {
      const DType from = code[o.operands[0]].dtype;
      if (is_complex(from) || o.dtype != DType::complex128) break;
      return {cast(a.re, from, f64), real(0)};
    }
    case Opcode::pair: return {a.re, b.re};
    case Opcode::real: return {a.re, -1};
    case Opcode::imag: return {a.im, -1};
    case Opcode::add:
    case Opcode::subtract: return sum(o.opcode, a, b);
    case Opcode::multiply: return product(a, b);
    case Opcode::divide: {
      leave_if(equals(b, {real(0), real(0)}));
      const auto [rest, size] = reduced(a, b);
      const int scale = compute(Opcode::divide, f64, real(1), size);
      const auto scaled = [&](int part) { return compute(Opcode::multiply, f64, part, scale); };
      return {scaled(rest.re), scaled(rest.im)};
    }
    case Opcode::negate:
      return {compute(Opcode::negate, f64, a.re), compute(Opcode::negate, f64, a.im)};
    case Opcode::pow: {
      const auto exponent = constant(b.re);
      if (constant(b.im) != 0.0 || (exponent != 2.0 && exponent != 3.0)) break;
      Parts power = product(a, a);
      if (exponent == 3.0) power = product(a, power);
      // Without the signs of the zeros.
      const int none = equals(a, {real(0), real(0)});
      return {compute(Opcode::select, f64, none, real(0), power.re),
              compute(Opcode::select, f64, none, real(0), power.im)};
    }
    case Opcode::equal: return {equals(a, b), -1};
    case Opcode::not_equal: return {negated(equals(a, b)), -1};
    case Opcode::select:
      return {compute(Opcode::select, f64, a.re, b.re, c.re),
              compute(Opcode::select, f64, a.re, b.im, c.im)};
    default: break;
  }
  decline("it holds an operation on complex numbers");
}

}  // namespace jetlag::loops
