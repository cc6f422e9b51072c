#include "primitives/advanced.h"

#include <algorithm>
#include <cstdlib>
#include <numeric>

#include "primitives/arguments.h"
#include "primitives/kept_order.h"
#include "primitives/loops.h"
#include "primitives/walk.h"

namespace jetlag {

namespace {

// A mask of k axes has become k of them.
struct IndexArray {
  Ref<Array> values;
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

// Where a mask is true, counted in C order. Its elements are looked at as bytes: others may have
// written any.
std::vector<std::int64_t> positions_of(const Array& mask) {
  std::vector<std::int64_t> flat(static_cast<std::size_t>(mask.size()) + 1);
  std::size_t known = 0;
  std::int64_t base = 0;
  walk<1>(mask.shape(), {mask.data()}, {mask.strides().data()},
          [&](const auto& at, const auto& steps, std::int64_t count) {
            for (std::int64_t i = 0; i < count; ++i) {
              flat[known] = base + i;
              known += at[0][i * steps[0]] != std::byte{0};
            }
            base += count;
          });
  flat.resize(known);
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
  const std::vector<std::int64_t> flat = positions_of(mask);
  const auto n = static_cast<std::int64_t>(flat.size());
  if (mask.rank() == 0) {
    layout.arrays.push_back({new_array(DType::int64, {n}, true), -1});
    return;
  }
  std::int64_t divisor = 1;
  std::vector<IndexArray> all;
  for (std::int64_t i = mask.rank() - 1; i >= 0; --i) {
    Ref<Array> values = new_array(DType::int64, {n});
    for (std::size_t k = 0; k < flat.size(); ++k) {
      values->as<std::int64_t>()[k] = flat[k] / divisor % mask.shape()[i];
    }
    divisor *= mask.shape()[i];
    all.push_back({std::move(values), axis + i});
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
        layout.arrays.push_back({array, axis++});
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

// An index as the processor counts.
std::int64_t as_int64(const std::byte* index, DType dtype) {
  std::int64_t number;
  find_cast(dtype, DType::int64)(index, nullptr, nullptr, &number, 1);
  return number;
}

// A single number moves the whole selection.
void take_number(const IndexArray& one, const Array& a, Selection& s) {
  const std::int64_t index = as_int64(one.values->data(), one.values->dtype());
  s.data += normal_index(index, a.shape()[one.axis], one.axis) * a.strides()[one.axis];
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

}  // namespace

Dims Selection::shape() const {
  Dims all = rest;
  for (std::int64_t i = 0; i < places.size(); ++i) all.insert(at + i, places[i]);
  return all;
}

Dims Selection::places_strides() const {
  if (!takes_elements() || places.size() < 2) return {};
  KeptOrder order(places);
  for (const PlaceIndex& one : arrays) order.add(Value::of(one.given));
  return order.strides(1);
}

Dims Selection::backwards() const {
  Dims backwards(places.size(), 1);
  for (const PlaceIndex& one : arrays) {
    for (std::int64_t i = 0; i < places.size(); ++i) {
      if (one.values->strides()[i] > 0) backwards[i] = 0;
    }
  }
  return backwards;
}

// NumPy looks at one array after another: a single one as it lies, others in C order.
void Selection::refuse() const {
  for (const PlaceIndex& one : arrays) {
    std::vector<std::int64_t> axes(static_cast<std::size_t>(places.size()));
    std::iota(axes.begin(), axes.end(), 0);
    const Dims& far = one.values->strides();
    if (arrays.size() == 1 && takes_elements()) {
      std::stable_sort(axes.begin(), axes.end(), [&](std::int64_t i, std::int64_t k) {
        return std::abs(far[i]) > std::abs(far[k]);
      });
    }
    Dims shape, strides;
    for (const std::int64_t axis : axes) {
      shape.push_back(places[axis]);
      strides.push_back(far[axis]);
    }
    walk<1>(shape, {one.values->data()}, {strides.data()},
            [&](const auto& at, const auto& steps, std::int64_t count) {
              for (std::int64_t i = 0; i < count; ++i) {
                normal_index(as_int64(at[0] + i * steps[0], one.values->dtype()), one.count,
                             one.axis);
              }
            });
  }
  check_failed("Selection::refuse", "every index is within bounds");
}

std::optional<Selection> select(const Ref<Array>& a, std::span<const Value> items) {
  items = unpacked(items);
  check_index_kinds(items);
  const auto operands = operands_of(items);
  if (!operands) return std::nullopt;
  const Layout layout = lay_out(*a, items, *operands);
  Selection s{.data = a->data(), .places = {}};
  // As in NumPy, numbers are looked at before arrays.
  s.has_numbers_only = true;
  for (const IndexArray& one : layout.arrays) {
    if (one.values->rank() == 0) take_number(one, *a, s);
    else s.has_numbers_only = false;
  }
  s.places = common_shape(layout.arrays);
  for (const IndexArray& one : layout.arrays) {
    if (one.values->rank() == 0 || one.axis < 0) continue;
    const bool is_spread = one.values->shape() == s.places;
    s.arrays.push_back({is_spread ? one.values : broadcast_to(one.values, s.places), one.values,
                        one.axis, a->shape()[one.axis], a->strides()[one.axis]});
  }
  add_rest(layout, *a, s);
  s.is_mask = items.size() == 1 && (*operands)[0] && is_boolean((*operands)[0]) &&
              (*operands)[0]->rank() > 0;
  return s;
}

}  // namespace jetlag
