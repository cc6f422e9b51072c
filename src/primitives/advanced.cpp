#include "primitives/advanced.h"

#include "primitives/arguments.h"
#include "primitives/kept_order.h"
#include "primitives/storing.h"
#include "primitives/walk.h"

namespace jetlag {

namespace {

// Index arrays use int64 from here on. A mask of k axes has become k of them.
struct IndexArray {
  Ref<Array> values;
  Ref<Array> given;   // as it lies in memory
  std::int64_t axis;  // of the array; -1 for a mask without axes, which takes none
};

// One place of the subscript after masks and ellipsis are worked out.
struct Slot {
  enum class Kind : std::uint8_t { arrays, span, new_axis, whole, gap } kind;
  std::int64_t axis = 0;  // of the array, for spans
  const Span* span = nullptr;
};

struct Layout {
  std::vector<Slot> slots;
  std::vector<IndexArray> arrays;
};

// The elements of a mask, looked at as bytes: others may have written any.
std::vector<std::int64_t> positions_of(const Array& mask, Dims& counts) {
  std::vector<std::int64_t> flat;
  std::int64_t base = 0;
  walk<1>(mask.shape(), {mask.data()}, {mask.strides().data()},
          [&](const auto& at, const auto& steps, std::int64_t count) {
            for (std::int64_t i = 0; i < count; ++i) {
              if (at[0][i * steps[0]] != std::byte{0}) flat.push_back(base + i);
            }
            base += count;
          });
  counts = mask.shape();
  return flat;
}

void check_mask(const Array& mask, const Array& a, std::int64_t axis) {
  for (std::int64_t i = 0; i < mask.rank(); ++i) {
    // NumPy lets an axis without any elements pass.
    if (mask.shape()[i] == 0 || mask.shape()[i] == a.shape()[axis + i]) continue;
    throw Error(
        Kind::index,
        format("boolean index did not match indexed array along axis {}; size of axis is {} "
               "but size of corresponding boolean axis is {}",
               axis + i, a.shape()[axis + i], mask.shape()[i]));
  }
}

// A mask is the index arrays that nonzero() would give.
void add_mask(Layout& layout, const Array& mask, std::int64_t axis) {
  Dims counts;
  const std::vector<std::int64_t> flat = positions_of(mask, counts);
  const auto n = static_cast<std::int64_t>(flat.size());
  if (mask.rank() == 0) {
    const Ref<Array> none = new_array(DType::int64, {n}, true);
    layout.arrays.push_back({none, none, -1});
    return;
  }
  std::int64_t divisor = 1;
  std::vector<IndexArray> all;
  for (std::int64_t i = mask.rank() - 1; i >= 0; --i) {
    Ref<Array> values = new_array(DType::int64, {n});
    for (std::size_t k = 0; k < flat.size(); ++k) {
      values->as<std::int64_t>()[k] = flat[k] / divisor % counts[i];
    }
    divisor *= counts[i];
    all.push_back({values, values, axis + i});
  }
  layout.arrays.insert(layout.arrays.end(), all.rbegin(), all.rend());
}

// Index arrays in place of what they were given as. Null: only the host knows.
Ref<Array> index_array(const Value& item) {
  const Ref<Array> given = operand(item);
  if (!given || item.is_array()) return given;
  // The empty list is one of no particular dtype.
  if (given->size() == 0 && given->dtype() == DType::float64) {
    return new_array(DType::int64, given->shape());
  }
  return given;
}

bool is_boolean(const Ref<Array>& a) { return a->dtype() == DType::boolean; }

Ref<Array> as_int64(const Ref<Array>& a) {
  if (a->dtype() == DType::int64) return a;
  Ref<Array> values = new_array(DType::int64, a->shape());
  copy_elements(*a, *values);
  return values;
}

bool is_span_like(const Value& v) {
  return v.is(ValueKind::span) || v.is_nil() || v.is(ValueKind::ellipsis);
}

// The items as arrays where they are such; null where they are spans. Nothing
// where an item is none of our business.
std::optional<std::vector<Ref<Array>>> operands_of(std::span<const Value> items) {
  std::vector<Ref<Array>> all;
  for (const Value& item : items) {
    if (is_span_like(item)) {
      all.push_back(nullptr);
      continue;
    }
    Ref<Array> array = index_array(item);
    if (!array) return std::nullopt;
    if (!is_boolean(array) && !is_integer(array->dtype())) {
      check_index_kinds(std::vector<Value>{Value::of(1.0)});
    }
    all.push_back(std::move(array));
  }
  return all;
}

std::int64_t axes_used(std::span<const Value> items, const std::vector<Ref<Array>>& operands) {
  std::int64_t used = 0;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (operands[i]) used += is_boolean(operands[i]) ? operands[i]->rank() : 1;
    else if (items[i].is(ValueKind::span)) ++used;
  }
  return used;
}

Layout lay_out(const Array& a, std::span<const Value> items,
               const std::vector<Ref<Array>>& operands) {
  const std::int64_t used = axes_used(items, operands);
  check_index_count(used, a.rank());
  Layout layout;
  std::int64_t axis = 0;
  const auto keep = [&](std::int64_t count) {
    for (; count > 0; --count) layout.slots.push_back({Slot::Kind::whole, axis++});
  };
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (const Ref<Array>& array = operands[i]) {
      layout.slots.push_back({Slot::Kind::arrays});
      if (is_boolean(array)) {
        check_mask(*array, a, axis);
        add_mask(layout, *array, axis);
        axis += array->rank();
      } else {
        layout.arrays.push_back({as_int64(array), array, axis++});
      }
    } else if (items[i].is(ValueKind::span)) {
      layout.slots.push_back({Slot::Kind::span, axis++, &items[i].span()});
    } else if (items[i].is_nil()) {
      layout.slots.push_back({Slot::Kind::new_axis});
    } else {
      // It separates arrays even where it stands for no axis.
      layout.slots.push_back({Slot::Kind::gap});
      keep(a.rank() - used);
    }
  }
  keep(a.rank() - axis);
  return layout;
}

