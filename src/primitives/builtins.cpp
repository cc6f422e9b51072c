// Python's builtins on numbers: exact on Python's own scalars, else they
// decline and Python computes.
#include <cmath>
#include <utility>

#include "primitives/families.h"
#include "primitives/operators.h"
#include "primitives/python_numbers.h"

namespace jetlag {

namespace {

// int beyond 64 bits and everything that is no number decline.
Value absolute(Arguments a) {
  const Value& v = a[0];
  if (v.is(ValueKind::real)) return Value::of(std::abs(v.real()));
  // Out of range is an OverflowError, which is the host's to raise.
  if (v.is(ValueKind::complex)) {
    const double size = std::abs(v.complex());
    return std::isfinite(size) ? Value::of(size) : Value{};
  }
  const auto negative = python::less(v, Value::of(std::int64_t{0}));
  if (!negative) return {};
  return *negative ? python::negative(v) : python::positive(v);
}

std::int64_t code_points(std::string_view text) {
  std::int64_t count = 0;
  // Bytes 10xxxxxx continue a character.
  for (char c : text) count += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  return count;
}

Value length(Arguments a) {
  const Value& v = a[0];
  switch (v.kind()) {
    case ValueKind::array:
      if (v.array()->rank() == 0) throw Error(Kind::type, "len() of unsized object");
      return Value::of(v.array()->shape()[0]);
    case ValueKind::tuple:
    case ValueKind::list: return Value::of(static_cast<std::int64_t>(v.items().size()));
    case ValueKind::string: return Value::of(code_points(v.text()));
    case ValueKind::range: return Value::of(v.range().size());
    default: return {};
  }
}

Value to_bool(Arguments a) {
  const auto t = a[0].is_array() ? std::nullopt : truth(a[0]);
  return t ? Value::of(*t) : Value{};
}

Value to_complex(Arguments a) {
  auto is_real = [](const Value& v) {
    return (v.is_python_scalar() || v.is(ValueKind::scalar)) && !is_complex(dtype_of_value(v));
  };
  if (a[0].is(ValueKind::complex) && a[1].is_nil()) return a[0];
  if (!is_real(a[0]) || !(a[1].is_nil() || is_real(a[1]))) return {};
  const double imaginary = a[1].is_nil() ? 0 : *as_real(a[1]);
  return Value::of(std::complex<double>(*as_real(a[0]), imaginary));
}

bool is_number_of_numpy(const Value& v) {
  return v.is(ValueKind::scalar) || (v.is_array() && v.array()->is_scalar);
}

// What Python's float and NumPy's are, and whole numbers that a float holds.
std::optional<double> as_double(const Value& v) {
  constexpr std::int64_t most = std::int64_t{1} << 53;
  if (v.is_array()) return as_double(element(*v.array()));
  if (v.is(ValueKind::scalar) && v.dtype() != DType::float64) return std::nullopt;
  if (v.is(ValueKind::integer) && (v.integer() < -most || v.integer() > most)) return std::nullopt;
  return as_real(v);
}

// a < b of Python's numbers, or where one is a float64 of NumPy; none: Python is asked.
std::optional<bool> is_less(const Value& a, const Value& b) {
  if (a.is_python_scalar() && b.is_python_scalar()) return python::less(a, b);
  const std::optional<double> x = as_double(a), y = as_double(b);
  return x && y ? std::optional(*x < *y) : std::nullopt;
}

// min(a, b, …) or min(sequence): the first of the best, the object itself.
template <bool largest>
Value best(Arguments a) {
  const std::vector<Value>* items = &a[0].items();
  if (items->size() == 1) {
    const Value& only = items->front();
    if (!only.is(ValueKind::tuple) && !only.is(ValueKind::list)) return {};
    items = &only.items();
  }
  if (items->empty()) return {};
  const Value* found = nullptr;
  for (const Value& v : *items) {
    if (!v.is_python_scalar() && !is_number_of_numpy(v)) return {};
    if (found) {
      const auto better = largest ? is_less(*found, v) : is_less(v, *found);
      if (!better) return {};
      if (!*better) continue;
    }
    found = &v;
  }
  return *found;
}

// Floats decline: newer Pythons add them with compensation.
Value total(Arguments a) {
  if (!a[0].is(ValueKind::tuple) && !a[0].is(ValueKind::list)) return {};
  Value sum = a[1];
  for (const Value& v : a[0].items()) {
    if (!v.is(ValueKind::integer) && !v.is(ValueKind::boolean)) return {};
    sum = python::add(sum, v);
    if (!sum.is(ValueKind::integer)) return {};
  }
  return sum;
}

Value rounded(Arguments a) {
  if (!a[1].is_nil()) return {};
  if (a[0].is(ValueKind::integer)) return a[0];
  // The current rounding mode is to nearest, even.
  return a[0].is(ValueKind::real) ? python::to_int(Value::of(std::nearbyint(a[0].real())))
                                  : Value{};
}

Value quotient_and_rest(Arguments a) {
  auto is_number = [](const Value& v) { return v.is_python_scalar() && !v.is(ValueKind::complex); };
  if (!is_number(a[0]) || !is_number(a[1])) return {};
  const bool floats = a[0].is(ValueKind::real) || a[1].is(ValueKind::real);
  // Only here does the message differ from that of floor division.
  if (floats && *as_real(a[1]) == 0) throw Error(Kind::zero_division, "float divmod()");
  Value quotient = python::floor_divide(a[0], a[1]);
  if (!quotient.bound()) return {};
  return Value::tuple({std::move(quotient), python::modulo(a[0], a[1])});
}

// NumPy's scalar types, called with a number that they hold: they decline all
// else, and NumPy converts with its own words.
template <DType dtype, class T>
Value to_scalar(Arguments a) {
  const Value& v = a[0];
  if (v.is_array()) return {};
  T number;
  if (const auto whole = as_index(v)) {
    if constexpr (std::is_integral_v<T>) {
      if (!std::in_range<T>(*whole)) return {};
    }
    number = static_cast<T>(*whole);
  } else {
    const bool is_real = v.is(ValueKind::real) || (v.is(ValueKind::scalar) && is_float(v.dtype()));
    const auto real = is_real ? as_real(v) : std::nullopt;
    if (!real || !std::isfinite(*real)) return {};
    if constexpr (std::is_integral_v<T>) {
      // Within 32 bits no cast is in doubt.
      if (std::abs(*real) >= 0x1p31 || !std::in_range<T>(static_cast<std::int64_t>(*real))) {
        return {};
      }
    } else if (std::isinf(static_cast<T>(*real))) {
      return {};
    }
    number = static_cast<T>(*real);
  }
  return Value::scalar(dtype, &number);
}

Value power(Arguments a) { return a[2].is_nil() ? python::power(a[0], a[1]) : Value{}; }

template <DType dtype, class T>
constexpr Primitive scalar_type(std::string_view name, std::string_view python,
                                std::string_view example) {
  return {.name = name,
          .python = python,
          .params = "x",
          .doc = "A number of this dtype.",
          .example = example,
          .value = to_scalar<dtype, T>,
          .can_fail = true};
}

constexpr Primitive table[] = {
    scalar_type<DType::int8, std::int8_t>("__int8", "numpy.int8", "__int8(3) == 3  #= true"),
    scalar_type<DType::int16, std::int16_t>("__int16", "numpy.int16", "__int16(3) == 3  #= true"),
    scalar_type<DType::int32, std::int32_t>("__int32", "numpy.int32", "__int32(3) == 3  #= true"),
    scalar_type<DType::int64, std::int64_t>("__int64", "numpy.int64", "__int64(3) == 3  #= true"),
    scalar_type<DType::uint8, std::uint8_t>("__uint8", "numpy.uint8", "__uint8(3) == 3  #= true"),
    scalar_type<DType::uint16, std::uint16_t>("__uint16", "numpy.uint16",
                                              "__uint16(3) == 3  #= true"),
    scalar_type<DType::uint32, std::uint32_t>("__uint32", "numpy.uint32",
                                              "__uint32(3) == 3  #= true"),
    scalar_type<DType::uint64, std::uint64_t>("__uint64", "numpy.uint64",
                                              "__uint64(3) == 3  #= true"),
    scalar_type<DType::float32, float>("__float32", "numpy.float32", "__float32(3) == 3  #= true"),
    scalar_type<DType::float64, double>("__float64", "numpy.float64", "__float64(3) == 3  #= true"),
    {.name = "__abs",
     .python = "builtins.abs",
     .params = "x",
     .doc = "Magnitude.",
     .example = "__abs(-3)  #= 3",
     .value = absolute,
     .ufunc = "absolute"},
    {.name = "len",
     .python = "builtins.len",
     .params = "x",
     .doc = "How many items.",
     .example = "len([1, 2, 3])  #= 3",
     .value = length,
     .can_fail = true},
    {.name = "__len",
     .params = "x",
     .doc = "How many items.",
     .example = "__len([1, 2, 3])  #= 3",
     .value = length,
     .can_fail = true},
    {.name = "__int",
     .python = "builtins.int",
     .params = "x=0",
     .doc = "As Python's int.",
     .example = "__int(2.5)  #= 2",
     .value = [](Arguments a) { return python::to_int(a[0]); }},
    {.name = "__float",
     .python = "builtins.float",
     .params = "x=0",
     .doc = "As Python's float.",
     .example = "__float(2)  #= 2.0",
     .value = [](Arguments a) { return python::to_float(a[0]); }},
    {.name = "__bool",
     .python = "builtins.bool",
     .params = "x=false",
     .doc = "As Python's bool.",
     .example = "__bool(2)  #= true",
     .value = to_bool},
    {.name = "__complex",
     .python = "builtins.complex",
     .params = "real=0, imag=nil",
     .doc = "As Python's complex.",
     .example = "__complex(1) == 1  #= true",
     .value = to_complex},
    {.name = "__min",
     .python = "builtins.min",
     .params = "*values",
     .doc = "The smallest.",
     .example = "__min(3, 1, 2)  #= 1",
     .value = best<false>},
    {.name = "__max",
     .python = "builtins.max",
     .params = "*values",
     .doc = "The largest.",
     .example = "__max(3, 1, 2)  #= 3",
     .value = best<true>},
    {.name = "__sum",
     .python = "builtins.sum",
     .params = "values, start=0",
     .doc = "The sum.",
     .example = "__sum('(1, 2, 3))  #= 6",
     .value = total},
    {.name = "__round",
     .python = "builtins.round",
     .params = "x, ndigits=nil",
     .doc = "The nearest int, the even one of two.",
     .example = "__round(2.5)  #= 2",
     .value = rounded},
    {.name = "__divmod",
     .python = "builtins.divmod",
     .params = "a, b",
     .doc = "Quotient rounded down, and the rest.",
     .example = "__divmod(7, 2)  #= tuple(3, 1)",
     .value = quotient_and_rest,
     .can_fail = true},
    {.name = "__power",
     .python = "builtins.pow",
     .params = "base, exp, mod=nil",
     .doc = "a ** b.",
     .example = "__power(2, 10)  #= 1024",
     .value = power,
     .can_fail = true},
};

}  // namespace

std::span<const Primitive> builtin_primitives() { return table; }

}  // namespace jetlag
