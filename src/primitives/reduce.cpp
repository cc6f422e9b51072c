// Sums, products, extremes and counts, along any axes.
#include "primitives/reduce.h"

#include "primitives/families.h"
#include "primitives/moves.h"
#include "primitives/reduction.h"
#include "primitives/shape.h"

namespace jetlag {

namespace {

// ---- what all of them ask of their arguments ---------------------------------

// The result in a dtype, for an operand whose axes are named by `axis`.
Spec reduced(const Value& v, const Value& axis, const Value& keepdims, DType dtype) {
  const Outline a = *outline(v);
  const std::optional<AxisSet> axes = as_axes(axis, a.rank());
  const std::optional<bool> keeps = as_flag(keepdims);
  if (!axes || !keeps) return Spec::decline();
  return reduced_spec(a, strides_of(v), *axes, *keeps, dtype);
}

std::optional<Outline> known_operand(const Value& v) {
  if (!v.is_array() && !v.is_numeric() && !operand(v)) return std::nullopt;
  return outline(v);
}

bool in_any_order(Arguments) { return true; }

// The loops of complex products round by where a row begins and ends.
bool is_real_product(Arguments args) {
  const std::optional<DType> dtype = as_dtype(args[2], args[0].array()->dtype());
  return !is_complex(args[0].array()->dtype()) && dtype && !is_complex(*dtype);
}

Job run(const Value& v, const Value& axis, const Reduction& how, const Ref<Array>& out,
        Watch* watch) {
  const Ref<Array> a = operand(v);
  return reduction_job(a, *as_axes(axis, a->rank()), how, out, watch);
}

// ---- sum, prod ---------------------------------------------------------------------

// Small integers are added in 64 bits.
DType wide(DType d) {
  if (kind_of(d) == 'b' || kind_of(d) == 'i') return DType::int64;
  return kind_of(d) == 'u' ? DType::uint64 : d;
}

Spec sum_type(Arguments args) {
  const auto a = known_operand(args[0]);
  const auto dtype = a ? as_dtype(args[2], wide(a->dtype)) : std::nullopt;
  if (!dtype || (is_complex(a->dtype) && !is_complex(*dtype))) return Spec::decline();
  return reduced(args[0], args[1], args[3], *dtype);
}

Job sum_kernel(Arguments args, const Ref<Array>& out, Watch* watch) {
  return run(args[0], args[1], {.fold = Fold::add, .dtype = out->dtype(), .watched = true}, out,
             watch);
}

Job prod_kernel(Arguments args, const Ref<Array>& out, Watch* watch) {
  const Reduction how{.fold = Fold::multiply, .dtype = out->dtype(), .watched = true};
  return run(args[0], args[1], how, out, watch);
}

// ---- mean ------------------------------------------------------------------------------

// NumPy divides by the count as a float64; complex numbers by one whose
// imaginary part is 0, which makes a NaN beside an infinity.
template <class T>
T quotient(T x, double count) {
  if constexpr (std::is_arithmetic_v<T>) {
    return static_cast<T>(static_cast<double>(x) / count);
  } else {
    using Part = typename T::value_type;
    const double real = static_cast<double>(x.real()), imag = static_cast<double>(x.imag());
    const double scale = 1 / count;
    return T(static_cast<Part>((real + imag * 0.0) * scale),
             static_cast<Part>((imag - real * 0.0) * scale));
  }
}

template <class T>
void divide(void* results, std::int64_t n, std::int64_t folded) {
  T* x = static_cast<T*>(results);
  for (std::int64_t i = 0; i < n; ++i) x[i] = quotient(x[i], static_cast<double>(folded));
}

Finish divide_by_count(DType dtype) {
  switch (dtype) {
    case DType::float32: return divide<float>;
    case DType::float64: return divide<double>;
    case DType::complex64: return divide<std::complex<float>>;
    default: return divide<std::complex<double>>;
  }
}

Spec mean_type(Arguments args) {
  const auto a = known_operand(args[0]);
  if (!a) return Spec::decline();
  const bool is_inexact = is_float(a->dtype) || is_complex(a->dtype);
  const auto dtype = as_dtype(args[2], is_inexact ? a->dtype : DType::float64);
  if (!dtype || !(is_float(*dtype) || is_complex(*dtype))) return Spec::decline();
  if (is_complex(a->dtype) && !is_complex(*dtype)) return Spec::decline();
  const auto axes = as_axes(args[1], a->rank(), false);
  // NumPy warns of a mean of nothing, in words of its own.
  if (!axes || folded_count(a->shape, *axes) == 0) return Spec::decline();
  return reduced(args[0], args[1], args[3], *dtype);
}

Job mean_kernel(Arguments args, const Ref<Array>& out, Watch* watch) {
  const Reduction how{.fold = Fold::add,
                      .dtype = out->dtype(),
                      .finish = divide_by_count(out->dtype()),
                      .watched = true};
  // A number by a count: NumPy's scalars know only their own precision.
  const bool is_double = out->dtype() == DType::float64 || out->dtype() == DType::complex128;
  if (watch) watch->last_in = out->rank() == 0 && is_double ? "scalar divide" : "divide";
  return run(args[0], args[1], how, out, watch);
}

// ---- min, max -----------------------------------------------------------------------------

Spec extreme_type(Arguments args, std::string_view name) {
  const auto a = known_operand(args[0]);
  if (!a) return Spec::decline();
  Spec spec = reduced(args[0], args[1], args[2], a->dtype);
  if (!spec.declined() && folded_count(a->shape, *as_axes(args[1], a->rank())) == 0) {
    throw Error(Kind::value,
                format("zero-size array to reduction operation {} which has no identity", name));
  }
  return spec;
}

Spec min_type(Arguments args) { return extreme_type(args, "minimum"); }
Spec max_type(Arguments args) { return extreme_type(args, "maximum"); }

Job min_kernel(Arguments args, const Ref<Array>& out, Watch* watch) {
  return run(args[0], args[1], {.fold = Fold::least, .dtype = out->dtype()}, out, watch);
}

Job max_kernel(Arguments args, const Ref<Array>& out, Watch* watch) {
  return run(args[0], args[1], {.fold = Fold::greatest, .dtype = out->dtype()}, out, watch);
}

// ---- any, all, count_nonzero -----------------------------------------------------------------

Spec truth_type(Arguments args) {
  const auto a = known_operand(args[0]);
  return a ? reduced(args[0], args[1], args[2], DType::boolean) : Spec::decline();
}

Job any_kernel(Arguments args, const Ref<Array>& out, Watch* watch) {
  return run(args[0], args[1], {.fold = Fold::add, .dtype = DType::boolean}, out, watch);
}

Job all_kernel(Arguments args, const Ref<Array>& out, Watch* watch) {
  return run(args[0], args[1], {.fold = Fold::multiply, .dtype = DType::boolean}, out, watch);
}

Spec count_type(Arguments args) {
  const auto a = known_operand(args[0]);
  const auto axes = a ? as_axes(args[1], a->rank()) : std::nullopt;
  const auto keeps = as_flag(args[2]);
  if (!axes || !keeps) return Spec::decline();
  // NumPy counts in a copy made of bools, which orders axes in its own way.
  const Dims strides = args[0].is_array() ? strides_like(*args[0].array(), 1) : Dims{};
  return reduced_spec(*a, strides, *axes, *keeps, DType::int64);
}

Job count_kernel(Arguments args, const Ref<Array>& out, Watch* watch) {
  const Reduction how{.fold = Fold::add, .dtype = DType::int64, .by_truth = true};
  return run(args[0], args[1], how, out, watch);
}

// ---- trace -------------------------------------------------------------------------------------

std::optional<Ref<Array>> traced(Arguments args) {
  const Ref<Array> a = operand(args[0]);
  const auto k = as_index(args[1]), axis1 = as_index(args[2]), axis2 = as_index(args[3]);
  if (!a || !k || !axis1 || !axis2) return std::nullopt;
  return diagonal_of(a, *k, *axis1, *axis2);
}

Spec trace_type(Arguments args) {
  const auto diagonal = traced(args);
  if (!diagonal) return Spec::decline();
  const Array& d = **diagonal;
  const auto dtype = as_dtype(args[4], wide(d.dtype()));
  if (!dtype || (is_complex(d.dtype()) && !is_complex(*dtype))) return Spec::decline();
  const Outline known{d.dtype(), d.shape()};
  return reduced_spec(known, d.strides(), AxisSet{1} << (d.rank() - 1), false, *dtype);
}

Job trace_kernel(Arguments args, const Ref<Array>& out, Watch* watch) {
  const Ref<Array> d = *traced(args);
  const Reduction how{.fold = Fold::add, .dtype = out->dtype(), .watched = true};
  return reduction_job(d, AxisSet{1} << (d->rank() - 1), how, out, watch);
}

// ---- the table
// ------------------------------------------------------------------------------------

constexpr Primitive table[] = {
    {.name = "sum",
     .python = "numpy.sum",
     .params = "a, axis=nil, dtype=nil, keepdims=false",
     .doc = "The sum of the elements.",
     .example = "sum([[1, 2], [3, 4]], 0)  #= [4, 6]",
     .method = "sum",
     .type = sum_type,
     .on_demand = in_any_order,
     .kernel = sum_kernel,
     .reports = "reduce"},
    {.name = "prod",
     .python = "numpy.prod",
     .params = "a, axis=nil, dtype=nil, keepdims=false",
     .doc = "The product of the elements.",
     .example = "prod([2, 3, 4])  #= 24",
     .method = "prod",
     .type = sum_type,
     .on_demand = is_real_product,
     .kernel = prod_kernel,
     .reports = "reduce"},
    {.name = "mean",
     .python = "numpy.mean",
     .params = "a, axis=nil, dtype=nil, keepdims=false",
     .doc = "The arithmetic mean.",
     .example = "mean([1, 2])  #= 1.5",
     .method = "mean",
     .type = mean_type,
     .on_demand = in_any_order,
     .kernel = mean_kernel,
     .reports = "reduce"},
    {.name = "min",
     .python = "numpy.min",
     .params = "a, axis=nil, keepdims=false",
     .doc = "The smallest element; NaN if there is one.",
     .example = "min([2, 1, 3])  #= 1",
     .method = "min",
     .type = min_type,
     .on_demand = in_any_order,
     .kernel = min_kernel},
    {.name = "max",
     .python = "numpy.max",
     .params = "a, axis=nil, keepdims=false",
     .doc = "The greatest element; NaN if there is one.",
     .example = "max([2, 1, 3])  #= 3",
     .method = "max",
     .type = max_type,
     .on_demand = in_any_order,
     .kernel = max_kernel},
    {.name = "amin",
     .python = "numpy.amin",
     .params = "a, axis=nil, keepdims=false",
     .doc = "The same as min.",
     .example = "amin([2, 1, 3])  #= 1",
     .type = min_type,
     .on_demand = in_any_order,
     .kernel = min_kernel},
    {.name = "amax",
     .python = "numpy.amax",
     .params = "a, axis=nil, keepdims=false",
     .doc = "The same as max.",
     .example = "amax([2, 1, 3])  #= 3",
     .type = max_type,
     .on_demand = in_any_order,
     .kernel = max_kernel},
    {.name = "any",
     .python = "numpy.any",
     .params = "a, axis=nil, keepdims=false",
     .doc = "Whether some element is true.",
     .example = "any([0, 2])  #= true",
     .method = "any",
     .type = truth_type,
     .on_demand = in_any_order,
     .kernel = any_kernel},
    {.name = "all",
     .python = "numpy.all",
     .params = "a, axis=nil, keepdims=false",
     .doc = "Whether every element is true.",
     .example = "all([0, 2])  #= false",
     .method = "all",
     .type = truth_type,
     .on_demand = in_any_order,
     .kernel = all_kernel},
    {.name = "count_nonzero",
     .python = "numpy.count_nonzero",
     .params = "a, axis=nil, keepdims=false",
     .doc = "How many elements are not zero.",
     .example = "count_nonzero([0, 2, 3])  #= 2",
     .type = count_type,
     .on_demand = in_any_order,
     .kernel = count_kernel},
    {.name = "trace",
     .python = "numpy.trace",
     .params = "a, offset=0, axis1=0, axis2=1, dtype=nil",
     .doc = "The sum of a diagonal.",
     .example = "trace([[1, 2], [3, 4]])  #= 5",
     .method = "trace",
     .type = trace_type,
     .kernel = trace_kernel,
     .reports = "reduce"},
};

}  // namespace

std::span<const Primitive> reduce_primitives() {
  static const std::vector<Primitive> rows = [] {
    std::vector<Primitive> all(std::begin(table), std::end(table));
    for (std::span<const Primitive> more : {extremum_rows(), spread_rows()}) {
      all.insert(all.end(), more.begin(), more.end());
    }
    return all;
  }();
  return rows;
}

}  // namespace jetlag
