// Arrays put together: one beside another along an axis, old or new.
#include "primitives/arguments.h"
#include "primitives/moves.h"
#include "primitives/shape.h"

namespace jetlag {

namespace {

// How a function looks at each of its arrays before it joins them.
enum class Look { as_is, at_least_1d, at_least_2d, at_least_3d, as_columns };

Dims looked_at(Dims shape, Look look) {
  const std::int64_t rank = shape.size();
  switch (look) {
    case Look::as_is: break;
    case Look::at_least_1d:
      if (rank == 0) shape = Dims{1};
      break;
    case Look::at_least_2d:
      while (shape.size() < 2) shape.insert(0, 1);
      break;
    case Look::at_least_3d:
      if (rank < 2) {
        while (shape.size() < 2) shape.insert(0, 1);
      }
      if (rank < 3) shape.push_back(1);
      break;
    case Look::as_columns:
      while (shape.size() < 2) shape.push_back(1);
      break;
  }
  return shape;
}

// The outlines of the arrays to join, as they are looked at.
struct Parts {
  std::vector<Dims> shapes;
  DType dtype = DType::float64;
};

// The arrays of a call: a tuple or list of array-likes, or an array whose rows
// are meant.
std::optional<std::vector<Value>> joined_items(const Value& v) {
  if (v.is(ValueKind::tuple) || v.is(ValueKind::list)) return v.items();
  if (!v.is_array() || v.array()->rank() == 0) return std::nullopt;
  std::vector<Value> rows;
  const Ref<Array>& a = v.array();
  for (std::int64_t i = 0; i < a->shape()[0]; ++i) {
    const Dims shape(std::span(a->shape().begin() + 1, a->shape().end()));
    const Dims strides(std::span(a->strides().begin() + 1, a->strides().end()));
    rows.push_back(Value::of(view_of(a, a->data() + i * a->strides()[0], shape, strides)));
  }
  return rows;
}

std::optional<Parts> parts_of(const std::vector<Value>& items, Look look) {
  Parts parts;
  std::vector<DType> dtypes;
  for (const Value& item : items) {
    std::optional<Outline> one = outline(item);
    // Python's numbers are weak here, so a list of them is NumPy's to judge.
    if (!one || (item.is_python_scalar() && items.size() > 1)) return std::nullopt;
    dtypes.push_back(one->dtype);
    parts.shapes.push_back(looked_at(std::move(one->shape), look));
  }
  parts.dtype = promote_all(dtypes);
  return parts;
}

void check_same_rank(const Parts& parts, std::size_t i) {
  if (parts.shapes[i].size() == parts.shapes[0].size()) return;
  throw Error(Kind::value,
              format("all the input arrays must have same number of dimensions, but the array at "
                     "index 0 has {} dimension(s) and the array at index {} has {} dimension(s)",
                     parts.shapes[0].size(), i, parts.shapes[i].size()));
}

void check_same_lengths(const Parts& parts, std::size_t i, std::int64_t axis) {
  for (std::int64_t d = 0; d < parts.shapes[0].size(); ++d) {
    if (d == axis || parts.shapes[i][d] == parts.shapes[0][d]) continue;
    throw Error(
        Kind::value,
        format("all the input array dimensions except for the concatenation axis must match "
               "exactly, but along dimension {}, the array at index 0 has size {} and the "
               "array at index {} has size {}",
               d, parts.shapes[0][d], i, parts.shapes[i][d]));
  }
}

Dims concatenated_shape(const Parts& parts, std::int64_t axis) {
  if (parts.shapes.empty()) throw Error(Kind::value, "need at least one array to concatenate");
  if (parts.shapes[0].empty()) {
    throw Error(Kind::value, "zero-dimensional arrays cannot be concatenated");
  }
  Dims shape = parts.shapes[0];
  axis = normal_axis(axis, shape.size());
  for (std::size_t i = 1; i < parts.shapes.size(); ++i) {
    check_same_rank(parts, i);
    check_same_lengths(parts, i, axis);
    shape[axis] += parts.shapes[i][axis];
  }
  return shape;
}

// Lists that hold arrays are made into arrays by NumPy.
bool are_operands(const std::vector<Value>& items) {
  for (const Value& item : items) {
    if (!item.is_array() && !item.is(ValueKind::scalar) && !operand(item)) return false;
  }
  return true;
}

// Where the joined axis is, given the shapes as they are looked at.
std::int64_t stacking_axis(const Parts& parts) {
  // hstack joins what has one axis along it, and all else along the second.
  return !parts.shapes.empty() && parts.shapes[0].size() == 1 ? 0 : 1;
}

// The strides of the result: its axes lie as those of the arrays do.
template <class Seen>
Dims joined_strides(const std::vector<Value>& items, const Dims& shape, DType dtype, Seen seen) {
  std::vector<Dims> shapes, strides;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const Ref<Array> view = seen(operand(items[i]), i);
    shapes.push_back(view->shape());
    strides.push_back(view->strides());
  }
  const Dims order = iteration_order(shapes, strides, Walker::concatenate);
  return strides_in_order(shape, order, size_of(dtype));
}

Spec joined(const Value& v, Look look, std::optional<std::int64_t> axis, const Value& dtype) {
  const auto items = joined_items(v);
  const auto parts = items ? parts_of(*items, look) : std::nullopt;
  if (!parts || !are_operands(*items)) return Spec::decline();
  const auto wanted = as_dtype(dtype, parts->dtype);
  if (!wanted || wanted != parts->dtype) return Spec::decline();
  Spec spec =
      Spec::array(*wanted, concatenated_shape(*parts, axis ? *axis : stacking_axis(*parts)));
  spec.strides = joined_strides(
      *items, spec.shape, *wanted,
      [&](const Ref<Array>& a, std::size_t i) { return reshaped_view(a, parts->shapes[i]); });
  return spec;
}

// Each array goes to its own stretch of the axis.
Job join(const Value& v, Look look, std::optional<std::int64_t> axis, const Ref<Array>& out) {
  const std::vector<Value> items = *joined_items(v);
  const Parts parts = *parts_of(items, look);
  const std::int64_t along = normal_axis(axis ? *axis : stacking_axis(parts), out->rank());
  std::vector<Move> moves;
  std::int64_t begin = 0;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const std::int64_t end = begin + parts.shapes[i][along];
    auto target = make<Array>(part_of(*out, along, begin, end));
    if (target->size() > 0) {
      moves.push_back({reshaped_view(operand(items[i]), parts.shapes[i]), std::move(target)});
    }
    begin = end;
  }
  return move_job(std::move(moves));
}

