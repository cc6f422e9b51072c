// arange and linspace, with the roundings of NumPy's own loops.
#include <cmath>

#include "array/convert.h"
#include "primitives/arguments.h"
#include "primitives/creation.h"
#include "primitives/storing.h"

namespace jetlag {

namespace {

// ---- arange ----------------------------------------------------------------

// What NumPy fills the array from: its first two elements and their number.
struct Progression {
  DType dtype;
  std::int64_t count;
  Value first, second;
};

// arange(stop), arange(start, stop) and arange(start, stop, step) are one.
struct Bounds {
  Value start, stop, step;
};

Bounds bounds_of(Arguments a) {
  const Value step = absent(a[2]) ? Value::of(std::int64_t{1}) : a[2];
  if (absent(a[1])) return {Value::of(std::int64_t{0}), a[0], step};
  return {a[0], a[1], step};
}

// Nothing where Python's arithmetic would leave 64 bits.
std::optional<Progression> integer_progression(const Bounds& b) {
  const std::int64_t start = *as_index(b.start), stop = *as_index(b.stop), step = *as_index(b.step);
  if (step == 0) throw Error(Kind::zero_division, "division by zero");
  std::int64_t distance = 0, second = 0;
  if (__builtin_sub_overflow(stop, start, &distance)) return std::nullopt;
  if (__builtin_add_overflow(start, step, &second)) return std::nullopt;
  // Python divides integers with one rounding; beyond 2**53 a double has two.
  if (std::abs(distance) > std::int64_t{1} << 53) return std::nullopt;
  const double count = std::ceil(static_cast<double>(distance) / static_cast<double>(step));
  return Progression{DType::int64, static_cast<std::int64_t>(std::max(count, 0.0)),
                     Value::of(start), Value::of(second)};
}

std::optional<Progression> real_progression(const Bounds& b) {
  const auto start = as_real(b.start), stop = as_real(b.stop), step = as_real(b.step);
  if (!start || !stop || !step || *step == 0) return std::nullopt;
  const double count = std::ceil((*stop - *start) / *step);
  constexpr double most = 0x1p40;  // beyond any machine; NumPy has the words for it
  if (!(count < most)) return std::nullopt;
  return Progression{DType::float64, static_cast<std::int64_t>(std::max(count, 0.0)),
                     Value::of(*start), Value::of(*start + *step)};
}

bool is_plain(const Value& v) {
  if (v.is(ValueKind::boolean) || v.is(ValueKind::integer) || v.is(ValueKind::real)) return true;
  if (!v.is(ValueKind::scalar) || is_complex(v.dtype())) return false;
  // Sums of NumPy's narrower scalars are rounded as such.
  return v.dtype() == DType::float64 || v.dtype() == DType::int64;
}

std::optional<Progression> progression(Arguments a) {
  const Bounds b = bounds_of(a);
  if (!is_plain(b.start) || !is_plain(b.stop) || !is_plain(b.step)) return std::nullopt;
  const bool integers = as_index(b.start) && as_index(b.stop) && as_index(b.step);
  auto p = integers ? integer_progression(b) : real_progression(b);
  if (!p) return std::nullopt;
  const std::optional<DType> dtype = as_dtype(a[3], p->dtype);
  if (!dtype || *dtype == DType::boolean || is_complex(*dtype)) return std::nullopt;
  p->dtype = *dtype;
  return p;
}

Spec arange_type(Arguments a) {
  const auto p = progression(a);
  if (!p) return Spec::decline();
  const bool fits = are_storable(p->first, p->dtype) && are_storable(p->second, p->dtype);
  return fits || p->count == 0 ? Spec::array(p->dtype, {p->count}) : Spec::decline();
}

// NumPy takes the difference of the first two elements in the result's dtype.
template <class T>
void fill_progression(T* out, std::int64_t count, T first, T second) {
  if constexpr (std::is_integral_v<T>) {
    using U = std::make_unsigned_t<T>;
    const U delta = static_cast<U>(static_cast<U>(second) - static_cast<U>(first));
    for (std::int64_t i = 0; i < count; ++i) {
      out[i] = static_cast<T>(static_cast<U>(first) + static_cast<U>(i) * delta);
    }
  } else {
    const T delta = second - first;
    for (std::int64_t i = 0; i < count; ++i) out[i] = first + static_cast<T>(i) * delta;
    // These two are stored as they are, not computed.
    if (count > 0) out[0] = first;
    if (count > 1) out[1] = second;
  }
}

template <class T>
T number(const Value& v) {
  if (v.is(ValueKind::integer)) return convert<T>(v.integer());
  return convert<T>(v.real());
}

Job arange_kernel(Arguments a, const Ref<Array>& out, Watch*) {
  auto body = [p = *progression(a), out](std::int64_t) {
    visit(out->dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      if constexpr (std::is_arithmetic_v<T> && !std::is_same_v<T, bool>) {
        fill_progression(out->as<T>(), p.count, number<T>(p.first), number<T>(p.second));
      }
    });
  };
  return {.blocks = 1, .body = body, .finish = {}, .bytes = static_cast<double>(out->bytes())};
}

// ---- linspace ---------------------------------------------------------------

bool is_double(const Value& v) {
  return as_real(v) &&
         (!v.is(ValueKind::scalar) || !is_float(v.dtype()) || v.dtype() == DType::float64);
}

Spec linspace_type(Arguments a) {
  if (!is_double(a[0]) || !is_double(a[1]) || a[2].is_array()) return Spec::decline();
  const auto count = as_index(a[2]);
  const auto endpoint = as_flag(a[3]);
  const auto retstep = as_flag(a[4]);
  const auto dtype = as_dtype(a[5], DType::float64);
  if (!count || !endpoint || !retstep || *retstep || !dtype) return Spec::decline();
  if (*count < 0) {
    throw Error(Kind::value, format("Number of samples, {}, must be non-negative.", *count));
  }
  if (!are_storable(a[0], *dtype) || !are_storable(a[1], *dtype)) return Spec::decline();
  return Spec::array(*dtype, {*count});
}

struct Line {
  double start, stop;
  std::int64_t count;
  bool endpoint, whole;
};

void fill_line(const Line& line, double* out) {
  const std::int64_t steps = line.endpoint ? line.count - 1 : line.count;
  const double delta = line.stop - line.start;
  const double step = delta / static_cast<double>(steps);
  for (std::int64_t i = 0; i < line.count; ++i) {
    const auto x = static_cast<double>(i);
    // A step that underflows to zero would put all points on the start.
    const double offset = steps <= 0  ? x * delta
                          : step == 0 ? x / static_cast<double>(steps) * delta
                                      : x * step;
    out[i] = offset + line.start;
  }
  if (line.endpoint && line.count > 1) out[line.count - 1] = line.stop;
  if (!line.whole) return;
  for (std::int64_t i = 0; i < line.count; ++i) out[i] = std::floor(out[i]);
}

Job linspace_kernel(Arguments a, const Ref<Array>& out, Watch*) {
  const Line line{*as_real(a[0]), *as_real(a[1]), out->shape()[0], *as_flag(a[3]),
                  is_integer(out->dtype())};
  auto body = [line, out](std::int64_t) {
    if (out->dtype() == DType::float64) return fill_line(line, out->as<double>());
    const Ref<Array> points = new_array(DType::float64, out->shape());
    fill_line(line, points->as<double>());
    copy_elements(*points, *out);
  };
  return {.blocks = 1, .body = body, .finish = {}, .bytes = static_cast<double>(out->bytes())};
}

constexpr Primitive table[] = {
    {.name = "arange",
     .python = "numpy.arange",
     .params = "start, stop=nil, step=nil, dtype=nil",
     .doc = "Evenly spaced numbers, by their step.",
     .example = "arange(1, 7, 2)  #= [1, 3, 5]",
     .type = arange_type,
     .kernel = arange_kernel},
    {.name = "linspace",
     .python = "numpy.linspace",
     .params = "start, stop, num=50, endpoint=true, retstep=false, dtype=nil",
     .doc = "Evenly spaced numbers, by their count.",
     .example = "linspace(0, 1, 3)  #= [0.0, 0.5, 1.0]",
     .type = linspace_type,
     .kernel = linspace_kernel},
};

}  // namespace

std::span<const Primitive> sequence_rows() { return table; }

}  // namespace jetlag
