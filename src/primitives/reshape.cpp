// reshape and its kin: a view where strides can express the new shape, as NumPy
// decides it, and otherwise a copy.
#include "primitives/arguments.h"
#include "primitives/moves.h"
#include "primitives/shape.h"

namespace jetlag {

namespace {

// The shape with its one negative length worked out. Throws as NumPy does.
Dims completed(Dims shape, std::int64_t size) {
  std::int64_t unknown = -1, known = 1;
  for (std::int64_t i = 0; i < shape.size(); ++i) {
    if (shape[i] >= 0) {
      known *= shape[i];
    } else if (unknown < 0) {
      unknown = i;
    } else {
      throw Error(Kind::value, "can only specify one unknown dimension");
    }
  }
  const bool fits = unknown < 0 ? known == size : known != 0 && size % known == 0;
  if (!fits) {
    throw Error(Kind::value,
                format("cannot reshape array of size {} into shape {}", size, tight_shape(shape)));
  }
  if (unknown >= 0) shape[unknown] = size / known;
  return shape;
}

// A group of old axes whose elements are evenly spaced in memory, and the new
// axes that share them out.
bool share_strides(const Dims& old_shape, const Dims& old_strides,
                   std::span<const std::int64_t> shape, Dims& strides) {
  const auto rank = static_cast<std::int64_t>(shape.size());
  std::int64_t old_begin = 0, begin = 0;
  while (old_begin < old_shape.size() && begin < rank) {
    std::int64_t old_end = old_begin + 1, end = begin + 1;
    std::int64_t old_count = old_shape[old_begin];
    std::int64_t count = shape[static_cast<std::size_t>(begin)];
    while (old_count != count) {
      if (count < old_count) count *= shape[static_cast<std::size_t>(end++)];
      else old_count *= old_shape[old_end++];
    }
    for (std::int64_t i = old_begin; i + 1 < old_end; ++i) {
      if (old_strides[i] != old_shape[i + 1] * old_strides[i + 1]) return false;
    }
    strides[end - 1] = old_strides[old_end - 1];
    for (std::int64_t i = end - 1; i > begin; --i) {
      strides[i - 1] = strides[i] * shape[static_cast<std::size_t>(i)];
    }
    old_begin = old_end;
    begin = end;
  }
  // Only axes of length 1 can be left.
  for (; begin < rank; ++begin) {
    if (begin > 0) strides[begin] = strides[begin - 1];
  }
  return true;
}

// The wanted shape; nothing if only NumPy can tell.
std::optional<Dims> wanted_shape(const Value& v, const Value& shape) {
  const std::optional<Outline> known = outline(v);
  const std::optional<Dims> given = known ? as_integers(shape) : std::nullopt;
  if (!given) return std::nullopt;
  return completed(*given, known->size());
}

Ref<Array> view_in_shape(const Value& v, const std::optional<Dims>& shape) {
  if (!shape) return nullptr;
  const Ref<Array> a = operand(v);
  return a ? reshaped_view(a, *shape) : nullptr;
}

Spec copy_in_shape(const Value& v, std::optional<Dims> shape) {
  if (!shape || !v.is_array()) return Spec::decline();
  return Spec::array(v.array()->dtype(), std::move(*shape));
}

// The result in C order is the operand in C order: only the operand is walked.
Job copy_kernel(Arguments a, const Ref<Array>& out, Watch*) {
  return move_job(a[0].array(), reshaped_view(out, a[0].array()->shape()));
}

bool is_plain_order(const Value& order) { return is_text(order, "C"); }

Ref<Array> reshape_view(Arguments a) {
  if (!is_plain_order(a[2]) || !absent(a[3])) return nullptr;
  return view_in_shape(a[0], wanted_shape(a[0], a[1]));
}

Spec reshape_type(Arguments a) {
  if (!is_plain_order(a[2]) || !absent(a[3])) return Spec::decline();
  return copy_in_shape(a[0], wanted_shape(a[0], a[1]));
}

// a.reshape(2, 3) and a.reshape((2, 3)).
Value packed_shape(const Value& rest) {
  const std::vector<Value>& items = rest.items();
  const bool packed =
      items.size() == 1 && (items[0].is(ValueKind::tuple) || items[0].is(ValueKind::list));
  return packed ? items[0] : rest;
}

Ref<Array> reshape_method_view(Arguments a) {
  if (a[1].items().empty()) return nullptr;
  return view_in_shape(a[0], wanted_shape(a[0], packed_shape(a[1])));
}

Spec reshape_method_type(Arguments a) {
  if (a[1].items().empty()) return Spec::decline();
  return copy_in_shape(a[0], wanted_shape(a[0], packed_shape(a[1])));
}

// ravel gives a view of what is contiguous, and only of that.
Ref<Array> ravel_view(Arguments a) {
  if (!is_plain_order(a[1])) return nullptr;
  const Ref<Array> array = operand(a[0]);
  if (!array || !array->is_contiguous()) return nullptr;
  return reshaped_view(array, Dims{array->size()});
}

Spec flat_type(Arguments a) {
  const std::optional<Outline> known = outline(a[0]);
  if (!is_plain_order(a[1]) || !known || !a[0].is_array()) return Spec::decline();
  return Spec::array(known->dtype, {known->size()});
}

Ref<Array> expand_dims_view(Arguments a) {
  const Ref<Array> array = operand(a[0]);
  const std::optional<Dims> axes = array ? as_integers(a[1]) : std::nullopt;
  if (!axes) return nullptr;
  const std::int64_t rank = array->rank() + axes->size();
  AxisSet added = 0;
  for (const std::int64_t axis : *axes) {
    const AxisSet bit = AxisSet{1} << normal_axis(axis, rank);
    if (added & bit) throw Error(Kind::value, "repeated axis");
    added |= bit;
  }
  Dims shape = array->shape();
  for (std::int64_t i = 0; i < rank; ++i) {
    if (contains(added, i)) shape.insert(i, 1);
  }
  return reshaped_view(array, shape);
}

constexpr Primitive table[] = {
    {.name = "reshape",
     .python = "numpy.reshape",
     .params = "a, shape, order='C', copy=nil",
     .doc = "The elements in another shape; -1 is worked out.",
     .example = "reshape([1, 2, 3, 4], '(2, -1))  #= [[1, 2], [3, 4]]",
     .type = reshape_type,
     .kernel = copy_kernel,
     .view = reshape_view},
    {.name = "reshape__method",
     .params = "a, *shape",
     .doc = "reshape, as a method takes its lengths.",
     .example = "reshape__method([1, 2], 2, 1)  #= [[1], [2]]",
     .method = "reshape",
     .type = reshape_method_type,
     .kernel = copy_kernel,
     .view = reshape_method_view},
    {.name = "ravel",
     .python = "numpy.ravel",
     .params = "a, order='C'",
     .doc = "All elements in one axis; a copy only where needed.",
     .example = "ravel([[1, 2], [3, 4]])  #= [1, 2, 3, 4]",
     .method = "ravel",
     .type = flat_type,
     .kernel = copy_kernel,
     .view = ravel_view},
    {.name = "flatten",
     .params = "a, order='C'",
     .doc = "A copy of all elements in one axis.",
     .example = "flatten([[1, 2], [3, 4]])  #= [1, 2, 3, 4]",
     .method = "flatten",
     .type = flat_type,
     .kernel = copy_kernel},
    {.name = "expand_dims",
     .python = "numpy.expand_dims",
     .params = "a, axis",
     .doc = "Axes of length 1 are put in.",
     .example = "expand_dims([1, 2], 0)  #= [[1, 2]]",
     .view = expand_dims_view},
};

}  // namespace

Ref<Array> reshaped_view(const Ref<Array>& a, std::span<const std::int64_t> shape) {
  const std::int64_t item = size_of(a->dtype());
  if (a->is_contiguous())
    return view_of(a, a->data(), Dims(shape), contiguous_strides(shape, item));
  Dims old_shape, old_strides;
  for (std::int64_t i = 0; i < a->rank(); ++i) {
    if (a->shape()[i] == 1) continue;
    old_shape.push_back(a->shape()[i]);
    old_strides.push_back(a->strides()[i]);
  }
  Dims strides(static_cast<std::int64_t>(shape.size()), item);
  if (!share_strides(old_shape, old_strides, shape, strides)) return nullptr;
  return view_of(a, a->data(), Dims(shape), std::move(strides));
}

std::span<const Primitive> reshape_rows() { return table; }

}  // namespace jetlag
