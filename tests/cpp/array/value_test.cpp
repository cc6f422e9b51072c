#include "array/value.h"

#include <gtest/gtest.h>

#include "../error_of.h"

namespace jetlag {
namespace {

Value integer(std::int64_t i) { return Value::of(i); }

Ref<Array> zero_dimensional(Value v) { return as_array(v, dtype_of_value(v)); }

TEST(Value, IsUnboundUntilItHoldsSomething) {
  EXPECT_FALSE(Value().bound());
  EXPECT_TRUE(Value::nil().bound());
}

TEST(Value, ALiteralTextIsAString) { EXPECT_EQ(Value::of("abc").text(), "abc"); }

TEST(Value, AScalarKeepsItsDtypeAndBits) {
  const Value v = Value::scalar_of(std::complex<float>(1, -2));

  EXPECT_EQ(v.dtype(), DType::complex64);
  EXPECT_EQ(to_text(v), "(1-2j)");
}

TEST(Value, AnElementOfAnArrayIsANumPyScalar) {
  const Value v = element(*zero_dimensional(Value::of(2.5)));

  EXPECT_TRUE(v.is(ValueKind::scalar));
  EXPECT_EQ(describe(v), "f64 2.5");
}

TEST(Value, TupleAndListAreTwoKinds) {
  EXPECT_TRUE(Value::tuple({}).is(ValueKind::tuple));
  EXPECT_TRUE(Value::list({}).is(ValueKind::list));
}

TEST(Value, PythonsNumbersHaveNumPysDefaultDtypes) {
  EXPECT_EQ(dtype_of_value(Value::of(true)), DType::boolean);
  EXPECT_EQ(dtype_of_value(integer(1)), DType::int64);
  EXPECT_EQ(dtype_of_value(Value::of(1.0)), DType::float64);
  EXPECT_EQ(dtype_of_value(Value::of(std::complex<double>(1, 2))), DType::complex128);
}

TEST(Range, CountsAsPythonDoes) {
  EXPECT_EQ(Value::range(0, 10, 3).range().size(), 4);
  EXPECT_EQ(Value::range(10, 0, -3).range().size(), 4);
  EXPECT_EQ(Value::range(0, 10, -1).range().size(), 0);
  EXPECT_EQ(Value::range(5, 5, 1).range().size(), 0);
  EXPECT_EQ(Value::range(10, 0, -3).range().at(3), 1);
}

TEST(Range, TheLargestStepDoesNotOverflow) {
  constexpr auto lowest = std::numeric_limits<std::int64_t>::min();
  constexpr auto highest = std::numeric_limits<std::int64_t>::max();

  EXPECT_EQ(Value::range(highest, lowest, lowest).range().size(), 2);
  EXPECT_EQ(Value::range(lowest, highest, highest).range().size(), 3);
}

TEST(Range, AStepOfZeroIsRefusedInPythonsWords) {
  EXPECT_EQ(error_of([] { Value::range(0, 1, 0); }), "value: range() arg 3 must not be zero");
}

TEST(Index, IntegersOfAllKindsAreIndices) {
  EXPECT_EQ(as_index(integer(-3)), -3);
  EXPECT_EQ(as_index(Value::of(true)), 1);
  EXPECT_EQ(as_index(Value::scalar_of(std::uint8_t{200})), 200);
  EXPECT_EQ(as_index(Value::of(zero_dimensional(integer(7)))), 7);
}

TEST(Index, OtherValuesAreNone) {
  EXPECT_EQ(as_index(Value::of(1.0)), std::nullopt);
  EXPECT_EQ(as_index(Value::of(new_array(DType::int64, {1}, true))), std::nullopt);
  EXPECT_EQ(as_index(Value::of(new_array(DType::boolean, {}, true))), std::nullopt);
  EXPECT_EQ(as_index(Value::scalar_of(std::uint64_t{1} << 63)), std::nullopt);
}

TEST(Real, RealScalarsAreReadAsDouble) {
  EXPECT_EQ(as_real(Value::of(true)), 1.0);
  EXPECT_EQ(as_real(Value::scalar_of(1.5F)), 1.5);
  EXPECT_EQ(as_real(Value::scalar_of(std::complex<double>(1, 0))), std::nullopt);
  EXPECT_EQ(as_real(Value::nil()), std::nullopt);
}

TEST(Shape, AnIntegerOrASequenceIsAShape) {
  EXPECT_EQ(as_shape(integer(3)), (Dims{3}));
  EXPECT_EQ(as_shape(Value::tuple({integer(3), Value::scalar_of(std::int32_t{4})})), (Dims{3, 4}));
  EXPECT_EQ(as_shape(Value::list({})), Dims{});
}

TEST(Shape, WhatOnlyThePythonSideCanJudgeIsLeftToIt) {
  EXPECT_EQ(as_shape(Value::nil()), std::nullopt);
  EXPECT_EQ(as_shape(Value::of(new_array(DType::int64, {2}, true))), std::nullopt);
}

TEST(Shape, AFloatIsRefusedInNumPysWords) {
  EXPECT_EQ(error_of([] { as_shape(Value::of(2.5)); }),
            "type: expected a sequence of integers or a single integer, got '2.5'");
  EXPECT_EQ(error_of([] { as_shape(Value::scalar_of(2.5)); }),
            "type: expected a sequence of integers or a single integer, got 'np.float64(2.5)'");
}

TEST(Shape, AFloatInASequenceIsRefusedInNumPysWords) {
  EXPECT_EQ(error_of([] { as_shape(Value::tuple({Value::of(2.5)})); }),
            "type: 'float' object cannot be interpreted as an integer");
  EXPECT_EQ(error_of([] { as_shape(Value::tuple({Value::scalar_of(2.5)})); }),
            "type: 'numpy.float64' object cannot be interpreted as an integer");
  EXPECT_EQ(error_of([] { as_shape(Value::of("abc")); }),
            "type: 'str' object cannot be interpreted as an integer");
}

TEST(AsArray, AnArrayThatFitsIsTheSameArray) {
  const Ref<Array> a = new_array(DType::float64, {2}, true);

  EXPECT_EQ(as_array(Value::of(a), DType::float64), a);
  EXPECT_EQ(as_array(Value::of(a), DType::float32)->dtype(), DType::float32);
}

TEST(AsArray, AScalarBecomesAnArrayWithoutAxes) {
  const Ref<Array> a = as_array(integer(3), DType::float32);

  EXPECT_EQ(a->rank(), 0);
  EXPECT_EQ(*a->as<float>(), 3.0F);
}

TEST(AsArray, APythonIntegerMustFit) {
  EXPECT_EQ(error_of([] { as_array(integer(300), DType::int8); }),
            "overflow: Python integer 300 out of bounds for int8");
  EXPECT_EQ(*as_array(integer(300), DType::boolean)->as<bool>(), true);
}

}  // namespace
}  // namespace jetlag
