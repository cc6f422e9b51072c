#include "primitives/arguments.h"

namespace jetlag {

namespace {

bool is_sequence(const Value& v) { return v.is(ValueKind::tuple) || v.is(ValueKind::list); }

// The items must agree in shape; their dtypes meet in the smallest common one.
std::optional<Outline> outline_of_items(const std::vector<Value>& items) {
  Dims shape;
  std::vector<DType> dtypes;
  for (const Value& item : items) {
    std::optional<Outline> one = outline(item);
    if (!one || (!dtypes.empty() && one->shape != shape)) return std::nullopt;
    dtypes.push_back(one->dtype);
    shape = std::move(one->shape);
  }
  shape.insert(0, static_cast<std::int64_t>(items.size()));
  return Outline{promote_all(dtypes), std::move(shape)};
}

bool holds_array(const Value& v) {
  if (v.is_array()) return true;
  if (!is_sequence(v)) return false;
  for (const Value& item : v.items()) {
    if (holds_array(item)) return true;
  }
  return false;
}

// to[i], as an array of its own.
Ref<Array> row(const Ref<Array>& to, std::int64_t i) {
  const auto tail = [](const Dims& d) { return Dims(std::span(d.begin() + 1, d.end())); };
  return view_of(to, to->data() + i * to->strides()[0], tail(to->shape()), tail(to->strides()));
}

void fill_from_range(const Range& range, const Ref<Array>& to) {
  for (std::int64_t i = 0; i < to->shape()[0]; ++i) {
    copy_elements(*as_array(Value::of(range.at(i)), to->dtype()), *row(to, i));
  }
}

struct Alias {
  std::string_view name;
  DType dtype;
};

// Python's types, C's types and NumPy's letters, beside the names of dtypes().
constexpr Alias aliases[] = {
    {"int", DType::int64},
    {"float", DType::float64},
    {"complex", DType::complex128},
    {"bool_", DType::boolean},
    {"double", DType::float64},
    {"single", DType::float32},
    {"intp", DType::int64},
    {"int_", DType::int64},
    {"long", DType::int64},
    {"intc", DType::int32},
    {"uint", DType::uint64},
    {"short", DType::int16},
    {"byte", DType::int8},
    {"ubyte", DType::uint8},
    {"csingle", DType::complex64},
    {"cdouble", DType::complex128},
    {"?", DType::boolean},
    {"b", DType::int8},
    {"B", DType::uint8},
    {"h", DType::int16},
    {"H", DType::uint16},
    {"i", DType::int32},
    {"I", DType::uint32},
    {"l", DType::int64},
    {"L", DType::uint64},
    {"q", DType::int64},
    {"Q", DType::uint64},
    {"f", DType::float32},
    {"d", DType::float64},
    {"F", DType::complex64},
    {"D", DType::complex128},
    {"b1", DType::boolean},
    {"i1", DType::int8},
    {"u1", DType::uint8},
    {"i2", DType::int16},
    {"u2", DType::uint16},
    {"i4", DType::int32},
    {"u4", DType::uint32},
    {"i8", DType::int64},
    {"u8", DType::uint64},
    {"f4", DType::float32},
    {"f8", DType::float64},
    {"c8", DType::complex64},
    {"c16", DType::complex128},
};

}  // namespace

std::optional<Outline> outline(const Value& v) {
  if (v.is_array()) return Outline{v.array()->dtype(), v.array()->shape()};
  if (v.is_numeric()) return Outline{dtype_of_value(v), {}};
  if (v.is(ValueKind::range)) return Outline{DType::int64, {v.range().size()}};
  if (is_sequence(v)) return outline_of_items(v.items());
  return std::nullopt;
}

DType promote_all(std::span<const DType> dtypes) {
  if (dtypes.empty()) return DType::float64;
  const auto first = [&](auto accepts) {
    return std::find_if(dtypes.begin(), dtypes.end(), accepts);
  };
  const auto inexact = first([](DType d) { return is_float(d) || is_complex(d); });
  DType all = inexact == dtypes.end() ? dtypes.front() : *inexact;
  for (const DType d : dtypes) {
    if (is_float(d) || is_complex(d)) all = promote(all, d);
  }
  for (const DType d : dtypes) all = promote(all, d);
  return all;
}

Ref<Array> operand(const Value& v) {
  if (v.is_array()) return v.array();
  if (v.is_numeric()) return as_array(v, dtype_of_value(v));
  const std::optional<Outline> known = holds_array(v) ? std::nullopt : outline(v);
  if (!known) return nullptr;
  Ref<Array> array = new_array(known->dtype, known->shape);
  fill_from(v, array);
  return array;
}

void fill_from(const Value& v, const Ref<Array>& to) {
  if (v.is_numeric()) {
    copy_elements(*as_array(v, v.is_array() ? v.array()->dtype() : to->dtype()), *to);
  } else if (v.is(ValueKind::range)) {
    fill_from_range(v.range(), to);
  } else {
    const std::vector<Value>& items = v.items();
    for (std::size_t i = 0; i < items.size(); ++i) {
      fill_from(items[i], row(to, static_cast<std::int64_t>(i)));
    }
  }
}

std::optional<DType> find_dtype(std::string_view name) {
  if (name.starts_with('<') || name.starts_with('=') || name.starts_with('|')) {
    name.remove_prefix(1);
  }
  for (const DTypeInfo& row : dtypes()) {
    if (row.name == name) return row.dtype;
  }
  for (const Alias& alias : aliases) {
    if (alias.name == name) return alias.dtype;
  }
  return std::nullopt;
}

std::optional<DType> as_dtype(const Value& v, DType otherwise) {
  if (absent(v)) return otherwise;
  if (v.is(ValueKind::dtype)) return v.dtype();
  if (v.is(ValueKind::string)) return find_dtype(v.text());
  return std::nullopt;
}

std::optional<bool> as_flag(const Value& v) {
  if (v.is_nil() || v.is_array()) return std::nullopt;
  if (const auto i = as_index(v)) return *i != 0;
  return std::nullopt;
}

bool is_text(const Value& v, std::string_view text) {
  return v.is(ValueKind::string) && v.text() == text;
}

std::int64_t normal_axis(std::int64_t axis, std::int64_t rank, std::string_view prefix) {
  if (axis >= -rank && axis < rank) return axis < 0 ? axis + rank : axis;
  throw Error(Kind::axis,
              format("{}axis {} is out of bounds for array of dimension {}", prefix, axis, rank));
}

std::optional<AxisSet> as_axes(const Value& v, std::int64_t rank, bool numbers_have_axes) {
  if (absent(v)) return all_axes(rank);
  const std::optional<Dims> given = as_integers(v);
  if (!given || v.is(ValueKind::list)) return std::nullopt;
  AxisSet axes = 0;
  for (const std::int64_t axis : *given) {
    // As in NumPy, a scalar has one axis to reduce, for a single axis only.
    const bool is_first = axis == 0 || axis == -1;
    if (rank == 0 && numbers_have_axes && !v.is(ValueKind::tuple) && is_first) return AxisSet{0};
    const AxisSet bit = AxisSet{1} << normal_axis(axis, rank);
    if (axes & bit) throw Error(Kind::value, "duplicate value in 'axis'");
    axes |= bit;
  }
  return axes;
}

std::optional<Dims> as_integers(const Value& v) {
  if (v.is_array() || v.is(ValueKind::boolean)) return std::nullopt;
  if (const auto i = as_index(v)) return Dims{*i};
  if (!is_sequence(v)) return std::nullopt;
  Dims all;
  for (const Value& item : v.items()) {
    const auto i = item.is_array() ? std::nullopt : as_index(item);
    if (!i) return std::nullopt;
    all.push_back(*i);
  }
  return all;
}

std::string tight_shape(std::span<const std::int64_t> shape) {
  std::string text;
  for (const std::int64_t n : shape) {
    // NumPy leaves unknown lengths out in front.
    if (text.empty() && n < 0) continue;
    text += text.empty() ? "" : ",";
    text += n < 0 ? "newaxis" : format("{}", n);
  }
  return format("({}{})", text, shape.size() == 1 && !text.empty() ? "," : "");
}

}  // namespace jetlag
