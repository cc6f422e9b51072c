// Looking again, after flags were raised: which application met which
// condition, judged by its operands and its result. Vector functions raise
// flags that mean nothing, so flags alone never count.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "primitives/element_run.h"
#include "primitives/loops.h"

namespace jetlag {

namespace {

// How NumPy's loop of a name reports.
enum class Judge : std::uint8_t {
  silent,          // nothing: comparisons, rounding, bits
  plain,           // by result and operands
  divisor,         // a pole where the second operand is 0
  zero,            // a pole at 0
  minus_one,       // a pole at -1
  unit,            // poles at ±1
  imaginary_unit,  // poles at ±i
  zero_base,       // a pole of 0 to a negative power
  order,           // the same, for complex operands
  gap,             // NumPy compares the operands, and a NaN protests
};

struct JudgeRow {
  std::string_view name;
  Judge judge;
};

constexpr JudgeRow judges[] = {
    {"divide", Judge::divisor},
    {"floor_divide", Judge::divisor},
    {"remainder", Judge::divisor},
    {"fmod", Judge::divisor},
    {"reciprocal", Judge::zero},
    {"log", Judge::zero},
    {"log2", Judge::zero},
    {"log10", Judge::zero},
    {"invsqrt", Judge::zero},
    {"invcbrt", Judge::zero},
    {"__power_minus_half", Judge::zero},
    {"__power_minus_3_halves", Judge::zero},
    {"arctan", Judge::imaginary_unit},
    {"log1p", Judge::minus_one},
    {"arctanh", Judge::unit},
    {"power", Judge::zero_base},
    {"__scalar_power", Judge::zero_base},
    {"float_power", Judge::zero_base},
    {"logaddexp", Judge::gap},
    {"logaddexp2", Judge::gap},
    {"less", Judge::order},
    {"less_equal", Judge::order},
    {"greater", Judge::order},
    {"greater_equal", Judge::order},
    {"__scalar_less", Judge::silent},
    {"__scalar_less_equal", Judge::silent},
    {"__scalar_greater", Judge::silent},
    {"__scalar_greater_equal", Judge::silent},
    {"negative", Judge::silent},
    {"positive", Judge::silent},
    {"fabs", Judge::silent},
    {"sign", Judge::silent},
    {"maximum", Judge::silent},
    {"minimum", Judge::silent},
    {"fmax", Judge::silent},
    {"fmin", Judge::silent},
    {"clip", Judge::silent},
    {"conjugate", Judge::silent},
    {"rint", Judge::silent},
    {"floor", Judge::silent},
    {"ceil", Judge::silent},
    {"trunc", Judge::silent},
    {"copysign", Judge::silent},
    {"heaviside", Judge::silent},
    {"where", Judge::silent},
};

Judge judge_of(const Primitive& p) {
  const auto* row = std::find_if(std::begin(judges), std::end(judges),
                                 [&](const JudgeRow& r) { return r.name == p.name; });
  return row == std::end(judges) ? Judge::plain : row->judge;
}

}  // namespace

bool reports_nan(const Primitive& p, DType operand) {
  const Judge judge = judge_of(p);
  const bool compares_parts = judge == Judge::order || p.name == "reciprocal";
  return judge == Judge::gap || (compares_parts && is_complex(operand));
}

bool may_report(const Primitive& p, std::span<const DType> operands, DType result) {
  const Judge judge = judge_of(p);
  if (judge == Judge::order) return !operands.empty() && is_complex(operands[0]);
  return judge != Judge::silent && result != DType::boolean;
}

namespace {

// An element as a pair of doubles: enough to see zeros, infinities and NaN.
struct Seen {
  double re = 0, im = 0;
  bool is_nan() const { return std::isnan(re) || std::isnan(im); }
  bool is_inf() const { return std::isinf(re) || std::isinf(im); }
  bool is_zero() const { return re == 0 && im == 0; }
};

Seen look(const std::byte* data, DType dtype, std::int64_t i) {
  return visit(dtype, [&]<class T>(Tag<T>) -> Seen {
    T element;
    std::memcpy(&element, data + i * static_cast<std::int64_t>(sizeof(T)), sizeof(T));
    if constexpr (requires { element.real(); }) return {element.real(), element.imag()};
    else return {static_cast<double>(element), 0};
  });
}

bool at_pole(Judge judge, std::span<const Seen> in) {
  switch (judge) {
    case Judge::divisor: return in[1].is_zero();
    case Judge::zero: return in[0].is_zero();
    case Judge::minus_one: return in[0].re == -1 && in[0].im == 0;
    case Judge::unit: return std::abs(in[0].re) == 1 && in[0].im == 0;
    case Judge::imaginary_unit: return in[0].re == 0 && std::abs(in[0].im) == 1;
    case Judge::zero_base: return in[0].is_zero() && in[1].re < 0;
    default: return false;
  }
}

double least_normal(DType d) {
  return real_dtype(d) == DType::float32 ? std::numeric_limits<float>::min()
                                         : std::numeric_limits<double>::min();
}

// 0 and denormals from operands that are neither 0 nor infinite lost digits.
// Exact ones cannot be told apart here.
bool lost_digits(std::span<const Seen> in, const Seen& out, DType d) {
  if (std::hypot(out.re, out.im) >= least_normal(d)) return false;
  return std::none_of(in.begin(), in.end(),
                      [](const Seen& s) { return s.is_zero() || s.is_inf(); });
}

// Functions that never leave the range where their operands are.
bool may_underflow(const Primitive& p) {
  constexpr std::string_view names[] = {
      "multiply", "divide", "square",         "reciprocal",       "exp",
      "exp2",     "power",  "__scalar_power", "float_power",      "exp10",
      "erfc",     "ldexp",  "__power_3",      "__power_3_halves", "__power_minus_3_halves"};
  return std::find(std::begin(names), std::end(names), p.name) != std::end(names);
}

// What complex sums and products meet in one part, whatever the other is: found by computing them
// again. The processor must not find it out before or after: hence volatile.
template <class Real>
unsigned judge_parts(const Primitive& p, const Seen& x, const Seen& y) {
  volatile const Real a = static_cast<Real>(x.re), b = static_cast<Real>(x.im),
                      c = static_cast<Real>(y.re), d = static_cast<Real>(y.im);
  volatile Real re, im;
  clear_flags();
  if (p.name == "add") {
    re = a + c;
    im = b + d;
  } else if (p.name == "subtract") {
    re = a - c;
    im = b - d;
  } else {
    // As NumPy's loop, for which a NaN hides what the fused product meets.
    const volatile Real bd = b * d, bc = b * c;
    re = std::fma(a, c, -bd);
    im = std::fma(a, d, bc);
  }
  (void)re;
  (void)im;
  return read_flags();
}

// What the steps of Smith's quotient meet.
template <class Real>
unsigned judge_quotient(const Seen& x, const Seen& y) {
  const bool first = std::abs(y.re) >= std::abs(y.im);
  const volatile Real a = static_cast<Real>(first ? x.re : x.im),
                      b = static_cast<Real>(first ? x.im : x.re),
                      c = static_cast<Real>(first ? y.re : y.im),
                      d = static_cast<Real>(first ? y.im : y.re);
  volatile Real re, im;
  clear_flags();
  if (y.is_zero()) {
    re = a / c;
    im = b / c;
  } else {
    const volatile Real ratio = d / c;
    const volatile Real scaled = c + d * ratio, scale = 1 / scaled;
    const volatile Real near = a + b * ratio, far = b - a * ratio;
    re = near * scale;
    im = far * scale;
  }
  (void)re;
  (void)im;
  return read_flags() & ~unsigned{underflow};
}

// NumPy's way to 1/x, which begins with a comparison: a NaN protests.
template <class Real>
unsigned judge_reciprocal(const Seen& x) {
  const bool first = std::isgreaterequal(std::abs(x.re), std::abs(x.im));
  const volatile Real c = static_cast<Real>(first ? x.re : x.im),
                      d = static_cast<Real>(first ? x.im : x.re);
  volatile Real near, far;
  clear_flags();
  const volatile Real ratio = d / c;
  const volatile Real size = c + d * ratio;
  near = 1 / size;
  far = ratio / size;
  (void)near;
  (void)far;
  return read_flags() | (x.is_nan() ? invalid : 0u);
}

bool is_sum_or_product(const Primitive& p) {
  return p.name == "add" || p.name == "subtract" || p.name == "multiply" || p.name == "square";
}

// Where NumPy raises floats to powers by vector functions, 0 to the power of minus infinity is a
// pole as well.
bool powers_in_vectors() {
#if defined(__x86_64__)
  static const bool found = __builtin_cpu_supports("x86-64-v4");
  return found;
#else
  return false;
#endif
}

unsigned judge_inexact(const Primitive& p, Judge judge, std::span<const Seen> in, const Seen& out,
                       DType d) {
  if (is_complex(d) && is_sum_or_product(p)) {
    return d == DType::complex64 ? judge_parts<float>(p, in.front(), in.back())
                                 : judge_parts<double>(p, in.front(), in.back());
  }
  if (is_complex(d) && p.name == "reciprocal") {
    return d == DType::complex64 ? judge_reciprocal<float>(in[0]) : judge_reciprocal<double>(in[0]);
  }
  const bool nan_in = std::any_of(in.begin(), in.end(), [](const Seen& s) { return s.is_nan(); });
  // NumPy's quotient compares the parts of the divisor, and a NaN protests.
  const bool compares = judge == Judge::divisor && is_complex(d) && in[1].is_nan();
  if (p.name == "divide" && is_complex(d) && !compares) {
    const unsigned lost = !nan_in && lost_digits(in, out, d) ? underflow : 0u;
    return lost | (d == DType::complex64 ? judge_quotient<float>(in[0], in[1])
                                         : judge_quotient<double>(in[0], in[1]));
  }
  if (judge == Judge::zero_base && is_complex(d))
    return met_by_power({in[0].re, in[0].im}, {in[1].re, in[1].im}, d == DType::complex64);
  if (nan_in) return compares || judge == Judge::gap ? invalid : 0u;
  const bool inf_in = std::any_of(in.begin(), in.end(), [](const Seen& s) { return s.is_inf(); });
  unsigned anomalies = out.is_nan() ? invalid : 0u;
  const bool pole = at_pole(judge, in);
  const bool told_anyway = pole && p.name == "power" && powers_in_vectors();
  if (out.is_inf() && (!inf_in || told_anyway)) anomalies |= pole ? divide_by_zero : overflow;
  // There NumPy goes on to subtract the floor of that infinity.
  if ((anomalies & overflow) && p.name == "floor_divide") anomalies |= invalid;
  if (may_underflow(p) && lost_digits(in, out, d)) anomalies |= underflow;
  return anomalies;
}

template <class T>
bool quotient_overflows(const std::byte* a, const std::byte* b, std::int64_t i) {
  if constexpr (std::is_signed_v<T> && std::is_integral_v<T>) {
    T x, y;
    std::memcpy(&x, a + i * sizeof(T), sizeof(T));
    std::memcpy(&y, b + i * sizeof(T), sizeof(T));
    return y == -1 && x == std::numeric_limits<T>::min();
  } else {
    return false;
  }
}

// One application over n elements.
struct Scene {
  const Primitive& primitive;
  std::vector<const std::byte*> operands;
  std::vector<DType> dtypes;
  const std::byte* result;
  DType dtype;
};

unsigned judge_integers(const Scene& s, Judge judge, std::int64_t n) {
  const bool inverse = judge == Judge::zero;
  if (judge != Judge::divisor && !inverse) return 0;
  unsigned anomalies = 0;
  const bool quotient = s.primitive.name == "floor_divide";
  // NumPy takes 1 / 0 as a float, which then fits no integer.
  const unsigned at_zero = inverse ? divide_by_zero | invalid : divide_by_zero;
  for (std::int64_t i = 0; i < n; ++i) {
    if (look(s.operands.back(), s.dtype, i).is_zero()) anomalies |= at_zero;
    if (quotient && visit(s.dtype, [&]<class T>(Tag<T>) {
          return quotient_overflows<T>(s.operands[0], s.operands[1], i);
        })) {
      anomalies |= overflow;
    }
  }
  return anomalies;
}

// The real parts are compared first, the imaginary ones if those are equal.
unsigned judge_order(const Scene& s, std::int64_t n) {
  if (!is_complex(s.dtypes[0])) return 0;
  for (std::int64_t i = 0; i < n; ++i) {
    const Seen a = look(s.operands[0], s.dtypes[0], i), b = look(s.operands[1], s.dtypes[1], i);
    if (std::isnan(a.re) || std::isnan(b.re)) return invalid;
    if (a.re == b.re && (std::isnan(a.im) || std::isnan(b.im))) return invalid;
  }
  return 0;
}

unsigned judge_scene(const Scene& s, std::int64_t n) {
  const Judge judge = judge_of(s.primitive);
  if (judge == Judge::order) return judge_order(s, n);
  if (judge == Judge::silent || s.dtype == DType::boolean) return 0;
  if (is_integer(s.dtype)) return judge_integers(s, judge, n);
  unsigned anomalies = 0;
  Seen in[3];
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < s.operands.size(); ++k) in[k] = look(s.operands[k], s.dtypes[k], i);
    const std::span<const Seen> seen(in, s.operands.size());
    anomalies |= judge_inexact(s.primitive, judge, seen, look(s.result, s.dtype, i), s.dtype);
  }
  return anomalies;
}

