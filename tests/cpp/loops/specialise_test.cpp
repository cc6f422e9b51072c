// Loops typed along every path: which kinds a program follows, where it leaves, what it declines.
#include "compiler/loops/specialise.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "compiler/physl/node.h"

namespace jetlag::loops {
namespace {

// The first loop of a function lowered from Python, with the kinds of its parameters.
struct Typed {
  Typed(std::string_view text, const std::vector<Kind>& parameters,
        std::vector<ArrayOperand> arrays = {}) {
    const auto nodes = physl::parse(text);
    plan = plan::build({{nodes.front(), "test.py", "f", {}}}, {});
    flat = flatten(*plan, *plan->functions.front());
    Request request;
    request.kinds.resize(static_cast<std::size_t>(flat->slots));
    std::copy(parameters.begin(), parameters.end(), request.kinds.begin());
    request.arrays = std::move(arrays);
    request.wanted = 11;
    request.plan = plan.get();
    outcome = specialise(*flat, request);
  }

  int count(Do what) const {
    const auto& all = outcome.program->instructions;
    return static_cast<int>(
        std::count_if(all.begin(), all.end(), [&](const Instr& i) { return i.what == what; }));
  }
  bool has_cell(DType d) const {
    const auto& cells = outcome.program->cells;
    return std::find(cells.begin(), cells.end(), d) != cells.end();
  }

  std::unique_ptr<plan::Program> plan;
  std::shared_ptr<const Flat> flat;
  Outcome outcome;
};

const Kind an_int = python_kind(ValueKind::integer);

Kind vector_of(DType d) { return {.kind = ValueKind::array, .dtype = d, .array = 0, .rank = 1}; }

ArrayOperand operand(DType d) {
  return {.dtype = d, .rank = 1, .contiguous_last = true, .written = true};
}

TEST(Specialise, PythonsIntsLeaveOnOverflow) {
  const Typed loop("define{python}(f, n, x, block(while(x < n, store(x, x * x + 1)), return(x)))",
                   {an_int, an_int});

  ASSERT_TRUE(loop.outcome.program) << loop.outcome.why_not;
  EXPECT_EQ(loop.count(Do::checked), 2);
  EXPECT_FALSE(loop.has_cell(DType::float64));
}

TEST(Specialise, AnIntThatBecomesAFloatHasCodeForBoth) {
  const Typed loop(
      "define{python}(f, a, n, s, block(for_each(lambda(i, store(s, s + index(a, i))), range(n)), "
      "return(s)))",
      {vector_of(DType::float64), an_int, an_int}, {operand(DType::float64)});

  ASSERT_TRUE(loop.outcome.program) << loop.outcome.why_not;
  EXPECT_TRUE(loop.has_cell(DType::float64));
  EXPECT_GE(loop.count(Do::load), 2);
}

TEST(Specialise, IndicesOfInnermostLoopsAreCheckedBeforeTheRounds) {
  const Typed loop(
      "define{python}(f, a, n, block(for_each(lambda(i, store(index(a, i + 1), 0.5)), range(n))))",
      {vector_of(DType::float64), an_int}, {operand(DType::float64)});

  ASSERT_TRUE(loop.outcome.program) << loop.outcome.why_not;
  const auto& all = loop.outcome.program->instructions;
  const bool unchecked = std::any_of(all.begin(), all.end(), [](const Instr& i) {
    return i.what == Do::compute && i.opcode == Opcode::add && i.steady;
  });
  EXPECT_TRUE(unchecked);
  EXPECT_GE(loop.count(Do::overflows), 1);
}

TEST(Specialise, AnObjectIsDeclinedWithItsReason) {
  const Typed loop(
      "define{python}(f, a, n, block(for_each(lambda(i, store(index(a, i), 0.5)), range(n))))",
      {python_kind(ValueKind::object), an_int});

  EXPECT_FALSE(loop.outcome.program);
  EXPECT_EQ(loop.outcome.why_not, "a variable is neither a number nor an array");
}

}  // namespace
}  // namespace jetlag::loops
