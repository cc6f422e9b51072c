#include <gtest/gtest.h>

#include <charconv>
#include <random>

#include "array/value.h"

namespace jetlag {
namespace {

Value integer(std::int64_t i) { return Value::of(i); }

Value row(std::initializer_list<double> numbers) {
  Ref<Array> a = new_array(DType::float64, {static_cast<std::int64_t>(numbers.size())});
  std::copy(numbers.begin(), numbers.end(), a->as<double>());
  return Value::of(a);
}

TEST(Repr, EqualsPythons) {
  EXPECT_EQ(repr(1.0), "1.0");
  EXPECT_EQ(repr(0.1), "0.1");
  EXPECT_EQ(repr(-0.0), "-0.0");
  EXPECT_EQ(repr(123456.789), "123456.789");
  EXPECT_EQ(repr(1e-4), "0.0001");
  EXPECT_EQ(repr(1.5e-4), "0.00015");
  EXPECT_EQ(repr(1e-5), "1e-05");
  EXPECT_EQ(repr(1e15), "1000000000000000.0");
  EXPECT_EQ(repr(1e16), "1e+16");
  EXPECT_EQ(repr(1.5e300), "1.5e+300");
  EXPECT_EQ(repr(5e-324), "5e-324");
  EXPECT_EQ(repr(9007199254740993.0), "9007199254740992.0");
}

TEST(Repr, NumbersWithoutDigitsHaveNames) {
  EXPECT_EQ(repr(std::numeric_limits<double>::infinity()), "inf");
  EXPECT_EQ(repr(-std::numeric_limits<double>::infinity()), "-inf");
  EXPECT_EQ(repr(std::numeric_limits<double>::quiet_NaN()), "nan");
}

TEST(Repr, AFloatHasItsOwnShortestDigits) { EXPECT_EQ(repr(0.1F), "0.1"); }

TEST(Repr, ComplexNumbersReadAsInPython) {
  EXPECT_EQ(repr(std::complex<double>(1, -2.5)), "(1-2.5j)");
  EXPECT_EQ(repr(std::complex<double>(0, 2)), "2j");
  EXPECT_EQ(repr(std::complex<double>(-0.0, 1)), "(-0+1j)");
  EXPECT_EQ(repr(std::complex<double>(1e20, 1)), "(1e+20+1j)");
}

TEST(Repr, ReadsBackToTheSameBits) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20000; ++i) {
    const double x = std::bit_cast<double>(random());
    if (x != x) continue;
    const std::string text = repr(x);
    double again = 0;
    std::from_chars(text.data(), text.data() + text.size(), again);
    ASSERT_EQ(std::bit_cast<std::uint64_t>(again), std::bit_cast<std::uint64_t>(x)) << text;
  }
}

TEST(Quote, EscapesWhatCannotStandInAString) {
  EXPECT_EQ(quote("a\"b\\c\n\t\x01\x7f"), R"("a\"b\\c\n\t\x01\x7f")");
  EXPECT_EQ(quote("größe"), "\"größe\"");
}

TEST(ToText, ScalarsReadAsPhySL) {
  EXPECT_EQ(to_text(Value::nil()), "nil");
  EXPECT_EQ(to_text(Value::of(true)), "true");
  EXPECT_EQ(to_text(integer(-5)), "-5");
  EXPECT_EQ(to_text(Value::of("hi")), "\"hi\"");
  EXPECT_EQ(to_text(Value::scalar_of(std::int8_t{65})), "65");
}

TEST(ToText, ArraysReadAsNestedRows) {
  const Ref<Array> a = new_array(DType::int64, {2, 2});
  for (std::int64_t i = 0; i < 4; ++i) a->as<std::int64_t>()[i] = i;

  EXPECT_EQ(to_text(Value::of(a)), "[[0, 1], [2, 3]]");
  EXPECT_EQ(to_text(Value::of(transposed(a))), "[[0, 2], [1, 3]]");
  EXPECT_EQ(to_text(row({1, 0.5})), "[1.0, 0.5]");
  EXPECT_EQ(to_text(Value::of(new_array(DType::float64, {2, 0}))), "[[], []]");
}

TEST(ToText, SequencesReadAsPhySL) {
  EXPECT_EQ(to_text(Value::list({integer(1), row({2})})), "'(1, [2.0])");
  EXPECT_EQ(to_text(Value::list({})), "'()");
  EXPECT_EQ(to_text(Value::tuple({integer(1)})), "tuple(1)");
  EXPECT_EQ(to_text(Value::range(0, 5, 1)), "range(0, 5)");
  EXPECT_EQ(to_text(Value::range(0, 5, 2)), "range(0, 5, 2)");
  EXPECT_EQ(to_text(Value::span(integer(1), Value::nil(), integer(2))), "span(1, nil, 2)");
}

TEST(Describe, NamesKindAndShape) {
  EXPECT_EQ(describe(Value::of(new_array(DType::float64, {3, 4}))), "f64[3,4]");
  EXPECT_EQ(describe(integer(5)), "int 5");
  EXPECT_EQ(describe(Value::of(0.5)), "float 0.5");
  EXPECT_EQ(describe(Value::of("abc")), "'abc'");
  EXPECT_EQ(describe(Value::of(DType::int8)), "dtype int8");
  EXPECT_EQ(describe(Value::tuple({integer(1), row({1, 2})})), "tuple(int 1, f64[2])");
}

}  // namespace
}  // namespace jetlag
