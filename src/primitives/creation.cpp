// New arrays: from a shape, from another array, from numbers in lists.
#include "primitives/creation.h"

#include "primitives/arguments.h"
#include "primitives/families.h"
#include "primitives/moves.h"
#include "primitives/storing.h"

namespace jetlag {

namespace {

// ---- zeros, ones, full, empty --------------------------------------------

Spec shaped(const Value& shape, std::optional<DType> dtype) {
  if (!dtype || shape.is(ValueKind::boolean)) return Spec::decline();
  const std::optional<Dims> dims = as_shape(shape);
  if (!dims) return Spec::decline();
  for (const std::int64_t n : *dims) {
    if (n < 0) throw Error(Kind::value, "negative dimensions are not allowed");
  }
  return Spec::array(*dtype, *dims);
}

Spec zeros_type(Arguments a) {
  if (!is_text(a[2], "C")) return Spec::decline();
  return shaped(a[0], as_dtype(a[1], DType::float64));
}

// Zeroed memory comes from the system: pages that nobody touches cost nothing.
Value zeros_value(Arguments a) {
  Spec spec = zeros_type(a);
  if (spec.declined()) return {};
  return Value::of(new_array(spec.dtype, std::move(spec.shape), true));
}

Value empty_value(Arguments a) {
  Spec spec = zeros_type(a);
  if (spec.declined()) return {};
  return Value::of(new_array(spec.dtype, std::move(spec.shape)));
}

Job nothing_to_do(Arguments, const Ref<Array>&, Watch*) {
  return {.blocks = 1, .body = [](std::int64_t) {}, .finish = {}};
}

Job zeros_kernel(Arguments, const Ref<Array>& out, Watch*) {
  return fill_job(as_array(Value::of(false), out->dtype()), out);
}

Job ones_kernel(Arguments, const Ref<Array>& out, Watch*) {
  return fill_job(as_array(Value::of(true), out->dtype()), out);
}

// The dtype of the result if the value can be written there natively.
std::optional<DType> fill_dtype(const Value& value, const Value& dtype) {
  const std::optional<Outline> known = outline(value);
  if (!known) return std::nullopt;
  const std::optional<DType> wanted = as_dtype(dtype, known->dtype);
  if (!wanted || !is_storable(value, *wanted)) return std::nullopt;
  return wanted;
}

Spec full_of(const Value& shape, const Value& value, const Value& dtype) {
  if (shaped(shape, DType::float64).declined()) return Spec::decline();
  Spec spec = shaped(shape, fill_dtype(value, dtype));
  if (!spec.declined()) check_assignable(outline(value)->shape, spec.shape);
  return spec;
}

Spec full_type(Arguments a) {
  return is_text(a[3], "C") ? full_of(a[0], a[1], a[2]) : Spec::decline();
}

Job fill_with(const Value& value, const Ref<Array>& out, Watch* watch) {
  return move_job(broadcast_into(stored_operand(value, out->dtype()), out->shape()), out, watch);
}

Job full_kernel(Arguments a, const Ref<Array>& out, Watch* watch) {
  return fill_with(a[1], out, watch);
}

// ---- like another array ---------------------------------------------------

// order='K': the axes of the result lie in memory as those of the model do.
Spec like(const Value& model, std::optional<DType> dtype, const Value& order) {
  const std::optional<Outline> known = outline(model);
  if (!known || !dtype) return Spec::decline();
  Spec spec = Spec::array(*dtype, known->shape);
  if (is_text(order, "C")) return spec;
  if (!is_text(order, "K")) return Spec::decline();
  if (model.is_array()) spec.strides = strides_like(*model.array(), size_of(*dtype));
  return spec;
}

Spec zeros_like_type(Arguments a) {
  const std::optional<Outline> known = outline(a[0]);
  return known ? like(a[0], as_dtype(a[1], known->dtype), a[2]) : Spec::decline();
}

Spec full_like_type(Arguments a) {
  const std::optional<Outline> known = outline(a[0]);
  if (!known || !outline(a[1])) return Spec::decline();
  const std::optional<DType> dtype = as_dtype(a[2], known->dtype);
  if (!dtype || !is_storable(a[1], *dtype)) return Spec::decline();
  check_assignable(outline(a[1])->shape, known->shape);
  return like(a[0], dtype, a[3]);
}

Spec constant_type(Arguments a) {
  if (!absent(a[1])) return full_of(a[1], a[0], a[2]);
  const std::optional<DType> dtype = fill_dtype(a[0], a[2]);
  return dtype && a[0].is_numeric() ? Spec::of(*dtype, shape_of_value(a[0])) : Spec::decline();
}

Job constant_kernel(Arguments a, const Ref<Array>& out, Watch* watch) {
  return fill_with(a[0], out, watch);
}

Spec constant_like_type(Arguments a) {
  const std::optional<Outline> known = outline(a[1]);
  const std::optional<DType> dtype = fill_dtype(a[0], Value::of(DType::float64));
  return known && dtype && a[0].is_numeric() ? Spec::of(*dtype, known->shape) : Spec::decline();
}

// ---- copies and conversions -----------------------------------------------

Spec converted(const Value& v, const Value& dtype, const Value& order) {
  const std::optional<Outline> known = outline(v);
  if (!known) return Spec::decline();
  const std::optional<DType> wanted = as_dtype(dtype, known->dtype);
  if (!wanted) return Spec::decline();
  const bool can =
      v.is_array() ? !loses_imaginary(known->dtype, *wanted) : are_storable(v, *wanted);
  return can ? like(v, wanted, order) : Spec::decline();
}

Job convert_kernel(Arguments a, const Ref<Array>& out, Watch* watch) {
  if (a[0].is_array()) return move_job(a[0].array(), out, watch);
  auto body = [v = a[0], out](std::int64_t) { fill_from(v, out); };
  return {.blocks = 1, .body = body, .finish = {}, .bytes = static_cast<double>(out->bytes())};
}

Spec array_type(Arguments a) {
  const std::optional<bool> copy = as_flag(a[2]);
  return copy && *copy ? converted(a[0], a[1], a[3]) : Spec::decline();
}

// asarray gives the very array if it has the dtype.
Value asarray_value(Arguments a) {
  if (!a[0].is_array()) return {};
  const std::optional<DType> dtype = as_dtype(a[1], a[0].array()->dtype());
  return dtype == a[0].array()->dtype() ? a[0] : Value();
}

Spec asarray_type(Arguments a) { return converted(a[0], a[1], Value::of(std::string("K"))); }
Spec copy_type(Arguments a) { return converted(a[0], Value::nil(), a[1]); }

Spec astype_type(Arguments a) {
  const std::optional<bool> copy = as_flag(a[4]);
  if (!copy || !*copy || absent(a[1]) || !is_text(a[3], "unsafe")) return Spec::decline();
  Spec spec = converted(a[0], a[1], a[2]);
  // A scalar's astype gives a scalar.
  if (!spec.declined() && !a[0].is_array()) return Spec::of(spec.dtype, spec.shape);
  return spec;
}

Spec astype_function_type(Arguments a) {
  return absent(a[1]) || !a[0].is_array() ? Spec::decline()
                                          : converted(a[0], a[1], Value::of(std::string("K")));
}

// ---- matrices with a diagonal ---------------------------------------------

// None where N, M or k is no integer.
std::optional<std::int64_t> as_count(const Value& v) {
  return v.is_array() || v.is(ValueKind::boolean) ? std::nullopt : as_index(v);
}

Spec eye_type(Arguments a) {
  const auto rows = as_count(a[0]);
  const auto columns = absent(a[1]) ? rows : as_count(a[1]);
  const auto dtype = as_dtype(a[3], DType::float64);
  if (!rows || !columns || !dtype || !as_count(a[2]) || !is_text(a[4], "C")) return Spec::decline();
  if (*rows < 0 || *columns < 0) throw Error(Kind::value, "negative dimensions are not allowed");
  return Spec::array(*dtype, {*rows, *columns});
}

// Ones from element `first` on, every `step` elements, zeros elsewhere.
void write_diagonal(const Array& out, std::int64_t k) {
  clear(out);
  const std::int64_t row = std::max<std::int64_t>(-k, 0);
  const std::int64_t column = std::max<std::int64_t>(k, 0);
  const std::int64_t n = std::min(out.shape()[0] - row, out.shape()[1] - column);
  if (n <= 0) return;
  std::byte* first = out.data() + row * out.strides()[0] + column * out.strides()[1];
  visit(out.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (std::int64_t i = 0; i < n; ++i) {
      *reinterpret_cast<T*>(first + i * (out.strides()[0] + out.strides()[1])) = T(1);
    }
  });
}

Job diagonal_job(const Ref<Array>& out, std::int64_t k) {
  auto body = [out, k](std::int64_t) { write_diagonal(*out, k); };
  return {.blocks = 1, .body = body, .finish = {}, .bytes = static_cast<double>(out->bytes())};
}

Job eye_kernel(Arguments a, const Ref<Array>& out, Watch*) {
  return diagonal_job(out, *as_count(a[2]));
}

Spec identity_type(Arguments a) {
  const auto n = as_count(a[0]);
  const auto dtype = as_dtype(a[1], DType::float64);
  if (!n || !dtype) return Spec::decline();
  if (*n < 0) throw Error(Kind::value, "negative dimensions are not allowed");
  return Spec::array(*dtype, {*n, *n});
}

Job identity_kernel(Arguments, const Ref<Array>& out, Watch*) { return diagonal_job(out, 0); }

// ---- the table -------------------------------------------------------------

constexpr Primitive table[] = {
    {.name = "zeros",
     .python = "numpy.zeros",
     .params = "shape, dtype=nil, order='C'",
     .doc = "An array of zeros.",
     .example = "zeros(list(2))  #= [0.0, 0.0]",
     .value = zeros_value,
     .type = zeros_type,
     .kernel = zeros_kernel},
    {.name = "ones",
     .python = "numpy.ones",
     .params = "shape, dtype=nil, order='C'",
     .doc = "An array of ones.",
     .example = "ones(list(2))  #= [1.0, 1.0]",
     .type = zeros_type,
     .kernel = ones_kernel},
    {.name = "empty",
     .python = "numpy.empty",
     .params = "shape, dtype=nil, order='C'",
     .doc = "An array whose elements are yet to be written.",
     .example = "shape(empty(2))  #= tuple(2)",
     .value = empty_value,
     .type = zeros_type,
     .kernel = nothing_to_do},
    {.name = "full",
     .python = "numpy.full",
     .params = "shape, fill_value, dtype=nil, order='C'",
     .doc = "An array filled with a value.",
     .example = "full(2, 7)  #= [7, 7]",
     .type = full_type,
     .kernel = full_kernel},
    {.name = "zeros_like",
     .python = "numpy.zeros_like",
     .params = "a, dtype=nil, order='K'",
     .doc = "Zeros in the shape of another array.",
     .example = "zeros_like([1, 2])  #= [0, 0]",
     .type = zeros_like_type,
     .kernel = zeros_kernel},
    {.name = "ones_like",
     .python = "numpy.ones_like",
     .params = "a, dtype=nil, order='K'",
     .doc = "Ones in the shape of another array.",
     .example = "ones_like([1, 2])  #= [1, 1]",
     .type = zeros_like_type,
     .kernel = ones_kernel},
    {.name = "empty_like",
     .python = "numpy.empty_like",
     .params = "prototype, dtype=nil, order='K'",
     .doc = "An unwritten array in the shape of another.",
     .example = "shape(empty_like([1, 2]))  #= tuple(2)",
     .type = zeros_like_type,
     .kernel = nothing_to_do},
    {.name = "full_like",
     .python = "numpy.full_like",
     .params = "a, fill_value, dtype=nil, order='K'",
     .doc = "A value in the shape of another array.",
     .example = "full_like([1, 2], 5)  #= [5, 5]",
     .type = full_like_type,
     .kernel = full_kernel},
    {.name = "constant",
     .params = "value, shape=nil, dtype='float64'",
     .doc = "A value repeated in a shape; without one, the value itself.",
     .example = "constant(3, '(2))  #= [3.0, 3.0]",
     .type = constant_type,
     .kernel = constant_kernel},
    {.name = "constant_like",
     .params = "value, a",
     .doc = "A value repeated in another array's shape.",
     .example = "constant_like(1, [5, 6])  #= [1.0, 1.0]",
     .type = constant_like_type,
     .kernel = constant_kernel},
    {.name = "array",
     .python = "numpy.array",
     .params = "object, dtype=nil, copy=true, order='K'",
     .doc = "A fresh array of nested lists of numbers, or of another array.",
     .example = "array(list(1, 2))  #= [1, 2]",
     .type = array_type,
     .kernel = convert_kernel,
     .reports = "cast"},
    {.name = "asarray",
     .python = "numpy.asarray",
     .params = "a, dtype=nil",
     .doc = "The value as an array; an array of that dtype is given back itself.",
     .example = "asarray(list(1, 2))  #= [1, 2]",
     .value = asarray_value,
     .type = asarray_type,
     .kernel = convert_kernel,
     .reports = "cast"},
    {.name = "copy",
     .python = "numpy.copy",
     .params = "a, order='K'",
     .doc = "A copy.",
     .example = "copy([1, 2])  #= [1, 2]",
     .type = copy_type,
     .kernel = convert_kernel},
    {.name = "copy__method",
     .params = "a, order='C'",
     .doc = "A copy in C order.",
     .example = "copy__method([1, 2])  #= [1, 2]",
     .method = "copy",
     .type = copy_type,
     .kernel = convert_kernel},
    {.name = "astype__method",
     .params = "a, dtype, order='K', casting='unsafe', subok=true, copy=true",
     .doc = "A copy with its elements converted.",
     .example = "astype__method([1.5], \"int64\")  #= [1]",
     .method = "astype",
     .type = astype_type,
     .kernel = convert_kernel,
     .reports = "cast"},
    {.name = "astype",
     .python = "numpy.astype",
     .params = "x, dtype",
     .doc = "A copy with its elements converted.",
     .example = "astype([1.5], \"int64\")  #= [1]",
     .type = astype_function_type,
     .kernel = convert_kernel,
     .reports = "cast"},
    {.name = "eye",
     .python = "numpy.eye",
     .params = "N, M=nil, k=0, dtype=nil, order='C'",
     .doc = "Ones on a diagonal, zeros elsewhere.",
     .example = "eye(2)  #= [[1.0, 0.0], [0.0, 1.0]]",
     .type = eye_type,
     .kernel = eye_kernel,
     .algebra = Algebra::identity},
    {.name = "identity",
     .python = "numpy.identity",
     .params = "n, dtype=nil",
     .doc = "The identity matrix.",
     .example = "identity(2)  #= [[1.0, 0.0], [0.0, 1.0]]",
     .type = identity_type,
     .kernel = identity_kernel,
     .algebra = Algebra::identity},
};

}  // namespace

std::span<const Primitive> creation_primitives() {
  static const std::vector<Primitive> rows = [] {
    std::vector<Primitive> all(std::begin(table), std::end(table));
    for (std::span<const Primitive> more : {sequence_rows(), facts_rows()}) {
      all.insert(all.end(), more.begin(), more.end());
    }
    return all;
  }();
  return rows;
}

bool copies_argument(const Primitive& p) { return p.kernel == convert_kernel; }

}  // namespace jetlag
