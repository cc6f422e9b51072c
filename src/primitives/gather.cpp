// a[items] with arrays among the items: a copy; and the assignment to it.
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <numeric>

#include "primitives/advanced.h"
#include "primitives/arguments.h"
#include "primitives/index.h"
#include "primitives/kept_order.h"
#include "primitives/masked.h"
#include "primitives/moves.h"
#include "primitives/places.h"
#include "primitives/shape.h"
#include "primitives/storing.h"

namespace jetlag {

namespace {

// The axes of a selection as NumPy stores them: places first, in C order, and
// the rest in the order in which they lie in the source. Without a rest of more
// than one element, the places lie as the index arrays do.
Ref<Array> new_stored(const Selection& s, const Array& a, const MakeArray& make) {
  const DType dtype = a.dtype();
  const std::int64_t item = size_of(dtype);
  const Array rest(a.buffer(), s.data, dtype, s.rest, s.rest_strides);
  Dims strides = strides_like(rest, item);
  if (strides.empty()) strides = contiguous_strides(s.rest, item);
  const Dims places_strides = s.places_strides();
  const bool is_laid_out = !places_strides.empty();
  for (std::int64_t i = 0; i < places_strides.size(); ++i)
    strides.insert(i, places_strides[i] * item);
  std::int64_t step = item * std::max<std::int64_t>(element_count(s.rest), 1);
  Dims shape = s.rest;
  for (std::int64_t i = s.places.size() - 1; i >= 0; --i) {
    shape.insert(0, s.places[i]);
    if (!is_laid_out) strides.insert(0, step);
    step *= std::max<std::int64_t>(s.places[i], 1);
  }
  Ref<Array> block = make(dtype, shape);
  if (block->strides() == strides) return block;
  return jetlag::make<Array>(block->buffer(), block->data(), dtype, std::move(shape),
                             std::move(strides));
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

void check_mask_value(std::int64_t count, const Dims& value) {
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

void check_selected_value(const Dims& value, const Dims& shape) {
  try {
    check_assignable(value, shape);
  } catch (const Error&) {
    throw Error(Kind::value,
                format("shape mismatch: value array of shape {} could not be broadcast "
                       "to indexing result of shape {}",
                       tight_shape(value), tight_shape(shape)));
  }
}

void check_value(const Selection& s, const Dims& value, const Dims& shape) {
  if (s.has_numbers_only) return check_assignable(value, shape);
  if (s.is_mask && s.rest.empty()) check_mask_value(element_count(s.places), value);
  check_selected_value(value, shape);
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

// The axes of places from the slowest to the fastest.
std::vector<std::int64_t> sorted_axes(const Dims& strides) {
  std::vector<std::int64_t> axes(static_cast<std::size_t>(strides.size()));
  std::iota(axes.begin(), axes.end(), 0);
  std::stable_sort(axes.begin(), axes.end(),
                   [&](std::int64_t i, std::int64_t k) { return strides[i] > strides[k]; });
  return axes;
}

// The axes of places in another order, and some of them turned around; the axes of the rest follow.
Ref<Array> walked(const Ref<Array>& a, const std::vector<std::int64_t>& axes, const Dims& turned) {
  Dims shape = a->shape(), strides = a->strides();
  std::byte* first = a->data();
  std::int64_t to = 0;
  for (const std::int64_t axis : axes) {
    const std::int64_t n = a->shape()[axis], step = a->strides()[axis];
    if (turned[axis]) first += (n - 1) * step;
    shape[to] = n;
    strides[to++] = turned[axis] ? -step : step;
  }
  return view_of(a, first, std::move(shape), std::move(strides));
}

void walk_in_order(Selection& s, Ref<Array>& stored, const std::vector<std::int64_t>& axes,
                   const Dims& turned) {
  stored = walked(stored, axes, turned);
  for (PlaceIndex& one : s.arrays) one.values = walked(one.values, axes, turned);
  for (std::size_t i = 0; i < axes.size(); ++i)
    s.places[static_cast<std::int64_t>(i)] = stored->shape()[static_cast<std::int64_t>(i)];
  s.rest = s.rest_strides = {};
}

// A place that is stored into twice holds what is stored last: along several axes NumPy goes as the
// index arrays and the value lie in memory.
void go_as_they_lie(Selection& s, Ref<Array>& stored, const Value& value) {
  if (!s.takes_elements() || s.places.size() < 2 || stored->size() == 0) return;
  const Ref<Array> given = value.is_array()
                               ? in_stored_order(broadcast_into(value.array(), s.shape()), s)
                               : Ref<Array>();
  KeptOrder order(s.places);
  order.add(s.places, s.places_strides());
  if (given) {
    const Dims& strides = given->strides();
    order.add(s.places, Dims(std::span(strides.begin(), strides.begin() + s.places.size())));
  }
  Dims strides = order.strides(1);
  if (strides.empty()) strides = contiguous_strides(s.places, 1);
  Dims turned = s.backwards();
  for (std::int64_t i = 0; i < s.places.size(); ++i) {
    turned[i] = turned[i] && s.places[i] > 1 && (!given || given->strides()[i] <= 0);
  }
  walk_in_order(s, stored, sorted_axes(strides), turned);
}

// ---- jobs ---------------------------------------------------------------------------

// What the index arrays and the elements take of memory, there and back.
double bytes_of(const Selection& s, const Array& stored) {
  double bytes = 2 * static_cast<double>(stored.bytes());
  for (const PlaceIndex& one : s.arrays) bytes += static_cast<double>(one.given->bytes());
  return bytes;
}

std::vector<Ref<Array>> arrays_of(const Selection& s, const Ref<Array>& more) {
  std::vector<Ref<Array>> all{more};
  for (const PlaceIndex& one : s.arrays) all.push_back(one.given);
  return all;
}

// As much as is done sooner than begun elsewhere.
constexpr double little_bytes = 64 << 10;

// Blocks tell of an index that is out of bounds when all are done: which one is named must not
// depend on who came first.
Job copy_out(Selection s, const Array& stored, bool ready) {
  struct State {
    Selection s;
    Places places;
    std::atomic<bool> missing{false};
  };
  Places places(s, stored);
  const double bytes = bytes_of(s, stored);
  if (ready && bytes <= little_bytes) {
    if (!places.copy_out(0, places.size())) s.refuse();
    return {.body = {}, .finish = {}, .bytes = bytes};
  }
  const auto pieces = pieces_of(static_cast<std::int64_t>(bytes / 2), places.size());
  auto state = std::make_shared<State>(std::move(s), std::move(places));
  const auto body = [state, pieces](std::int64_t block) {
    const std::int64_t n = state->places.size();
    const std::int64_t first = piece_begin(n, pieces, block);
    if (!state->places.copy_out(first, piece_begin(n, pieces, block + 1))) state->missing = true;
  };
  const auto finish = [state] {
    if (state->missing) state->s.refuse();
  };
  return {.blocks = pieces, .body = body, .finish = finish, .bytes = bytes};
}

// One place after another, as the last one stays. All are looked at before.
Job copy_in(const Selection& s, const Array& stored, std::int64_t most_shares, bool ready) {
  Places places(s, stored);
  if (!places.all_exist()) s.refuse();
  const double bytes = bytes_of(s, stored);
  if (ready && bytes <= little_bytes) {
    places.copy_in(0, 1);
    return {.body = {}, .finish = {}, .bytes = bytes};
  }
  const std::int64_t shares = places.shares_of(most_shares);
  const auto body = [places = std::move(places), shares](std::int64_t share) {
    places.copy_in(share, shares);
  };
  return {.blocks = shares, .body = body, .finish = {}, .bytes = bytes};
}

// The array that a single mask takes elements of, where their order in memory is that of the mask.
Ref<Masked> masked_in(const Ref<Array>& a, std::span<const Value> items) {
  items = unpacked(items);
  if (items.size() != 1 || !items[0].is_array()) return nullptr;
  return Masked::of(a, items[0].array());
}

// The value of a store by a mask that says so itself; nothing where a selection has to be made.
std::optional<Subscript> masked_store(const Ref<Array>& a, std::span<const Value> items,
                                      const Value& value) {
  if (!a->is_contiguous() && a->rank() > 1) return std::nullopt;
  items = unpacked(items);
  if (items.size() != 1 || !items[0].is_array() || may_overlap(*items[0].array(), *a) ||
      is_elsewhere_in(value, *a))
    return std::nullopt;
  const Ref<Masked> masked = masked_in(a, items);
  const Ref<Array> v = masked ? private_operand(value, *a) : nullptr;
  if (!v) return std::nullopt;
  const Dims shape = masked->shape();
  if (shape.size() == 1) check_mask_value(shape[0], v->shape());
  check_selected_value(v->shape(), shape);
  const Ref<Array> spread = broadcast_into(v, shape);
  std::optional<Job> job = masked->job_from(*spread);
  if (!job) return std::nullopt;
  return Subscript{a, std::move(*job), {items[0].array(), spread}};
}

}  // namespace

std::optional<Subscript> gather(const Ref<Array>& a, std::span<const Value> items,
                                const MakeArray& make, bool ready) {
  if (const Ref<Masked> masked = masked_in(a, items)) {
    const Ref<Array> out = make(a->dtype(), masked->shape());
    return Subscript{out, masked->job_into(*out), masked->start()};
  }
  std::optional<Selection> s = select(a, items);
  if (!s) return std::nullopt;
  Ref<Array> stored = new_stored(*s, *a, make);
  const Ref<Array> result = in_result_order(stored, *s);
  std::vector<Ref<Array>> reads = arrays_of(*s, a);
  if (const Dims strides = s->places_strides(); !strides.empty())
    walk_in_order(*s, stored, sorted_axes(strides), Dims(strides.size()));
  return Subscript{result, copy_out(std::move(*s), *stored, ready), std::move(reads)};
}

std::optional<Subscript> scatter(const Ref<Array>& a, std::span<const Value> items,
                                 const Value& value, std::int64_t shares, bool ready) {
  if (!a->writable()) throw Error(Kind::value, "assignment destination is read-only");
  if (!is_assignable(value, a->dtype()) || !elements_are_apart(*a)) return std::nullopt;
  if (auto masked = masked_store(a, items, value)) return masked;
  std::optional<Selection> s = select(a, items);
  if (!s) return std::nullopt;
  // There NumPy copies piece by piece, and reads what it has written: only it knows the pieces.
  if (s->is_mask && s->rest.empty() &&
      (is_elsewhere_in(value, *a) || is_elsewhere_in(items[0], *a)))
    return std::nullopt;
  const Ref<Array> v = private_operand(value, *a);
  if (!v) return std::nullopt;
  const Dims shape = s->shape();
  if (shape.empty() && v->rank() > 0) return std::nullopt;  // as in assign
  check_value(*s, v->shape(), shape);
  Ref<Array> stored = in_stored_order(broadcast_into(v, shape), *s);
  std::vector<Ref<Array>> reads = arrays_of(*s, stored);
  go_as_they_lie(*s, stored, value);
  // What is stored must not change where the rest goes.
  for (PlaceIndex& one : s->arrays) {
    if (!may_overlap(*one.values, *a)) continue;
    const Ref<Array> copy = new_array(DType::int64, s->places);
    copy_elements(*one.values, *copy);
    one.values = copy;
    reads.push_back(copy);
  }
  return Subscript{a, copy_in(*s, *stored, shares, ready), std::move(reads)};
}

}  // namespace jetlag
