#include "primitives/structured.h"

#include <algorithm>
#include <cmath>

#include "array/convert.h"
#include "base/of_thread.h"
#include "primitives/moves.h"
#include "primitives/small_loops.h"

namespace jetlag {

namespace {

// A vector with more numbers than one in so many that are not zero is not sparse.
constexpr std::int64_t sparse_part = 4;

// Rows that are packed together: enough to be worth it, few enough for the cache.
constexpr std::int64_t chunk_rows = 64;

// A block of a Gram product should be worth starting.
constexpr double gram_block_flops = 2e7;
constexpr std::int64_t most_gram_blocks = 32;

bool is_line(const Array& a) {
  return a.rank() == 1 && (a.shape()[0] <= 1 || a.strides()[0] == size_of(a.dtype()));
}

template <class T>
double largest_in_line(const T* data, std::int64_t n) {
  if constexpr (std::is_same_v<T, double>) {
    return small_loops().largest(data, n);
  } else {
    double most = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      const double x = std::abs(static_cast<double>(data[i]));
      if (!(x <= most)) most = x;
      if (std::isnan(most)) return most;
    }
    return most;
  }
}

// Over the last axis, for every place of the others. Not finite: whichever is met first.
template <class T>
double largest_in(const Array& a) {
  const std::int64_t n = a.shape().back(), step = a.strides().back();
  const std::int64_t lines = n == 0 ? 0 : a.size() / n;
  std::vector<T> line(step == static_cast<std::int64_t>(sizeof(T)) ? 0 : n);
  double most = 0;
  for (std::int64_t l = 0; l < lines && std::isfinite(most); ++l) {
    const std::byte* at = a.data();
    std::int64_t rest = l;
    for (std::int64_t axis = a.rank() - 2; axis >= 0; --axis) {
      at += rest % a.shape()[axis] * a.strides()[axis];
      rest /= a.shape()[axis];
    }
    const T* values = reinterpret_cast<const T*>(at);
    if (!line.empty()) {
      for (std::int64_t i = 0; i < n; ++i) {
        line[static_cast<std::size_t>(i)] = *reinterpret_cast<const T*>(at + i * step);
      }
      values = line.data();
    }
    const double here = largest_in_line(values, n);
    if (!(here <= most)) most = here;
  }
  return most;
}

}  // namespace

double largest_magnitude(const Array& a) {
  JETLAG_CHECK(a.rank() > 0, "the largest magnitude of a number");
  // Along the axis that is contiguous, if a transpose has one.
  if (a.rank() == 2 && a.strides()[0] == size_of(a.dtype()) && a.strides()[1] != a.strides()[0]) {
    const Array turned(a.buffer(), a.data(), a.dtype(), {a.shape()[1], a.shape()[0]},
                       {a.strides()[1], a.strides()[0]});
    return largest_magnitude(turned);
  }
  if (a.rank() == 2 && a.is_contiguous()) {
    const Array flat(a.buffer(), a.data(), a.dtype(), {a.size()}, {size_of(a.dtype())});
    return largest_magnitude(flat);
  }
  return a.dtype() == DType::float32 ? largest_in<float>(a) : largest_in<double>(a);
}

Ref<Array> as_doubles(const Ref<Array>& a) {
  if (a->dtype() == DType::float64 && (is_line(*a) || (a->rank() == 2 && a->is_contiguous())))
    return a;
  const Ref<Array> copy = new_array(DType::float64, a->shape());
  copy_elements(*a, *copy);
  return copy;
}

Ref<Array> structured_array(Ref<Structure> structure, DType dtype, Dims shape) {
  Dims strides = contiguous_strides(shape, size_of(dtype));
  return make<Array>(std::move(structure), dtype, std::move(shape), std::move(strides));
}

// ---- Diagonal -------------------------------------------------------------------------

Diagonal::Diagonal(Ref<Array> values) : values_(std::move(values)), weights_(as_doubles(values_)) {
  const std::int64_t n = size();
  const double* w = weights();
  largest_ = small_loops().largest(w, n);
  support_.resize(static_cast<std::size_t>(n));
  const std::int64_t count = small_loops().nonzeros(w, n, support_.data());
  is_sparse_ = count * sparse_part <= n;
  support_.resize(is_sparse_ ? static_cast<std::size_t>(count) : 0);
}

