// The elementary loops: exactness, and the same bits from every instruction set.
#include "primitives/loops.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "primitives/primitive.h"

namespace jetlag {
namespace {

using Wide = long double;
using Reference = Wide (*)(Wide);

struct Function {
  Opcode opcode;
  Reference reference;
  double low, high;
};

void PrintTo(const Function& f, std::ostream* out) { *out << info(f.opcode).name; }

// The error in units of the last place of the true value, which a long double
// holds with eleven more bits than a double.
template <class T>
double ulps(T got, Wide truth) {
  const T rounded = static_cast<T>(truth);
  if (std::isnan(got) && std::isnan(rounded)) return 0;
  if (got == rounded) return std::signbit(got) == std::signbit(rounded) ? 0 : INFINITY;
  if (!std::isfinite(got) || !std::isfinite(rounded)) return INFINITY;
  const T next = std::nextafter(std::abs(rounded), std::numeric_limits<T>::infinity());
  return static_cast<double>(std::abs(got - truth) / (next - std::abs(rounded)));
}

template <class T>
double worst_error(const Function& f) {
  std::vector<T> x{0,
                   T(-0.0),
                   1,
                   -1,
                   T(0.5),
                   T(-0.5),
                   T(INFINITY),
                   T(-INFINITY),
                   T(NAN),
                   std::numeric_limits<T>::min(),
                   std::numeric_limits<T>::denorm_min(),
                   std::numeric_limits<T>::max(),
                   std::numeric_limits<T>::lowest()};
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> anywhere(f.low, f.high), exponent(-40, 40);
  for (int i = 0; i < 20000; ++i) {
    x.push_back(static_cast<T>(anywhere(random)));
    x.push_back(static_cast<T>(std::copysign(std::exp2(exponent(random)), anywhere(random))));
  }
  std::vector<T> y(x.size());
  find_loop(f.opcode, dtype_of<T>())(x.data(), nullptr, nullptr, y.data(),
                                     static_cast<std::int64_t>(x.size()));
  double worst = 0;
  for (std::size_t i = 0; i < x.size(); ++i) worst = std::max(worst, ulps(y[i], f.reference(x[i])));
  return worst;
}

class Accuracy : public testing::TestWithParam<Function> {};

TEST_P(Accuracy, OfDoublesIsWithinFourUlp) { EXPECT_LE(worst_error<double>(GetParam()), 4); }
TEST_P(Accuracy, OfFloatsIsWithinFourUlp) { EXPECT_LE(worst_error<float>(GetParam()), 4); }

INSTANTIATE_TEST_SUITE_P(
    Functions, Accuracy,
    testing::Values(
        Function{Opcode::exp, std::exp, -740, 700}, Function{Opcode::exp2, std::exp2, -1070, 1000},
        Function{Opcode::exp10, exp10l, -320, 300}, Function{Opcode::expm1, std::expm1, -50, 700},
        Function{Opcode::log, std::log, 0, 10}, Function{Opcode::log2, std::log2, 0, 10},
        Function{Opcode::log10, std::log10, 0, 10}, Function{Opcode::log1p, std::log1p, -1, 3},
        Function{Opcode::sin, std::sin, -1e5, 1e5}, Function{Opcode::cos, std::cos, -1e5, 1e5},
        Function{Opcode::tan, std::tan, -1e5, 1e5}, Function{Opcode::arcsin, std::asin, -1, 1},
        Function{Opcode::arccos, std::acos, -1, 1}, Function{Opcode::arctan, std::atan, -9, 9},
        Function{Opcode::sinh, std::sinh, -700, 700}, Function{Opcode::cosh, std::cosh, -700, 700},
        Function{Opcode::tanh, std::tanh, -20, 20}, Function{Opcode::arcsinh, std::asinh, -9, 9},
        Function{Opcode::arccosh, std::acosh, 1, 9}, Function{Opcode::arctanh, std::atanh, -1, 1},
        Function{Opcode::cbrt, std::cbrt, -99, 99}, Function{Opcode::erf, std::erf, -6, 6},
        Function{Opcode::erfc, std::erfc, -6, 26}),
    [](const auto& test) { return std::string(jetlag::info(test.param.opcode).name); });

template <class T>
T at(Opcode opcode, T x, T y = 0) {
  T result;
  find_loop(opcode, dtype_of<T>())(&x, &y, nullptr, &result, 1);
  return result;
}

TEST(Loops, PowersOfSmallIntegersAreExact) {
  for (int base = 2; base <= 10; ++base) {
    double product = 1;
    for (int k = 0; k <= 15; ++k, product *= base)
      EXPECT_EQ(at<double>(Opcode::pow, base, k), product);
  }
}

template <class T>
double worst_error_of_powers(std::vector<T> x, std::vector<T> y) {
  const std::vector<T> parts{0,
                             T(-0.0),
                             1,
                             -1,
                             2,
                             -2,
                             T(0.5),
                             T(-0.5),
                             3,
                             -3,
                             T(INFINITY),
                             T(-INFINITY),
                             T(NAN),
                             1000,
                             -1000,
                             std::numeric_limits<T>::min(),
                             std::numeric_limits<T>::denorm_min(),
                             std::numeric_limits<T>::max(),
                             std::numeric_limits<T>::lowest()};
  for (const T base : parts) {
    for (const T exponent : parts) {
      x.push_back(base);
      y.push_back(exponent);
    }
  }
  std::vector<T> power(x.size());
  find_loop(Opcode::pow, dtype_of<T>())(x.data(), y.data(), nullptr, power.data(),
                                        static_cast<std::int64_t>(x.size()));
  double worst = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    // The powers of -0.0 and minus infinity, whose roots are others, among them.
    const Wide base = x[i], exponent = y[i];
    worst = std::max(worst, ulps(power[i], std::pow(base, exponent)));
  }
  return worst;
}

template <class T>
double worst_error_of_powers() {
  std::mt19937_64 random(5);
  std::uniform_real_distribution<double> exponent(-20, 20), power(-30, 30);
  std::vector<T> x, y;
  for (int i = 0; i < 20000; ++i) {
    x.push_back(static_cast<T>(std::exp2(exponent(random))));
    y.push_back(static_cast<T>(power(random)));
    x.push_back(static_cast<T>(1 + power(random) / 1000));
    y.push_back(static_cast<T>(20 * power(random)));
  }
  return worst_error_of_powers(x, y);
}

TEST(Loops, PowersAreWithinFourUlp) {
  EXPECT_LE(worst_error_of_powers<double>(), 4);
  EXPECT_LE(worst_error_of_powers<float>(), 4);
}

TEST(Loops, PowersWithEverydayExponentsAreProductsAndRootsAmongOthers) {
  constexpr int count = 150;
  double x[count], y[count], whole[count];
  for (int i = 0; i < count; ++i) {
    const double exponents[] = {1.7, 2, 0.5, -1, 3.3};
    x[i] = 0.37 * i;
    y[i] = exponents[i % 5];
  }

  find_loop(Opcode::pow, DType::float64)(x, y, nullptr, whole, count);

  for (int i = 0; i < count; ++i) {
    if (i % 5 == 1) {
      EXPECT_EQ(whole[i], x[i] * x[i]);
    }
    if (i % 5 == 2) {
      EXPECT_EQ(whole[i], std::sqrt(x[i]));
    }
    if (i % 5 == 3) {
      EXPECT_EQ(whole[i], 1 / x[i]);
    }
    EXPECT_EQ(at<double>(Opcode::pow, x[i], y[i]), whole[i]);
  }
}

TEST(Loops, PowersMayBeWrittenOverTheirOperands) {
  double x[70], y[70], over[70];
  for (int i = 0; i < 70; ++i) {
    over[i] = x[i] = 0.2 * i;
    y[i] = i % 4;
  }
  double power[70];
  find_loop(Opcode::pow, DType::float64)(x, y, nullptr, power, 70);

  find_loop(Opcode::pow, DType::float64)(over, y, nullptr, over, 70);
  find_loop(Opcode::pow, DType::float64)(x, y, nullptr, y, 70);

  EXPECT_EQ(std::memcmp(over, power, sizeof power), 0);
  EXPECT_EQ(std::memcmp(y, power, sizeof power), 0);
}

template <class T>
unsigned flags_of_power(T x, T y) {
  clear_flags();
  at<T>(Opcode::pow, x, y);
  const unsigned met = read_flags();
  clear_flags();
  return met & (invalid | divide_by_zero | overflow);
}

TEST(Loops, PowersTellOfTheirConditionsAndOfNoOthers) {
  EXPECT_EQ(flags_of_power<float>(0, 3.5f), 0u);
  EXPECT_EQ(flags_of_power<double>(0, 3.5), 0u);
  EXPECT_EQ(flags_of_power<double>(0.7, 3.5), 0u);
  EXPECT_NE(flags_of_power<double>(0, -1.5) & divide_by_zero, 0u);
  EXPECT_NE(flags_of_power<double>(-2, 1.5) & invalid, 0u);
  EXPECT_NE(flags_of_power<double>(1e200, 2.5) & overflow, 0u);
  EXPECT_NE(flags_of_power<float>(1e20f, 2.5f) & overflow, 0u);
}

TEST(Loops, LengthsNeitherOverflowNorRaiseFlagsOfTheirOwn) {
  std::vector<double> parts{0,      -0.0,  3,     -4,    5e-324,   1e-310,    1e-200,
                            1e-160, 1e154, 1e200, 1e308, INFINITY, -INFINITY, NAN};
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> fraction(1, 2);
  std::uniform_int_distribution<int> exponent(-1070, 1020);
  for (int i = 0; i < 50; ++i) parts.push_back(std::ldexp(fraction(random), exponent(random)));
  std::vector<double> a, b;
  for (const double x : parts) {
    for (const double y : parts) {
      a.push_back(x);
      b.push_back(y);
    }
  }
  std::vector<double> length(a.size());
  const auto count = static_cast<std::int64_t>(a.size());
  clear_flags();
  find_loop(Opcode::hypot, DType::float64)(a.data(), b.data(), nullptr, length.data(), count);
  EXPECT_EQ(read_flags() & (invalid | divide_by_zero | overflow), 0u);
  for (std::size_t i = 0; i < a.size(); ++i) {
    const Wide x = a[i], y = b[i];
    EXPECT_LE(ulps(length[i], std::hypot(x, y)), 2) << a[i] << " " << b[i];
  }
  const double most = std::numeric_limits<double>::max();
  double beyond = 0;
  find_loop(Opcode::hypot, DType::float64)(&most, &most, nullptr, &beyond, 1);
  EXPECT_EQ(beyond, INFINITY);
  EXPECT_NE(read_flags() & overflow, 0u);
  clear_flags();
}

TEST(Loops, AnElementHasTheSameBitsWhereverItLies) {
  constexpr int count = 37;
  double x[count], whole[count];
  for (int i = 0; i < count; ++i) x[i] = 0.37 * i * i - 40;
  for (Opcode opcode : {Opcode::exp, Opcode::sin, Opcode::tanh, Opcode::erf}) {
    find_loop(opcode, DType::float64)(x, nullptr, nullptr, whole, count);
    for (int i = 0; i < count; ++i) EXPECT_EQ(at<double>(opcode, x[i]), whole[i]);
  }
}

TEST(Loops, RemaindersAreExactForAllQuotients) {
  std::mt19937_64 random(2);
  for (int i = 0; i < 100000; ++i) {
    const double x =
        std::ldexp(static_cast<double>(random()) - 9e18, static_cast<int>(random() % 90));
    const double y =
        std::ldexp(static_cast<double>(random() % 1000 + 1), static_cast<int>(random() % 90));
    const double got = at<double>(Opcode::fmod, x, y), truth = std::fmod(x, y);
    ASSERT_EQ(std::memcmp(&got, &truth, sizeof got), 0) << x << " % " << y;
  }
}

// Bit patterns of all kinds, valid for the dtype.
std::vector<std::byte> patterns(DType dtype, std::int64_t n) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(n * size_of(dtype)));
  std::mt19937 random(3);
  for (auto& b : bytes)
    b = static_cast<std::byte>(dtype == DType::boolean ? random() & 1 : random());
  return bytes;
}

