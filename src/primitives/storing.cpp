#include "primitives/storing.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <vector>

#include "primitives/arguments.h"
#include "primitives/walk.h"

namespace jetlag {

namespace {

// The floats that the x86 conversion to an integer dtype understands: small
// dtypes go by way of int32.
struct Bounds {
  double low, high;  // low <= trunc(x) < high
};

Bounds bounds_of(DType to) {
  if (to == DType::uint64) return {-0x1p63, 0x1p64};
  if (to == DType::int64 || to == DType::uint32) return {-0x1p63, 0x1p63};
  return {-0x1p31, 0x1p31};
}

bool converts(double x, Bounds bounds) {
  const double whole = std::trunc(x);
  return whole >= bounds.low && whole < bounds.high;
}

unsigned anomaly_of(double x, DType to) {
  if (is_integer(to)) return converts(x, bounds_of(to)) ? 0U : Anomaly::invalid;
  if (!std::isfinite(x)) return 0;
  return std::isinf(static_cast<float>(x)) ? Anomaly::overflow : 0U;
}

// A real number that goes into the dtype without a word from NumPy.
bool fits_quietly(double x, DType to) {
  return !cast_can_warn(DType::float64, to) || !anomaly_of(x, to);
}

// A float in a list becomes an int first, which must then fit.
bool fits_as_item(const Value& item, DType dtype) {
  if (is_complex(dtype_of_value(item))) return is_complex(dtype);
  const std::optional<double> x = as_real(item);
  if (!x || !fits_quietly(*x, dtype)) return false;
  if (!is_integer(dtype)) return true;
  return visit(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
      if (const auto i = as_index(item)) return std::in_range<T>(*i);
      return *x > static_cast<double>(std::numeric_limits<T>::min()) - 1 &&
             *x < static_cast<double>(std::numeric_limits<T>::max());
    }
    return true;
  });
}

}  // namespace

bool loses_imaginary(DType from, DType to) {
  return is_complex(from) && !is_complex(to) && to != DType::boolean;
}

bool is_storable(const Value& v, DType dtype) {
  if (v.is(ValueKind::integer)) {
    if (is_integer(dtype)) as_array(v, dtype);  // throws if it does not fit
    return true;
  }
  const std::optional<Outline> known = outline(v);
  if (!known || loses_imaginary(known->dtype, dtype)) return false;
  const std::optional<double> x = v.is_array() ? std::nullopt : as_real(v);
  if (x) return fits_quietly(*x, dtype);
  // What remains: arrays, which are watched while they are cast, and lists.
  return v.is_array() || !cast_can_warn(known->dtype, dtype);
}

bool are_storable(const Value& list, DType dtype) {
  if (list.is_array())
    return !loses_imaginary(list.array()->dtype(), dtype) &&
           !cast_can_warn(list.array()->dtype(), dtype);
  if (list.is_numeric()) return fits_as_item(list, dtype);
  if (list.is(ValueKind::range)) {
    const Range& r = list.range();
    return r.size() == 0 || (fits_as_item(Value::of(r.start), dtype) &&
                             fits_as_item(Value::of(r.at(r.size() - 1)), dtype));
  }
  for (const Value& item : list.items()) {
    if (!are_storable(item, dtype)) return false;
  }
  return true;
}

bool is_assignable(const Value& v, DType dtype) {
  if (v.is_array()) return !loses_imaginary(v.array()->dtype(), dtype);
  if (v.is(ValueKind::integer)) return is_storable(v, dtype);
  return outline(v).has_value() && are_storable(v, dtype);
}

Ref<Array> stored_operand(const Value& v, DType dtype) {
  return v.is_numeric() && !v.is_array() ? as_array(v, dtype) : operand(v);
}

void check_assignable(std::span<const std::int64_t> from, std::span<const std::int64_t> to) {
  std::span<const std::int64_t> core = from;
  while (core.size() > to.size() && core.front() == 1) core = core.subspan(1);
  bool fits = core.size() <= to.size();
  for (std::size_t i = 0; fits && i < core.size(); ++i) {
    const std::int64_t n = core[core.size() - 1 - i];
    fits = n == 1 || n == to[to.size() - 1 - i];
  }
  if (fits) return;
  throw Error(Kind::shape, format("could not broadcast input array from shape {} into shape {}",
                                  tight_shape(core), tight_shape(to)));
}

Ref<Array> broadcast_into(const Ref<Array>& from, std::span<const std::int64_t> to) {
  const auto rank = static_cast<std::int64_t>(to.size());
  if (from->shape() == Dims(to)) return from;
  if (from->rank() <= rank) return broadcast_to(from, to);
  const auto tail = [&](const Dims& d) { return Dims(std::span(d.end() - rank, d.end())); };
  return broadcast_to(view_of(from, from->data(), tail(from->shape()), tail(from->strides())), to);
}

bool elements_are_apart(const Array& a) {
  if (a.size() == 0) return true;
  // Axes from the nearest elements outwards: each must step over what lies inside.
  std::vector<std::pair<std::int64_t, std::int64_t>> axes;
  for (std::int64_t i = 0; i < a.rank(); ++i) {
    if (a.shape()[i] > 1) axes.emplace_back(std::abs(a.strides()[i]), a.shape()[i]);
  }
  std::sort(axes.begin(), axes.end());
  std::int64_t inside = size_of(a.dtype());
  for (const auto& [stride, count] : axes) {
    if (stride < inside) return false;
    inside += stride * (count - 1);
  }
  return true;
}

bool cast_can_warn(DType from, DType to) {
  if (is_integer(to)) return is_float(from);
  const bool narrow = to == DType::float32 || to == DType::complex64;
  return narrow && (from == DType::float64 || from == DType::complex128);
}

unsigned cast_anomalies(const Array& from, DType to) {
  unsigned seen = 0;
  visit(from.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    walk<1>(from.shape(), {from.data()}, {from.strides().data()},
            [&](const auto& at, const auto& steps, std::int64_t count) {
              for (std::int64_t i = 0; i < count; ++i) {
                const T x = *reinterpret_cast<const T*>(at[0] + i * steps[0]);
                if constexpr (std::is_floating_point_v<T>) {
                  seen |= anomaly_of(static_cast<double>(x), to);
                } else if constexpr (!std::is_integral_v<T>) {
                  seen |= anomaly_of(x.real(), to) | anomaly_of(x.imag(), to);
                }
              }
            });
  });
  return seen;
}

}  // namespace jetlag