Ref<Array> Diagonal::written_out() const {
  const Ref<Array> out = new_array(values_->dtype(), {size(), size()}, true);
  const std::int64_t item = size_of(out->dtype());
  const Array diagonal(out->buffer(), out->data(), out->dtype(), {size()}, {(size() + 1) * item});
  copy_elements(*values_, diagonal);
  return out;
}

// ---- Scaled ----------------------------------------------------------------------------

namespace {

template <class T>
void scale_matrix(const Array& m, const double* w, std::int64_t axis, T* out) {
  const std::int64_t rows = m.shape()[0], columns = m.shape()[1];
  for (std::int64_t i = 0; i < rows; ++i) {
    const std::byte* at = m.data() + i * m.strides()[0];
    for (std::int64_t j = 0; j < columns; ++j, at += m.strides()[1]) {
      // Adding zero is what the other terms of the product do to a zero's sign.
      *out++ = *reinterpret_cast<const T*>(at) * static_cast<T>(w[axis == 1 ? j : i]) + T(0);
    }
  }
}

}  // namespace

Ref<Array> Scaled::written_out() const {
  const Ref<Array> out = new_array(matrix_->dtype(), matrix_->shape());
  if (out->dtype() == DType::float32) {
    scale_matrix(*matrix_, diagonal_->weights(), axis_, out->as<float>());
  } else {
    scale_matrix(*matrix_, diagonal_->weights(), axis_, out->as<double>());
  }
  return out;
}

const Diagonal* as_diagonal(const Array& a) {
  const Structure* s = a.structure();
  if (const auto* turned = dynamic_cast<const Turned*>(s)) s = turned->of()->structure();
  return dynamic_cast<const Diagonal*>(s);
}
const Scaled* as_scaled(const Array& a) { return dynamic_cast<const Scaled*>(a.structure()); }
const Inverse* as_inverse(const Array& a) { return dynamic_cast<const Inverse*>(a.structure()); }

// ---- packing ------------------------------------------------------------------------------

namespace {

// The matrix as rows k of length f, whichever axis is scaled.
struct Rows {
  explicit Rows(const Scaled& s)
      : data(s.matrix()->data()),
        is_single(s.matrix()->dtype() == DType::float32),
        count(s.matrix()->shape()[s.axis()]),
        length(s.matrix()->shape()[1 - s.axis()]),
        step(s.matrix()->strides()[s.axis()]),
        item_step(s.matrix()->strides()[1 - s.axis()]),
        width(small_width(length)) {}

  // Row k as doubles, followed by zeros.
  void load(std::int64_t k, double* to) const {
    const std::byte* at = data + k * step;
    std::fill(to + length, to + width, 0.0);
    if (is_single) return copy<float>(at, to);
    if (item_step != static_cast<std::int64_t>(sizeof(double))) return copy<double>(at, to);
    const double* from = reinterpret_cast<const double*>(at);
    std::copy(from, from + length, to);
  }
  // The row where it lies, if it can be read in whole lanes.
  const double* in_place(std::int64_t k) const {
    const bool fits = !is_single && item_step == sizeof(double) && width == length;
    return fits ? reinterpret_cast<const double*>(data + k * step) : nullptr;
  }

  const std::byte* data;
  bool is_single;
  std::int64_t count, length, step, item_step, width;

 private:
  template <class T>
  void copy(const std::byte* at, double* to) const {
    for (std::int64_t i = 0; i < length; ++i, at += item_step) {
      to[i] = static_cast<double>(*reinterpret_cast<const T*>(at));
    }
  }
};

// Memory in which a product of this thread works; it is kept for the next.
struct Workspace {
  std::vector<double> numbers;

  double* reserve(std::int64_t count) {
    if (std::ssize(numbers) < count) numbers.resize(static_cast<std::size_t>(count));
    return numbers.data();
  }
};

// g += the terms of rows [first, last).
void add_gram(const Rows& rows, const Diagonal& d, std::int64_t first, std::int64_t last, double* g,
              double* memory) {
  const SmallLoops& loops = small_loops();
  const std::int64_t width = rows.width;
  double* y = memory;
  double* s = y + chunk_rows * width;
  std::int64_t packed = 0;
  const auto add = [&](std::int64_t k) {
    rows.load(k, y + packed * width);
    loops.scale(y + packed * width, d.weights()[k], width, s + packed * width);
    if (++packed < chunk_rows) return;
    loops.gram(s, y, packed, width, g);
    packed = 0;
  };
  if (d.is_sparse()) {
    const auto& support = d.support();
    auto at = std::lower_bound(support.begin(), support.end(), first);
    for (; at != support.end() && *at < last; ++at) add(*at);
  } else {
    for (std::int64_t k = first; k < last; ++k) add(k);
  }
  if (packed > 0) loops.gram(s, y, packed, width, g);
}

// The upper triangle of g, and its mirror image.
template <class T>
void store_symmetric(const double* g, std::int64_t n, std::int64_t width, T* out) {
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t j = 0; j < i; ++j) out[i * n + j] = out[j * n + i];
    for (std::int64_t j = i; j < n; ++j) out[i * n + j] = static_cast<T>(g[i * width + j]);
  }
}

