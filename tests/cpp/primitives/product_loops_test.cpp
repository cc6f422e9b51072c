#include "primitives/product_loops.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <vector>

namespace jetlag {
namespace {

template <class T>
std::vector<T> drawn(std::mt19937_64& random, std::int64_t n, bool whole) {
  std::vector<T> numbers;
  for (std::int64_t i = 0; i < n; ++i)
    numbers.push_back(static_cast<T>(random() % 201) / (whole ? T(1) : T(7)) - T(14));
  return numbers;
}

template <class T>
void expect_exact_sums_of_small_integers(const ProductLoops<T>& loops) {
  std::mt19937_64 random(1);
  for (std::int64_t n = 0; n < 150; ++n) {
    const std::vector<T> a = drawn<T>(random, n, true), b = drawn<T>(random, n, true);
    T sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];

    EXPECT_EQ(loops.dot(a.data(), b.data(), n), sum) << n << " numbers";
  }
}

TEST(ProductLoops, AddWhatIsExactExactly) {
  expect_exact_sums_of_small_integers(product_loops_f64_baseline);
  expect_exact_sums_of_small_integers(product_loops_f32_baseline);
  expect_exact_sums_of_small_integers(product_loops<double>());
  expect_exact_sums_of_small_integers(product_loops<float>());
}

#if defined(__x86_64__)

template <class T>
void expect_one_rounding(const ProductLoops<T>& one, const ProductLoops<T>& other) {
  std::mt19937_64 random(2);
  const auto same = [](const std::vector<T>& x, const std::vector<T>& y) {
    return std::memcmp(x.data(), y.data(), x.size() * sizeof(T)) == 0;
  };
  for (std::int64_t n = 1; n < 150; ++n) {
    const std::int64_t lines = 11;
    const std::vector<T> a = drawn<T>(random, lines * n, false), x = drawn<T>(random, n, false);
    std::vector<T> y(lines), z(lines), u(x), v(x);

    y[0] = one.dot(a.data(), x.data(), n), z[0] = other.dot(a.data(), x.data(), n);
    EXPECT_TRUE(same(y, z)) << "dot of " << n;
    one.rows(a.data(), n, lines, n, x.data(), y.data(), Distance::near);
    other.rows(a.data(), n, lines, n, x.data(), z.data(), Distance::near);
    EXPECT_TRUE(same(y, z)) << "rows of " << n;
    one.add_columns(a.data(), n, lines, n, y.data(), u.data(), Distance::near);
    other.add_columns(a.data(), n, lines, n, z.data(), v.data(), Distance::near);
    EXPECT_TRUE(same(u, v)) << "columns " << n;
  }
}

TEST(ProductLoops, RoundAlikeWithEveryFusedMultiplyAdd) {
  if (!__builtin_cpu_supports("x86-64-v4")) GTEST_SKIP() << "needs AVX-512";
  expect_one_rounding(product_loops_f64_x86_64_v3, product_loops_f64_x86_64_v4);
  expect_one_rounding(product_loops_f32_x86_64_v3, product_loops_f32_x86_64_v4);
}

#endif

}  // namespace
}  // namespace jetlag