bool equal_bits(std::span<const std::byte> a, std::span<const std::byte> b, DType dtype) {
  if (!is_float(dtype) && !is_complex(dtype)) return std::memcmp(a.data(), b.data(), a.size()) == 0;
  // The payload of a NaN is nobody's promise.
  const auto same = [&]<class T>(T) {
    for (std::size_t i = 0; i < a.size(); i += sizeof(T)) {
      T x, y;
      std::memcpy(&x, &a[i], sizeof x);
      std::memcpy(&y, &b[i], sizeof y);
      if (std::memcmp(&x, &y, sizeof x) != 0 && !(x != x && y != y)) return false;
    }
    return true;
  };
  return real_dtype(dtype) == DType::float32 ? same(float{}) : same(double{});
}

// Functions of the vector library differ between instruction sets; nothing
// else may.
TEST(Loops, ArithmeticHasTheSameBitsInEveryInstructionSet) {
#if defined(__x86_64__)
  if (!__builtin_cpu_supports("x86-64-v3")) GTEST_SKIP() << "needs a processor with AVX2";
  constexpr std::int64_t n = 999;
  for (int op = 0; op < static_cast<int>(Opcode::pow); ++op) {
    for (const DTypeInfo& d : dtypes()) {
      const auto column = static_cast<std::size_t>(d.dtype);
      const Loop wide = loops_x86_64_v3.loops[op][column];
      const Loop plain = loops_baseline.loops[op][column]
                             ? loops_baseline.loops[op][column]
                             : find_scalar_loop(static_cast<Opcode>(op), d.dtype);
      if (!wide || op == static_cast<int>(Opcode::select)) continue;
      const auto a = patterns(d.dtype, n), b = patterns(d.dtype, n + 1);
      const auto& how = info(static_cast<Opcode>(op));
      const DType result = how.result == ResultRule::boolean     ? DType::boolean
                           : how.result == ResultRule::real_part ? real_dtype(d.dtype)
                           : how.result == ResultRule::complex_of
                               ? promote(d.dtype, DType::complex64)
                               : d.dtype;
      std::vector<std::byte> x(static_cast<std::size_t>(n * size_of(result))), y(x.size());
      plain(a.data(), b.data(), nullptr, x.data(), n);
      wide(a.data(), b.data(), nullptr, y.data(), n);
      EXPECT_TRUE(equal_bits(x, y, result)) << how.name << " of " << d.name;
    }
  }
#else
  GTEST_SKIP() << "one instruction set only";
#endif
}

}  // namespace
}  // namespace jetlag
