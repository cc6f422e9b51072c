// Elements in other places, or several times: roll, repeat, tile.
#include "primitives/arguments.h"
#include "primitives/moves.h"
#include "primitives/shape.h"

namespace jetlag {

namespace {

// ---- roll ------------------------------------------------------------------------

// One axis only; without one, the array is rolled as if it had a single axis.
std::optional<std::int64_t> roll_axis(Arguments a, const Outline& known) {
  if (absent(a[2])) return 0;
  const auto axis = a[2].is(ValueKind::integer) ? as_index(a[2]) : std::nullopt;
  return axis ? std::optional(normal_axis(*axis, known.rank())) : std::nullopt;
}

Spec roll_type(Arguments a) {
  const std::optional<Outline> known = outline(a[0]);
  if (!known || known->rank() == 0 || !a[1].is(ValueKind::integer) || !roll_axis(a, *known)) {
    return Spec::decline();
  }
  // Without an axis the elements are rolled in C order, which a view must express.
  const bool flat = absent(a[2]);
  if (flat && a[0].is_array() && !a[0].array()->is_contiguous()) return Spec::decline();
  Spec spec = Spec::array(known->dtype, known->shape);
  if (!flat && a[0].is_array()) spec.strides = strides_like(*a[0].array(), size_of(known->dtype));
  return spec;
}

Job roll_kernel(Arguments a, const Ref<Array>& out, Watch*) {
  Ref<Array> from = operand(a[0]);
  Ref<Array> to = out;
  if (absent(a[2])) {
    from = reshaped_view(from, Dims{from->size()});
    to = reshaped_view(to, Dims{to->size()});
  }
  const std::int64_t axis = absent(a[2]) ? 0 : normal_axis(*as_index(a[2]), out->rank());
  const std::int64_t n = from->shape()[axis];
  if (from->size() == 0) return move_job(from, to);
  const std::int64_t by = (a[1].integer() % n + n) % n;
  const auto part = [&](const Ref<Array>& x, std::int64_t first, std::int64_t last) {
    return make<Array>(part_of(*x, axis, first, last));
  };
  return move_job(
      {{part(from, n - by, n), part(to, 0, by)}, {part(from, 0, n - by), part(to, by, n)}});
}

// ---- repeat ----------------------------------------------------------------------

// One count for all elements; a count for each belongs to NumPy.
Spec repeat_type(Arguments a) {
  const std::optional<Outline> known = outline(a[0]);
  if (!known || !a[1].is(ValueKind::integer)) return Spec::decline();
  const std::int64_t count = a[1].integer();
  if (count < 0) return Spec::decline();
  if (absent(a[2])) {
    const bool is_flat = !a[0].is_array() || a[0].array()->is_contiguous();
    return is_flat ? Spec::array(known->dtype, {known->size() * count}) : Spec::decline();
  }
  if (!a[2].is(ValueKind::integer) || known->rank() == 0) return Spec::decline();
  Dims shape = known->shape;
  shape[normal_axis(a[2].integer(), known->rank())] *= count;
  return Spec::array(known->dtype, std::move(shape));
}

// [n] -> [n, 1] broadcast to [n, count], which is [n * count] in C order.
Job repeat_kernel(Arguments a, const Ref<Array>& out, Watch*) {
  Ref<Array> from = operand(a[0]);
  if (absent(a[2])) from = reshaped_view(from, Dims{from->size()});
  const std::int64_t axis = absent(a[2]) ? 0 : normal_axis(a[2].integer(), from->rank());
  Dims shape = from->shape();
  shape.insert(axis + 1, a[1].integer());
  return move_job(broadcast_to(with_axis(from, axis + 1), shape), reshaped_view(out, shape));
}

// ---- tile ------------------------------------------------------------------------

std::optional<std::pair<Dims, Dims>> tiling(Arguments a) {
  const std::optional<Outline> known = outline(a[0]);
  std::optional<Dims> times = as_integers(a[1]);
  if (!known || !times || known->size() == 0) return std::nullopt;
  Dims shape = known->shape;
  while (shape.size() < times->size()) shape.insert(0, 1);
  while (times->size() < shape.size()) times->insert(0, 1);
  for (const std::int64_t n : *times) {
    if (n < 0) return std::nullopt;
  }
  return std::pair(shape, *times);
}

Spec tile_type(Arguments a) {
  auto t = tiling(a);
  if (!t) return Spec::decline();
  auto& [shape, times] = *t;
  for (std::int64_t i = 0; i < shape.size(); ++i) shape[i] *= times[i];
  return Spec::array(outline(a[0])->dtype, shape);
}

// [n, m] -> [1, n, 1, m] broadcast to [p, n, q, m], which is [p n, q m] in C order.
Job tile_kernel(Arguments a, const Ref<Array>& out, Watch*) {
  const auto [shape, times] = *tiling(a);
  Ref<Array> from = operand(a[0]);
  while (from->rank() < shape.size()) from = with_axis(from, 0);
  Dims spread;
  for (std::int64_t i = 0; i < shape.size(); ++i) {
    from = with_axis(from, 2 * i);
    spread.push_back(times[i]);
    spread.push_back(shape[i]);
  }
  return move_job(broadcast_to(from, spread), reshaped_view(out, spread));
}

constexpr Primitive table[] = {
    {.name = "roll",
     .python = "numpy.roll",
     .params = "a, shift, axis=nil",
     .doc = "Elements shifted along an axis; those that leave come in at the other end.",
     .example = "roll([1, 2, 3], 1)  #= [3, 1, 2]",
     .type = roll_type,
     .kernel = roll_kernel},
    {.name = "repeat",
     .python = "numpy.repeat",
     .params = "a, repeats, axis=nil",
     .doc = "Each element several times.",
     .example = "repeat([1, 2], 2)  #= [1, 1, 2, 2]",
     .method = "repeat",
     .type = repeat_type,
     .kernel = repeat_kernel},
    {.name = "tile",
     .python = "numpy.tile",
     .params = "A, reps",
     .doc = "The whole array several times.",
     .example = "tile([1, 2], 2)  #= [1, 2, 1, 2]",
     .type = tile_type,
     .kernel = tile_kernel},
};

}  // namespace

std::span<const Primitive> arranging_rows() { return table; }

}  // namespace jetlag
