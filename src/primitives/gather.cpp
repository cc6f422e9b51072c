// a[items] with arrays among the items: a copy; and the assignment to it.
#include <algorithm>
#include <numeric>

#include "primitives/advanced.h"
#include "primitives/arguments.h"
#include "primitives/index.h"
#include "primitives/kept_order.h"
#include "primitives/moves.h"
#include "primitives/shape.h"
#include "primitives/storing.h"
#include "primitives/walk.h"

namespace jetlag {

namespace {

// The axes of a selection as NumPy stores them: places first, in C order, and
// the rest in the order in which they lie in the source. Without a rest, the
// places lie as the index arrays do.
Ref<Array> new_stored(const Selection& s, DType dtype, const Ref<Buffer>& buffer) {
  const std::int64_t item = size_of(dtype);
  const Array rest(buffer, s.data, dtype, s.rest, s.rest_strides);
  Dims strides = strides_like(rest, item);
  if (strides.empty()) strides = contiguous_strides(s.rest, item);
  for (std::int64_t step : s.places_strides) strides.push_back(step * item);
  const bool is_laid_out = !s.places_strides.empty();
  std::int64_t step = item * std::max<std::int64_t>(element_count(s.rest), 1);
  Dims shape = s.rest;
  for (std::int64_t i = s.places.size() - 1; i >= 0; --i) {
    shape.insert(0, s.places[i]);
    if (!is_laid_out) strides.insert(0, step);
    step *= std::max<std::int64_t>(s.places[i], 1);
  }
  const Ref<Array> block = new_array(dtype, shape);
  if (block->strides() == strides) return block;
  return make<Array>(block->buffer(), block->data(), dtype, std::move(shape), std::move(strides));
}

// From the stored order (places, rest) to that of the result, and back.
Ref<Array> in_result_order(const Ref<Array>& stored, const Selection& s) {
  if (s.at == 0) return stored;
  const auto rotate = [&](Dims d) {
    std::rotate(d.begin(), d.begin() + s.places.size(), d.begin() + s.places.size() + s.at);
    return d;
  };
  return view_of(stored, stored->data(), rotate(stored->shape()), rotate(stored->strides()));
}

Ref<Array> in_stored_order(const Ref<Array>& result, const Selection& s) {
  if (s.at == 0) return result;
  const auto rotate = [&](Dims d) {
    std::rotate(d.begin(), d.begin() + s.at, d.begin() + s.at + s.places.size());
    return d;
  };
  return view_of(result, result->data(), rotate(result->shape()), rotate(result->strides()));
}

template <std::size_t size>
void copy_item(std::byte* to, const std::byte* from) {
  std::memcpy(to, from, size);
}

// One function for each size of element: the loop must not ask.
template <class F>
void with_item_size(DType dtype, F&& f) {
  switch (size_of(dtype)) {
    case 1: return f(std::integral_constant<std::size_t, 1>{});
    case 2: return f(std::integral_constant<std::size_t, 2>{});
    case 4: return f(std::integral_constant<std::size_t, 4>{});
    case 8: return f(std::integral_constant<std::size_t, 8>{});
    default: return f(std::integral_constant<std::size_t, 16>{});
  }
}

// Calls run(place of the selection, place of the other array, steps, count) for
// every line of elements along the last axis of the rest.
template <class Run>
void each_line(const Selection& s, const Array& other, Run&& run) {
  std::size_t place = 0;
  const std::int64_t places_rank = s.places.size();
  walk<1>(s.places, {other.data()}, {other.strides().data()},
          [&](const auto& at, const auto& steps, std::int64_t count) {
            for (std::int64_t i = 0; i < count; ++i) {
              walk<2>(s.rest, {s.data + s.offsets[place++], at[0] + i * steps[0]},
                      {s.rest_strides.data(), other.strides().data() + places_rank}, run);
            }
          });
}

void copy_out(const Selection& s, const Array& stored) {
  with_item_size(stored.dtype(), [&](auto size) {
    each_line(s, stored, [&](const auto& at, const auto& steps, std::int64_t count) {
      for (std::int64_t i = 0; i < count; ++i) {
        copy_item<size>(at[1] + i * steps[1], at[0] + i * steps[0]);
      }
    });
  });
}

void copy_in(const Selection& s, const Array& stored) {
  with_item_size(stored.dtype(), [&](auto size) {
    each_line(s, stored, [&](const auto& at, const auto& steps, std::int64_t count) {
      for (std::int64_t i = 0; i < count; ++i) {
        copy_item<size>(at[0] + i * steps[0], at[1] + i * steps[1]);
      }
    });
  });
}

void check_mask_value(const Selection& s, const Dims& value) {
  const auto count = static_cast<std::int64_t>(s.offsets.size());
  if (!s.rest.empty()) return;
  if (value.size() > 1) {
    throw Error(Kind::type, format("NumPy boolean array indexing assignment requires a 0 or "
                                   "1-dimensional input, input has {} dimensions",
                                   value.size()));
  }
  if (value.empty() || value[0] == count || value[0] == 1) return;
  throw Error(Kind::value, format("NumPy boolean array indexing assignment cannot assign {} input "
                                  "values to the {} output values where the mask is true",
                                  value[0], count));
}

void check_value(const Selection& s, const Dims& value, const Dims& shape) {
  if (s.has_numbers_only) return check_assignable(value, shape);
  if (s.is_mask) check_mask_value(s, value);
  try {
    check_assignable(value, shape);
  } catch (const Error&) {
    throw Error(Kind::value,
                format("shape mismatch: value array of shape {} could not be broadcast "
                       "to indexing result of shape {}",
                       tight_shape(value), tight_shape(shape)));
  }
}

// The value in the target's dtype and memory of its own, if the target's might
// change under it.
Ref<Array> private_operand(const Value& value, const Array& target) {
  Ref<Array> v = stored_operand(value, target.dtype());
  if (!v || (v->dtype() == target.dtype() && !may_overlap(*v, target))) return v;
  Ref<Array> copy = new_array(target.dtype(), v->shape());
  copy_elements(*v, *copy);
  return copy;
}

// Whether an array has elements of this one at other places.
bool is_elsewhere_in(const Value& value, const Array& a) {
  if (!value.is_array()) return false;
  const Array& v = *value.array();
  const bool same = v.data() == a.data() && v.shape() == a.shape() && v.strides() == a.strides();
  return !same && may_overlap(v, a);
}

// The axes of places from the slowest to the fastest, as the index arrays and the value lie.
std::vector<std::int64_t> axes_as_they_lie(const Selection& s, const Value& value) {
  KeptOrder order(s.places);
  order.add(s.places, s.places_strides);
  order.add(value);
  Dims strides = order.strides(1);
  if (strides.empty()) strides = contiguous_strides(s.places, 1);
  std::vector<std::int64_t> axes(static_cast<std::size_t>(s.places.size()));
  std::iota(axes.begin(), axes.end(), 0);
  std::stable_sort(axes.begin(), axes.end(),
                   [&](std::int64_t i, std::int64_t k) { return strides[i] > strides[k]; });
  return axes;
}

// A place that is stored into twice holds what is stored last: along several axes NumPy goes as the
// index arrays and the value lie in memory. `stored` has the axes of the places alone.
void go_as_they_lie(Selection& s, Ref<Array>& stored, const Value& value) {
  if (!s.rest.empty() || s.places.size() < 2 || stored->size() == 0) return;
  const Ref<Array> given =
      value.is_array() ? broadcast_into(value.array(), s.places) : Ref<Array>();
  constexpr std::int64_t item = sizeof(std::int64_t);
  const Dims in_order = contiguous_strides(s.places, item);
  Dims places, steps, stored_strides;
  auto* first = reinterpret_cast<std::byte*>(s.offsets.data());
  std::byte* first_stored = stored->data();
  const std::vector<std::int64_t> axes = axes_as_they_lie(s, value);
  bool any_turned = false;
  for (const std::int64_t axis : axes) {
    const std::int64_t n = s.places[axis], step = in_order[axis], far = stored->strides()[axis];
    const bool turned = s.backwards[axis] && n > 1 && (!given || given->strides()[axis] <= 0);
    places.push_back(n);
    steps.push_back(turned ? -step : step);
    stored_strides.push_back(turned ? -far : far);
    if (!turned) continue;
    any_turned = true;
    first += (n - 1) * step;
    first_stored += (n - 1) * far;
  }
  if (!any_turned && std::is_sorted(axes.begin(), axes.end())) return;
  std::vector<std::int64_t> offsets(s.offsets.size());
  copy_elements(Array(nullptr, first, DType::int64, places, steps),
                Array(nullptr, reinterpret_cast<std::byte*>(offsets.data()), DType::int64, places,
                      contiguous_strides(places, item)));
  s.offsets = std::move(offsets);
  stored = view_of(stored, first_stored, places, stored_strides);
  s.places = std::move(places);
}

}  // namespace

Ref<Array> gather(const Ref<Array>& a, std::span<const Value> items) {
  const std::optional<Selection> s = select(a, items);
  if (!s) return nullptr;
  const Ref<Array> stored = new_stored(*s, a->dtype(), a->buffer());
  if (stored->size() > 0) copy_out(*s, *stored);
  return in_result_order(stored, *s);
}

bool scatter(const Ref<Array>& a, std::span<const Value> items, const Value& value) {
  if (!a->writable()) throw Error(Kind::value, "assignment destination is read-only");
  if (!is_assignable(value, a->dtype())) return false;
  std::optional<Selection> s = select(a, items);
  if (!s) return false;
  // There NumPy copies piece by piece, and reads what it has written: only it knows the pieces.
  if (s->is_mask && s->rest.empty() &&
      (is_elsewhere_in(value, *a) || is_elsewhere_in(items[0], *a)))
    return false;
  const Ref<Array> v = private_operand(value, *a);
  if (!v) return false;
  const Dims shape = s->shape();
  if (shape.empty() && v->rank() > 0) return false;  // as in assign
  check_value(*s, v->shape(), shape);
  Ref<Array> stored = in_stored_order(broadcast_into(v, shape), *s);
  go_as_they_lie(*s, stored, value);
  if (stored->size() > 0) copy_in(*s, *stored);
  return true;
}

}  // namespace jetlag
