#include "primitives/python_numbers.h"

#include <gtest/gtest.h>

#include <limits>

#include "../error_of.h"

namespace jetlag {
namespace {

constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();

Value i(std::int64_t value) { return Value::of(value); }
Value r(double value) { return Value::of(value); }

TEST(PythonNumbers, LeaveIntsBeyond64BitsToTheHost) {
  EXPECT_FALSE(python::add(i(largest), i(1)).bound());
  EXPECT_FALSE(python::multiply(i(largest), i(2)).bound());
  EXPECT_FALSE(python::power(i(10), i(19)).bound());
  EXPECT_FALSE(python::left_shift(i(1), i(63)).bound());
}

TEST(PythonNumbers, DivideDownwards) {
  EXPECT_EQ(python::floor_divide(i(-7), i(2)).integer(), -4);
  EXPECT_EQ(python::modulo(i(-7), i(2)).integer(), 1);
  EXPECT_EQ(python::modulo(r(-7.5), r(2)).real(), 0.5);
}

TEST(PythonNumbers, RaiseWhatPythonRaisesForZero) {
  EXPECT_EQ(error_of([] { python::divide(i(1), i(0)); }), "zero_division: division by zero");
  EXPECT_EQ(error_of([] { python::divide(r(1), i(0)); }), "zero_division: float division by zero");
  EXPECT_EQ(error_of([] { python::floor_divide(i(1), i(0)); }),
            "zero_division: integer division or modulo by zero");
  EXPECT_EQ(error_of([] { python::modulo(i(1), i(0)); }), "zero_division: integer modulo by zero");
  EXPECT_EQ(error_of([] { python::power(i(0), i(-1)); }),
            "zero_division: 0.0 cannot be raised to a negative power");
}

TEST(PythonNumbers, CompareIntsWithFloatsExactly) {
  constexpr std::int64_t odd = (std::int64_t{1} << 53) + 1;  // rounds to even as a double

  EXPECT_EQ(python::equal(i(odd), r(9007199254740992.0)), false);
  EXPECT_EQ(python::less(r(9007199254740992.0), i(odd)), true);
  EXPECT_EQ(python::less(i(largest), r(9223372036854775808.0)), true);
}

TEST(PythonNumbers, KeepBoolsApartFromInts) {
  EXPECT_TRUE(python::bit_and(Value::of(true), Value::of(false)).is(ValueKind::boolean));
  EXPECT_TRUE(python::add(Value::of(true), Value::of(true)).is(ValueKind::integer));
}

TEST(PythonNumbers, GoComplexForRootsOfNegativeNumbers) {
  const Value root = python::power(i(-8), r(1.0 / 3));

  ASSERT_TRUE(root.is(ValueKind::complex));
  EXPECT_NEAR(root.complex().imag(), 1.7320508, 1e-6);
}

}  // namespace
}  // namespace jetlag
