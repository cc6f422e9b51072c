// Kernels that fold what they compute, against the loops that fold what is in memory: bit for bit.
#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <random>

#include "compiler/jit/api.h"
#include "compiler/jit/element_source.h"
#include "primitives/element.h"
#include "primitives/loops.h"
#include "primitives/product_loops.h"
#include "primitives/reduce_loops.h"

namespace jetlag::jit {
namespace {

template <class T>
T drawn(std::mt19937_64& random) {
  const auto r = random();
  if constexpr (std::is_floating_point_v<T>) {
    const T odd[] = {T(0), T(-0.0), std::numeric_limits<T>::quiet_NaN(),
                     std::numeric_limits<T>::infinity()};
    return r % 997 < 4 ? odd[r % 997] : static_cast<T>(r % 20001) / T(700) - T(14);
  } else {
    return r % 7 == 0 ? std::numeric_limits<T>::max() : static_cast<T>(r % 41);
  }
}

// How an operand lies in the space: as it is, backwards along rows, in columns
// first, or repeated along an axis.
enum class Way { dense, backwards, columns_first, one_row, one_column, one_number };

template <class T>
Ref<Array> operand_for(Way way, const Dims& shape, std::mt19937_64& random) {
  Dims own = shape;
  const std::int64_t last = shape.size() - 1;
  if (way == Way::one_row && last > 0) own[0] = 1;
  if (way == Way::one_column) own[last] = 1;
  if (way == Way::one_number) own = Dims(shape.size(), 1);
  Dims strides = contiguous_strides(own, sizeof(T));
  if (way == Way::columns_first) {
    std::int64_t step = sizeof(T);
    for (std::int64_t i = 0; i < own.size(); ++i) {
      strides[i] = step;
      step *= own[i];
    }
  }
  const Ref<Array> memory = new_array(dtype_of<T>(), {element_count(own)});
  for (std::int64_t i = 0; i < memory->size(); ++i) memory->as<T>()[i] = drawn<T>(random);
  std::byte* begin = memory->data();
  if (way == Way::backwards) {
    begin += (own[last] - 1) * strides[last];
    strides[last] = -strides[last];
  }
  return view_of(memory, begin, own, strides);
}

// (x - y) * y of two operands.
std::shared_ptr<const ElementProgram> program(DType d) {
  ElementBuilder builder;
  const int x = builder.input(d), y = builder.input(d);
  const DType loop[] = {d, d};
  const int apart[] = {x, y};
  const int both[] = {builder.apply(*find_primitive("subtract"), apart, loop), y};
  builder.output(builder.apply(*find_primitive("multiply"), both, loop));
  return builder.build();
}

template <class T>
bool same_number(T a, T b) {
  return std::memcmp(&a, &b, sizeof a) == 0 || (a != a && b != b);
}

template <class T>
class Folds {
 public:
  explicit Folds(RowFold rows, bool place = false)
      : rows_(rows), place_(place), program_(program(dtype_of<T>())) {}

