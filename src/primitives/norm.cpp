// Norms of vectors and matrices, as reductions.
#include <cmath>
#include <limits>

#include "primitives/linalg.h"
#include "primitives/loops.h"
#include "primitives/reduction.h"
#include "primitives/run_all.h"
#include "primitives/shape.h"

namespace jetlag {

namespace {

// What a call asks for, worked out from ord and axis.
enum class Order { two, one, infinite, minus_infinite, zero };

struct Request {
  Order order;
  AxisSet axes;
  // Norms 1 and inf of a matrix fold one axis after the other: this one first.
  std::int64_t first = -1, second = -1;
};

constexpr std::string_view wrong_rank = "Improper number of dimensions to norm.";

std::optional<Order> vector_order(const Value& ord) {
  if (absent(ord)) return Order::two;
  if (ord.is(ValueKind::string)) {
    throw Error(Kind::value, format("Invalid norm order '{}' for vectors", ord.text()));
  }
  const auto p = as_real(ord);
  if (!p) return std::nullopt;
  if (*p == 2) return Order::two;
  if (*p == 1) return Order::one;
  if (*p == 0) return Order::zero;
  if (!std::isinf(*p)) return std::nullopt;
  return *p > 0 ? Order::infinite : Order::minus_infinite;
}

// Rows and columns are those of the axes as they were given.
std::optional<Request> matrix_request(const Value& ord, std::int64_t rows, std::int64_t columns) {
  const AxisSet axes = (AxisSet{1} << rows) | (AxisSet{1} << columns);
  if (absent(ord) || is_text(ord, "fro") || is_text(ord, "f")) return Request{Order::two, axes};
  const auto p = as_real(ord);
  if (!p) return std::nullopt;
  const bool by_columns = std::abs(*p) == 1;
  if (!by_columns && !std::isinf(*p)) return std::nullopt;
  const Order order = *p > 0 ? Order::infinite : Order::minus_infinite;
  return by_columns ? Request{order, axes, rows, columns} : Request{order, axes, columns, rows};
}

std::optional<Request> request_of(Arguments args, std::int64_t rank) {
  if (absent(args[2])) {
    if (absent(args[1])) return Request{Order::two, all_axes(rank)};
    if (rank == 2) return matrix_request(args[1], 0, 1);
    if (rank != 1) throw Error(Kind::value, std::string(wrong_rank));
    const auto order = vector_order(args[1]);
    return order ? std::optional(Request{*order, 1}) : std::nullopt;
  }
  const auto axes = as_integers(args[2]);
  if (!axes) return std::nullopt;
  if (axes->size() == 2) {
    const std::int64_t rows = normal_axis((*axes)[0], rank),
                       columns = normal_axis((*axes)[1], rank);
    if (rows == columns) throw Error(Kind::value, "Duplicate axes given.");
    return matrix_request(args[1], rows, columns);
  }
  if (axes->size() != 1) throw Error(Kind::value, std::string(wrong_rank));
  const auto order = vector_order(args[1]);
  const AxisSet axis = AxisSet{1} << normal_axis((*axes)[0], rank);
  return order ? std::optional(Request{*order, axis}) : std::nullopt;
}

DType norm_dtype(DType d) {
  if (d == DType::float32 || d == DType::complex64) return DType::float32;
  return DType::float64;
}

Spec norm_type(Arguments args) {
  if (!args[0].is_array() && !args[0].is_numeric() && !operand(args[0])) return Spec::decline();
  const std::optional<Outline> a = outline(args[0]);
  const std::optional<bool> keeps = as_flag(args[3]);
  const auto request = a && keeps ? request_of(args, a->rank()) : std::nullopt;
  if (!request) return Spec::decline();
  // Magnitudes of complex numbers are left to NumPy, as are extremes of nothing.
  if (is_complex(a->dtype) && request->order != Order::two) return Spec::decline();
  if (request->order != Order::two && a->size() == 0) return Spec::decline();
  return reduced_spec(*a, strides_of(args[0]), request->axes, *keeps, norm_dtype(a->dtype));
}

template <class T>
void square(const void* from, void* to, std::int64_t n) {
  find_loop(Opcode::multiply, dtype_of<T>())(from, from, nullptr, to, n);
}

template <class T>
void make_absolute(const void* from, void* to, std::int64_t n) {
  find_loop(Opcode::absolute, dtype_of<T>())(from, nullptr, nullptr, to, n);
}

template <class T>
void take_root(void* results, std::int64_t n, std::int64_t) {
  T* x = static_cast<T*>(results);
  for (std::int64_t i = 0; i < n; ++i) x[i] = std::sqrt(x[i]);
}

Reduction reduction_of(Order order, DType dtype) {
  const bool single = dtype == DType::float32;
  Reduction how{.dtype = dtype};
  switch (order) {
    case Order::two:
      how.change = single ? square<float> : square<double>;
      how.finish = single ? take_root<float> : take_root<double>;
      return how;
    case Order::zero: how.by_truth = true; return how;
    case Order::one: break;
    case Order::infinite: how.fold = Fold::greatest; break;
    case Order::minus_infinite: how.fold = Fold::least; break;
  }
  how.change = single ? make_absolute<float> : make_absolute<double>;
  return how;
}

// Complex numbers as pairs of reals along a further axis.
Ref<Array> as_parts(const Ref<Array>& a) {
  const DType part = norm_dtype(a->dtype());
  Dims shape = a->shape(), strides = a->strides();
  shape.push_back(2);
  strides.push_back(size_of(part));
  return view_of(a, a->data(), part, std::move(shape), std::move(strides));
}

// Sums of magnitudes along one axis, then the extreme of the sums.
Job matrix_job(const Ref<Array>& a, const Request& request, const Ref<Array>& out, Watch* watch) {
  const AxisSet first = AxisSet{1} << request.first, second = AxisSet{1} << request.second;
  const Ref<Array> sums = new_array(out->dtype(), reduced_shape(a->shape(), first, true));
  Reduction how = reduction_of(Order::one, out->dtype());
  how.watched = true;
  Job job = reduction_job(a, first, how, sums, watch);
  const Ref<Array> target = make<Array>(with_folded_axes(*out, a->shape(), request.axes));
  job.finish = [end = std::move(job.finish), sums, second, order = request.order, target] {
    if (end) end();
    run_all(reduction_job(sums, second, reduction_of(order, target->dtype()), target, nullptr));
  };
  return job;
}

// Parts of complex numbers are looked at where they lie.
bool is_real(Arguments args) { return !is_complex(args[0].array()->dtype()); }

// What NumPy computes the norm by.
std::string_view computed_by(Arguments args, Order order) {
  if (order != Order::two) return "reduce";
  return absent(args[1]) && absent(args[2]) ? "dot" : "multiply";
}

Job norm_kernel(Arguments args, const Ref<Array>& out, Watch* watch) {
  const Ref<Array> a = operand(args[0]);
  const Request request = *request_of(args, a->rank());
  if (watch) watch->met_in = computed_by(args, request.order);
  if (request.first >= 0) return matrix_job(a, request, out, watch);
  Reduction how = reduction_of(request.order, out->dtype());
  how.watched = true;
  if (!is_complex(a->dtype())) return reduction_job(a, request.axes, how, out, watch);
  // The results keep their places if folded axes count as axes of length 1.
  const AxisSet axes = request.axes | AxisSet{1} << a->rank();
  const Ref<Array> parts = as_parts(a);
  Array pairs = with_folded_axes(*out, a->shape(), request.axes);
  const Ref<Array> target = with_axis(make<Array>(pairs), a->rank());
  return reduction_job(parts, axes, how, target, watch);
}

constexpr Primitive table[] = {
    {.name = "norm",
     .python = "numpy.linalg.norm",
     .params = "x, ord=nil, axis=nil, keepdims=false",
     .doc = "The length of a vector; of a matrix, its Frobenius, 1 or inf norm.",
     .example = "norm([3, 4])  #= 5.0",
     .type = norm_type,
     .on_demand = is_real,
     .kernel = norm_kernel},
};

}  // namespace

std::span<const Primitive> norm_rows() { return table; }

}  // namespace jetlag
