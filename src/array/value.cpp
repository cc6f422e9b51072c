#include "array/value.h"

#include <utility>

namespace jetlag {

namespace {

template <class T>
T read(const void* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return value;
}

// The Python number that a NumPy element equals.
template <>
bool read<bool>(const void* bytes) {
  return read<std::uint8_t>(bytes) != 0;
}

std::optional<std::int64_t> integer_at(DType dtype, const void* bytes) {
  return visit(dtype, [&](auto tag) -> std::optional<std::int64_t> {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_integral_v<T>) {
      const T value = read<T>(bytes);
      if (std::in_range<std::int64_t>(+value)) return static_cast<std::int64_t>(value);
    }
    return std::nullopt;
  });
}

[[noreturn]] void refuse_shape(const Value& v) {
  std::string text = to_text(v);
  if (v.is(ValueKind::scalar)) text = format("np.{}({})", info(v.dtype()).name, text);
  throw Error(Kind::type,
              format("expected a sequence of integers or a single integer, got '{}'", text));
}

std::string_view python_type(const Value& v) {
  switch (v.kind()) {
    case ValueKind::nil: return "NoneType";
    case ValueKind::boolean: return "bool";
    case ValueKind::integer: return "int";
    case ValueKind::real: return "float";
    case ValueKind::complex: return "complex";
    case ValueKind::array: return "numpy.ndarray";
    case ValueKind::string: return "str";
    case ValueKind::tuple: return "tuple";
    case ValueKind::list: return "list";
    case ValueKind::range: return "range";
    case ValueKind::span: return "slice";
    case ValueKind::ellipsis: return "ellipsis";
    case ValueKind::function: return "function";
    default: return "object";
  }
}

// A Python int must fit an integer dtype (NEP 50).
void check_bounds(std::int64_t value, DType dtype) {
  const bool fits = visit(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) return std::in_range<T>(value);
    return true;
  });
  if (fits) return;
  throw Error(Kind::overflow,
              format("Python integer {} out of bounds for {}", value, info(dtype).name));
}

// A 0-d array over bytes that outlive the call.
Ref<Array> look_at(DType dtype, const void* bytes) {
  auto* data = static_cast<std::byte*>(const_cast<void*>(bytes));
  auto buffer = Buffer::borrow(data, size_of(dtype), nullptr, false);
  return make<Array>(std::move(buffer), data, dtype, Dims{}, Dims{});
}

}  // namespace

std::int64_t Range::size() const {
  // Differences are taken unsigned: range(-2**63, 2**63 - 1) has a size too.
  const auto distance = [](std::int64_t from, std::int64_t to) {
    return static_cast<std::uint64_t>(to) - static_cast<std::uint64_t>(from);
  };
  if (step > 0 && start < stop) {
    return static_cast<std::int64_t>((distance(start, stop) - 1) /
                                     static_cast<std::uint64_t>(step)) +
           1;
  }
  if (step < 0 && start > stop) {
    return static_cast<std::int64_t>((distance(stop, start) - 1) / distance(step, 0)) + 1;
  }
  return 0;
}

Value Value::of(bool b) {
  Value v(ValueKind::boolean);
  v.payload_.boolean = b;
  return v;
}

Value Value::of(std::int64_t i) {
  Value v(ValueKind::integer);
  v.payload_.integer = i;
  return v;
}

Value Value::of(double d) {
  Value v(ValueKind::real);
  v.payload_.real = d;
  return v;
}

Value Value::of(std::complex<double> c) {
  Value v(ValueKind::complex);
  v.payload_.pair[0] = c.real();
  v.payload_.pair[1] = c.imag();
  return v;
}

Value Value::of(std::string text) {
  Value v(ValueKind::string);
  v.target_ = make<Text>(std::move(text));
  return v;
}

Value Value::of(Ref<Array> array) {
  Value v(ValueKind::array);
  v.target_ = std::move(array);
  return v;
}

Value Value::of(DType dtype, Ref<Handle> object) {
  Value v = of(dtype);
  v.target_ = std::move(object);
  return v;
}

Value Value::of(DType dtype) {
  Value v(ValueKind::dtype);
  v.dtype_ = dtype;
  return v;
}

Value Value::tuple(std::vector<Value> items) {
  Value v = list(std::move(items));
  v.kind_ = ValueKind::tuple;
  return v;
}

Value Value::list(std::vector<Value> items) {
  Value v(ValueKind::list);
  auto target = make<Items>();
  target->items = std::move(items);
  v.target_ = std::move(target);
  return v;
}

Value Value::range(std::int64_t start, std::int64_t stop, std::int64_t step) {
  if (step == 0) throw Error(Kind::value, "range() arg 3 must not be zero");
  Value v(ValueKind::range);
  auto target = make<Range>();
  target->start = start;
  target->stop = stop;
  target->step = step;
  v.target_ = std::move(target);
  return v;
}