// As loops.inc converts: small integers by way of int32, uint32 of int64.
bool fits(double x, DType to) {
  const bool by_word = size_of(to) == 8 || to == DType::uint32;
  const double limit = by_word ? 9223372036854775808.0 : 2147483648.0;
  return x >= -limit && x < (to == DType::uint64 ? 2 * limit : limit);
}

// A conversion: NaN and large numbers fit no integer, large doubles no float.
unsigned judge_cast(const std::byte* from, DType wide, const std::byte* to, DType narrow,
                    std::int64_t n) {
  if (!is_float(wide) && !is_complex(wide)) return 0;
  unsigned anomalies = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    const Seen before = look(from, wide, i);
    if (is_integer(narrow)) {
      if (!fits(before.re, narrow)) anomalies |= invalid;
    } else if (narrow != DType::boolean && !before.is_nan() && !before.is_inf()) {
      if (look(to, narrow, i).is_inf()) anomalies |= overflow;
    }
  }
  return anomalies;
}

// Every value of the program in a buffer of its own.
class Replay {
 public:
  explicit Replay(const RunState& state) : state_(state), program_(*state.program) {
    std::vector<int> wanted = program_.all_results();
    for (const Application& a : program_.application_list) {
      wanted.insert(wanted.end(), a.operands.begin(), a.operands.end());
    }
    steps_ = program_.steps_for(wanted);
    whole_.resize(static_cast<std::size_t>(program_.code_.size()));
    for (int i = 0; i < program_.inputs(); ++i) {
      if (program_.reads_whole(i)) whole_[program_.input_values[i]] = state_.space[i].data;
    }
    memory_ = allocate_bytes(program_.code_.size() * program_.slot_bytes);
  }

