// The operators of the language and Python's builtins on numbers. On Python's
// own scalars they have Python's meaning; with an operand of NumPy's they are
// the ufunc that the row names.
#include "primitives/operators.h"

#include <cmath>

#include "primitives/families.h"
#include "primitives/python_numbers.h"

namespace jetlag {

namespace {

using Binary = Value (*)(const Value&, const Value&);
using Unary = Value (*)(const Value&);
using Comparison = std::optional<bool> (*)(const Value&, const Value&);

template <Binary f>
Value two(Arguments a) {
  return f(a[0], a[1]);
}

template <Unary f>
Value one(Arguments a) {
  return f(a[0]);
}

Value answer(std::optional<bool> b) { return b ? Value::of(*b) : Value{}; }

template <Comparison f>
Value ask(Arguments a) {
  return answer(f(a[0], a[1]));
}

// a > b is b < a.
template <Comparison f>
Value ask_swapped(Arguments a) {
  return answer(f(a[1], a[0]));
}

Value differ(Arguments a) {
  const auto same = python::equal(a[0], a[1]);
  return same ? Value::of(!*same) : Value{};
}

bool is_native_scalar(const Value& v) { return v.is_python_scalar() || v.is_nil(); }

// Truth of what is not NumPy's; an array's is asked where values are ready.
std::optional<bool> plain_truth(const Value& v) {
  return v.is_numeric() && !is_native_scalar(v) ? std::nullopt : truth(v);
}

Value negate_truth(Arguments a) {
  const auto t = a[0].is_array() ? std::nullopt : truth(a[0]);
  return t ? Value::of(!*t) : Value{};
}

template <class F>
Value combine(Arguments a, F f) {
  const auto x = plain_truth(a[0]), y = plain_truth(a[1]);
  return x && y ? Value::of(f(*x, *y)) : Value{};
}

// Identity is known for None and the two bools; other scalars have none.
std::optional<bool> identical(const Value& a, const Value& b) {
  const bool a_known = a.is_nil() || a.is(ValueKind::boolean);
  const bool b_known = b.is_nil() || b.is(ValueKind::boolean);
  if (!a_known && !b_known) return std::nullopt;
  if (a.kind() != b.kind()) return false;
  return a.is_nil() || a.boolean() == b.boolean();
}

Value is(Arguments a) { return answer(identical(a[0], a[1])); }

Value is_not(Arguments a) {
  const auto same = identical(a[0], a[1]);
  return same ? Value::of(!*same) : Value{};
}

constexpr Operator symbols[] = {
    {"__or", "||", 1, ""},
    {"__and", "&&", 2, ""},
    {"__xor", "", 2, ""},
    {"__eq", "==", 3, "operator.eq"},
    {"__ne", "!=", 3, "operator.ne"},
    {"__lt", "<", 4, "operator.lt"},
    {"__le", "<=", 4, "operator.le"},
    {"__gt", ">", 4, "operator.gt"},
    {"__ge", ">=", 4, "operator.ge"},
    {"__add", "+", 5, "operator.add"},
    {"__sub", "-", 5, "operator.sub"},
    {"__mul", "*", 6, "operator.mul"},
    {"__div", "/", 6, "operator.truediv"},
    {"__mod", "%", 6, "operator.mod"},
    {"__floordiv", "", 6, "operator.floordiv"},
    {"__matmul", "", 6, "operator.matmul"},
    {"__pow", "", 8, "operator.pow"},
    {"__bitand", "", 4, "operator.and_"},
    {"__bitor", "", 4, "operator.or_"},
    {"__bitxor", "", 4, "operator.xor"},
    {"__lshift", "", 5, "operator.lshift"},
    {"__rshift", "", 5, "operator.rshift"},
    {"__is", "", 4, "operator.is_"},
    {"__is_not", "", 4, "operator.is_not"},
    {"__minus", "-", 0, "operator.neg"},
    {"__plus", "+", 0, "operator.pos"},
    {"__invert", "", 0, "operator.invert"},
    {"__not", "!", 0, ""},
};

constexpr Primitive row(std::string_view name, std::string_view python, std::string_view doc,
                        std::string_view example, ValueRule value, std::string_view ufunc = {}) {
  return {.name = name,
          .python = python,
          .params = "a, b",
          .doc = doc,
          .example = example,
          .value = value,
          .ufunc = ufunc,
          .can_fail = true};
}

constexpr Primitive prefix(std::string_view name, std::string_view python, std::string_view doc,
                           std::string_view example, ValueRule value, std::string_view ufunc = {}) {
  return {.name = name,
          .python = python,
          .params = "a",
          .doc = doc,
          .example = example,
          .value = value,
          .ufunc = ufunc};
}

constexpr Primitive table[] = {
    row("__add", "operator.add", "a + b.", "1 + 2  #= 3", two<python::add>, "add"),
    row("__sub", "operator.sub", "a - b.", "1 - 2  #= -1", two<python::subtract>, "subtract"),
    row("__mul", "operator.mul", "a * b.", "3 * 2  #= 6", two<python::multiply>, "multiply"),
    row("__div", "operator.truediv", "a / b.", "1 / 2  #= 0.5", two<python::divide>, "divide"),
    row("__floordiv", "operator.floordiv", "a // b.", "__floordiv(-7, 2)  #= -4",
        two<python::floor_divide>, "floor_divide"),
    row("__mod", "operator.mod", "a % b.", "-7 % 3  #= 2", two<python::modulo>, "remainder"),
    row("__pow", "operator.pow", "a ** b.", "__pow(2, 10)  #= 1024", two<python::power>, "power"),
    row("__matmul", "operator.matmul", "a @ b.", "__matmul([1, 2], [3, 4])  #= 11", nullptr,
        "matmul"),
    row("__bitand", "operator.and_", "a & b.", "__bitand(6, 3)  #= 2", two<python::bit_and>,
        "bitwise_and"),
    row("__bitor", "operator.or_", "a | b.", "__bitor(6, 3)  #= 7", two<python::bit_or>,
        "bitwise_or"),
    row("__bitxor", "operator.xor", "a ^ b.", "__bitxor(6, 3)  #= 5", two<python::bit_xor>,
        "bitwise_xor"),
    row("__lshift", "operator.lshift", "a << b.", "__lshift(1, 4)  #= 16", two<python::left_shift>,
        "left_shift"),
    row("__rshift", "operator.rshift", "a >> b.", "__rshift(-5, 1)  #= -3",
        two<python::right_shift>, "right_shift"),
    row("__eq", "operator.eq", "a == b.", "1 == 1.0  #= true", ask<python::equal>, "equal"),
    row("__ne", "operator.ne", "a != b.", "1 != 1.0  #= false", differ, "not_equal"),
    row("__lt", "operator.lt", "a < b.", "1 < 2  #= true", ask<python::less>, "less"),
    row("__le", "operator.le", "a <= b.", "2 <= 2  #= true", ask<python::less_equal>, "less_equal"),
    row("__gt", "operator.gt", "a > b.", "1 > 2  #= false", ask_swapped<python::less>, "greater"),
    row("__ge", "operator.ge", "a >= b.", "2 >= 2  #= true", ask_swapped<python::less_equal>,
        "greater_equal"),
    prefix("__minus", "operator.neg", "-a.", "-(3)  #= -3", one<python::negative>, "negative"),
    prefix("__plus", "operator.pos", "+a.", "+(3)  #= 3", one<python::positive>, "positive"),
    prefix("__invert", "operator.invert", "~a.", "__invert(5)  #= -6", one<python::invert>,
           "invert"),
    // PhySL's own logic: both operands are evaluated, arrays element by element.
    row(
        "__and", {}, "Whether both are true.", "true && false  #= false",
        [](Arguments a) { return combine(a, [](bool x, bool y) { return x && y; }); },
        "logical_and"),
    row(
        "__or", {}, "Whether one or both are true.", "true || false  #= true",
        [](Arguments a) { return combine(a, [](bool x, bool y) { return x || y; }); },
        "logical_or"),
    row(
        "__xor", {}, "Whether exactly one is true.", "__xor(true, true)  #= false",
        [](Arguments a) { return combine(a, [](bool x, bool y) { return x != y; }); },
        "logical_xor"),
    prefix(
        "__not", {}, "Whether it is false, of arrays element by element.", "!true  #= false",
        [](Arguments a) {
          const auto t = plain_truth(a[0]);
          return t ? Value::of(!*t) : Value{};
        },
        "logical_not"),
    prefix("not", "operator.not_", "Whether it is false, as Python's not.", "not(0)  #= true",
           negate_truth),
    row("__is", "operator.is_", "Whether both are one object.", "__is(nil, nil)  #= true", is),
    row("__is_not", "operator.is_not", "Whether they are two objects.", "__is_not(1, nil)  #= true",
        is_not),
};

bool is_nonzero(DType dtype, const void* bytes) {
  return visit(dtype, [&]<class T>(Tag<T>) {
    T element;
    std::memcpy(&element, bytes, sizeof element);
    return element != T{};
  });
}

bool array_truth(const Array& a) {
  if (a.size() == 1) return is_nonzero(a.dtype(), a.data());
  if (a.size() == 0) {
    throw Error(
        Kind::value,
        "The truth value of an empty array is ambiguous. Use `array.size > 0` to check that "
        "an array is not empty.");
  }
  throw Error(Kind::value,
              "The truth value of an array with more than one element is ambiguous. Use a.any() or "
              "a.all()");
}

}  // namespace

std::span<const Primitive> operator_primitives() { return table; }

std::span<const Operator> operators() { return symbols; }

std::optional<bool> truth(const Value& v) {
  switch (v.kind()) {
    case ValueKind::unbound:
    case ValueKind::object: return std::nullopt;
    case ValueKind::nil: return false;
    case ValueKind::boolean: return v.boolean();
    case ValueKind::integer: return v.integer() != 0;
    case ValueKind::real: return v.real() != 0;
    case ValueKind::complex: return v.complex() != std::complex<double>();
    case ValueKind::scalar: return is_nonzero(v.dtype(), v.scalar_bytes());
    case ValueKind::array: return array_truth(*v.array());
    case ValueKind::string: return !v.text().empty();
    case ValueKind::tuple:
    case ValueKind::list: return !v.items().empty();
    case ValueKind::range: return v.range().size() != 0;
    default: return true;
  }
}

}  // namespace jetlag
