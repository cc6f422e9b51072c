// Products: dot, matmul and their kin, reduced to products of matrices.
#include "primitives/linalg.h"

#include <memory>

#include "primitives/arguments.h"
#include "primitives/computed_rows.h"
#include "primitives/families.h"
#include "primitives/kept_order.h"
#include "primitives/loops.h"
#include "primitives/moves.h"
#include "primitives/on_demand.h"
#include "primitives/product.h"
#include "primitives/product_loops.h"
#include "primitives/reduction.h"
#include "primitives/run_all.h"
#include "primitives/shape.h"

namespace jetlag {

namespace {

// ---- operands ------------------------------------------------------------------

struct Pair {
  Outline a, b;
  DType dtype() const { return promote(a.dtype, b.dtype); }
};

// Lists that hold arrays are made into arrays by NumPy.
std::optional<Outline> outline_of_operand(const Value& v) {
  if (!v.is_array() && !v.is_numeric() && !operand(v)) return std::nullopt;
  return outline(v);
}

std::optional<Pair> pair_of(Arguments args) {
  auto a = outline_of_operand(args[0]);
  auto b = outline_of_operand(args[1]);
  if (!a || !b) return std::nullopt;
  return Pair{std::move(*a), std::move(*b)};
}

// The last two axes as a matrix, at a place of the leading ones.
Matrix matrix_of(const Array& a, std::byte* data) {
  const std::int64_t r = a.rank();
  return {
      data, a.dtype(), a.shape()[r - 2], a.shape()[r - 1], a.strides()[r - 2], a.strides()[r - 1]};
}

// A vector seen as a row or as a column.
Ref<Array> as_row(const Ref<Array>& a) { return with_axis(a, 0); }
Ref<Array> as_column(const Ref<Array>& a) { return with_axis(a, a->rank()); }

// Where the matrices of a lie, for every place of its leading axes, in C order.
std::vector<std::byte*> places_of(const Array& a, std::span<const std::int64_t> leading) {
  std::vector<std::byte*> places{a.data()};
  const std::int64_t own = a.rank() - 2;
  const auto rank = static_cast<std::int64_t>(leading.size());
  for (std::int64_t i = 0; i < rank; ++i) {
    const std::int64_t axis = own - rank + i;
    const bool repeats = axis < 0 || a.shape()[axis] == 1;
    const std::int64_t stride = repeats ? 0 : a.strides()[axis];
    std::vector<std::byte*> finer;
    for (std::byte* place : places) {
      for (std::int64_t k = 0; k < leading[static_cast<std::size_t>(i)]; ++k) {
        finer.push_back(place + k * stride);
      }
    }
    places = std::move(finer);
  }
  return places;
}

std::span<const std::int64_t> leading_axes(const Array& a) {
  return {a.shape().data(), static_cast<std::size_t>(a.rank() - 2)};
}

// Keeps temporaries of a job alive with it.
template <class... Kept>
Job keeping(Job job, Kept... kept) {
  job.body = [body = std::move(job.body), ... kept = std::move(kept)](std::int64_t block) {
    body(block);
  };
  return job;
}

// ---- dot --------------------------------------------------------------------------

void check_aligned(const Outline& a, const Outline& b, std::int64_t b_axis) {
  const std::int64_t a_axis = a.rank() - 1;
  if (a.shape[a_axis] == b.shape[b_axis]) return;
  throw Error(Kind::shape, format("shapes {} and {} not aligned: {} (dim {}) != {} (dim {})",
                                  tight_shape(a.shape), tight_shape(b.shape), a.shape[a_axis],
                                  a_axis, b.shape[b_axis], b_axis));
}

Dims dot_shape(const Outline& a, const Outline& b) {
  if (a.rank() == 0) return b.shape;
  if (b.rank() == 0) return a.shape;
  const std::int64_t summed = std::max<std::int64_t>(b.rank() - 2, 0);
  check_aligned(a, b, summed);
  Dims shape = a.shape;
  shape.resize(a.rank() - 1);
  for (std::int64_t i = 0; i < b.rank(); ++i) {
    if (i != summed) shape.push_back(b.shape[i]);
  }
  return shape;
}

Spec dot_type(Arguments args) {
  const auto pair = pair_of(args);
  return pair ? Spec::of(pair->dtype(), dot_shape(pair->a, pair->b)) : Spec::decline();
}

// Every element times a factor.
template <class T>
void scale(T* out, std::int64_t n, T factor) {
  for (std::int64_t i = 0; i < n; ++i) {
    if constexpr (std::is_same_v<T, bool>) {
      out[i] = out[i] && factor;
    } else if constexpr (std::is_integral_v<T>) {
      using U = std::common_type_t<std::make_unsigned_t<T>, unsigned>;
      out[i] = static_cast<T>(static_cast<U>(out[i]) * static_cast<U>(factor));
    } else if constexpr (std::is_floating_point_v<T>) {
      out[i] *= factor;
    } else {
      const T z = out[i];
      out[i] = {z.real() * factor.real() - z.imag() * factor.imag(),
                z.real() * factor.imag() + z.imag() * factor.real()};
    }
  }
}

// BLAS adds the products to zeros, so none is a negative zero, and leaves the
// zeros alone where the factor is one.
template <class T>
void add_scaled(T* out, std::int64_t n, T factor) {
  if (factor == T(0)) {
    std::fill_n(out, n, T(0));
    return;
  }
  scale(out, n, factor);
  for (std::int64_t i = 0; i < n; ++i) out[i] += T(0);
}

// A single number times an array.
Job scale_job(const Ref<Array>& a, const Ref<Array>& number, const Ref<Array>& out) {
  const bool by_blas =
      a->rank() <= 2 && out->size() > 1 && (is_float(out->dtype()) || is_complex(out->dtype()));
  auto body = [a = reshaped_view(a, out->shape()), number, out, by_blas](std::int64_t) {
    copy_elements(*a, *out);
    const Ref<Array> factor = new_array(out->dtype(), {});
    copy_elements(*reshaped_view(number, Dims()), *factor);
    visit(out->dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      if constexpr (!std::is_integral_v<T>) {
        if (by_blas) return add_scaled(out->as<T>(), out->size(), *factor->as<T>());
      }
      scale(out->as<T>(), out->size(), *factor->as<T>());
    });
  };
  return {
      .blocks = 1, .body = body, .finish = {}, .bytes = 2.0 * static_cast<double>(out->bytes())};
}

// All leading axes as rows, if strides allow.
Ref<Array> flattened_rows(const Ref<Array>& a) {
  if (a->rank() <= 2) return a;
  const std::int64_t k = a->shape().back();
  if (k == 0) return a;
  const Ref<Array> flat = reshaped_view(a, Dims{a->size() / k, k});
  return flat ? flat : a;
}

// c[p, i, q, j] = a[p, i, :] . b[q, :, j]
Job dot_job(Ref<Array> a, Ref<Array> b, const Ref<Array>& out, bool matmul = false) {
  a = flattened_rows(a->rank() == 1 ? as_row(a) : a);
  if (b->rank() == 1) b = as_column(b);
  const std::vector<std::byte*> a_places = places_of(*a, leading_axes(*a));
  const std::vector<std::byte*> b_places = places_of(*b, leading_axes(*b));
  const auto q = static_cast<std::int64_t>(b_places.size());
  const std::int64_t item = size_of(out->dtype());
  const std::int64_t m = a->shape()[a->rank() - 2], n = b->shape().back();
  std::vector<Product> batch;
  batch.reserve(a_places.size() * b_places.size());
  std::byte* block = out->data();
  for (std::byte* a_place : a_places) {
    for (std::int64_t i = 0; i < q; ++i) {
      const Matrix c{block + i * n * item, out->dtype(), m, n, q * n * item, item};
      batch.push_back(
          {matrix_of(*a, a_place), matrix_of(*b, b_places[static_cast<std::size_t>(i)]), c});
    }
    block += m * q * n * item;
  }
  Job job = matmul ? matmul_job(std::move(batch)) : product_job(std::move(batch));
  return keeping(std::move(job), std::move(a), std::move(b));
}

// NumPy reports what the processor noticed.
Job watched(Job job, Watch* watch) {
  if (!watch || !watch->wanted) return job;
  const auto watching = [watch](auto work) {
    return [work = std::move(work), watch](auto... block) {
      clear_flags();
      work(block...);
      watch->report(read_flags());
    };
  };
  job.body = watching(std::move(job.body));
  if (job.rows.body) job.rows.body = watching(std::move(job.rows.body));
  if (job.finish) job.finish = watching(std::move(job.finish));
  return job;
}

// What NumPy takes for a number in a product: arrays of one element as well, where BLAS is used.
bool is_factor(const Array& a, const Array& other, DType dtype) {
  if (a.rank() == 0) return true;
  return a.size() == 1 && a.rank() <= 2 && other.rank() <= 2 && other.size() > 0 &&
         (is_float(dtype) || is_complex(dtype));
}

Job dot_kernel(Arguments args, const Ref<Array>& out, Watch* watch) {
  if (args[0].is_array() && on_demand(*args[0].array()) && is_rows_by_vector(args)) {
    const Ref<Array>&a = args[0].array(), &v = args[1].array();
    return watched(computed_rows_job(a, v, out), watch);
  }
  Ref<Array> a = operand(args[0]), b = operand(args[1]);
  if (is_factor(*b, *a, out->dtype())) return watched(scale_job(a, b, out), watch);
  if (is_factor(*a, *b, out->dtype())) return watched(scale_job(b, a, out), watch);
  return watched(dot_job(std::move(a), std::move(b), out), watch);
}

// ---- inner: the last axes of both -----------------------------------------------------

Spec inner_type(Arguments args) {
  const auto pair = pair_of(args);
  if (!pair) return Spec::decline();
  const auto& [a, b] = *pair;
  if (a.rank() == 0 || b.rank() == 0) return Spec::of(pair->dtype(), dot_shape(a, b));
  // NumPy's error speaks of b with its last two axes exchanged.
  Outline turned = b;
  if (b.rank() > 1) std::swap(turned.shape[b.rank() - 1], turned.shape[b.rank() - 2]);
  check_aligned(a, turned, std::max<std::int64_t>(b.rank() - 2, 0));
  Dims shape = a.shape;
  shape.resize(a.rank() - 1);
  for (std::int64_t i = 0; i + 1 < b.rank(); ++i) shape.push_back(b.shape[i]);
  return Spec::of(pair->dtype(), std::move(shape));
}

Job inner_kernel(Arguments args, const Ref<Array>& out, Watch* watch) {
  Ref<Array> b = operand(args[1]);
  const Ref<Array> a = operand(args[0]);
  if (b->rank() < 2 || is_factor(*a, *b, out->dtype()) || is_factor(*b, *a, out->dtype()))
    return dot_kernel(args, out, watch);
  Dims shape = b->shape(), strides = b->strides();
  std::swap(shape[b->rank() - 1], shape[b->rank() - 2]);
  std::swap(strides[b->rank() - 1], strides[b->rank() - 2]);
  return watched(dot_job(a, view_of(b, b->data(), shape, strides), out), watch);
}

// ---- matmul -----------------------------------------------------------------------------

constexpr std::string_view matmul_signature = "(n?,k),(k,m?)->(n?,m?)";

void check_core(const Outline& v, int number) {
  if (v.rank() > 0) return;
  throw Error(Kind::value,
              format("matmul: Input operand {} does not have enough dimensions (has 0, "
                     "gufunc core with signature {} requires 1)",
                     number, matmul_signature));
}

std::span<const std::int64_t> before_matrix(const Dims& shape) {
  return {shape.data(), static_cast<std::size_t>(std::max<std::int64_t>(shape.size() - 2, 0))};
}

// The matrices of a result lie in the order of those of the operands, each without gaps.
Dims matmul_strides(Arguments args, const Dims& leading, const Spec& result) {
  Dims core;
  std::int64_t bytes = size_of(result.dtype);
  for (std::int64_t i = result.shape.size() - 1; i >= leading.size(); --i) {
    core.push_back(bytes);
    bytes *= result.shape[i];
  }
  KeptOrder order(leading);
  for (int i = 0; i < 2; ++i) {
    const std::span<const std::int64_t> own = strides_of(args[i]);
    if (own.size() < 3) continue;
    const Dims& shape = args[i].array()->shape();
    order.add(Dims(before_matrix(shape)), Dims(own.first(own.size() - 2)));
  }
  Dims strides = order.strides(bytes);
  if (strides.empty()) return strides;
  for (std::int64_t i = core.size() - 1; i >= 0; --i) strides.push_back(core[i]);
  return strides;
}

Spec matmul_type(Arguments args) {
  if (args[0].is_python_scalar() || args[1].is_python_scalar()) return Spec::decline();
  const auto pair = pair_of(args);
  if (!pair) return Spec::decline();
  const auto& [a, b] = *pair;
  check_core(a, 0);
  check_core(b, 1);
  const std::int64_t summed = b.rank() == 1 ? 0 : b.rank() - 2;
  if (a.shape.back() != b.shape[summed]) {
    throw Error(
        Kind::shape,
        format("matmul: Input operand 1 has a mismatch in its core dimension 0, with gufunc "
               "signature {} (size {} is different from {})",
               matmul_signature, b.shape[summed], a.shape.back()));
  }
  Dims shape;
  try {
    shape = broadcast_shapes(before_matrix(a.shape), before_matrix(b.shape));
  } catch (const Error&) {
    return Spec::decline();  // NumPy has many words for this
  }
  const Dims leading = shape;
  if (a.rank() > 1) shape.push_back(a.shape[a.rank() - 2]);
  if (b.rank() > 1) shape.push_back(b.shape.back());
  Spec spec = Spec::of(pair->dtype(), std::move(shape));
  if (leading.size() > 1) spec.strides = matmul_strides(args, leading, spec);
  return spec;
}

Job matmul_kernel(Arguments args, const Ref<Array>& out, Watch* watch) {
  Ref<Array> a = operand(args[0]), b = operand(args[1]);
  if (b->rank() <= 2 && out->is_contiguous())
    return watched(dot_job(std::move(a), std::move(b), out, true), watch);
  if (a->rank() == 1) a = as_row(a);
  if (b->rank() == 1) b = as_column(b);
  const Dims leading = broadcast_shapes(before_matrix(a->shape()), before_matrix(b->shape()));
  const std::vector<std::byte*> a_places = places_of(*a, leading);
  const std::vector<std::byte*> b_places = places_of(*b, leading);
  const std::int64_t item = size_of(out->dtype());
  const std::int64_t m = a->shape()[a->rank() - 2], n = b->shape().back();
  Dims shape = leading, strides = out->strides();
  strides.resize(leading.size());
  for (const auto& [count, step] : {std::pair(m, n * item), std::pair(n, item)}) {
    shape.push_back(count);
    strides.push_back(step);
  }
  const Array matrices(nullptr, out->data(), out->dtype(), shape, strides);
  const std::vector<std::byte*> places = places_of(matrices, leading);
  std::vector<Product> batch;
  batch.reserve(a_places.size());
  for (std::size_t i = 0; i < a_places.size(); ++i) {
    batch.push_back({matrix_of(*a, a_places[i]),
                     matrix_of(*b, b_places[i]),
                     {places[i], out->dtype(), m, n, n * item, item}});
  }
  return watched(keeping(matmul_job(std::move(batch)), std::move(a), std::move(b)), watch);
}

// ---- vdot and outer: all elements, in C order ---------------------------------------------

Spec vdot_type(Arguments args) {
  const auto pair = pair_of(args);
  if (!pair) return Spec::decline();
  const std::int64_t m = pair->a.size(), n = pair->b.size();
  if (m != n) {
    throw Error(Kind::value, format("cannot reshape array of size {} into shape ({},)", n, m));
  }
  return Spec::scalar(pair->dtype());
}

// The elements in one axis; a copy, made now, where strides cannot say it.
Ref<Array> raveled(const Ref<Array>& a) {
  if (const Ref<Array> flat = reshaped_view(a, Dims{a->size()})) return flat;
  const Ref<Array> copy = new_array(a->dtype(), a->shape());
  copy_elements(*a, *copy);
  return reshaped_view(copy, Dims{a->size()});
}

Job vdot_job(const Ref<Array>& a, const Ref<Array>& b, const Ref<Array>& out) {
  const std::int64_t item = size_of(out->dtype());
  const Ref<Array> row = as_row(a), column = as_column(b);
  Product p{matrix_of(*row, row->data()),
            matrix_of(*column, column->data()),
            {out->data(), out->dtype(), 1, 1, item, item}};
  return keeping(product_job({p}, is_complex(a->dtype())), row, column);
}

Job vdot_kernel(Arguments args, const Ref<Array>& out, Watch*) {
  const Ref<Array> a = operand(args[0]), b = operand(args[1]);
  const Dims flat{a->size()};
  if (reshaped_view(a, flat) && reshaped_view(b, flat))
    return vdot_job(raveled(a), raveled(b), out);
  // Arguments may still be computing here, so copies have to wait for the block.
  auto body = [a, b, out](std::int64_t) { run_all(vdot_job(raveled(a), raveled(b), out)); };
  return {.blocks = 1,
          .body = body,
          .finish = {},
          .bytes = static_cast<double>(a->bytes() + b->bytes())};
}

Spec outer_type(Arguments args) {
  const auto pair = pair_of(args);
  return pair ? Spec::array(pair->dtype(), {pair->a.size(), pair->b.size()}) : Spec::decline();
}

// Rows [first, last): b, times an element of a.
void outer_rows(const Ref<Array>& a, const Ref<Array>& b, const Ref<Array>& out, std::int64_t first,
                std::int64_t last) {
  const auto converted = [&](const Ref<Array>& from) {
    Ref<Array> to = new_array(out->dtype(), from->shape());
    copy_elements(*from, *to);
    return to;
  };
  const Ref<Array> factors = converted(raveled(a)), row = converted(raveled(b));
  const std::int64_t n = row->size();
  visit(out->dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (std::int64_t i = first; i < last; ++i) {
      T* to = out->as<T>() + i * n;
      std::copy(row->as<T>(), row->as<T>() + n, to);
      scale(to, n, factors->as<T>()[i]);
    }
  });
}