  void compute(std::int64_t position, std::int64_t n) {
    for (int i = 0; i < program_.inputs(); ++i) {
      if (program_.reads_whole(i)) continue;
      state_.space.gather(i, position, n, at(program_.input_values[i]));
    }
    for (int v = 0; v < program_.code_.size(); ++v) {
      const std::int64_t bytes = n * size_of(program_.code_[v].dtype);
      if (program_.fixed[v]) std::memcpy(at(v), program_.fixed[v], static_cast<std::size_t>(bytes));
    }
    for (const Step& s : steps_) s.loop(place(s.a), place(s.b), place(s.c), at(s.out), n);
  }

  unsigned judge(const Application& a, std::int64_t n) const {
    Scene scene{*a.primitive, {}, {}, at(a.result), program_.code_[a.result].dtype};
    for (int operand : a.operands) {
      scene.operands.push_back(at(operand));
      scene.dtypes.push_back(program_.code_[operand].dtype);
    }
    return judge_scene(scene, n);
  }

  unsigned judge(const Conversion& c, std::int64_t n) const {
    const Operation& o = program_.code_[c.value];
    if (o.opcode != Opcode::cast) return 0;
    const int from = o.operands[0];
    return judge_cast(at(from), program_.code_[from].dtype, at(c.value), o.dtype, n);
  }

