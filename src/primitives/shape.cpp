// Another look at an array: axes in another order, added, removed, repeated or
// reversed. No element moves.
#include "primitives/shape.h"

#include "primitives/arguments.h"
#include "primitives/families.h"

namespace jetlag {

namespace {

Ref<Array> permuted(const Ref<Array>& a, const Dims& axes) {
  Dims shape(a->rank());
  Dims strides(a->rank());
  for (std::int64_t i = 0; i < a->rank(); ++i) {
    shape[i] = a->shape()[axes[i]];
    strides[i] = a->strides()[axes[i]];
  }
  return view_of(a, a->data(), std::move(shape), std::move(strides));
}

Dims in_order(std::int64_t rank) {
  Dims axes(rank);
  for (std::int64_t i = 0; i < rank; ++i) axes[i] = i;
  return axes;
}

// ---- transpose ---------------------------------------------------------------

Dims permutation(const Dims& axes, std::int64_t rank) {
  if (axes.size() != rank) throw Error(Kind::value, "axes don't match array");
  Dims order(rank);
  AxisSet seen = 0;
  for (std::int64_t i = 0; i < rank; ++i) {
    order[i] = normal_axis(axes[i], rank);
    const AxisSet bit = AxisSet{1} << order[i];
    if (seen & bit) throw Error(Kind::value, "repeated axis in transpose");
    seen |= bit;
  }
  return order;
}

Ref<Array> transposed_by(const Value& v, const Value& axes) {
  if (v.is(ValueKind::scalar)) return nullptr;  // which stays a scalar
  const Ref<Array> a = operand(v);
  if (!a) return nullptr;
  if (absent(axes)) return transposed(a);
  const std::optional<Dims> given = as_integers(axes);
  return given ? permuted(a, permutation(*given, a->rank())) : nullptr;
}

Ref<Array> transpose_view(Arguments a) { return transposed_by(a[0], a[1]); }

// a.transpose(1, 0), a.transpose((1, 0)) and a.transpose() are all said.
Ref<Array> transpose_method_view(Arguments a) {
  const std::vector<Value>& axes = a[1].items();
  if (axes.empty()) return transposed_by(a[0], Value::nil());
  const bool packed = axes.size() == 1 && (axes[0].is(ValueKind::tuple) || axes[0].is_nil());
  return transposed_by(a[0], packed ? axes[0] : a[1]);
}

Ref<Array> swapaxes_view(Arguments a) {
  const Ref<Array> array = operand(a[0]);
  const auto first = as_index(a[1]), second = as_index(a[2]);
  if (!array || !first || !second) return nullptr;
  const std::int64_t axis1 = normal_axis(*first, array->rank(), "axis1: ");
  const std::int64_t axis2 = normal_axis(*second, array->rank(), "axis2: ");
  Dims order = in_order(array->rank());
  std::swap(order[axis1], order[axis2]);
  return permuted(array, order);
}

Dims normal_axes(const Dims& axes, std::int64_t rank, std::string_view name) {
  Dims all;
  AxisSet seen = 0;
  for (const std::int64_t axis : axes) {
    all.push_back(normal_axis(axis, rank, format("{}: ", name)));
    const AxisSet bit = AxisSet{1} << all.back();
    if (seen & bit) throw Error(Kind::value, format("repeated axis in `{}` argument", name));
    seen |= bit;
  }
  return all;
}

Ref<Array> moveaxis_view(Arguments a) {
  if (a[0].is(ValueKind::scalar)) return nullptr;
  const Ref<Array> array = operand(a[0]);
  const auto from = as_integers(a[1]), to = as_integers(a[2]);
  if (!array || !from || !to) return nullptr;
  const Dims source = normal_axes(*from, array->rank(), "source");
  const Dims target = normal_axes(*to, array->rank(), "destination");
  if (source.size() != target.size()) {
    throw Error(Kind::value,
                "`source` and `destination` arguments must have the same number of elements");
  }
  Dims order;
  for (const std::int64_t axis : in_order(array->rank())) {
    if (std::find(source.begin(), source.end(), axis) == source.end()) order.push_back(axis);
  }
  // Filled from the lowest place on, so that no insertion moves an earlier one.
  Dims places = in_order(target.size());
  std::sort(places.begin(), places.end(), [&](auto i, auto j) { return target[i] < target[j]; });
  for (const std::int64_t i : places) order.insert(target[i], source[i]);
  return permuted(array, order);
}

// ---- axes of length 1 -----------------------------------------------------------

Ref<Array> squeeze_view(Arguments a) {
  if (a[0].is(ValueKind::scalar)) return nullptr;
  const Ref<Array> array = operand(a[0]);
  if (!array) return nullptr;
  const std::optional<AxisSet> given = as_axes(a[1], array->rank());
  if (!given) return nullptr;
  Dims shape, strides;
  for (std::int64_t i = 0; i < array->rank(); ++i) {
    const bool is_one = array->shape()[i] == 1;
    if (!absent(a[1]) && contains(*given, i) && !is_one) {
      throw Error(Kind::value,
                  "cannot select an axis to squeeze out which has size not equal to one");
    }
    if (contains(*given, i) && is_one) continue;
    shape.push_back(array->shape()[i]);
    strides.push_back(array->strides()[i]);
  }
  if (shape.size() == array->rank()) return array;
  return view_of(array, array->data(), std::move(shape), std::move(strides));
}

// At least so many axes; numbers become arrays.
Value at_least(const Value& v, std::int64_t rank) {
  Ref<Array> a = operand(v);
  if (!a) return {};
  if (v.is_array() && a->rank() >= rank) return v;
  while (a->rank() < rank) a = with_axis(a, 0);
  return Value::of(a);
}

Value atleast_1d_value(Arguments a) { return at_least(a[0], 1); }
Value atleast_2d_value(Arguments a) { return at_least(a[0], 2); }

// ---- broadcast and flip -----------------------------------------------------------

Ref<Array> broadcast_view(Arguments a) {
  const Ref<Array> array = operand(a[0]);
  const std::optional<Dims> shape = array ? as_shape(a[1]) : std::nullopt;
  if (!shape) return nullptr;
  for (const std::int64_t n : *shape) {
    if (n < 0) throw Error(Kind::value, "all elements of broadcast shape must be non-negative");
  }
  if (shape->size() < array->rank()) {
    throw Error(Kind::value,
                shape->empty()
                    ? "cannot broadcast a non-scalar to a scalar array"
                    : "input operand has more dimensions than allowed by the axis remapping");
  }
  const std::int64_t added = shape->size() - array->rank();
  for (std::int64_t i = 0; i < array->rank(); ++i) {
    const std::int64_t n = array->shape()[i];
    if (n == 1 || n == (*shape)[added + i]) continue;
    throw Error(Kind::value, format("operands could not be broadcast together with remapped shapes "
                                    "[original->remapped]: {}  and requested shape {}",
                                    tight_shape(array->shape()), tight_shape(*shape)));
  }
  Ref<Array> view = broadcast_to(array, *shape);
  view->make_read_only();
  return view;
}

Ref<Array> flipped(const Ref<Array>& a, AxisSet axes) {
  Dims strides = a->strides();
  std::byte* data = a->data();
  for (std::int64_t i = 0; i < a->rank(); ++i) {
    if (!contains(axes, i)) continue;
    if (a->size() > 0) data += (a->shape()[i] - 1) * strides[i];
    strides[i] = -strides[i];
  }
  return view_of(a, data, a->shape(), std::move(strides));
}

Ref<Array> flip_view(Arguments a) {
  const Ref<Array> array = operand(a[0]);
  if (!array || array->rank() == 0) return nullptr;
  const auto axes = as_axes(a[1], array->rank());
  return axes ? flipped(array, *axes) : nullptr;
}

Ref<Array> flipud_view(Arguments a) {
  const Ref<Array> array = operand(a[0]);
  if (array && array->rank() < 1) throw Error(Kind::value, "Input must be >= 1-d.");
  return array ? flipped(array, 1) : nullptr;
}

Ref<Array> fliplr_view(Arguments a) {
  const Ref<Array> array = operand(a[0]);
  if (array && array->rank() < 2) throw Error(Kind::value, "Input must be >= 2-d.");
  return array ? flipped(array, 2) : nullptr;
}

// ---- parts of complex numbers --------------------------------------------------------

// Of a real array it is the array itself. Python's numbers keep Python's types.
Value real_value(Arguments a) {
  const Value& v = a[0];
  if (v.is(ValueKind::complex)) return Value::of(v.complex().real());
  if (v.is(ValueKind::boolean)) return Value::of(std::int64_t{v.boolean()});
  if (v.is(ValueKind::integer) || v.is(ValueKind::real)) return v;
  return v.is_array() && !is_complex(v.array()->dtype()) ? v : Value();
}

Value imag_value(Arguments a) {
  const Value& v = a[0];
  if (v.is(ValueKind::complex)) return Value::of(v.complex().imag());
  if (v.is(ValueKind::boolean) || v.is(ValueKind::integer)) return Value::of(std::int64_t{0});
  if (v.is(ValueKind::real)) return Value::of(0.0);
  if (!v.is_array() || is_complex(v.array()->dtype())) return {};
  Ref<Array> zeros = new_array(v.array()->dtype(), v.array()->shape(), true);
  if (v.array()->is_fortran_contiguous()) {
    zeros = make<Array>(zeros->buffer(), zeros->data(), zeros->dtype(), zeros->shape(),
                        v.array()->strides());
  }
  zeros->make_read_only();
  return Value::of(zeros);
}

Ref<Array> part_view(const Value& v, bool imaginary) {
  if (!v.is_array() || !is_complex(v.array()->dtype())) return nullptr;
  const Ref<Array>& a = v.array();
  const DType part = a->dtype() == DType::complex64 ? DType::float32 : DType::float64;
  return view_of(a, a->data() + (imaginary ? size_of(part) : 0), part, a->shape(), a->strides());
}

Ref<Array> real_view(Arguments a) { return part_view(a[0], false); }
Ref<Array> imag_view(Arguments a) { return part_view(a[0], true); }

// ---- the table -----------------------------------------------------------------------

constexpr Primitive table[] = {
    {.name = "transpose",
     .python = "numpy.transpose",
     .params = "a, axes=nil",
     .doc = "The axes in reverse, or in a given order.",
     .example = "transpose([[1, 2], [3, 4]])  #= [[1, 3], [2, 4]]",
     .attribute = "T",
     .view = transpose_view,
     .algebra = Algebra::transpose},
    {.name = "permute_dims",
     .python = "numpy.permute_dims",
     .params = "a, axes=nil",
     .doc = "The same as transpose.",
     .example = "permute_dims([[1, 2]])  #= [[1], [2]]",
     .view = transpose_view,
     .algebra = Algebra::transpose},
    {.name = "transpose__method",
     .params = "a, *axes",
     .doc = "transpose, as a method takes its axes.",
     .example = "transpose__method([[1, 2]], 1, 0)  #= [[1], [2]]",
     .method = "transpose",
     .view = transpose_method_view,
     .algebra = Algebra::transpose},
    {.name = "swapaxes",
     .python = "numpy.swapaxes",
     .params = "a, axis1, axis2",
     .doc = "Two axes change places.",
     .example = "swapaxes([[1, 2]], 0, 1)  #= [[1], [2]]",
     .method = "swapaxes",
     .view = swapaxes_view},
    {.name = "moveaxis",
     .python = "numpy.moveaxis",
     .params = "a, source, destination",
     .doc = "Axes move to other places, the rest keep their order.",
     .example = "moveaxis([[1, 2]], 0, 1)  #= [[1], [2]]",
     .view = moveaxis_view},
    {.name = "squeeze",
     .python = "numpy.squeeze",
     .params = "a, axis=nil",
     .doc = "Axes of length 1 are left out.",
     .example = "squeeze([[1, 2]])  #= [1, 2]",
     .method = "squeeze",
     .view = squeeze_view},
    {.name = "atleast_1d",
     .python = "numpy.atleast_1d",
     .params = "a",
     .doc = "The array, or a number as an array of one axis.",
     .example = "atleast_1d(3)  #= [3]",
     .value = atleast_1d_value},
    {.name = "atleast_2d",
     .python = "numpy.atleast_2d",
     .params = "a",
     .doc = "The array with axes put in front until there are two.",
     .example = "atleast_2d([1, 2])  #= [[1, 2]]",
     .value = atleast_2d_value},
    {.name = "broadcast_to",
     .python = "numpy.broadcast_to",
     .params = "array, shape",
     .doc = "The array repeated to a shape, read-only.",
     .example = "broadcast_to([1, 2], '(2, 2))  #= [[1, 2], [1, 2]]",
     .view = broadcast_view},
    {.name = "flip",
     .python = "numpy.flip",
     .params = "m, axis=nil",
     .doc = "The elements in reverse along axes.",
     .example = "flip([1, 2, 3])  #= [3, 2, 1]",
     .view = flip_view},
    {.name = "flipud",
     .python = "numpy.flipud",
     .params = "m",
     .doc = "The rows in reverse.",
     .example = "flipud([[1], [2]])  #= [[2], [1]]",
     .view = flipud_view},
    {.name = "fliplr",
     .python = "numpy.fliplr",
     .params = "m",
     .doc = "The columns in reverse.",
     .example = "fliplr([[1, 2]])  #= [[2, 1]]",
     .view = fliplr_view},
    {.name = "real",
     .python = "numpy.real",
     .params = "val",
     .doc = "The real part, as a view.",
     .example = "real(3 + 4j)  #= 3.0",
     .attribute = "real",
     .value = real_value,
     .view = real_view},
    {.name = "imag",
     .python = "numpy.imag",
     .params = "val",
     .doc = "The imaginary part, as a view.",
     .example = "imag(3 + 4j)  #= 4.0",
     .attribute = "imag",
     .value = imag_value,
     .view = imag_view},
};

}  // namespace

Ref<Array> with_axis(const Ref<Array>& a, std::int64_t i) {
  Dims shape = a->shape();
  Dims strides = a->strides();
  shape.insert(i, 1);
  strides.insert(i, 0);
  return view_of(a, a->data(), std::move(shape), std::move(strides));
}

std::span<const Primitive> shape_primitives() {
  static const std::vector<Primitive> rows = [] {
    std::vector<Primitive> all(std::begin(table), std::end(table));
    for (std::span<const Primitive> more :
         {reshape_rows(), joining_rows(), diagonal_rows(), arranging_rows()}) {
      all.insert(all.end(), more.begin(), more.end());
    }
    return all;
  }();
  return rows;
}

}  // namespace jetlag
