// Diagonals: taken from a matrix as a read-only view, or laid into a new one;
// and the triangles beside them.
#include "primitives/arguments.h"
#include "primitives/moves.h"
#include "primitives/shape.h"
#include "primitives/walk.h"

namespace jetlag {

namespace {

Ref<Array> diagonal_view(Arguments a) {
  const Ref<Array> array = operand(a[0]);
  const auto k = as_index(a[1]), axis1 = as_index(a[2]), axis2 = as_index(a[3]);
  return array && k && axis1 && axis2 ? diagonal_of(array, *k, *axis1, *axis2) : nullptr;
}

// ---- diag: a vector into a matrix, or the diagonal of one ------------------------

Ref<Array> diag_view(Arguments a) {
  const std::optional<Outline> known = outline(a[0]);
  const auto k = as_index(a[1]);
  if (!known || !k || known->rank() == 1) return nullptr;
  if (known->rank() != 2) throw Error(Kind::value, "Input must be 1- or 2-d.");
  const Ref<Array> array = operand(a[0]);
  return array ? diagonal_of(array, *k, 0, 1) : nullptr;
}

Spec diag_type(Arguments a) {
  const std::optional<Outline> known = outline(a[0]);
  const auto k = as_index(a[1]);
  if (!known || !k || known->rank() != 1) return Spec::decline();
  const std::int64_t n = known->shape[0] + std::abs(*k);
  return Spec::array(known->dtype, {n, n});
}

// Rows [first, last) of the matrix: cleared, and their element of v stored.
template <class T>
void lay_diagonal(const Array& v, const Array& out, std::int64_t k, std::int64_t first,
                  std::int64_t last) {
  clear(part_of(out, 0, first, last));
  const std::int64_t row = std::max<std::int64_t>(-k, 0);
  const std::int64_t begin = std::max(first, row);
  const std::int64_t end = std::min(last, row + v.shape()[0]);
  for (std::int64_t i = begin; i < end; ++i) {
    std::byte* to = out.data() + i * out.strides()[0] + (i + k) * out.strides()[1];
    *reinterpret_cast<T*>(to) = *reinterpret_cast<const T*>(v.data() + (i - row) * v.strides()[0]);
  }
}

Job diag_kernel(Arguments a, const Ref<Array>& out, Watch*) {
  const std::int64_t rows = out->shape()[0];
  const std::int64_t pieces = pieces_of(out->bytes(), rows);
  auto body = [v = operand(a[0]), k = *as_index(a[1]), out, rows, pieces](std::int64_t block) {
    visit(out->dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      lay_diagonal<T>(*v, *out, k, piece_begin(rows, pieces, block),
                      piece_begin(rows, pieces, block + 1));
    });
  };
  return {.blocks = pieces, .body = body, .finish = {}, .bytes = static_cast<double>(out->bytes())};
}

// ---- triangles ----------------------------------------------------------------------

Spec triangle_type(Arguments args) {
  const std::optional<Outline> known = outline(args[0]);
  if (!known || !as_index(args[1]) || known->rank() == 0 || !operand(args[0])) {
    return Spec::decline();
  }
  // A vector is a row, repeated.
  Dims shape = known->shape;
  if (known->rank() == 1) shape.insert(0, shape[0]);
  Spec spec = Spec::array(known->dtype, shape);
  // NumPy walks the array together with a mask, which lies in C order.
  const Ref<Array> a = broadcast_to(operand(args[0]), shape);
  Dims mask = contiguous_strides(shape, 1);
  for (std::int64_t i = 0; i + 2 < mask.size(); ++i) mask[i] = 0;
  const Dims shapes[] = {shape, shape}, strides[] = {mask, a->strides()};
  spec.strides = strides_in_order(shape, iteration_order(shapes, strides, Walker::iterator),
                                  size_of(known->dtype));
  return spec;
}

// Copies columns [0, i + k] of row i (lower), or the others, and clears the rest.
template <class T>
void copy_triangle(const Array& from, const Array& out, std::int64_t k, bool lower) {
  const std::int64_t rank = out.rank();
  const std::int64_t rows = out.shape()[rank - 2];
  std::int64_t row = 0;
  walk<2>(out.shape(), {from.data(), out.data()}, {from.strides().data(), out.strides().data()},
          [&](const auto& at, const auto& steps, std::int64_t columns) {
            const std::int64_t edge =
                std::clamp<std::int64_t>(row + k + (lower ? 1 : 0), 0, columns);
            row = row + 1 == rows ? 0 : row + 1;
            for (std::int64_t j = 0; j < columns; ++j) {
              const bool keeps = (j < edge) == lower;
              const T* x = reinterpret_cast<const T*>(at[0] + j * steps[0]);
              *reinterpret_cast<T*>(at[1] + j * steps[1]) = keeps ? *x : T(0);
            }
          });
}

Job triangle_job(Arguments a, const Ref<Array>& out, bool lower) {
  auto from = broadcast_to(operand(a[0]), out->shape());
  auto body = [from, k = *as_index(a[1]), out, lower](std::int64_t) {
    visit(out->dtype(),
          [&](auto tag) { copy_triangle<typename decltype(tag)::type>(*from, *out, k, lower); });
  };
  return {
      .blocks = 1, .body = body, .finish = {}, .bytes = 2.0 * static_cast<double>(out->bytes())};
}

Job tril_kernel(Arguments a, const Ref<Array>& out, Watch*) { return triangle_job(a, out, true); }
Job triu_kernel(Arguments a, const Ref<Array>& out, Watch*) { return triangle_job(a, out, false); }

constexpr Primitive table[] = {
    {.name = "diag",
     .python = "numpy.diag",
     .params = "v, k=0",
     .doc = "A matrix with a vector on its diagonal, or the diagonal of a matrix.",
     .example = "diag([1, 2])  #= [[1, 0], [0, 2]]",
     .type = diag_type,
     .kernel = diag_kernel,
     .view = diag_view,
     .algebra = Algebra::diag},
    {.name = "diagonal",
     .python = "numpy.diagonal",
     .params = "a, offset=0, axis1=0, axis2=1",
     .doc = "The diagonal of two axes, read-only.",
     .example = "diagonal([[1, 2], [3, 4]])  #= [1, 4]",
     .method = "diagonal",
     .view = diagonal_view},
    {.name = "tril",
     .python = "numpy.tril",
     .params = "m, k=0",
     .doc = "The lower triangle.",
     .example = "tril([[1, 2], [3, 4]])  #= [[1, 0], [3, 4]]",
     .type = triangle_type,
     .kernel = tril_kernel},
    {.name = "triu",
     .python = "numpy.triu",
     .params = "m, k=0",
     .doc = "The upper triangle.",
     .example = "triu([[1, 2], [3, 4]])  #= [[1, 2], [0, 4]]",
     .type = triangle_type,
     .kernel = triu_kernel},
};

}  // namespace

