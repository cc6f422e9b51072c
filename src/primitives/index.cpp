// Basic subscripts: views. And what all kinds of subscripts have in common.
#include "primitives/index.h"

#include "primitives/advanced.h"
#include "primitives/arguments.h"

namespace jetlag {

namespace {

constexpr std::string_view not_an_index =
    "only integers, slices (`:`), ellipsis (`...`), numpy.newaxis (`None`) and integer or boolean "
    "arrays are valid indices";

[[noreturn]] void refuse_span_bound() {
  throw Error(Kind::type, "slice indices must be integers or None or have an __index__ method");
}

std::optional<std::int64_t> span_bound(const Value& v) {
  if (absent(v)) return std::nullopt;
  if (const auto i = as_index(v)) return i;
  refuse_span_bound();
}

// An index and a span look at the axes of the array one after another; this is
// the view as far as it is built.
struct Builder {
  const Array& a;
  std::byte* data;
  std::int64_t axis = 0;  // the next axis of a
  Dims shape = {}, strides = {};

  void keep_axis() {
    shape.push_back(a.shape()[axis]);
    strides.push_back(a.strides()[axis]);
    ++axis;
  }
  void take(std::int64_t index) {
    data += normal_index(index, a.shape()[axis], axis) * a.strides()[axis];
    ++axis;
  }
  void take(const Span& span) {
    const Stretch s = stretch_of(span, a.shape()[axis]);
    if (s.count > 0) data += s.start * a.strides()[axis];
    shape.push_back(s.count);
    strides.push_back(a.strides()[axis] * s.step);
    ++axis;
  }
  void add_axis() {
    shape.push_back(1);
    strides.push_back(0);
  }
};

// How many axes the items use up; -1 if an item is not basic, or an object
// that only the host understands.
std::int64_t axes_used(std::span<const Value> items) {
  std::int64_t used = 0;
  for (const Value& item : items) {
    switch (item.kind()) {
      case ValueKind::integer:
      case ValueKind::span: ++used; break;
      case ValueKind::scalar:
        if (!is_integer(item.dtype())) return -1;
        ++used;
        break;
      case ValueKind::nil:
      case ValueKind::ellipsis: break;
      default: return -1;
    }
  }
  return used;
}

void check_ellipses(std::span<const Value> items) {
  const auto is_ellipsis = [](const Value& v) { return v.is(ValueKind::ellipsis); };
  if (std::count_if(items.begin(), items.end(), is_ellipsis) > 1) {
    throw Error(Kind::index, "an index can only have a single ellipsis ('...')");
  }
}

}  // namespace

std::int64_t normal_index(std::int64_t index, std::int64_t count, std::int64_t axis) {
  if (index >= -count && index < count) return index < 0 ? index + count : index;
  throw Error(Kind::index,
              format("index {} is out of bounds for axis {} with size {}", index, axis, count));
}

Stretch stretch_of(const Span& span, std::int64_t count) {
  const std::int64_t step = span_bound(span.step).value_or(1);
  if (step == 0) throw Error(Kind::value, "slice step cannot be zero");
  const std::int64_t low = step > 0 ? 0 : -1;
  const std::int64_t high = step > 0 ? count : count - 1;
  const auto bound = [&](const Value& v, std::int64_t otherwise) {
    const auto given = span_bound(v);
    if (!given) return otherwise;
    return std::clamp(*given < 0 ? *given + count : *given, low, high);
  };
  const std::int64_t start = bound(span.start, step > 0 ? low : high);
  const std::int64_t stop = bound(span.stop, step > 0 ? high : low);
  // Taken apart, since a step may be as large as an int gets.
  const std::int64_t distance = step > 0 ? stop - start : start - stop;
  if (distance <= 0) return {start, step, 0};
  const auto stride =
      step > 0 ? static_cast<std::uint64_t>(step) : 0 - static_cast<std::uint64_t>(step);
  const auto steps = (static_cast<std::uint64_t>(distance) - 1) / stride;
  return {start, steps == 0 ? 1 : step, static_cast<std::int64_t>(steps) + 1};
}

void check_index_count(std::int64_t used, std::int64_t rank) {
  if (used <= rank) return;
  throw Error(Kind::index,
              format("too many indices for array: array is {}-dimensional, but {} were "
                     "indexed",
                     rank, used));
}

std::span<const Value> unpacked(std::span<const Value> items) {
  // a[(1, 2)] is a[1, 2].
  const bool packed = items.size() == 1 && items[0].is(ValueKind::tuple);
  return packed ? std::span<const Value>(items[0].items()) : items;
}

void check_index_kinds(std::span<const Value> items) {
  check_ellipses(items);
  for (const Value& item : items) {
    const bool is_number =
        item.is(ValueKind::real) || item.is(ValueKind::complex) ||
        (item.is(ValueKind::scalar) && !is_integer(item.dtype()) && item.dtype() != DType::boolean);
    if (is_number || item.is(ValueKind::string))
      throw Error(Kind::index, std::string(not_an_index));
    if (item.is_array() && !is_integer(item.array()->dtype()) &&
        item.array()->dtype() != DType::boolean) {
      throw Error(Kind::index, "arrays used as indices must be of integer (or boolean) type");
    }
  }
}

std::optional<Ref<Array>> basic_index(const Ref<Array>& a, std::span<const Value> items) {
  items = unpacked(items);
  const std::int64_t used = axes_used(items);
  if (used < 0) {
    check_index_kinds(items);
    return std::nullopt;
  }
  check_ellipses(items);
  check_index_count(used, a->rank());
  Builder view{*a, a->data()};
  for (const Value& item : items) {
    if (item.is(ValueKind::span)) {
      view.take(item.span());
    } else if (item.is_nil()) {
      view.add_axis();
    } else if (item.is(ValueKind::ellipsis)) {
      for (std::int64_t i = used; i < a->rank(); ++i) view.keep_axis();
    } else {
      const auto index = as_index(item);
      if (!index) return std::nullopt;  // beyond 64 bits
      view.take(*index);
    }
  }
  while (view.axis < a->rank()) view.keep_axis();
  return view_of(a, view.data, std::move(view.shape), std::move(view.strides));
}

}  // namespace jetlag