  // The lines from `first` on are those of n elements, of a space of this shape.
  void check(Fold fold, const Dims& shape, Way x, Way y, std::int64_t n, std::int64_t first,
             std::int64_t lines) {
    const ElementRun run(program_,
                         {Value::of(operand_for<T>(x, shape, random_)),
                          Value::of(operand_for<T>(y, shape, random_))},
                         shape, contiguous_strides(shape, sizeof(T)));
    std::vector<T> elements(static_cast<std::size_t>(run.size())), factor;
    run.run(0, run.size(), reinterpret_cast<std::byte*>(elements.data()));
    for (std::int64_t i = 0; i < n; ++i) factor.push_back(drawn<T>(random_));

    const KernelLayout layout = run.fold_layout({.rows = rows_, .fold = fold, .place = place_}, n);
    ASSERT_EQ(layout == 0, run.size() == 1);
    if (layout == 0) return;
    const ElementKernel kernel = kernel_for_layout(layout);
    ASSERT_NE(kernel, nullptr);
    const T* from = elements.data() + first * n;
    if (place_) {
      ASSERT_TRUE(run.fits({first * n, n, lines, nullptr}));
      return check_places(run, kernel, layout, fold, from, {first * n, n, lines, nullptr});
    }
    std::vector<T> wanted(static_cast<std::size_t>(lines)), found(wanted.size() + 1, T(-7));
    if constexpr (std::is_floating_point_v<T>) {
      if (rows_ == RowFold::product)
        product_loops<T>().rows(from, n, lines, n, factor.data(), wanted.data(), Distance::near);
    }
    if (rows_ == RowFold::along)
      find_fold(fold, dtype_of<T>()).lines(from, n, lines, n, wanted.data());
    const LineStretch stretch{first * n, n, lines, reinterpret_cast<std::byte*>(found.data()),
                              factor.data()};
    ASSERT_TRUE(run.fits(stretch));
    run.fold(kernel, layout, stretch);

    for (std::size_t i = 0; i < wanted.size(); ++i) {
      ASSERT_TRUE(same_number(wanted[i], found[i]))
          << wanted[i] << " and " << found[i] << ": fold " << static_cast<int>(fold) << " of line "
          << i << " of " << lines << ", " << n << " elements, operands " << static_cast<int>(x)
          << " and " << static_cast<int>(y) << ", layout " << std::hex << layout;
    }
    ASSERT_TRUE(same_number(found.back(), T(-7)));
  }

  static void check_places(const ElementRun& run, ElementKernel kernel, KernelLayout layout,
                           Fold fold, const T* from, LineStretch stretch) {
    const FoldLoops& loops = find_fold(fold, dtype_of<T>());
    std::vector<std::int64_t> found(static_cast<std::size_t>(stretch.lines) + 1, -7);
    stretch.out = reinterpret_cast<std::byte*>(found.data());
    run.fold(kernel, layout, stretch);

    for (std::int64_t i = 0; i < stretch.lines; ++i) {
      T best;
      loops.lines(from + i * stretch.n, 0, 1, stretch.n, &best);
      ASSERT_EQ(found[static_cast<std::size_t>(i)],
                loops.place(from + i * stretch.n, stretch.n, &best))
          << "line " << i << " of " << stretch.lines << ", " << stretch.n << " elements, layout "
          << std::hex << layout;
    }
    ASSERT_EQ(found.back(), -7);
  }

  // Rows `step` apart, of n elements from `first` on, of a space of this shape.
  void check_down(Fold fold, const Dims& shape, Way x, Way y, LineStretch stretch) {
    const ElementRun run(program_,
                         {Value::of(operand_for<T>(x, shape, random_)),
                          Value::of(operand_for<T>(y, shape, random_))},
                         shape, contiguous_strides(shape, sizeof(T)));
    std::vector<T> elements(static_cast<std::size_t>(run.size())), wanted;
    run.run(0, run.size(), reinterpret_cast<std::byte*>(elements.data()));
    for (std::int64_t i = 0; i <= stretch.n; ++i) wanted.push_back(drawn<T>(random_));
    std::vector<T> found = wanted;
    find_fold(fold, dtype_of<T>())
        .rows(elements.data() + stretch.first, stretch.step, stretch.lines, stretch.n,
              wanted.data());
    stretch.out = reinterpret_cast<std::byte*>(found.data());
    ASSERT_TRUE(run.fits(stretch));
    const KernelLayout layout = run.fold_layout({.rows = rows_, .fold = fold}, stretch.n);
    const ElementKernel kernel = kernel_for_layout(layout);
    ASSERT_NE(kernel, nullptr);
    run.fold(kernel, layout, stretch);

    for (std::size_t i = 0; i < wanted.size(); ++i) {
      ASSERT_TRUE(same_number(wanted[i], found[i]))
          << wanted[i] << " and " << found[i] << ": fold " << static_cast<int>(fold)
          << " of column " << i << " of " << stretch.n << ", " << stretch.lines << " rows, layout "
          << std::hex << layout;
    }
  }

