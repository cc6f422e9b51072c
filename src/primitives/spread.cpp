// How far apart elements are: var, std, ptp.
//
// A variance needs the mean first. So that blocks need not wait for each other,
// each finds the mean and the squared deviations m2 of its own part; two parts
// then become one:
//
//   delta = mean2 - mean1,  n = n1 + n2
//   mean = mean1 + delta n2 / n,  m2 = m21 + m22 + delta^2 n1 n2 / n
#include <cmath>
#include <memory>

#include "primitives/loops.h"
#include "primitives/moves.h"
#include "primitives/reduce.h"
#include "primitives/reduction.h"
#include "primitives/run_all.h"
#include "primitives/walk.h"

namespace jetlag {

namespace {

// ---- parts -------------------------------------------------------------------------

DType real_part(DType d) {
  if (!is_complex(d)) return d;
  return d == DType::complex64 ? DType::float32 : DType::float64;
}

struct Moments {
  std::int64_t folded = 0;  // elements in each result
  Ref<Array> mean, m2;      // with axes of length 1 where elements were folded
};

template <class T>
void divide_by(Array& a, std::int64_t count) {
  T* x = a.as<T>();
  for (std::int64_t i = 0; i < a.size(); ++i) x[i] /= static_cast<T>(static_cast<double>(count));
}

// x - mean, squared: |z|^2 of complex numbers. Steps in bytes.
template <class T>
void square_line(const std::byte* x, std::int64_t x_step, const std::byte* mean,
                 std::int64_t mean_step, std::byte* out, std::int64_t out_step, std::int64_t n) {
  using Real = std::conditional_t<std::is_arithmetic_v<T>, T, decltype(std::abs(T()))>;
  for (std::int64_t i = 0; i < n; ++i) {
    const T d = *reinterpret_cast<const T*>(x + i * x_step) -
                *reinterpret_cast<const T*>(mean + i * mean_step);
    Real& to = *reinterpret_cast<Real*>(out + i * out_step);
    if constexpr (std::is_arithmetic_v<T>) to = d * d;
    else to = d.real() * d.real() + d.imag() * d.imag();
  }
}

template <class T>
void square_deviations(const Array& x, const Ref<Array>& mean, const Array& out) {
  using Real = std::conditional_t<std::is_arithmetic_v<T>, T, decltype(std::abs(T()))>;
  const Ref<Array> spread = broadcast_to(mean, x.shape());
  walk<3>(x.shape(), {x.data(), spread->data(), out.data()},
          {x.strides().data(), spread->strides().data(), out.strides().data()},
          [](const auto& at, const auto& steps, std::int64_t n) {
            constexpr std::int64_t item = sizeof(T), real = sizeof(Real);
            const bool dense = steps[0] == item && steps[2] == real;
            // Steps known when compiling become vector instructions.
            if (dense && steps[1] == 0) {
              const T mean = *reinterpret_cast<const T*>(at[1]);
              const auto* fixed = reinterpret_cast<const std::byte*>(&mean);
              square_line<T>(at[0], item, fixed, 0, at[2], real, n);
            } else if (dense && steps[1] == item) {
              square_line<T>(at[0], item, at[1], item, at[2], real, n);
            } else {
              square_line<T>(at[0], steps[0], at[1], steps[1], at[2], steps[2], n);
            }
          });
}

// Calls f with the type in which the variance of a dtype is computed.
template <class F>
void with_inexact(DType dtype, F&& f) {
  switch (dtype) {
    case DType::float32: return f(Tag<float>{});
    case DType::float64: return f(Tag<double>{});
    case DType::complex64: return f(Tag<std::complex<float>>{});
    default: return f(Tag<std::complex<double>>{});
  }
}

// The part itself where it is in C order, which decides how sums are added.
Ref<Array> numbers_of(const Array& part, DType dtype) {
  if (part.dtype() == dtype && part.is_contiguous()) return make<Array>(part);
  const Ref<Array> x = new_array(dtype, part.shape());
  copy_elements(part, *x);
  return x;
}

Moments moments_of(const Array& part, AxisSet axes, DType dtype) {
  const Ref<Array> x = numbers_of(part, dtype);
  const Dims shape = reduced_shape(part.shape(), axes, true);
  Moments m{folded_count(part.shape(), axes), new_array(dtype, shape),
            new_array(real_part(dtype), shape)};
  run_all(reduction_job(x, axes, {.fold = Fold::add, .dtype = dtype}, m.mean, nullptr));
  with_inexact(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    divide_by<T>(*m.mean, m.folded);
    const Ref<Array> squares = new_array(real_part(dtype), part.shape());
    square_deviations<T>(*x, m.mean, *squares);
    run_all(reduction_job(squares, axes, {.fold = Fold::add, .dtype = real_part(dtype)}, m.m2,
                          nullptr));
  });
  return m;
}

template <class T>
void merge(Moments& a, const Moments& b) {
  using Real = decltype(std::abs(T()));
  const auto n1 = static_cast<Real>(a.folded), n2 = static_cast<Real>(b.folded);
  for (std::int64_t i = 0; i < a.mean->size(); ++i) {
    T& mean = a.mean->as<T>()[i];
    const T delta = b.mean->as<T>()[i] - mean;
    Real& m2 = a.m2->as<Real>()[i];
    m2 += b.m2->as<Real>()[i] + std::norm(delta) * (n1 * (n2 / (n1 + n2)));
    mean += delta * (n2 / (n1 + n2));
  }
  a.folded += b.folded;
}

// ---- the job ----------------------------------------------------------------------------

struct Work {
  Ref<Array> a, out;
  AxisSet axes;
  DType dtype;
  double ddof;
  bool root;
  Watch* watch;                       // may be null
  std::int64_t cut = -1, pieces = 1;  // the axis that is cut
  std::vector<Moments> parts;
};

constexpr std::int64_t most_folded_pieces = 32;

// The longest axis is cut; partial results of folded axes are merged at the end.
void choose_cut(Work& work) {
  const Dims& shape = work.a->shape();
  for (std::int64_t i = 0; i < shape.size(); ++i) {
    if (work.cut < 0 || shape[i] > shape[work.cut]) work.cut = i;
  }
  if (work.cut < 0) return;
  const bool folded = contains(work.axes, work.cut);
  const std::int64_t most =
      folded ? std::min(shape[work.cut], most_folded_pieces) : shape[work.cut];
  work.pieces = pieces_of(work.a->bytes(), most);
}

// Variances from the moments, into a C-ordered array of the same number of elements.
template <class Real>
void write(const Work& work, const Moments& m, const Array& out) {
  const auto divisor = static_cast<Real>(static_cast<double>(m.folded) - work.ddof);
  Ref<Array> results = m.m2;
  for (std::int64_t i = 0; i < results->size(); ++i) {
    Real& x = results->as<Real>()[i];
    x /= divisor;
    if (work.root) x = std::sqrt(x);
  }
  copy_elements(*results, out);
}

void write_part(const Work& work, const Moments& m, const Array& out) {
  if (work.out->dtype() == DType::float32) write<float>(work, m, out);
  else write<double>(work, m, out);
}

// Runs f, and reports what the processor noticed meanwhile.
template <class F>
void watched(const Work& work, F&& f) {
  if (work.watch) clear_flags();
  f();
  if (work.watch) work.watch->report(read_flags());
}

void run_block(Work& work, std::int64_t block) {
  const std::int64_t n = work.cut < 0 ? 1 : work.a->shape()[work.cut];
  const std::int64_t first = piece_begin(n, work.pieces, block);
  const std::int64_t last = piece_begin(n, work.pieces, block + 1);
  const Array part = work.cut < 0 ? Array(*work.a) : part_of(*work.a, work.cut, first, last);
  Moments m = moments_of(part, work.axes, work.dtype);
  if (work.cut >= 0 && contains(work.axes, work.cut)) {
    work.parts[static_cast<std::size_t>(block)] = std::move(m);
  } else {
    const Array all = with_folded_axes(*work.out, work.a->shape(), work.axes);
    write_part(work, m, work.cut < 0 ? all : part_of(all, work.cut, first, last));
  }
}

void finish(Work& work) {
  Moments& all = work.parts.front();
  with_inexact(work.dtype, [&](auto tag) {
    for (std::size_t i = 1; i < work.parts.size(); ++i) {
      merge<typename decltype(tag)::type>(all, work.parts[i]);
    }
  });
  write_part(work, all, with_folded_axes(*work.out, work.a->shape(), work.axes));
}

DType inexact(DType d) { return is_float(d) || is_complex(d) ? d : DType::float64; }

Spec var_type(Arguments args) {
  if (!args[0].is_array() && !args[0].is_numeric() && !operand(args[0])) return Spec::decline();
  const std::optional<Outline> a = outline(args[0]);
  if (!a || !absent(args[2])) return Spec::decline();
  const auto axes = as_axes(args[1], a->rank(), false);
  const auto ddof = as_real(args[3]);
  const auto keeps = as_flag(args[4]);
  if (!axes || !ddof || !keeps) return Spec::decline();
  // NumPy warns where too few elements meet.
  if (static_cast<double>(folded_count(a->shape, *axes)) - *ddof <= 0) return Spec::decline();
  return reduced_spec(*a, strides_of(args[0]), *axes, *keeps, real_part(inexact(a->dtype)));
}

Job spread_job(Arguments args, const Ref<Array>& out, Watch* watch, bool root) {
  auto work = std::make_shared<Work>();
  work->a = operand(args[0]);
  work->out = out;
  work->axes = *as_axes(args[1], work->a->rank());
  work->dtype = inexact(work->a->dtype());
  work->ddof = *as_real(args[3]);
  work->root = root;
  work->watch = watch;
  if (watch) {
    watch->met_in = "subtract";
    watch->overflows_in = is_complex(work->dtype) ? "multiply" : "square";
  }
  if (out->size() > 0) choose_cut(*work);
  Job job{.blocks = work->pieces, .body = {}, .finish = {}};
  job.bytes = static_cast<double>(work->a->bytes());
  job.flops = 4.0 * static_cast<double>(work->a->size());
  if (out->size() == 0) {
    job.body = [](std::int64_t) {};
    return job;
  }
  if (work->cut >= 0 && contains(work->axes, work->cut)) {
    work->parts.resize(static_cast<std::size_t>(work->pieces));
    job.finish = [work] { watched(*work, [&] { finish(*work); }); };
  }
  job.body = [work](std::int64_t block) { watched(*work, [&] { run_block(*work, block); }); };
  return job;
}

Job var_kernel(Arguments args, const Ref<Array>& out, Watch* watch) {
  return spread_job(args, out, watch, false);
}
Job std_kernel(Arguments args, const Ref<Array>& out, Watch* watch) {
  return spread_job(args, out, watch, true);
}

// ---- ptp: from the smallest to the greatest -------------------------------------------------

Spec ptp_type(Arguments args) {
  if (!args[0].is_array() && !args[0].is_numeric() && !operand(args[0])) return Spec::decline();
  const std::optional<Outline> a = outline(args[0]);
  if (!a || a->dtype == DType::boolean) return Spec::decline();
  const auto axes = as_axes(args[1], a->rank());
  const auto keeps = as_flag(args[2]);
  if (!axes || !keeps) return Spec::decline();
  if (a->size() == 0) return Spec::decline();
  return reduced_spec(*a, strides_of(args[0]), *axes, *keeps, a->dtype);
}

void subtract(const Array& from, const Array& what) {
  visit(from.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (std::int64_t i = 0; i < from.size(); ++i) {
      T& x = from.as<T>()[i];
      if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
        using U = std::make_unsigned_t<T>;
        x = static_cast<T>(static_cast<U>(x) - static_cast<U>(what.as<T>()[i]));
      } else if constexpr (!std::is_same_v<T, bool>) {
        x -= what.as<T>()[i];
      }
    }
  });
}