// ---- along an axis that is there ----------------------------------------------

Spec concatenate_type(Arguments a) {
  const auto axis = as_index(a[1]);
  return axis ? joined(a[0], Look::as_is, axis, a[2]) : Spec::decline();
}
Job concatenate_kernel(Arguments a, const Ref<Array>& out, Watch*) {
  return join(a[0], Look::as_is, as_index(a[1]), out);
}

Spec vstack_type(Arguments a) { return joined(a[0], Look::at_least_2d, 0, a[1]); }
Job vstack_kernel(Arguments a, const Ref<Array>& out, Watch*) {
  return join(a[0], Look::at_least_2d, 0, out);
}

Spec hstack_type(Arguments a) { return joined(a[0], Look::at_least_1d, std::nullopt, a[1]); }
Job hstack_kernel(Arguments a, const Ref<Array>& out, Watch*) {
  return join(a[0], Look::at_least_1d, std::nullopt, out);
}

Spec dstack_type(Arguments a) { return joined(a[0], Look::at_least_3d, 2, a[1]); }
Job dstack_kernel(Arguments a, const Ref<Array>& out, Watch*) {
  return join(a[0], Look::at_least_3d, 2, out);
}

Spec column_stack_type(Arguments a) { return joined(a[0], Look::as_columns, 1, Value::nil()); }
Job column_stack_kernel(Arguments a, const Ref<Array>& out, Watch*) {
  return join(a[0], Look::as_columns, 1, out);
}