void store_gram(const double* g, std::int64_t width, const Array& out) {
  const std::int64_t n = out.shape()[0];
  if (out.dtype() == DType::float32) store_symmetric(g, n, width, out.as<float>());
  else store_symmetric(g, n, width, out.as<double>());
}

}  // namespace

// ---- products ---------------------------------------------------------------------------------

Job gram_job(Ref<const Scaled> scaled, Ref<Array> out) {
  const Rows rows(*scaled);
  const std::int64_t width = rows.width, cells = width * width;
  const std::int64_t packed = 2 * chunk_rows * width;
  const auto size = static_cast<double>(rows.length);
  const double flops = static_cast<double>(rows.count) * size * size;
  const auto pieces = std::clamp<std::int64_t>(static_cast<std::int64_t>(flops / gram_block_flops),
                                               1, most_gram_blocks);
  const Diagonal& d = scaled->diagonal();
  const double used =
      d.is_sparse() ? static_cast<double>(d.support().size()) / static_cast<double>(rows.count) : 1;
  Job job{.blocks = pieces,
          .body = {},
          .finish = {},
          .bytes = used * size * static_cast<double>(rows.count) * sizeof(double),
          .flops = used * flops};
  if (pieces == 1) {
    job.body = [=](std::int64_t) {
      double* g = of_thread<Workspace>().reserve(cells + packed);
      std::fill(g, g + cells, 0.0);
      add_gram(rows, scaled->diagonal(), 0, rows.count, g, g + cells);
      store_gram(g, width, *out);
    };
    return job;
  }
  auto partials =
      std::make_shared<std::vector<double>>(static_cast<std::size_t>(pieces * cells), 0.0);
  job.body = [=](std::int64_t block) {
    add_gram(rows, scaled->diagonal(), piece_begin(rows.count, pieces, block),
             piece_begin(rows.count, pieces, block + 1), partials->data() + block * cells,
             of_thread<Workspace>().reserve(packed));
  };
  job.finish = [=] {
    double* g = partials->data();
    for (std::int64_t p = 1; p < pieces; ++p) {
      for (std::int64_t i = 0; i < cells; ++i) g[i] += g[p * cells + i];
    }
    store_gram(g, width, *out);
  };
  return job;
}

void scaled_times_vector(const Scaled& scaled, const double* v, const Array& out) {
  const Rows rows(scaled);
  const SmallLoops& loops = small_loops();
  const std::int64_t width = rows.width;
  const double* w = scaled.diagonal().weights();
  double* sum =
      of_thread<Workspace>().reserve(width * (chunk_rows + 1) + chunk_rows + (rows.count + 1) / 2);
  double* s = sum + width;
  double* factors = s + chunk_rows * width;
  auto* at = reinterpret_cast<std::int32_t*>(factors + chunk_rows);
  std::fill(sum, sum + width, 0.0);
  std::int64_t packed = 0;
  const std::int64_t terms = loops.nonzeros(v, rows.count, at);
  for (std::int64_t t = 0; t < terms; ++t) {
    const std::int64_t k = at[t];
    if (w[k] == 0) continue;
    double* to = s + packed * width;
    if (const double* row = rows.in_place(k)) {
      loops.scale(row, w[k], width, to);
    } else {
      rows.load(k, to);
      loops.scale(to, w[k], width, to);
    }
    factors[packed] = v[k];
    if (++packed < chunk_rows) continue;
    loops.sum_rows(s, factors, packed, width, sum);
    packed = 0;
  }
  loops.sum_rows(s, factors, packed, width, sum);
  if (out.dtype() == DType::float32) std::copy(sum, sum + rows.length, out.as<float>());
  else std::copy(sum, sum + rows.length, out.as<double>());
}

}  // namespace jetlag