// Both extremes, one after the other's blocks.
Job ptp_kernel(Arguments args, const Ref<Array>& out, Watch* watch) {
  const Ref<Array> a = operand(args[0]);
  const AxisSet axes = *as_axes(args[1], a->rank());
  const Ref<Array> block = new_array(out->dtype(), out->shape());
  const Ref<Array> least = view_of(block, block->data(), out->shape(), out->strides());
  Job high = reduction_job(a, axes, {.fold = Fold::greatest, .dtype = out->dtype()}, out, nullptr);
  Job low = reduction_job(a, axes, {.fold = Fold::least, .dtype = out->dtype()}, least, nullptr);
  Job job{.blocks = high.blocks + low.blocks,
          .body = {},
          .finish = {},
          .bytes = 2 * high.bytes,
          .flops = 2 * high.flops};
  const std::int64_t split = high.blocks;
  job.body = [split, one = std::move(high.body), two = std::move(low.body)](std::int64_t block) {
    if (block < split) one(block);
    else two(block - split);
  };
  job.finish = [one = std::move(high.finish), two = std::move(low.finish), out, least, watch] {
    if (one) one();
    if (two) two();
    clear_flags();
    subtract(*out, *least);
    if (watch) watch->report(read_flags());
  };
  return job;
}

constexpr Primitive table[] = {
    {.name = "var",
     .python = "numpy.var",
     .params = "a, axis=nil, dtype=nil, ddof=0, keepdims=false",
     .doc = "The variance.",
     .example = "var([1, 3])  #= 1.0",
     .method = "var",
     .type = var_type,
     .kernel = var_kernel},
    {.name = "std",
     .python = "numpy.std",
     .params = "a, axis=nil, dtype=nil, ddof=0, keepdims=false",
     .doc = "The standard deviation.",
     .example = "std([1, 3])  #= 1.0",
     .method = "std",
     .type = var_type,
     .kernel = std_kernel},
    {.name = "ptp",
     .python = "numpy.ptp",
     .params = "a, axis=nil, keepdims=false",
     .doc = "The greatest element less the smallest.",
     .example = "ptp([1, 5])  #= 4",
     .type = ptp_type,
     .kernel = ptp_kernel,
     .reports = "subtract"},
};

}  // namespace

std::span<const Primitive> spread_rows() { return table; }

}  // namespace jetlag