Ref<Array> diagonal_of(const Ref<Array>& a, std::int64_t k, std::int64_t axis1,
                       std::int64_t axis2) {
  if (a->rank() < 2) throw Error(Kind::value, "diag requires an array of at least two dimensions");
  axis1 = normal_axis(axis1, a->rank(), "axis1: ");
  axis2 = normal_axis(axis2, a->rank(), "axis2: ");
  if (axis1 == axis2) throw Error(Kind::value, "axis1 and axis2 cannot be the same");
  const std::int64_t row = std::max<std::int64_t>(-k, 0);
  const std::int64_t column = std::max<std::int64_t>(k, 0);
  const std::int64_t n = std::min(a->shape()[axis1] - row, a->shape()[axis2] - column);
  std::byte* first = a->data();
  if (n > 0) first += row * a->strides()[axis1] + column * a->strides()[axis2];
  Dims shape = a->shape();
  Dims strides = a->strides();
  shape.push_back(std::max<std::int64_t>(n, 0));
  strides.push_back(strides[axis1] + strides[axis2]);
  for (const std::int64_t axis : {std::max(axis1, axis2), std::min(axis1, axis2)}) {
    shape.erase(axis);
    strides.erase(axis);
  }
  Ref<Array> view = view_of(a, first, std::move(shape), std::move(strides));
  view->make_read_only();
  return view;
}

std::span<const Primitive> diagonal_rows() { return table; }

}  // namespace jetlag
