// What is known of an array before it is computed: shape, size, dtype. These
// are values of Python, given at once.
#include "primitives/arguments.h"
#include "primitives/creation.h"

namespace jetlag {

namespace {

Value tuple_of(std::span<const std::int64_t> numbers) {
  std::vector<Value> items;
  items.reserve(numbers.size());
  for (const std::int64_t n : numbers) items.push_back(Value::of(n));
  return Value::tuple(std::move(items));
}

Value size_of_axes(const Value& v, const Value& axis) {
  const std::optional<Outline> known = outline(v);
  if (!known) return {};
  const std::optional<AxisSet> axes = as_axes(axis, known->rank(), false);
  if (!axes) return {};
  std::int64_t size = 1;
  for (std::int64_t i = 0; i < known->rank(); ++i) {
    if (contains(*axes, i)) size *= known->shape[i];
  }
  return Value::of(size);
}

Value shape_value(Arguments a) {
  const std::optional<Outline> known = outline(a[0]);
  if (!known) return {};
  // Phylanx's second argument: the length along one axis.
  if (!absent(a[1])) return size_of_axes(a[0], a[1]);
  return tuple_of(known->shape);
}

Value ndim_value(Arguments a) {
  const std::optional<Outline> known = outline(a[0]);
  return known ? Value::of(known->rank()) : Value();
}

Value size_value(Arguments a) { return size_of_axes(a[0], a[1]); }

// The attributes below are those of NumPy's objects only: Python's numbers and
// lists have none of them.
std::optional<Outline> of_numpy(const Value& v) {
  return v.is_array() || v.is(ValueKind::scalar) ? outline(v) : std::nullopt;
}

Value dtype_value(Arguments a) {
  const std::optional<Outline> known = of_numpy(a[0]);
  return known ? Value::of(known->dtype) : Value();
}

Value itemsize_value(Arguments a) {
  const std::optional<Outline> known = of_numpy(a[0]);
  return known ? Value::of(size_of(known->dtype)) : Value();
}

Value nbytes_value(Arguments a) {
  const std::optional<Outline> known = of_numpy(a[0]);
  return known ? Value::of(known->size() * size_of(known->dtype)) : Value();
}

Value strides_value(Arguments a) {
  return a[0].is_array() ? tuple_of(a[0].array()->strides()) : Value();
}

constexpr Primitive table[] = {
    {.name = "shape",
     .python = "numpy.shape",
     .params = "a, axis=nil",
     .doc = "The lengths of the axes, or of one.",
     .example = "shape([[1, 2, 3]])  #= tuple(1, 3)",
     .attribute = "shape",
     .value = shape_value},
    {.name = "ndim",
     .python = "numpy.ndim",
     .params = "a",
     .doc = "The number of axes.",
     .example = "ndim([[1, 2]])  #= 2",
     .attribute = "ndim",
     .value = ndim_value},
    {.name = "size",
     .python = "numpy.size",
     .params = "a, axis=nil",
     .doc = "The number of elements, or those along an axis.",
     .example = "size([[1, 2]])  #= 2",
     .attribute = "size",
     .value = size_value},
    {.name = "dtype__attribute",
     .params = "a",
     .doc = "The type of the elements.",
     .attribute = "dtype",
     .value = dtype_value},
    {.name = "itemsize__attribute",
     .params = "a",
     .doc = "The bytes of an element.",
     .example = "itemsize__attribute([1.0])  #= 8",
     .attribute = "itemsize",
     .value = itemsize_value},
    {.name = "nbytes__attribute",
     .params = "a",
     .doc = "The bytes of all elements.",
     .example = "nbytes__attribute([1.0, 2.0])  #= 16",
     .attribute = "nbytes",
     .value = nbytes_value},
    {.name = "strides__attribute",
     .params = "a",
     .doc = "The bytes from one element to the next, by axis.",
     .example = "strides__attribute([1.0, 2.0])  #= tuple(8)",
     .attribute = "strides",
     .value = strides_value},
};

}  // namespace

std::span<const Primitive> facts_rows() { return table; }

}  // namespace jetlag
