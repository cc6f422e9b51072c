#include "primitives/python_numbers.h"

#include <cmath>
#include <limits>

namespace jetlag::python {

namespace {

// bool 0, int 1, float 2, complex 3; -1 for everything else.
int rank(const Value& v) {
  if (!v.is_python_scalar()) return -1;
  return static_cast<int>(v.kind()) - static_cast<int>(ValueKind::boolean);
}

// np.float64 is a subclass of float: a complex number on its left does not ask NumPy.
bool is_float_beside(const Value& a, const Value& b) {
  return a.is(ValueKind::complex) && b.is(ValueKind::scalar) && b.dtype() == DType::float64;
}

int rank(const Value& a, const Value& b) {
  if (is_float_beside(a, b)) return rank(a);
  return std::min(rank(a), rank(b)) < 0 ? -1 : std::max(rank(a), rank(b));
}

std::int64_t whole(const Value& v) { return v.is(ValueKind::boolean) ? v.boolean() : v.integer(); }

double wide(const Value& v) {
  if (v.is(ValueKind::scalar)) return *as_real(v);
  return v.is(ValueKind::real) ? v.real() : static_cast<double>(whole(v));
}

std::complex<double> full(const Value& v) {
  return v.is(ValueKind::complex) ? v.complex() : std::complex<double>(wide(v), 0);
}

[[noreturn]] void zero_division(std::string message) {
  throw Error(Kind::zero_division, std::move(message));
}

// The types meet in the higher one; a bool counts as an int.
template <class Ints, class Reals, class Complexes>
Value arithmetic(const Value& a, const Value& b, Ints ints, Reals reals, Complexes complexes) {
  switch (rank(a, b)) {
    case 0:
    case 1: return ints(whole(a), whole(b));
    case 2: return reals(wide(a), wide(b));
    case 3: return complexes(full(a), full(b));
    default: return {};
  }
}

using Whole = std::int64_t;
using Complex = std::complex<double>;
constexpr Whole least = std::numeric_limits<Whole>::min();

// For operations that complex numbers lack, or leave to the host.
Value nothing(Complex, Complex) { return {}; }

// Larger magnitudes need CPython's own division to be rounded once.
bool is_exact_double(Whole i) {
  constexpr Whole limit = Whole{1} << 53;
  return i >= -limit && i <= limit;
}

Value divide_ints(Whole a, Whole b) {
  if (b == 0) zero_division("division by zero");
  if (!is_exact_double(a) || !is_exact_double(b)) return {};
  return Value::of(static_cast<double>(a) / static_cast<double>(b));
}

Value divide_reals(double a, double b) {
  if (b == 0) zero_division("float division by zero");
  return Value::of(a / b);
}

// Through the larger part first, as CPython.
Value divide_complexes(Complex x, Complex y) {
  const double a = x.real(), b = x.imag(), c = y.real(), d = y.imag();
  if (std::abs(c) >= std::abs(d)) {
    if (c == 0) zero_division("complex division by zero");
    const double ratio = d / c, size = c + d * ratio;
    return Value::of(Complex((a + b * ratio) / size, (b - a * ratio) / size));
  }
  if (!(std::abs(d) >= std::abs(c))) return {};
  const double ratio = c / d, size = c * ratio + d;
  return Value::of(Complex((a * ratio + b) / size, (b * ratio - a) / size));
}

Whole floor_quotient(Whole a, Whole b) { return a / b - ((a % b != 0) & ((a < 0) != (b < 0))); }

Value floor_divide_ints(Whole a, Whole b) {
  if (b == 0) zero_division("integer division or modulo by zero");
  if (a == least && b == -1) return {};
  return Value::of(floor_quotient(a, b));
}

Value modulo_ints(Whole a, Whole b) {
  if (b == 0) zero_division("integer modulo by zero");
  if (b == -1) return Value::of(Whole{0});
  return Value::of(a - floor_quotient(a, b) * b);
}

double real_remainder(double a, double b) {
  const double rest = std::fmod(a, b);
  if (rest == 0) return std::copysign(0.0, b);
  return (b < 0) != (rest < 0) ? rest + b : rest;
}

double real_floor_quotient(double a, double b) {
  const double rest = std::fmod(a, b);
  double quotient = (a - rest) / b;
  if (rest != 0 && (b < 0) != (rest < 0)) quotient -= 1;
  if (quotient == 0) return std::copysign(0.0, a / b);
  const double down = std::floor(quotient);
  return quotient - down > 0.5 ? down + 1 : down;
}

std::optional<Whole> integer_power(Whole base, Whole exponent) {
  Whole result = 1;
  for (;; exponent >>= 1) {
    if ((exponent & 1) && __builtin_mul_overflow(result, base, &result)) return std::nullopt;
    if (exponent <= 1) return result;
    if (__builtin_mul_overflow(base, base, &base)) return std::nullopt;
  }
}

// A negative number to a broken power is complex in Python.
Value complex_root(double base, double exponent) {
  const double size = std::pow(std::hypot(base, 0.0), exponent);
  if (std::isinf(size)) return {};  // an OverflowError, the host's to raise
  const double angle = std::atan2(0.0, base) * exponent;
  return Value::of(Complex(size * std::cos(angle), size * std::sin(angle)));
}

Value power_reals(double a, double b) {
  if (a == 0 && b < 0 && std::isfinite(b))
    zero_division("0.0 cannot be raised to a negative power");
  if (a < 0 && std::isfinite(a) && std::isfinite(b) && b != std::floor(b))
    return complex_root(a, b);
  const double result = std::pow(a, b);
  // Out of range is an OverflowError with an errno, which is the host's to raise.
  if (std::isinf(result) && std::isfinite(a) && std::isfinite(b)) return {};
  return Value::of(result);
}

Value power_ints(Whole a, Whole b) {
  if (b < 0) return power_reals(static_cast<double>(a), static_cast<double>(b));
  const auto result = integer_power(a, b);
  return result ? Value::of(*result) : Value{};
}

template <class F>
Value on_ints(const Value& a, const Value& b, F f) {
  const int r = rank(a, b);
  return r == 0 || r == 1 ? f(whole(a), whole(b)) : Value{};
}

// Two bools give a bool.
template <class F>
Value on_bits(const Value& a, const Value& b, F f) {
  return on_ints(a, b, [&](Whole x, Whole y) {
    return rank(a, b) == 0 ? Value::of(f(x, y) != 0) : Value::of(f(x, y));
  });
}

void check_count(Whole count) {
  if (count < 0) throw Error(Kind::value, "negative shift count");
}

// An int against a float without rounding the int: beyond 2**63 the float
// decides, otherwise its whole part fits an int.
int compare_exactly(Whole i, double d) {
  constexpr double limit = 9223372036854775808.0;
  if (d >= limit) return -1;
  if (d < -limit) return 1;
  const Whole floor = static_cast<Whole>(std::floor(d));
  if (i != floor) return i < floor ? -1 : 1;
  return d > static_cast<double>(floor) ? -1 : 0;
}

enum class Order { less, equal, greater, none };

template <class T>
Order order_of(const T& a, const T& b) {
  return a < b ? Order::less : b < a ? Order::greater : a == b ? Order::equal : Order::none;
}

Order reals_order(const Value& a, const Value& b) {
  const bool a_real = a.is(ValueKind::real), b_real = b.is(ValueKind::real);
  if (a_real == b_real) return a_real ? order_of(a.real(), b.real()) : order_of(whole(a), whole(b));
  const double d = a_real ? a.real() : b.real();
  if (std::isnan(d)) return Order::none;
  const int sign = a_real ? -compare_exactly(whole(b), d) : compare_exactly(whole(a), d);
  return order_of(sign, 0);
}

// Of numbers, and of strings: UTF-8 sorts like code points.
std::optional<Order> order(const Value& a, const Value& b) {
  if (a.is(ValueKind::string) && b.is(ValueKind::string)) return order_of(a.text(), b.text());
  const int r = rank(a, b);
  return r >= 0 && r <= 2 ? std::optional(reals_order(a, b)) : std::nullopt;
}

// Kinds that Python compares by value, and whose values are known here.
bool is_plain(const Value& v) {
  return v.is_python_scalar() || v.is_nil() || v.is(ValueKind::string);
}

}  // namespace

Value add(const Value& a, const Value& b) {
  if (a.is(ValueKind::string) && b.is(ValueKind::string)) return Value::of(a.text() + b.text());
  return arithmetic(
      a, b,
      [](Whole x, Whole y) {
        Whole r;
        return __builtin_add_overflow(x, y, &r) ? Value{} : Value::of(r);
      },
      [](double x, double y) { return Value::of(x + y); },
      [](Complex x, Complex y) { return Value::of(x + y); });
}

Value subtract(const Value& a, const Value& b) {
  return arithmetic(
      a, b,
      [](Whole x, Whole y) {
        Whole r;
        return __builtin_sub_overflow(x, y, &r) ? Value{} : Value::of(r);
      },
      [](double x, double y) { return Value::of(x - y); },
      [](Complex x, Complex y) { return Value::of(x - y); });
}

Value multiply(const Value& a, const Value& b) {
  return arithmetic(
      a, b,
      [](Whole x, Whole y) {
        Whole r;
        return __builtin_mul_overflow(x, y, &r) ? Value{} : Value::of(r);
      },
      [](double x, double y) { return Value::of(x * y); },
      [](Complex x, Complex y) {
        return Value::of(Complex(x.real() * y.real() - x.imag() * y.imag(),
                                 x.real() * y.imag() + x.imag() * y.real()));
      });
}

Value divide(const Value& a, const Value& b) {
  return arithmetic(a, b, divide_ints, divide_reals, divide_complexes);
}

Value floor_divide(const Value& a, const Value& b) {
  auto reals = [](double x, double y) {
    if (y == 0) zero_division("float floor division by zero");
    return Value::of(real_floor_quotient(x, y));
  };
  return arithmetic(a, b, floor_divide_ints, reals, nothing);
}

Value modulo(const Value& a, const Value& b) {
  auto reals = [](double x, double y) {
    if (y == 0) zero_division("float modulo");
    return Value::of(real_remainder(x, y));
  };
  return arithmetic(a, b, modulo_ints, reals, nothing);
}

Value power(const Value& a, const Value& b) {
  return arithmetic(a, b, power_ints, power_reals, nothing);
}

Value left_shift(const Value& a, const Value& b) {
  return on_ints(a, b, [](Whole x, Whole count) -> Value {
    check_count(count);
    if (x == 0) return Value::of(x);
    constexpr Whole width = 63;
    if (count >= width || x << count >> count != x) return {};
    return Value::of(x << count);
  });
}

Value right_shift(const Value& a, const Value& b) {
  return on_ints(a, b, [](Whole x, Whole count) {
    check_count(count);
    return Value::of(x >> std::min<Whole>(count, 63));
  });
}

Value bit_and(const Value& a, const Value& b) {
  return on_bits(a, b, [](Whole x, Whole y) { return x & y; });
}

Value bit_or(const Value& a, const Value& b) {
  return on_bits(a, b, [](Whole x, Whole y) { return x | y; });
}

Value bit_xor(const Value& a, const Value& b) {
  return on_bits(a, b, [](Whole x, Whole y) { return x ^ y; });
}

Value negative(const Value& a) {
  switch (rank(a)) {
    case 0:
    case 1: return whole(a) == least ? Value{} : Value::of(-whole(a));
    case 2: return Value::of(-a.real());
    case 3: return Value::of(-a.complex());
    default: return {};
  }
}

Value positive(const Value& a) {
  if (a.is(ValueKind::boolean)) return Value::of(whole(a));
  return rank(a) > 0 ? a : Value{};
}

// ~True warns in newer Pythons: the host's to say.
Value invert(const Value& a) {
  return a.is(ValueKind::integer) ? Value::of(~a.integer()) : Value{};
}

std::optional<bool> equal(const Value& a, const Value& b) {
  if (is_float_beside(a, b)) return a.complex() == wide(b);
  if (!is_plain(a) || !is_plain(b)) return std::nullopt;
  if (a.is_nil() || b.is_nil()) return a.is_nil() && b.is_nil();
  if (const auto known = order(a, b)) return *known == Order::equal;
  const int r = rank(a, b);
  if (r < 0) return false;
  const Value& other = a.is(ValueKind::complex) ? b : a;
  const Complex z = a.is(ValueKind::complex) ? a.complex() : b.complex();
  if (other.is(ValueKind::complex)) return other.complex() == z;
  return z.imag() == 0 && reals_order(Value::of(z.real()), other) == Order::equal;
}

std::optional<bool> less(const Value& a, const Value& b) {
  const auto known = order(a, b);
  return known ? std::optional(*known == Order::less) : std::nullopt;
}

std::optional<bool> less_equal(const Value& a, const Value& b) {
  const auto known = order(a, b);
  return known ? std::optional(*known == Order::less || *known == Order::equal) : std::nullopt;
}

namespace {

// Beyond 64 bits, and for NaN and infinities, the host answers.
Value truncated(double d) {
  constexpr double limit = 9223372036854775808.0;
  return d >= -limit && d < limit ? Value::of(static_cast<Whole>(d)) : Value{};
}

}  // namespace

Value to_int(const Value& v) {
  if (v.is(ValueKind::real)) return truncated(v.real());
  if (v.is(ValueKind::boolean) || v.is(ValueKind::integer)) return Value::of(whole(v));
  if (!v.is(ValueKind::scalar) || is_complex(v.dtype())) return {};
  if (is_float(v.dtype())) return truncated(*as_real(v));
  const auto index = as_index(v);
  return index ? Value::of(*index) : Value{};
}

Value to_float(const Value& v) {
  if (v.is(ValueKind::complex) || (v.is(ValueKind::scalar) && is_complex(v.dtype()))) return {};
  if (!v.is_python_scalar() && !v.is(ValueKind::scalar)) return {};
  const auto real = as_real(v);
  return real ? Value::of(*real) : Value{};
}

namespace {

// A sum or a product of two numbers, exactly: its rounded value and what is left.
struct Exact {
  double high, low;
};

Exact sum(double larger, double x) {
  const double high = larger + x;
  return {high, larger - high + x};
}

Exact product(double x, double y) {
  const double high = x * y;
  return {high, std::fma(x, y, -high)};
}

// 1 and the squares added to it: the one keeps the sum larger than what is added.
class Squares {
 public:
  void add(Exact square) {
    const Exact next = sum(sum_, square.high);
    sum_ = next.high;
    squares_left_ += square.low;
    sums_left_ += next.low;
  }
  double total() const { return sum_ - 1 + (squares_left_ + sums_left_); }

