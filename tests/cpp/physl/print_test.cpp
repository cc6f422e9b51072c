#include <gtest/gtest.h>

#include "../error_of.h"
#include "compiler/physl/node.h"

namespace jetlag::physl {
namespace {

constexpr PrintOptions infix{.tags = false, .infix = true};

std::string in_infix(std::string_view text) { return print(parse(text), infix); }

TEST(Printer, ShowsPlacesBehindNamesAndCallees) {
  const NodePtr call = make_call("f", {make_name("x", {3, 5}), make_integer(1, {3, 8})}, {3, 1});

  EXPECT_EQ(print(*call), "f$3$1(x$3$5, 1)");
  EXPECT_EQ(print(*call, {.tags = false}), "f(x, 1)");
}

TEST(Printer, TagsExcludeInfix) {
  EXPECT_EQ(print(parse("a + 1"), {.tags = true, .infix = true}), "__add$1$3(a$1$1, 1)");
}

TEST(Printer, AttributesFollowTheTag) {
  EXPECT_EQ(print(*make_call("define", {make_name("f"), make_integer(1)}, {7, 2}, "python")),
            "define$7$2{python}(f, 1)");
}

TEST(Printer, NamesThatAreNoIdentifiersStandInBackquotes) {
  EXPECT_EQ(print(*make_name("%1")), "`%1`");
  EXPECT_EQ(print(*make_name("e", {}, true)), "`e`");
  EXPECT_EQ(print(*make_call("a b", {}, {1, 2})), "`a b`$1$2()");
}

TEST(Printer, InfixKeepsOnlyTheParenthesesThatMatter) {
  EXPECT_EQ(in_infix("(a * b) + (c - d)"), "a * b + (c - d)");
  EXPECT_EQ(in_infix("(a - b) - c"), "a - b - c");
  EXPECT_EQ(in_infix("a - (b - c)"), "a - (b - c)");
  EXPECT_EQ(in_infix("(a + b) * c"), "(a + b) * c");
  EXPECT_EQ(in_infix("!(a && b)"), "!(a && b)");
}

TEST(Printer, ANegatedNumberIsNotANegativeLiteral) {
  EXPECT_EQ(in_infix("__minus(5)"), "-(5)");
  EXPECT_EQ(in_infix("-5"), "-5");
  EXPECT_EQ(in_infix("a - -5"), "a - -5");
  EXPECT_EQ(in_infix("--a"), "-(-a)");
}

TEST(Printer, OperatorsWithMoreOperandsAreCalls) {
  EXPECT_EQ(in_infix("__add(a, b, c) * `__mul`(d, e)"), "__add(a, b, c) * `__mul`(d, e)");
}

TEST(Printer, ASemicolonKeepsExpressionsApart) {
  EXPECT_EQ(in_infix("a; -1; (b + c) * d; e"), "a;\n-1;\n(b + c) * d\ne");
}

TEST(Printer, NumbersReadBackToThemselves) {
  EXPECT_EQ(print(*make_real(1e16)), "1e+16");
  EXPECT_EQ(print(*make_real(std::numeric_limits<double>::infinity())), "1e999");
  EXPECT_EQ(print(*make_imaginary(-2.5)), "-2.5j");
  EXPECT_EQ(print(*make_big_integer("-12345678901234567890")), "-12345678901234567890");
}

// The example of design.md 8.7, as it is printed there.
TEST(Printer, BreaksLongProgramsAsAPersonWould) {
  constexpr std::string_view fit =
      "define(fit, x, y, rate, rounds, block(\n"
      "    define(w, constant(0.0, list(shape(x, 1)))),\n"
      "    for_each(lambda(_, block(\n"
      "        define(p, 1 / (1 + exp(-dot(x, w)))),\n"
      "        store(w, w - rate * dot(transpose(x), p - y)))), range(rounds)),\n"
      "    w))";

  EXPECT_EQ(in_infix(fit), fit);
}

TEST(Printer, BranchesThatBothBreakStandBelowEachOther) {
  PrintOptions narrow = infix;
  narrow.width = 40;

  EXPECT_EQ(
      print(parse("if(a < b, block(store(x, 1000), store(y, 2000)), block(store(x, 3000), y))"),
            narrow),
      "if(a < b,\n"
      "    block(\n"
      "        store(x, 1000),\n"
      "        store(y, 2000)),\n"
      "    block(store(x, 3000), y))");
}

TEST(Printer, LongArgumentsBeginLines) {
  PrintOptions narrow = infix;
  narrow.width = 30;

  EXPECT_EQ(print(parse("call_host(function, first, second, third(a + b), fourth)"), narrow),
            "call_host(function, first,\n"
            "    second, third(a + b),\n"
            "    fourth)");
}

TEST(Printer, LongSumsBreakBeforeOperators) {
  PrintOptions narrow = infix;
  narrow.width = 21;

  EXPECT_EQ(print(parse("aaaaaaa + bbbbbbb + ccccccc * ddddd"), narrow),
            "aaaaaaa + bbbbbbb\n"
            "    + ccccccc * ddddd");
}

TEST(Builder, WhatTheGrammarCannotWriteBecomesItsTwin) {
  EXPECT_EQ(make_name("nil")->kind, NodeKind::nil);
  EXPECT_EQ(make_name("false")->kind, NodeKind::boolean);
  EXPECT_EQ(make_real(std::numeric_limits<double>::quiet_NaN())->text, "nan");
  EXPECT_EQ(make_big_integer("-0042")->integer, -42);
}

TEST(Builder, NamesThatCannotBeWrittenAreRefused) {
  EXPECT_EQ(error_of([] { make_name("a`b"); }),
            "internal: a name that PhySL cannot write: \"a`b\" (!name.empty() && "
            "name.find_first_of(\"`\\n\") == std::string_view::npos does not hold)\n"
            "    hint: this is a mistake in jetlag, not in your program; please report it");
}

TEST(Same, TellsPayloadsApart) {
  EXPECT_FALSE(same(*make_real(0.0), *make_real(-0.0)));
  EXPECT_FALSE(same(*make_integer(1), *make_real(1)));
  EXPECT_FALSE(same(*make_name("e"), *make_name("e", {}, true)));
  EXPECT_TRUE(same(*parse("[1, 2]")[0], *parse("[ 1,2 ]")[0]));
  EXPECT_FALSE(same(*parse("[1, 2]")[0], *parse("[1.0, 2.0]")[0]));
}

TEST(Same, ComparesPlacesWhereBothAreKnown) {
  EXPECT_FALSE(same(*make_name("x", {1, 2}), *make_name("x", {1, 3})));
  EXPECT_TRUE(same(*make_name("x", {1, 2}), *make_name("x")));
}

TEST(Newick, WritesChildrenBeforeTheirParent) {
  EXPECT_EQ(to_newick({make_call("f", {make_call("__add", {make_name("a"), make_name("b")})})}),
            "((a,b)add)f;");
}

TEST(Newick, QuotesLabelsThatItWouldMisread) {
  EXPECT_EQ(to_newick(parse("f(\"it's\")")), "('\"it''s\"')'f(1, 1)';");
}

TEST(Newick, SeveralExpressionsShareARoot) {
  EXPECT_EQ(to_newick(parse("1 2")), "(1,2)program;");
  EXPECT_EQ(to_newick({}), "program;");
}

TEST(Dot, NamesEveryNodeOnceAndEveryEdge) {
  EXPECT_EQ(to_dot(parse("f(x, \"a\")"), "my \"tree\""),
            "digraph \"my \\\"tree\\\"\" {\n"
            "  n0 [label=\"f(1, 1)\"];\n"
            "  n0 -> n1;\n"
            "  n1 [label=\"x(1, 3)\"];\n"
            "  n0 -> n2;\n"
            "  n2 [label=\"\\\"a\\\"\"];\n"
            "}\n");
}

TEST(TreeText, IndentsOneNodeALine) {
  EXPECT_EQ(to_tree_text(parse("define{python}(f, [1, 2])")),
            "define{python}(1, 1)\n  f(1, 16)\n  i64[2]\n");
}

}  // namespace
}  // namespace jetlag::physl