Job outer_kernel(Arguments args, const Ref<Array>& out, Watch* watch) {
  const std::int64_t rows = out->shape()[0];
  const std::int64_t pieces = pieces_of(out->bytes(), rows);
  auto body = [a = operand(args[0]), b = operand(args[1]), out, rows, pieces](std::int64_t block) {
    outer_rows(a, b, out, piece_begin(rows, pieces, block), piece_begin(rows, pieces, block + 1));
  };
  Job job{.blocks = pieces,
          .body = body,
          .finish = {},
          .bytes = static_cast<double>(out->bytes()),
          .flops = static_cast<double>(out->size())};
  return watched(std::move(job), watch);
}

constexpr Primitive table[] = {
    {.name = "dot",
     .python = "numpy.dot",
     .params = "a, b",
     .doc = "The product of matrices and vectors: the last axis of a with the last but one of b.",
     .example = "dot([[1, 2], [3, 4]], [5, 6])  #= [17, 39]",
     .method = "dot",
     .type = dot_type,
     .on_demand = is_rows_by_vector,
     .kernel = dot_kernel,
     .algebra = Algebra::product},
    {.name = "matmul",
     .python = "numpy.matmul",
     .params = "x1, x2",
     .doc = "The product of matrices; leading axes are broadcast.",
     .example = "matmul([[1, 2], [3, 4]], [[5], [6]])  #= [[17], [39]]",
     .type = matmul_type,
     .kernel = matmul_kernel,
     .algebra = Algebra::product},
    {.name = "inner",
     .python = "numpy.inner",
     .params = "a, b",
     .doc = "Sums of products over the last axes.",
     .example = "inner([1, 2], [3, 4])  #= 11",
     .type = inner_type,
     .kernel = inner_kernel,
     .reports = "dot"},
    {.name = "vdot",
     .python = "numpy.vdot",
     .params = "a, b",
     .doc = "The sum of the conjugate of a times b, over all elements.",
     .example = "vdot([1, 2], [3, 4])  #= 11",
     .type = vdot_type,
     .kernel = vdot_kernel},
    {.name = "outer",
     .python = "numpy.outer",
     .params = "a, b",
     .doc = "Every element of a times every element of b.",
     .example = "outer([1, 2], [3, 4])  #= [[3, 4], [6, 8]]",
     .type = outer_type,
     .kernel = outer_kernel,
     .reports = "multiply"},
};

}  // namespace

std::span<const Primitive> linalg_primitives() {
  static const std::vector<Primitive> rows = [] {
    std::vector<Primitive> all(std::begin(table), std::end(table));
    for (std::span<const Primitive> more : {solve_rows(), norm_rows()}) {
      all.insert(all.end(), more.begin(), more.end());
    }
    return all;
  }();
  return rows;
}

}  // namespace jetlag
