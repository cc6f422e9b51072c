#include "primitives/reduce_loops.h"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "array/dtype.h"

namespace jetlag {
namespace {

template <class T>
std::vector<T> drawn(std::mt19937_64& random, std::int64_t n) {
  const T odd[] = {T(0), T(-0.0), std::numeric_limits<T>::max(),
                   std::numeric_limits<T>::quiet_NaN(), std::numeric_limits<T>::infinity()};
  std::vector<T> numbers;
  for (std::int64_t i = 0; i < n; ++i) {
    const auto r = random();
    numbers.push_back(r % 29 < 5 ? odd[r % 29] : static_cast<T>(r % 2001) / T(7) - T(100));
  }
  return numbers;
}

// NaN is NaN: which one, not even NumPy says.
template <class T>
bool same_number(T a, T b) {
  return std::memcmp(&a, &b, sizeof a) == 0 || (a != a && b != b);
}

template <class T>
void expect_the_bits_of_each_alone(const FoldTable& table) {
  std::mt19937_64 random(1);
  for (int fold = 0; fold < fold_count; ++fold) {
    const FoldLoops& loops = table.loops[fold][static_cast<int>(dtype_of<T>())];
    for (std::int64_t n = 1; n < 80; n += n < 40 ? 1 : 13) {
      const std::int64_t lines = 19, step = n + n % 3;
      const std::vector<T> numbers = drawn<T>(random, lines * step);

      std::vector<T> together(static_cast<std::size_t>(lines) + 1, T(-7));
      loops.lines(numbers.data(), step, lines, n, together.data());

      for (std::int64_t i = 0; i < lines; ++i) {
        T alone;
        loops.lines(numbers.data() + i * step, 0, 1, n, &alone);
        ASSERT_TRUE(same_number(together[static_cast<std::size_t>(i)], alone))
            << "fold " << fold << " of lines of " << n;
      }
      ASSERT_EQ(together.back(), T(-7));
    }
  }
}

TEST(ReduceLoops, ShortLinesTogetherHaveTheBitsOfEachAlone) {
  for (const FoldTable* table : {&fold_table_baseline, &fold_table_x86_64_v3}) {
    if (table == &fold_table_x86_64_v3 && !__builtin_cpu_supports("avx2")) continue;
    expect_the_bits_of_each_alone<double>(*table);
    expect_the_bits_of_each_alone<float>(*table);
    expect_the_bits_of_each_alone<std::int64_t>(*table);
    expect_the_bits_of_each_alone<std::uint32_t>(*table);
    expect_the_bits_of_each_alone<std::int16_t>(*table);
  }
}

}  // namespace
}  // namespace jetlag
