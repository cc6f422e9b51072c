#include "primitives/ordered_product.h"

#include <algorithm>
#include <cmath>
#include <complex>

#include "primitives/element_reader.h"
#include "primitives/loops.h"
#include "primitives/on_demand.h"

namespace jetlag {

namespace {

template <class T>
bool is_settled(T x) {
  return std::isnormal(x);
}

template <class T>
bool is_settled(std::complex<T> x) {
  return std::isfinite(x.real()) && std::isfinite(x.imag()) && x != std::complex<T>();
}

template <class T>
T product(T a, T b) {
  return a * b;
}

template <class T>
std::complex<T> product(std::complex<T> a, std::complex<T> b) {
  return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}

template <class T>
class OrderedProduct {
 public:
  OrderedProduct(const Reduction& how, const Array& a, const ReductionLayout& part, T* results)
      : reader_(a.dtype(), how.dtype, how.by_truth, how.change),
        source_(on_demand(a)),
        data_(source_ ? nullptr : a.data()),
        item_(size_of(a.dtype())),
        results_(results),
        products_(results, results + part.results()) {
    for (T& x : products_) {
      if (!is_settled(x)) x = T(1);
    }
  }

  void run(const ReductionLayout& part) {
    walk(part.axes, part.offset, 0);
    // Those that are settled keep their bits.
    for (std::size_t i = 0; i < products_.size(); ++i) {
      if (!is_settled(results_[i])) results_[i] = products_[i];
    }
  }

 private:
  using Axes = std::span<const ReductionAxis>;

  void walk(Axes axes, std::int64_t offset, std::int64_t result) {
    if (all_folded(axes) && is_settled(results_[result])) return;
    if (axes.empty()) return line({1, item_, true}, offset, result);
    if (axes.size() == 1) return line(axes[0], offset, result);
    const Axes rest = axes.subspan(1);
    const std::int64_t step = axes[0].folded ? 0 : results_of(rest);
    for (std::int64_t i = 0; i < axes[0].count; ++i) {
      walk(rest, offset + i * axes[0].stride, result + i * step);
    }
  }

  void line(const ReductionAxis& axis, std::int64_t offset, std::int64_t result) {
    constexpr std::int64_t run = ElementReader::run;
    for (std::int64_t first = 0; first < axis.count; first += run) {
      const std::int64_t n = std::min(run, axis.count - first);
      read(offset + first * axis.stride, axis.stride, n);
      for (std::int64_t i = 0; i < n; ++i) {
        const std::int64_t at = axis.folded ? result : result + first + i;
        if (is_settled(results_[at])) continue;
        auto& x = products_[static_cast<std::size_t>(at)];
        x = product(x, numbers_[i]);
      }
    }
  }

  void read(std::int64_t offset, std::int64_t stride, std::int64_t n) {
    if (!source_) return convert(data_ + offset, stride, n);
    const std::int64_t first = offset / item_;
    if (stride == item_) {
      source_->compute(first, first + n, computed_);
    } else {
      for (std::int64_t i = 0; i < n; ++i) {
        const std::int64_t one = first + i * (stride / item_);
        source_->compute(one, one + 1, computed_ + i * item_);
      }
    }
    convert(computed_, item_, n);
  }

  void convert(const std::byte* from, std::int64_t stride, std::int64_t n) {
    const ReaderAxis axis{n, stride};
    reader_.read(from, {&axis, 1}, 0, n, numbers_);
  }

  ElementReader reader_;
  const OnDemand* source_;
  const std::byte* data_;
  std::int64_t item_;
  T* results_;
  std::vector<T> products_;
  alignas(64) T numbers_[ElementReader::run];
  alignas(64) std::byte computed_[ElementReader::run * 16];
};

}  // namespace

bool multiply_in_order(const Reduction& how, const Array& a, const ReductionLayout& part,
                       std::byte* results) {
  return visit(how.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_integral_v<T>) {
      return false;
    } else {
      T* x = reinterpret_cast<T*>(results);
      if (std::all_of(x, x + part.results(), [](T r) { return is_settled(r); })) return false;
      clear_flags();
      OrderedProduct<T>(how, a, part, x).run(part);
      return true;
    }
  });
}

}  // namespace jetlag
