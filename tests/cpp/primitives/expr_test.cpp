#include "primitives/expr.h"

#include <gtest/gtest.h>

#include "../error_of.h"

namespace jetlag {
namespace {

Expr input(Code& code, DType dtype, int index) {
  return {code, code.emit({.opcode = Opcode::input, .dtype = dtype, .index = index})};
}

TEST(Expr, EqualOperationsAreOne) {
  Code code;
  const Expr a = input(code, DType::float64, 0);

  const Expr twice = (a * 2) + (a * 2);

  EXPECT_EQ(code.size(), 4);
  EXPECT_EQ(code[twice.value()].operands[0], code[twice.value()].operands[1]);
}

TEST(Expr, ConstantsTakeTheDtypeOfTheOtherOperand) {
  Code code;

  const Expr sum = input(code, DType::float32, 0) + 1;

  EXPECT_EQ(sum.dtype(), DType::float32);
}

TEST(Expr, CodeReadsAsAStraightLine) {
  Code code;
  const Expr a = input(code, DType::float64, 0), b = input(code, DType::float64, 1);

  const Expr less = a < b;
  const Expr root = sqrt(a);
  select(less, root, constant(a, 0.5));

  EXPECT_EQ(to_text(code),
            "%0 = input f64 0\n"
            "%1 = input f64 1\n"
            "%2 = less b1 %0 %1\n"
            "%3 = sqrt f64 %0\n"
            "%4 = constant f64 0.5\n"
            "%5 = select f64 %2 %3 %4\n");
}

TEST(Expr, PartsOfComplexNumbersAreReal) {
  Code code;
  const Expr z = input(code, DType::complex64, 0);

  EXPECT_EQ(absolute(z).dtype(), DType::float32);
  EXPECT_EQ(pair(real(z), imag(z)).dtype(), DType::complex64);
  EXPECT_EQ((z < z).dtype(), DType::boolean);
}

TEST(Expr, RefusesOperandsOfDifferentDtypes) {
  Code code;
  const Expr a = input(code, DType::float64, 0), b = input(code, DType::int64, 1);

  EXPECT_NE(error_of([&] { a + b; }).find("add of float64 and int64"), std::string::npos);
}

}  // namespace
}  // namespace jetlag