// ---- along a new axis -------------------------------------------------------------

Spec stack_type(Arguments a) {
  const auto items = joined_items(a[0]);
  const auto parts = items ? parts_of(*items, Look::as_is) : std::nullopt;
  const auto axis = as_index(a[1]);
  if (!parts || !axis || !are_operands(*items)) return Spec::decline();
  if (parts->shapes.empty()) throw Error(Kind::value, "need at least one array to stack");
  for (const Dims& shape : parts->shapes) {
    if (!(shape == parts->shapes[0])) {
      throw Error(Kind::value, "all input arrays must have the same shape");
    }
  }
  Dims shape = parts->shapes[0];
  const std::int64_t place = normal_axis(*axis, shape.size() + 1);
  shape.insert(place, static_cast<std::int64_t>(items->size()));
  Spec spec = Spec::array(parts->dtype, std::move(shape));
  spec.strides =
      joined_strides(*items, spec.shape, parts->dtype,
                     [&](const Ref<Array>& a, std::size_t) { return with_axis(a, place); });
  return spec;
}

Job stack_kernel(Arguments a, const Ref<Array>& out, Watch*) {
  const std::vector<Value> items = *joined_items(a[0]);
  const std::int64_t axis = normal_axis(*as_index(a[1]), out->rank());
  std::vector<Move> moves;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const auto place = static_cast<std::int64_t>(i);
    moves.push_back(
        {with_axis(operand(items[i]), axis), make<Array>(part_of(*out, axis, place, place + 1))});
  }
  return move_job(std::move(moves));
}

constexpr Primitive table[] = {
    {.name = "concatenate",
     .python = "numpy.concatenate",
     .params = "arrays, axis=0, dtype=nil",
     .doc = "Arrays one after another along an axis.",
     .example = "concatenate(list([1, 2], [3]))  #= [1, 2, 3]",
     .type = concatenate_type,
     .kernel = concatenate_kernel},
    {.name = "stack",
     .python = "numpy.stack",
     .params = "arrays, axis=0",
     .doc = "Arrays of one shape along a new axis.",
     .example = "stack(list([1, 2], [3, 4]))  #= [[1, 2], [3, 4]]",
     .type = stack_type,
     .kernel = stack_kernel},
    {.name = "vstack",
     .python = "numpy.vstack",
     .params = "tup, dtype=nil",
     .doc = "Rows under rows.",
     .example = "vstack(list([1, 2], [3, 4]))  #= [[1, 2], [3, 4]]",
     .type = vstack_type,
     .kernel = vstack_kernel},
    {.name = "hstack",
     .python = "numpy.hstack",
     .params = "tup, dtype=nil",
     .doc = "Columns beside columns.",
     .example = "hstack(list([1, 2], [3]))  #= [1, 2, 3]",
     .type = hstack_type,
     .kernel = hstack_kernel},
    {.name = "dstack",
     .python = "numpy.dstack",
     .params = "tup, dtype=nil",
     .doc = "Arrays behind arrays, along the third axis.",
     .example = "dstack(list([1, 2], [3, 4]))  #= [[[1, 3], [2, 4]]]",
     .type = dstack_type,
     .kernel = dstack_kernel},
    {.name = "column_stack",
     .python = "numpy.column_stack",
     .params = "tup",
     .doc = "Vectors as the columns of a matrix.",
     .example = "column_stack(list([1, 2], [3, 4]))  #= [[1, 3], [2, 4]]",
     .type = column_stack_type,
     .kernel = column_stack_kernel},
};

}  // namespace

std::span<const Primitive> joining_rows() { return table; }

}  // namespace jetlag
