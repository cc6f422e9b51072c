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

template <class T>
void expect_the_bits_of_every_machine() {
  std::mt19937_64 random(6);
  for (int fold = 0; fold < fold_count; ++fold) {
    const auto d = static_cast<int>(dtype_of<T>());
    const FoldLoops &plain = fold_table_baseline.loops[fold][d],
                    &wide = fold_table_x86_64_v3.loops[fold][d];
    for (std::int64_t n = 1; n < 1200; n += 1 + n / 7) {
      const std::vector<T> numbers = drawn<T>(random, 5 * n);
      T one[5], other[5];

      plain.lines(numbers.data(), n, 5, n, one);
      wide.lines(numbers.data(), n, 5, n, other);

      for (int i = 0; i < 5; ++i)
        ASSERT_TRUE(same_number(one[i], other[i])) << "fold " << fold << " of " << n;
    }
  }
}

TEST(ReduceLoops, HaveTheSameBitsInEveryInstructionSet) {
  if (!__builtin_cpu_supports("avx2")) GTEST_SKIP() << "needs a processor with AVX2";
  expect_the_bits_of_every_machine<double>();
  expect_the_bits_of_every_machine<float>();
  expect_the_bits_of_every_machine<std::int64_t>();
  expect_the_bits_of_every_machine<std::uint8_t>();
}

template <class F>
void for_tables(const F& f) {
  for (const FoldTable* table : {&fold_table_baseline, &fold_table_x86_64_v3}) {
    if (table == &fold_table_x86_64_v3 && !__builtin_cpu_supports("avx2")) continue;
    f(*table);
  }
}

template <class T>
void expect_first_places(const FoldTable& table) {
  std::mt19937_64 random(2);
  const FoldLoops& loops =
      table.loops[static_cast<int>(Fold::least)][static_cast<int>(dtype_of<T>())];
  for (std::int64_t n = 1; n < 700; n += 1 + n / 5) {
    const std::vector<T> numbers = drawn<T>(random, n);
    for (const T wanted : numbers) {
      std::int64_t first = 0;
      while (!(numbers[static_cast<std::size_t>(first)] == wanted) &&
             !(wanted != wanted && numbers[static_cast<std::size_t>(first)] !=
                                       numbers[static_cast<std::size_t>(first)]))
        ++first;
      ASSERT_EQ(loops.place(numbers.data(), n, &wanted), first);
    }
  }
}

TEST(ReduceLoops, PlacesAreThoseOfTheFirstEqualNumbers) {
  for_tables([](const FoldTable& table) {
    expect_first_places<double>(table);
    expect_first_places<float>(table);
    expect_first_places<std::int64_t>(table);
    expect_first_places<std::uint16_t>(table);
    expect_first_places<std::int8_t>(table);
  });
}

template <class T>
void expect_best_rows(const FoldTable& table, Fold fold) {
  std::mt19937_64 random(3);
  const FoldLoops& loops = table.loops[static_cast<int>(fold)][static_cast<int>(dtype_of<T>())];
  for (std::int64_t n = 1; n < 40; n += 3) {
    const std::int64_t rows = 1 + n % 7, step = n + n % 3;
    const std::vector<T> numbers = drawn<T>(random, rows * step);
    const std::int64_t later = rows / 2;
    std::vector<T> bests(static_cast<std::size_t>(n));
    std::vector<std::int64_t> at(bests.size(), -1);

    if (later > 0) loops.best_rows(numbers.data(), step, later, n, 0, bests.data(), at.data());
    loops.best_rows(numbers.data() + later * step, step, rows - later, n, later, bests.data(),
                    at.data());

    for (std::int64_t j = 0; j < n; ++j) {
      T column[8], best;
      for (std::int64_t i = 0; i < rows; ++i)
        column[i] = numbers[static_cast<std::size_t>(i * step + j)];
      loops.lines(column, 0, 1, rows, &best);
      ASSERT_EQ(at[static_cast<std::size_t>(j)], loops.place(column, rows, &best));
    }
  }
}

TEST(ReduceLoops, RowsOfBestsHoldTheFirstOfEachColumn) {
  for_tables([](const FoldTable& table) {
    for (const Fold fold : {Fold::least, Fold::greatest}) {
      expect_best_rows<double>(table, fold);
      expect_best_rows<float>(table, fold);
      expect_best_rows<std::int64_t>(table, fold);
      expect_best_rows<std::uint8_t>(table, fold);
    }
  });
}

TEST(ReduceLoops, CountsBoolsOfAnyTrueByte) {
  std::mt19937_64 random(4);
  std::vector<unsigned char> bools(40'000);
  std::vector<std::int64_t> trues{0};
  for (unsigned char& b : bools) {
    b = static_cast<unsigned char>(random() % 3 == 0 ? 0 : random());
    trues.push_back(trues.back() + (b != 0));
  }
  for_tables([&](const FoldTable& table) {
    for (std::size_t n = 0; n <= bools.size(); n += 1 + n / 3)
      ASSERT_EQ(table.count_true(bools.data(), static_cast<std::int64_t>(n)), trues[n]);
  });
}

TEST(ReduceLoops, CountsBoolsOfLinesAndOfRows) {
  std::mt19937_64 random(5);
  std::vector<unsigned char> bools(40'000);
  for (unsigned char& b : bools) b = static_cast<unsigned char>(random() % 3 == 0 ? 0 : random());
  for_tables([&](const FoldTable& table) {
    for (std::int64_t n = 1; n < 1100; n += 1 + n / 5) {
      for (const std::int64_t step : {n, n + 3}) {
        const std::int64_t rows = std::min<std::int64_t>(600, std::ssize(bools) / step);
        std::vector<std::int64_t> lines(static_cast<std::size_t>(rows)), sums;
        table.count_lines(bools.data(), step, rows, n, lines.data());
        sums.assign(static_cast<std::size_t>(n), 7);
        table.count_rows(bools.data(), step, rows, n, sums.data());
        for (std::int64_t i = 0; i < rows; ++i) {
          ASSERT_EQ(lines[static_cast<std::size_t>(i)],
                    table.count_true(bools.data() + i * step, n));
        }
        for (std::int64_t j = 0; j < n; ++j) {
          std::int64_t wanted = 7;
          for (std::int64_t i = 0; i < rows; ++i)
            wanted += bools[static_cast<std::size_t>(i * step + j)] != 0;
          ASSERT_EQ(sums[static_cast<std::size_t>(j)], wanted);
        }
      }
    }
  });
}

}  // namespace
}  // namespace jetlag