 private:
  double sum_ = 1, squares_left_ = 0, sums_left_ = 0;
};

}  // namespace

// Squares are added with twice the digits, and the root is corrected by what its own square leaves.
double hypot(double x, double y) {
  x = std::fabs(x), y = std::fabs(y);
  if (std::isinf(x) || std::isinf(y)) return std::numeric_limits<double>::infinity();
  if (std::isnan(x) || std::isnan(y)) return std::numeric_limits<double>::quiet_NaN();
  const double larger = std::max(x, y), smaller = std::min(x, y);
  // Its square is far below the last bit, and might underflow.
  constexpr double negligible = 0x1p-60;
  if (smaller <= larger * negligible) return larger;
  int exponent = 0;
  std::frexp(larger, &exponent);
  Squares squares;
  constexpr int least_exponent = -1023;  // for which there is a scale
  if (exponent < least_exponent) {
    for (double side : {x / larger, y / larger}) squares.add({side * side, 0});
    return larger * std::sqrt(squares.total());
  }
  const double scale = std::ldexp(1.0, -exponent);
  for (double side : {x * scale, y * scale}) squares.add(product(side, side));
  const double root = std::sqrt(squares.total());
  squares.add(product(-root, root));
  return (root + squares.total() / (2 * root)) / scale;
}

}  // namespace jetlag::python