Value Value::span(Value start, Value stop, Value step) {
  Value v(ValueKind::span);
  auto target = make<Span>();
  target->start = std::move(start);
  target->stop = std::move(stop);
  target->step = std::move(step);
  v.target_ = std::move(target);
  return v;
}

Value Value::function(Ref<Shared> function) {
  Value v(ValueKind::function);
  v.target_ = std::move(function);
  return v;
}

Value Value::object(Ref<Handle> handle) {
  Value v(ValueKind::object);
  v.target_ = std::move(handle);
  return v;
}

Value Value::scalar(DType dtype, const void* bytes) {
  Value v(ValueKind::scalar);
  v.dtype_ = dtype;
  if (dtype == DType::boolean) v.payload_.boolean = read<bool>(bytes);
  else std::memcpy(&v.payload_, bytes, static_cast<std::size_t>(size_of(dtype)));
  return v;
}

DType dtype_of_value(const Value& v) {
  switch (v.kind()) {
    case ValueKind::boolean: return DType::boolean;
    case ValueKind::integer: return DType::int64;
    case ValueKind::real: return DType::float64;
    case ValueKind::complex: return DType::complex128;
    case ValueKind::array: return v.array()->dtype();
    case ValueKind::scalar:
    case ValueKind::dtype: return v.dtype();
    default: JETLAG_CHECK(false, "{} has no dtype", describe(v));
  }
  return DType::float64;
}

Dims shape_of_value(const Value& v) { return v.is_array() ? v.array()->shape() : Dims{}; }

std::optional<std::int64_t> as_index(const Value& v) {
  switch (v.kind()) {
    case ValueKind::boolean: return v.boolean() ? 1 : 0;
    case ValueKind::integer: return v.integer();
    case ValueKind::scalar: return integer_at(v.dtype(), v.scalar_bytes());
    case ValueKind::array:
      if (v.array()->rank() != 0 || !is_integer(v.array()->dtype())) return std::nullopt;
      return integer_at(v.array()->dtype(), v.array()->data());
    default: return std::nullopt;
  }
}

std::optional<double> as_real(const Value& v) {
  switch (v.kind()) {
    case ValueKind::boolean: return v.boolean() ? 1.0 : 0.0;
    case ValueKind::integer: return static_cast<double>(v.integer());
    case ValueKind::real: return v.real();
    case ValueKind::scalar: break;
    default: return std::nullopt;
  }
  return visit(v.dtype(), [&](auto tag) -> std::optional<double> {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_arithmetic_v<T>) return static_cast<double>(read<T>(v.scalar_bytes()));
    else return std::nullopt;
  });
}

// One size of a shape; nothing for an object that may know __index__.
std::optional<std::int64_t> as_size(const Value& v) {
  if (v.is(ValueKind::object)) return std::nullopt;
  if (const auto n = as_index(v)) return n;
  const std::string type = v.is(ValueKind::scalar) ? format("numpy.{}", info(v.dtype()).name)
                                                   : std::string(python_type(v));
  throw Error(Kind::type, format("'{}' object cannot be interpreted as an integer", type));
}

// Nothing for what only the host can judge: None, its objects, arrays and the
// stranger kinds.
std::optional<Dims> as_shape(const Value& v) {
  if (const auto n = v.is_array() ? std::nullopt : as_index(v)) return Dims{*n};
  if (v.is(ValueKind::real) || v.is(ValueKind::complex) || v.is(ValueKind::scalar)) refuse_shape(v);
  // Python takes a string for a sequence of strings.
  if (v.is(ValueKind::string) && !v.text().empty()) as_size(v);
  if (!v.is(ValueKind::tuple) && !v.is(ValueKind::list)) return std::nullopt;
  Dims shape;
  for (const Value& item : v.items()) {
    const auto n = as_size(item);
    if (!n) return std::nullopt;
    shape.push_back(*n);
  }
  return shape;
}

Ref<Array> as_array(const Value& v, DType dtype) {
  JETLAG_CHECK(v.is_numeric(), "{} as an array of {}", describe(v), info(dtype).name);
  if (v.is_array() && v.array()->dtype() == dtype) return v.array();
  if (v.is(ValueKind::integer)) check_bounds(v.integer(), dtype);
  const Ref<Array> source = v.is_array() ? v.array() : look_at(dtype_of_value(v), v.scalar_bytes());
  Ref<Array> result = new_array(dtype, source->shape());
  copy_elements(*source, *result);
  return result;
}

Value element(const Array& a) {
  JETLAG_CHECK(a.rank() == 0, "an element of shape {}", shape_text(a.shape()));
  return Value::scalar(a.dtype(), a.data());
}

}  // namespace jetlag
