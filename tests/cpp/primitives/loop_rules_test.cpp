#include "primitives/loop_rules.h"

#include <gtest/gtest.h>

namespace jetlag {
namespace {

constexpr Operand weak_int{DType::int64, true}, weak_float{DType::float64, true},
    weak_complex{DType::complex128, true};

DType common(std::vector<Operand> operands) { return common_dtype(operands); }

TEST(Promotion, APythonScalarBringsItsKindOnly) {
  EXPECT_EQ(common({{DType::int8}, weak_int}), DType::int8);
  EXPECT_EQ(common({{DType::float32}, weak_float}), DType::float32);
  EXPECT_EQ(common({{DType::float32}, weak_complex}), DType::complex64);
}

TEST(Promotion, AHigherKindComesWithItsUsualSize) {
  EXPECT_EQ(common({{DType::boolean}, weak_int}), DType::int64);
  EXPECT_EQ(common({{DType::int8}, weak_float}), DType::float64);
  EXPECT_EQ(common({{DType::int8}, weak_complex}), DType::complex128);
}

TEST(Promotion, DoesNotDependOnTheOrder) {
  EXPECT_EQ(common({{DType::uint16}, {DType::int16}, {DType::float32}}), DType::float32);
  EXPECT_EQ(common({{DType::float32}, {DType::uint16}, {DType::int16}}), DType::float32);
}

TEST(Promotion, FunctionsTakeTheFloatThatHoldsEachOperand) {
  const Operand operands[] = {{DType::int8}, {DType::uint16}};
  DType loop[2];

  ASSERT_TRUE(rules::real_inexact(operands, loop));

  EXPECT_EQ(loop[0], DType::float32);
}

}  // namespace
}  // namespace jetlag
