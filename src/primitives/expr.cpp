#include "primitives/expr.h"

#include <cstring>
#include <optional>
#include <utility>

#include "base/text.h"

namespace jetlag {

namespace {

using enum ResultRule;

// In the order of the enumerators.
constexpr OpcodeInfo table[] = {
    {Opcode::input, "input", 0, own, ""},
    {Opcode::constant, "constant", 0, own, ""},
    {Opcode::cast, "cast", 1, own, "biufc"},
    {Opcode::add, "add", 2, same, "iufc"},
    {Opcode::subtract, "subtract", 2, same, "iufc"},
    {Opcode::multiply, "multiply", 2, same, "iufc"},
    {Opcode::divide, "divide", 2, same, "fc"},
    {Opcode::floor_divide, "floor_divide", 2, same, "iu"},
    {Opcode::modulo, "modulo", 2, same, "iu"},
    {Opcode::fmod, "fmod", 2, same, "iuf"},
    {Opcode::negate, "negate", 1, same, "iufc", true},
    {Opcode::absolute, "absolute", 1, real_part, "iufc"},
    {Opcode::maximum, "maximum", 2, same, "iufc", true},
    {Opcode::minimum, "minimum", 2, same, "iufc", true},
    {Opcode::bit_and, "bit_and", 2, same, "biu", true},
    {Opcode::bit_or, "bit_or", 2, same, "biu", true},
    {Opcode::bit_xor, "bit_xor", 2, same, "biu", true},
    {Opcode::bit_not, "bit_not", 1, same, "biu", true},
    {Opcode::shift_left, "shift_left", 2, same, "iu", true},
    {Opcode::shift_right, "shift_right", 2, same, "iu", true},
    {Opcode::equal, "equal", 2, boolean, "biufc", true},
    {Opcode::not_equal, "not_equal", 2, boolean, "biufc", true},
    {Opcode::less, "less", 2, boolean, "biuf", true},
    {Opcode::less_equal, "less_equal", 2, boolean, "biuf", true},
    {Opcode::select, "select", 3, same, "biufc", true},
    {Opcode::take, "take", 2, same, "biufc", true},
    {Opcode::real, "real", 1, real_part, "c", true},
    {Opcode::imag, "imag", 1, real_part, "c", true},
    {Opcode::pair, "pair", 2, complex_of, "f", true},
    {Opcode::floor, "floor", 1, same, "f", true},
    {Opcode::ceil, "ceil", 1, same, "f", true},
    {Opcode::trunc, "trunc", 1, same, "f", true},
    {Opcode::rint, "rint", 1, same, "f", true},
    {Opcode::sqrt, "sqrt", 1, same, "fc"},
    {Opcode::copysign, "copysign", 2, same, "f", true},
    {Opcode::nextafter, "nextafter", 2, same, "f"},
    {Opcode::ldexp, "ldexp", 2, same, "f"},
    {Opcode::gcd, "gcd", 2, same, "iu"},
    {Opcode::pow, "pow", 2, same, "iufc"},
    {Opcode::exp, "exp", 1, same, "fc"},
    {Opcode::exp2, "exp2", 1, same, "f"},
    {Opcode::exp10, "exp10", 1, same, "f"},
    {Opcode::expm1, "expm1", 1, same, "f"},
    {Opcode::log, "log", 1, same, "fc"},
    {Opcode::log2, "log2", 1, same, "f"},
    {Opcode::log10, "log10", 1, same, "f"},
    {Opcode::log1p, "log1p", 1, same, "f"},
    {Opcode::sin, "sin", 1, same, "fc"},
    {Opcode::cos, "cos", 1, same, "fc"},
    {Opcode::tan, "tan", 1, same, "fc"},
    {Opcode::arcsin, "arcsin", 1, same, "fc"},
    {Opcode::arccos, "arccos", 1, same, "fc"},
    {Opcode::arctan, "arctan", 1, same, "fc"},
    {Opcode::sinh, "sinh", 1, same, "fc"},
    {Opcode::cosh, "cosh", 1, same, "fc"},
    {Opcode::tanh, "tanh", 1, same, "fc"},
    {Opcode::arcsinh, "arcsinh", 1, same, "fc"},
    {Opcode::arccosh, "arccosh", 1, same, "fc"},
    {Opcode::arctanh, "arctanh", 1, same, "fc"},
    {Opcode::cbrt, "cbrt", 1, same, "f"},
    {Opcode::erf, "erf", 1, same, "f"},
    {Opcode::erfc, "erfc", 1, same, "f"},
    {Opcode::arctan2, "arctan2", 2, same, "f"},
    {Opcode::hypot, "hypot", 2, same, "f"},
    {Opcode::length_less, "length_less", 3, boolean, "f"},
    {Opcode::length_less_equal, "length_less_equal", 3, boolean, "f"},
    {Opcode::length_greater, "length_greater", 3, boolean, "f"},
    {Opcode::length_greater_equal, "length_greater_equal", 3, boolean, "f"},
};
static_assert(std::size(table) == opcode_count);

constexpr bool in_order() {
  for (int i = 0; i < opcode_count; ++i) {
    if (static_cast<int>(table[i].opcode) != i) return false;
  }
  return true;
}
static_assert(in_order());

DType complex_dtype(DType d) { return d == DType::float32 ? DType::complex64 : DType::complex128; }

DType result_dtype(Opcode opcode, DType operand) {
  switch (info(opcode).result) {
    case boolean: return DType::boolean;
    case real_part: return real_dtype(operand);
    case complex_of: return complex_dtype(operand);
    default: return operand;
  }
}

// All the operands that choose the loop share its dtype; a condition and the
// exponent of ldexp have their own.
void check_operands(Opcode opcode, std::span<const Expr> operands) {
  const DType first = operands[0].dtype();
  JETLAG_CHECK(info(opcode).kinds.find(kind_of(first)) != std::string_view::npos,
               "{} does not take {}", info(opcode).name, info(first).name);
  for (const Expr& e : operands) {
    JETLAG_CHECK(&e.code() == &operands[0].code(), "{} mixes two programs", info(opcode).name);
    JETLAG_CHECK(e.dtype() == first || opcode == Opcode::ldexp, "{} of {} and {}",
                 info(opcode).name, info(first).name, info(e.dtype()).name);
  }
}

}  // namespace

std::span<const OpcodeInfo> opcodes() { return table; }

std::size_t Code::Hash::operator()(const Operation& o) const {
  std::size_t hash = static_cast<std::size_t>(o.opcode) * 16 + static_cast<std::size_t>(o.dtype);
  auto mix = [&](std::uint64_t part) { hash = (hash ^ part) * 0x9e3779b97f4a7c15u; };
  for (std::int32_t operand : o.operands) mix(static_cast<std::uint64_t>(operand));
  mix(static_cast<std::uint64_t>(o.index));
  mix(o.literal[0]);
  mix(o.literal[1]);
  return hash;
}

DType Code::operand_dtype(const Operation& o) const {
  if (info(o.opcode).arity == 0 || o.opcode == Opcode::select) return o.dtype;
  return (*this)[o.operands[0]].dtype;
}

int Code::emit(const Operation& o) {
  const auto [place, fresh] = known_.try_emplace(o, size());
  if (fresh) operations_.push_back(o);
  return place->second;
}

Expr apply(Opcode opcode, Expr a) {
  check_operands(opcode, {{a}});
  const int value = a.code().emit({.opcode = opcode,
                                   .dtype = result_dtype(opcode, a.dtype()),
                                   .operands = {a.value(), -1, -1}});
  return {a.code(), value};
}

Expr apply(Opcode opcode, Expr a, Expr b) {
  check_operands(opcode, {{a, b}});
  const int value = a.code().emit({.opcode = opcode,
                                   .dtype = result_dtype(opcode, a.dtype()),
                                   .operands = {a.value(), b.value(), -1}});
  return {a.code(), value};
}

Expr apply(Opcode opcode, Expr a, Expr b, Expr c) {
  check_operands(opcode, {{a, b, c}});
  const int value = a.code().emit({.opcode = opcode,
                                   .dtype = result_dtype(opcode, a.dtype()),
                                   .operands = {a.value(), b.value(), c.value()}});
  return {a.code(), value};
}

Expr select(Expr condition, Expr yes, Expr no) {
  JETLAG_CHECK(condition.is_boolean(), "select wants a bool, not {}", info(condition.dtype()).name);
  check_operands(Opcode::select, {{yes, no}});
  if (yes.value() == no.value()) return yes;
  const int value = yes.code().emit({.opcode = Opcode::select,
                                     .dtype = yes.dtype(),
                                     .operands = {condition.value(), yes.value(), no.value()}});
  return {yes.code(), value};
}

Expr take(Expr array, Expr index, bool far) {
  JETLAG_CHECK(index.dtype() == DType::int64, "take wants an int64, not {}",
               info(index.dtype()).name);
  const int value = array.code().emit({.opcode = Opcode::take,
                                       .dtype = array.dtype(),
                                       .operands = {array.value(), index.value(), -1},
                                       .index = far ? 0 : -1});
  return {array.code(), value};
}

Expr cast(Expr e, DType dtype) {
  if (e.dtype() == dtype) return e;
  const int value =
      e.code().emit({.opcode = Opcode::cast, .dtype = dtype, .operands = {e.value(), -1, -1}});
  return {e.code(), value};
}

Expr constant(Code& code, DType dtype, double value) {
  Operation o{.opcode = Opcode::constant, .dtype = dtype};
  visit(dtype, [&]<class T>(Tag<T>) {
    const T element = static_cast<T>(value);
    std::memcpy(o.literal, &element, sizeof element);
  });
  return {code, code.emit(o)};
}

Expr constant(Expr like, double value) { return constant(like.code(), like.dtype(), value); }

DType real_dtype(DType dtype) {
  if (dtype == DType::complex64) return DType::float32;
  return dtype == DType::complex128 ? DType::float64 : dtype;
}

Expr isnan(Expr e) {
  if (e.is_complex()) return isnan(real(e)) | isnan(imag(e));
  return e.is_float() ? e != e : constant(e.code(), DType::boolean, 0);
}

Expr isinf(Expr e) {
  if (e.is_complex()) return isinf(real(e)) | isinf(imag(e));
  if (!e.is_float()) return constant(e.code(), DType::boolean, 0);
  return absolute(e) == std::numeric_limits<double>::infinity();
}

Expr isfinite(Expr e) {
  if (e.is_complex()) return isfinite(real(e)) & isfinite(imag(e));
  if (!e.is_float()) return constant(e.code(), DType::boolean, 1);
  return absolute(e) < std::numeric_limits<double>::infinity();
}

Expr signbit(Expr e) { return copysign(constant(e, 1), e) < 0; }

namespace {

// A NaN among the imaginary parts keeps the real ones from deciding.
Expr less_complex(Expr a, Expr b, Opcode last) {
  const Expr x = imag(a), y = imag(b);
  const Expr ties = (real(a) == real(b)) & apply(last, x, y);
  return ((real(a) < real(b)) & (x == x) & (y == y)) | ties;
}

// The parts whose length a value is, if it is one.
std::optional<std::pair<Expr, Expr>> length_parts(Expr e) {
  Code& code = e.code();
  const Operation o = code[e.value()];
  if (o.opcode == Opcode::hypot) return {{{code, o.operands[0]}, {code, o.operands[1]}}};
  if (o.opcode != Opcode::absolute || !is_complex(code[o.operands[0]].dtype)) return std::nullopt;
  const Expr z(code, o.operands[0]);
  return {{real(z), imag(z)}};
}

// Which of two real numbers is the less: lengths have operations of their own.
Expr less_real(Expr a, Expr b, Opcode plain, Opcode first_is_length, Opcode second_is_length) {
  if (const auto of_a = length_parts(a))
    return apply(first_is_length, of_a->first, of_a->second, b);
  if (const auto of_b = length_parts(b))
    return apply(second_is_length, of_b->first, of_b->second, a);
  return apply(plain, a, b);
}

}  // namespace

Expr operator<(Expr a, Expr b) {
  if (a.is_complex()) return less_complex(a, b, Opcode::less);
  return less_real(a, b, Opcode::less, Opcode::length_less, Opcode::length_greater);
}

Expr operator<=(Expr a, Expr b) {
  if (a.is_complex()) return less_complex(a, b, Opcode::less_equal);
  return less_real(a, b, Opcode::less_equal, Opcode::length_less_equal,
                   Opcode::length_greater_equal);
}

namespace {

std::string literal_text(const Operation& o) {
  return visit(o.dtype, [&]<class T>(Tag<T>) {
    T element;
    std::memcpy(&element, o.literal, sizeof element);
    if constexpr (requires { element.real(); }) {
      return format("{}+{}j", element.real(), element.imag());
    } else {
      return format("{}", element);
    }
  });
}

}  // namespace

std::string to_text(const Code& code) {
  std::string text;
  for (int i = 0; i < code.size(); ++i) {
    const Operation& o = code[i];
    text += format("%{} = {} {}", i, info(o.opcode).name, info(o.dtype).letter);
    if (o.opcode == Opcode::input) text += format(" {}", o.index);
    if (o.opcode == Opcode::take && o.index == 0) text += " far";
    if (o.opcode == Opcode::constant) text += " " + literal_text(o);
    for (int k = 0; k < info(o.opcode).arity; ++k) text += format(" %{}", o.operands[k]);
    text += '\n';
  }
  return text;
}

}  // namespace jetlag