Dims common_shape(const std::vector<IndexArray>& arrays) {
  Dims shape;
  try {
    for (const IndexArray& one : arrays) shape = broadcast_shapes(shape, one.values->shape());
  } catch (const Error&) {
    std::string shapes;
    for (const IndexArray& one : arrays) {
      if (one.values->rank() > 0) shapes += tight_shape(one.values->shape()) + " ";
    }
    throw Error(Kind::index,
                "shape mismatch: indexing arrays could not be broadcast together with "
                "shapes " +
                    shapes);
  }
  return shape;
}

// A single number moves the whole selection.
void take_number(const IndexArray& one, const Array& a, Selection& s) {
  const std::int64_t count = a.shape()[one.axis];
  s.data += normal_index(*one.values->as<std::int64_t>(), count, one.axis) * a.strides()[one.axis];
}

// Adds what one index array contributes to the offset of each place.
void add_offsets(const IndexArray& one, const Array& a, Selection& s) {
  const std::int64_t count = a.shape()[one.axis];
  const std::int64_t stride = a.strides()[one.axis];
  const Ref<Array> values = broadcast_to(one.values, s.places);
  std::size_t place = 0;
  walk<1>(s.places, {values->data()}, {values->strides().data()},
          [&](const auto& at, const auto& steps, std::int64_t n) {
            for (std::int64_t i = 0; i < n; ++i) {
              const auto index = *reinterpret_cast<const std::int64_t*>(at[0] + i * steps[0]);
              s.offsets[place++] += normal_index(index, count, one.axis) * stride;
            }
          });
}

// Adds the axes that spans and whole axes leave, and finds where the arrays stood.
void add_rest(const Layout& layout, const Array& a, Selection& s) {
  using SlotKind = Slot::Kind;
  std::int64_t groups = 0;
  bool in_group = false;
  for (const Slot& slot : layout.slots) {
    const bool is_array = slot.kind == SlotKind::arrays;
    if (is_array && !in_group && ++groups == 1) s.at = s.rest.size();
    in_group = is_array;
    if (is_array || slot.kind == SlotKind::gap) continue;
    Stretch stretch{0, 1, 1};
    std::int64_t stride = 0;
    if (slot.kind != SlotKind::new_axis) {
      stride = a.strides()[slot.axis];
      stretch.count = a.shape()[slot.axis];
      if (slot.span) stretch = stretch_of(*slot.span, stretch.count);
    }
    if (stretch.count > 0) s.data += stretch.start * stride;
    s.rest.push_back(stretch.count);
    s.rest_strides.push_back(stride * stretch.step);
  }
  if (groups > 1) s.at = 0;
}

// Axes along which none of them goes forwards.
Dims axes_backwards(std::span<const IndexArray* const> arrays, const Dims& places) {
  Dims backwards(places.size());
  for (std::int64_t& axis : backwards) axis = 1;
  for (const IndexArray* one : arrays) {
    // A mask has other axes than the places that it stands for.
    const bool as_given = one->given->shape() == one->values->shape();
    const Ref<Array> spread = broadcast_into(as_given ? one->given : one->values, places);
    for (std::int64_t i = 0; i < places.size(); ++i) {
      if (spread->strides()[i] > 0) backwards[i] = 0;
    }
  }
  return backwards;
}

}  // namespace

Dims Selection::shape() const {
  Dims all = rest;
  for (std::int64_t i = 0; i < places.size(); ++i) all.insert(at + i, places[i]);
  return all;
}

std::optional<Selection> select(const Ref<Array>& a, std::span<const Value> items) {
  items = unpacked(items);
  check_index_kinds(items);
  const auto operands = operands_of(items);
  if (!operands) return std::nullopt;
  const Layout layout = lay_out(*a, items, *operands);
  Selection s{.data = a->data(), .places = {}};
  // As in NumPy, numbers are looked at before arrays.
  std::vector<const IndexArray*> arrays;
  for (const IndexArray& one : layout.arrays) {
    if (one.values->rank() > 0) arrays.push_back(&one);
    else take_number(one, *a, s);
  }
  s.has_numbers_only = arrays.empty();
  s.places = common_shape(layout.arrays);
  s.offsets.assign(static_cast<std::size_t>(element_count(s.places)), 0);
  for (const IndexArray* one : arrays) {
    if (one->axis >= 0) add_offsets(*one, *a, s);
  }
  add_rest(layout, *a, s);
  if (s.rest.empty()) {
    KeptOrder order(s.places);
    for (const IndexArray* one : arrays) order.add(Value::of(one->given));
    s.places_strides = order.strides(1);
    s.backwards = axes_backwards(arrays, s.places);
  }
  s.is_mask = items.size() == 1 && (*operands)[0] && is_boolean((*operands)[0]) &&
              (*operands)[0]->rank() > 0;
  return s;
}

}  // namespace jetlag