  void check_rows(std::initializer_list<std::int64_t> widths) {
    for (const std::int64_t n : widths) {
      for (int f = 0; f < fold_count; ++f) {
        const auto fold = static_cast<Fold>(f);
        check_down(fold, {13, n}, Way::dense, Way::backwards, {2 * n, n, 11, nullptr, nullptr, n});
        check_down(fold, {9, n + 5}, Way::dense, Way::one_row,
                   {n + 8, n, 8, nullptr, nullptr, n + 5});
        check_down(fold, {3, 10, n}, Way::one_column, Way::columns_first,
                   {11 * n, n, 7, nullptr, nullptr, n});
        // Parts of one row of the space.
        check_down(fold, {20 * n}, Way::dense, Way::dense, {3, n, 9, nullptr, nullptr, 2 * n});
        if (testing::Test::HasFatalFailure()) return;
      }
    }
  }

  void check_ways(Fold fold, const Dims& shape, std::int64_t n, std::int64_t first,
                  std::int64_t lines) {
    constexpr std::pair<Way, Way> ways[] = {{Way::dense, Way::dense},
                                            {Way::dense, Way::one_row},
                                            {Way::one_column, Way::backwards},
                                            {Way::columns_first, Way::one_number}};
    for (const auto& [x, y] : ways) {
      check(fold, shape, x, y, n, first, lines);
      if (testing::Test::HasFatalFailure()) return;
    }
  }

  void check_lengths(std::initializer_list<std::int64_t> lengths) {
    // Sums of all lengths, of the other folds every third: each needs kernels of its own.
    int at = 0;
    for (const std::int64_t n : lengths) {
      ++at;
      for (int f = 0; f < fold_count; ++f) {
        const auto fold = static_cast<Fold>(f);
        const bool is_extreme = fold == Fold::least || fold == Fold::greatest;
        if (place_ ? !is_extreme : f > 0 && (at % 3 != f % 3 || rows_ == RowFold::product)) {
          continue;
        }
        check_ways(fold, {13, n}, n, 2, 11);
        check_ways(fold, {1, n}, n, 0, 1);
        check_ways(fold, {3, 10, n}, n, 7, 16);
        check_ways(fold, {7, 9, n}, n, 0, 63);
        check_ways(fold, {5, 2, 4, n}, n, 1, 37);
        // Several lines in a row of the space; the last ones of a longer row.
        check(fold, {12 * n}, Way::dense, Way::dense, n, 3, 7);
        check(fold, {4, 6 * n}, Way::dense, Way::one_row, n, 5, 14);
        if (testing::Test::HasFatalFailure()) return;
      }
    }
  }

 private:
  ElementKernel kernel_for_layout(KernelLayout layout) {
    ElementKernel& kernel = kernels_[layout];
    if (kernel) return kernel;
    const auto source = element_source(*program_, layout);
    std::string problem;
    if (source) kernel = reinterpret_cast<ElementKernel>(compile_elements(*source, problem));
    EXPECT_NE(kernel, nullptr) << problem;
    return kernel;
  }

  RowFold rows_;
  bool place_;
  std::shared_ptr<const ElementProgram> program_;
  std::map<KernelLayout, ElementKernel> kernels_;
  std::mt19937_64 random_{1};
};

class FoldKernels : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NE(api(), nullptr) << why_not();
    if (vector_bytes() < 32) GTEST_SKIP() << "lines are folded in registers of 32 bytes";
  }
};

TEST_F(FoldKernels, HaveTheBitsOfTheLoopsForShortLines) {
  Folds<double>(RowFold::along).check_lengths({1, 2, 3, 4, 5, 7, 8, 11, 16, 31});
  Folds<float>(RowFold::along).check_lengths({1, 3, 7, 8, 9, 17, 31});
}

TEST_F(FoldKernels, HaveTheBitsOfTheLoopsForLongLines) {
  Folds<double>(RowFold::along).check_lengths({32, 33, 37, 64, 99, 511, 512});
  Folds<float>(RowFold::along).check_lengths({32, 63, 64, 77, 130, 512});
}

