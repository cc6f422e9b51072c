#include "primitives/element.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "../error_of.h"
#include "primitives/expr.h"

namespace jetlag {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr DType f64 = DType::float64;

template <class T>
Ref<Array> array_of(std::vector<T> values) {
  const Ref<Array> a = new_array(dtype_of<T>(), Dims{static_cast<std::int64_t>(values.size())});
  for (std::size_t i = 0; i < values.size(); ++i) a->as<T>()[i] = values[i];
  return a;
}

Ref<Array> counted(Dims shape) {
  auto a = new_array(f64, std::move(shape));
  std::iota(a->as<double>(), a->as<double>() + a->size(), 1.0);
  return a;
}

template <class T>
std::vector<T> items(const Ref<Array>& a) {
  const Ref<Array> dense = new_array(a->dtype(), a->shape());
  copy_elements(*a, *dense);
  return std::vector<T>(dense->as<T>(), dense->as<T>() + dense->size());
}

std::shared_ptr<const ElementProgram> program(std::string_view name, std::vector<Value> values) {
  std::vector<Operand> operands;
  for (const Value& v : values) operands.push_back(operand_of(v));
  return program_for(*find_primitive(name), operands);
}

ElementRun run_of(std::string_view name, std::vector<Value> values, const Ref<Array>& out) {
  return {program(name, values), values, {out}};
}

template <class T>
std::vector<T> compute(std::string_view name, std::vector<Value> values, Dims shape) {
  auto out = new_array(dtype_of<T>(), std::move(shape));
  const ElementRun run = run_of(name, std::move(values), out);
  run.run(0, run.size());
  return items<T>(out);
}

TEST(Element, RepeatsTheSmallerOperand) {
  const auto row = array_of<double>({10, 20, 30});

  const auto sums = compute<double>("add", {Value::of(counted({2, 3})), Value::of(row)}, {2, 3});

  EXPECT_EQ(sums, (std::vector<double>{11, 22, 33, 14, 25, 36}));
}

TEST(Element, ReadsAnyLayoutAlike) {
  const auto a = counted({40, 30});
  const auto swapped = transposed(a);
  auto copy = new_array(f64, swapped->shape());
  copy_elements(*swapped, *copy);

  const auto strided = compute<double>("square", {Value::of(swapped)}, {30, 40});

  EXPECT_EQ(strided, compute<double>("square", {Value::of(copy)}, {30, 40}));
}

TEST(Element, WritesAnyLayoutAlike) {
  auto wide = new_array(f64, {1200}, true);
  const auto every_second = view_of(wide, wide->data(), {600}, {16});
  const auto a = counted({600});

  const ElementRun run = run_of("negative", {Value::of(a)}, every_second);
  run.run(0, 600);

  EXPECT_EQ(wide->as<double>()[1198], -600);
  EXPECT_EQ(wide->as<double>()[1199], 0);
}

TEST(Element, MayWriteIntoItsOperand) {
  const auto a = counted({1000});
  auto before = items<double>(a);

  const ElementRun run = run_of("floor_divide", {Value::of(a), Value::of(7.0)}, a);
  run.run(0, 1000);

  for (double& x : before) x = std::floor(x / 7);
  EXPECT_EQ(items<double>(a), before);
}

TEST(Element, KeepsAnOperandThatALaterOutputReads) {
  const auto a = counted({600}), product = new_array(f64, {600});
  ElementBuilder builder;
  const int x = builder.input(f64);
  const DType loop[] = {f64, f64};
  builder.output(builder.apply(*find_primitive("add"), std::vector{x, x}, loop));
  builder.output(builder.apply(*find_primitive("multiply"), std::vector{x, x}, loop));

  const ElementRun run(builder.build(), {Value::of(a)}, {a, product});
  run.run(0, 600);

  EXPECT_EQ(a->as<double>()[599], 1200);
  EXPECT_EQ(product->as<double>()[599], 360000);
}

TEST(Element, GivesTheSameBitsHoweverTheWorkIsCut) {
  const auto a = counted({1537}), whole = new_array(f64, {1537}), cut = new_array(f64, {1537});
  const ElementRun once = run_of("sin", {Value::of(a)}, whole);
  const ElementRun often = run_of("sin", {Value::of(a)}, cut);

  once.run(0, 1537);
  for (std::int64_t first = 0; first < 1537; first += 37) {
    often.run(first, std::min<std::int64_t>(1537, first + 37));
  }

  EXPECT_EQ(items<double>(cut), items<double>(whole));
}

TEST(Element, HandlesNoElements) {
  EXPECT_TRUE(compute<double>("exp", {Value::of(new_array(f64, {0, 3}))}, {0, 3}).empty());
}

TEST(Element, WholePowersHaveWholeRootsAndLogarithms) {
  const auto a = array_of<double>({8, 27, 125, 1e15, 8e6}), b = array_of<double>({1, 1e14, 1e22});
  const auto c = array_of<double>({8, 1024, 0.5});

  EXPECT_EQ(compute<double>("cbrt", {Value::of(a)}, {5}), (std::vector<double>{2, 3, 5, 1e5, 200}));
  EXPECT_EQ(compute<double>("log10", {Value::of(b)}, {3}), (std::vector<double>{0, 14, 22}));
  EXPECT_EQ(compute<double>("log2", {Value::of(c)}, {3}), (std::vector<double>{3, 10, -1}));
}

TEST(Element, WrapsIntegers) {
  const auto a = array_of<std::int8_t>({127, -128});

  const auto sums = compute<std::int8_t>("add", {Value::of(a), Value::of(std::int64_t{1})}, {2});

  EXPECT_EQ(sums, (std::vector<std::int8_t>{-128, -127}));
}

TEST(Element, RefusesAPythonIntThatDoesNotFit) {
  const auto a = array_of<std::int8_t>({1});

  EXPECT_EQ(error_of([&] { run_of("add", {Value::of(a), Value::of(std::int64_t{300})}, a); }),
            "overflow: Python integer 300 out of bounds for int8");
}

TEST(Element, ComparesWithAPythonIntOfAnySize) {
  const auto a = array_of<std::uint8_t>({0, 255});

  const auto less = compute<bool>("less", {Value::of(a), Value::of(std::int64_t{300})}, {2});

  EXPECT_EQ(less, (std::vector<bool>{true, true}));
}

TEST(Element, ComparesSignedWithUnsignedExactly) {
  const auto a = array_of<std::int64_t>({-1, std::numeric_limits<std::int64_t>::max()});
  const auto b = array_of<std::uint64_t>({~std::uint64_t{0}, std::uint64_t{1} << 63});

  EXPECT_EQ(compute<bool>("less", {Value::of(a), Value::of(b)}, {2}), (std::vector{true, true}));
  EXPECT_EQ(compute<bool>("equal", {Value::of(a), Value::of(b)}, {2}), (std::vector{false, false}));
}

TEST(Element, RefusesNegativePowersOfIntegers) {
  const auto a = array_of<std::int64_t>({2}), b = array_of<std::int64_t>({-1});
  const ElementRun run = run_of("power", {Value::of(a), Value::of(b)}, new_array(a->dtype(), {1}));

  EXPECT_EQ(error_of([&] { run.run(0, 1); }),
            "value: Integers to negative integer powers are not allowed.");
}

TEST(Element, RefusesTheDifferenceOfBooleans) {
  const auto a = array_of<bool>({true});

  EXPECT_EQ(error_of([&] { program("subtract", {Value::of(a), Value::of(a)}); }),
            "type: numpy boolean subtract, the `-` operator, is not supported, use the "
            "bitwise_xor, the `^` operator, or the logical_xor function instead.");
}

TEST(Element, DeclinesWhereNumpyWouldUseHalfPrecision) {
  EXPECT_EQ(program("exp", {Value::of(array_of<std::int8_t>({1}))}), nullptr);
}

// What a run met and what looking again makes of it.
std::string met(std::string_view name, std::vector<Value> values) {
  auto shape = values[0].array()->shape();
  const auto out = new_array(program(name, values)->output_dtype(0), shape);
  const ElementRun run = run_of(name, values, out);
  std::string text = run.run(0, run.size()) == 0 ? "quiet" : "flags";
  for (const auto& found : run.diagnose(0, run.size())) {
    text += found.in_cast ? " cast in" : "";
    text += format(" {}:{}", run.program().application(found.application).name, found.anomalies);
  }
  return text;
}

TEST(Diagnosis, NamesDivisionByZero) {
  const auto a = array_of<double>({1, 2}), b = array_of<double>({1, 0});

  EXPECT_EQ(met("divide", {Value::of(a), Value::of(b)}), "flags divide:1");
}

TEST(Diagnosis, NamesOverflow) {
  EXPECT_EQ(met("exp", {Value::of(array_of<double>({1, 1000}))}), "flags exp:2");
}

TEST(Diagnosis, NamesAnInvalidValue) {
  EXPECT_EQ(met("sqrt", {Value::of(array_of<double>({-1}))}), "flags sqrt:8");
}

TEST(Diagnosis, TellsAPoleFromOverflow) {
  EXPECT_EQ(met("log", {Value::of(array_of<double>({0, -1}))}), "flags log:9");
}

TEST(Diagnosis, NamesIntegerDivisionByZero) {
  const auto a = array_of<std::int32_t>({7}), b = array_of<std::int32_t>({0});

  EXPECT_EQ(met("floor_divide", {Value::of(a), Value::of(b)}), "flags floor_divide:1");
}

TEST(Diagnosis, IsSilentOnNanThatWasThereBefore) {
  const double nan = std::nan("");

  EXPECT_EQ(met("add", {Value::of(array_of<double>({nan, infinity})), Value::of(1.0)}), "quiet");
  EXPECT_EQ(met("maximum", {Value::of(array_of<double>({nan})), Value::of(1.0)}), "quiet");
}

TEST(Diagnosis, SpeaksOfAnAliasByItsFirstName) {
  const auto a = array_of<double>({1}), b = array_of<double>({0});

  EXPECT_EQ(met("mod", {Value::of(a), Value::of(b)}), "flags remainder:8");
}

TEST(Diagnosis, TellsConversionsOfPythonNumbers) {
  const auto a = array_of<float>({1});

  EXPECT_EQ(met("add", {Value::of(a), Value::of(1e300)}), "flags cast in add:2");
}

TEST(Diagnosis, FindsTheApplicationAmongSeveral) {
  ElementBuilder builder;
  const int x = builder.input(f64);
  const DType loop[] = {f64, f64};
  const int root = builder.apply(*find_primitive("sqrt"), std::vector{x}, std::span(loop, 1));
  builder.output(builder.apply(*find_primitive("divide"), std::vector{root, root}, loop));
  const ElementRun run(builder.build(), {Value::of(array_of<double>({0}))}, {new_array(f64, {1})});

  const auto found = run.diagnose(0, 1);

  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].application, 1);
  EXPECT_EQ(found[0].anomalies, static_cast<unsigned>(invalid));
}

// An input that is gone when a condition is looked for must have no part in it.
TEST(Diagnosis, KnowsOnWhichInputsConditionsHang) {
  ElementBuilder builder;
  const int silent = builder.input(f64), a = builder.input(f64), narrowed = builder.input(f64),
            compared = builder.input(f64);
  const DType loop[] = {f64, f64}, narrow[] = {DType::float32};
  const int sum = builder.apply(*find_primitive("add"), std::vector{a, a}, loop);
  const int least = builder.apply(*find_primitive("minimum"), std::vector{silent, sum}, loop);
  const int order = builder.apply(*find_primitive("less"), std::vector{least, compared}, loop);
  builder.output(order);
  builder.output(builder.apply(*find_primitive("negative"), std::vector{narrowed}, narrow));
  const auto program = builder.build();

  EXPECT_FALSE(program->conditions_hang_on(0));
  EXPECT_TRUE(program->conditions_hang_on(1));
  EXPECT_TRUE(program->conditions_hang_on(2));
  EXPECT_FALSE(program->conditions_hang_on(3));
}

}  // namespace
}  // namespace jetlag