 private:
  std::byte* at(int value) const { return memory_.get() + value * program_.slot_bytes; }
  const std::byte* place(int value) const {
    if (value < 0) return nullptr;
    return whole_[value] ? whole_[value] : at(value);
  }

  const RunState& state_;
  const Program& program_;
  std::vector<Step> steps_;
  std::vector<const std::byte*> whole_;  // of an input that is a whole array
  Bytes memory_;
};

}  // namespace

namespace {

// The first application that reads an input as it is.
int reader_of(const Program& program, int input) {
  const int value = program.input_values[static_cast<std::size_t>(input)];
  const auto& all = program.application_list;
  const auto reads = [&](const Application& a) {
    return std::find(a.operands.begin(), a.operands.end(), value) != a.operands.end();
  };
  const auto found = std::find_if(all.begin(), all.end(), reads);
  return all.empty() ? -1 : found == all.end() ? 0 : static_cast<int>(found - all.begin());
}

}  // namespace

std::vector<ElementRun::Finding> ElementRun::diagnose(std::int64_t first, std::int64_t last) const {
  const Program& program = *state_->program;
  std::vector<unsigned> met(program.application_list.size()), met_casting(program.casts.size());
  Replay replay(*state_);
  for (std::int64_t position = first; position < last; position += run_length) {
    const std::int64_t n = std::min(run_length, last - position);
    replay.compute(position, n);
    for (std::size_t i = 0; i < met.size(); ++i)
      met[i] |= replay.judge(program.application_list[i], n);
    for (std::size_t i = 0; i < met_casting.size(); ++i) {
      met_casting[i] |= replay.judge(program.casts[i], n);
    }
  }
  std::vector<Finding> findings;
  if (state_->conversion_flags) {
    findings.push_back(
        {reader_of(program, state_->converted_input), state_->conversion_flags, true});
  }
  for (std::size_t i = 0; i < met_casting.size(); ++i) {
    if (met_casting[i]) findings.push_back({program.casts[i].application, met_casting[i], true});
  }
  for (std::size_t i = 0; i < met.size(); ++i) {
    if (met[i]) findings.push_back({static_cast<int>(i), met[i]});
  }
  return findings;
}

}  // namespace jetlag