TEST_F(FoldKernels, HaveTheBitsOfTheLoopsForIntegers) {
  Folds<std::int64_t>(RowFold::along).check_lengths({3, 8, 40});
  Folds<std::uint64_t>(RowFold::along).check_lengths({5, 129});
  Folds<std::int32_t>(RowFold::along).check_lengths({2, 9, 67});
  Folds<std::uint32_t>(RowFold::along).check_lengths({16, 71});
}

TEST_F(FoldKernels, HaveTheBitsOfProductsWithAVector) {
  Folds<double>(RowFold::product).check_lengths({1, 3, 4, 7, 8, 15, 30, 64, 511, 700});
  Folds<float>(RowFold::product).check_lengths({1, 7, 8, 9, 16, 25, 600});
}

TEST_F(FoldKernels, HaveTheBitsOfTheLoopsForRowsFoldedDown) {
  Folds<double>(RowFold::down).check_rows({1, 3, 8, 9, 16, 37, 300});
  Folds<float>(RowFold::down).check_rows({2, 7, 16, 17, 70});
  Folds<std::int64_t>(RowFold::down).check_rows({5, 40});
  Folds<std::uint32_t>(RowFold::down).check_rows({5, 40});
}

TEST_F(FoldKernels, FindTheFirstOfTheBest) {
  Folds<double>(RowFold::along, true).check_lengths({1, 2, 3, 7, 8, 31, 32, 33, 40, 64, 67, 1100});
  Folds<float>(RowFold::along, true).check_lengths({1, 3, 16, 31, 32, 37, 63, 64, 77, 130, 700});
  Folds<std::int64_t>(RowFold::along, true).check_lengths({3, 8, 77});
  Folds<std::uint64_t>(RowFold::along, true).check_lengths({5, 129});
  Folds<std::int32_t>(RowFold::along, true).check_lengths({2, 67});
  Folds<std::uint32_t>(RowFold::along, true).check_lengths({16, 71});
}

TEST_F(FoldKernels, AreNotMadeWhereTheyWouldRepeatTooMuchCode) {
  const auto wide = program(DType::float64);
  const KernelLayout lies = all_dense;
  EXPECT_TRUE(element_source(*wide, with_fold(lies, {RowFold::across, Fold::add, 31})));
  ElementBuilder builder;
  int x = builder.input(DType::float64);
  const DType loop[] = {DType::float64, DType::float64};
  for (int i = 0; i < 30; ++i) {
    const int twice[] = {x, x};
    x = builder.apply(*find_primitive("add"), twice, loop);
  }
  builder.output(x);
  const auto deep = builder.build();
  EXPECT_TRUE(element_source(*deep, all_dense));
  EXPECT_FALSE(element_source(*deep, with_fold(all_dense, {RowFold::along})));
  EXPECT_FALSE(element_source(*deep, with_fold(all_dense, {RowFold::across, Fold::add, 8})));
}

TEST(FoldLayouts, LinesFitWhereEachLiesInOneRow) {
  const Ref<Array> a = new_array(DType::float64, {4, 6, 10});
  const auto every_second =
      view_of(a, a->data(), {4, 3, 10}, {a->strides()[0], 2 * a->strides()[1], 8});
  const auto p = program(DType::float64);
  const ElementRun run(p, {Value::of(every_second), Value::of(every_second)}, {4, 3, 10}, {});
  EXPECT_TRUE(run.fits({0, 10, 12, nullptr}));
  EXPECT_TRUE(run.fits({10, 5, 22, nullptr}));
  EXPECT_FALSE(run.fits({0, 4, 3, nullptr}));
  EXPECT_FALSE(run.fits({0, 20, 2, nullptr}));
  EXPECT_TRUE(run.fits({12, 4, 2, nullptr}));
  EXPECT_TRUE(run.fits({12, 4, 2, nullptr, nullptr, 10}));
  EXPECT_FALSE(run.fits({12, 4, 3, nullptr, nullptr, 20}));
  EXPECT_FALSE(run.fits({12, 9, 2, nullptr, nullptr, 10}));
  EXPECT_TRUE(run.fits({12, 2, 3, nullptr, nullptr, 3}));
}

}  // namespace
}  // namespace jetlag::jit
