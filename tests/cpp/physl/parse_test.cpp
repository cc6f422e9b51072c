#include <gtest/gtest.h>

#include "../error_of.h"
#include "compiler/physl/node.h"

namespace jetlag::physl {
namespace {

// The only expression of a text.
NodePtr one(std::string_view text) {
  const std::vector<NodePtr> program = parse(text);
  EXPECT_EQ(program.size(), 1U) << text;
  return program.at(0);
}

// As calls, without tags: what the parser understood.
std::string calls(std::string_view text) { return print(parse(text), {.tags = false}); }

std::string complaint(std::string_view text) {
  return error_of([&] { parse(text, "a.physl"); });
}

TEST(Parser, MultiplicationBindsTighterThanAddition) {
  EXPECT_EQ(calls("a + b * c"), "__add(a, __mul(b, c))");
  EXPECT_EQ(calls("a * b + c"), "__add(__mul(a, b), c)");
}

TEST(Parser, OperatorsOfOnePrecedenceGroupToTheLeft) {
  EXPECT_EQ(calls("a - b + c"), "__add(__sub(a, b), c)");
  EXPECT_EQ(calls("a / b * c % d"), "__mod(__mul(__div(a, b), c), d)");
}

TEST(Parser, LogicBindsLoosestThenEqualityThenOrder) {
  EXPECT_EQ(calls("a || b && c == d < e + f"), "__or(a, __and(b, __eq(c, __lt(d, __add(e, f)))))");
  EXPECT_EQ(calls("a >= b != c <= d"), "__ne(__ge(a, b), __le(c, d))");
}

TEST(Parser, ParenthesesDecide) { EXPECT_EQ(calls("a * (b + c)"), "__mul(a, __add(b, c))"); }

TEST(Parser, PrefixOperatorsBindTightest) {
  EXPECT_EQ(calls("-a * !b"), "__mul(__minus(a), __not(b))");
  EXPECT_EQ(calls("-+!a"), "__minus(__plus(__not(a)))");
}

TEST(Parser, AMinusBehindAnOperandSubtracts) {
  EXPECT_EQ(calls("a -1"), "__sub(a, 1)");
  EXPECT_EQ(calls("a - -1"), "__sub(a, -1)");
}

TEST(Parser, AMinusBeforeANumberIsPartOfIt) {
  EXPECT_EQ(one("-9223372036854775808")->integer, std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(one("-2.5")->real, -2.5);
  EXPECT_TRUE(one("-(5)")->is_call("__minus"));
}

TEST(Parser, IntegersOfAnySizeAreRead) {
  const NodePtr big = one("123456789012345678901234567890");

  EXPECT_EQ(big->kind, NodeKind::integer);
  EXPECT_EQ(big->text, "123456789012345678901234567890");
  EXPECT_EQ(one("0007")->integer, 7);
}

TEST(Parser, APointOrAnExponentMakesANumberReal) {
  EXPECT_EQ(one("1.")->real, 1.0);
  EXPECT_EQ(one(".5")->real, 0.5);
  EXPECT_EQ(one("1e3")->real, 1000.0);
  EXPECT_EQ(one("1")->kind, NodeKind::integer);
}

TEST(Parser, NumbersBeyondTheRangeOfDoubleAreInfinite) {
  EXPECT_EQ(one("1e999")->real, std::numeric_limits<double>::infinity());
  EXPECT_EQ(one("1e-999")->real, 0.0);
}

TEST(Parser, AJMakesANumberImaginary) {
  EXPECT_EQ(one("2.5j")->kind, NodeKind::imaginary);
  EXPECT_EQ(one("2j")->real, 2.0);
}

TEST(Parser, StringsKnowTheEscapes) {
  EXPECT_EQ(one(R"("\a\b\f\n\r\t\v\\\'\"\x41")")->text, "\a\b\f\n\r\t\v\\'\"A");
}

TEST(Parser, NilTrueAndFalseAreLiterals) {
  EXPECT_EQ(one("nil")->kind, NodeKind::nil);
  EXPECT_TRUE(one("true")->boolean);
  EXPECT_EQ(one("`nil`")->kind, NodeKind::name);
}

TEST(Parser, ConstantsAreNames) { EXPECT_EQ(one("pi")->kind, NodeKind::name); }

TEST(Parser, ATagIsThePlaceOfANameOrCall) {
  EXPECT_EQ(one("x$7$6")->place, (Place{7, 6}));
  EXPECT_EQ(one("x$7")->place, (Place{7, 0}));
  EXPECT_EQ(one("f$3$4(x)")->place, (Place{3, 4}));
}

TEST(Parser, WhatHasNoTagIsWhereItStands) {
  const NodePtr call = one("\n  f(x,\n y + 1)");

  EXPECT_EQ(call->place, (Place{2, 3}));
  EXPECT_EQ(call->children[0]->place, (Place{2, 5}));
  EXPECT_EQ(call->children[1]->place, (Place{3, 4}));
}

TEST(Parser, WhatHasNoTagInATaggedCallIsWhereTheCallIs) {
  const NodePtr call = one("f$30$4(x, g(1))");

  EXPECT_EQ(call->children[0]->place, (Place{30, 4}));
  EXPECT_EQ(call->children[1]->children[0]->place, (Place{30, 4}));
}

TEST(Parser, ColumnsCountCharacters) { EXPECT_EQ(parse("\"größe\" x")[1]->place, (Place{1, 9})); }

TEST(Parser, NamesInBackquotesMayHoldAnything) {
  const NodePtr name = one("`größe {1}`$4$2");

  EXPECT_EQ(name->text, "größe {1}");
  EXPECT_TRUE(name->quoted);
  EXPECT_EQ(name->place, (Place{4, 2}));
  EXPECT_FALSE(one("`block`(1)")->is_call("block"));
}

TEST(Parser, AttributesAreKeptAsTheyAre) {
  EXPECT_EQ(one("define{L#1}(x, 1)")->attribute, "L#1");
  EXPECT_EQ(one("define$7$1{python}(f, 1)")->attribute, "python");
}

TEST(Parser, ListsHoldAnyExpressions) {
  EXPECT_EQ(calls("'(1, '(), a + b)"), "'(1, '(), __add(a, b))");
}

TEST(Parser, ArraysTakeTheDtypeOfTheirNumbers) {
  EXPECT_EQ(describe(one("[[1, -2, 3], [4, 5, 6]]")->value), "i64[2,3]");
  EXPECT_EQ(to_text(one("[1, 2.5, -inf, nan]")->value), "[1.0, 2.5, -inf, nan]");
  EXPECT_EQ(describe(one("[true, false]")->value), "b1[2]");
  EXPECT_EQ(describe(one("[]")->value), "f64[0]");
  EXPECT_EQ(describe(one("[[], []]")->value), "f64[2,0]");
  EXPECT_EQ(describe(one("[[[[1]]]]")->value), "i64[1,1,1,1]");
}

TEST(Parser, CommentsAreBlanks) {
  EXPECT_EQ(calls("a // one\n + # two\n b /* three\n */ * c"), "__add(a, __mul(b, c))");
}

TEST(Parser, ExpressionsFollowEachOther) {
  EXPECT_EQ(parse("define(x, 1)\nx y '(b) \"c\"").size(), 5U);
  EXPECT_EQ(parse("a; -1; (b);;").size(), 3U);
  EXPECT_TRUE(parse(" # nothing\n").empty());
}

TEST(ParserError, SaysWhatItExpectedInsteadOfTheEnd) {
  EXPECT_EQ(complaint("f(x,\n  y"),
            "a.physl:2:4: syntax: expected ) or , behind an argument of f but found the end of the "
            "text");
}

TEST(ParserError, SaysWhatItExpectedInsteadOfAName) {
  EXPECT_EQ(complaint("f(x y)"),
            "a.physl:1:5: syntax: expected ) or , behind an argument of f but found the name y");
  EXPECT_EQ(complaint("'(1 2)"),
            "a.physl:1:5: syntax: expected ) or , behind an item of the list but found the number "
            "2");
  EXPECT_EQ(complaint("(1, 2)"), "a.physl:1:3: syntax: expected ) but found ,");
}

TEST(ParserError, AnOperandIsMissing) {
  EXPECT_EQ(complaint("a + )"), "a.physl:1:5: syntax: expected an expression but found )");
  EXPECT_EQ(complaint("f(1, )"), "a.physl:1:6: syntax: expected an expression but found )");
  EXPECT_EQ(complaint("()"), "a.physl:1:2: syntax: expected an expression but found )");
  EXPECT_EQ(complaint("f(;)"), "a.physl:1:3: syntax: expected an expression but found ;");
  EXPECT_EQ(complaint("-"),
            "a.physl:1:2: syntax: expected an expression but found the end of the text");
}

TEST(ParserError, TellsHowToWriteWhatOtherLanguagesWriteOtherwise) {
  EXPECT_EQ(complaint("a = 1"),
            "a.physl:1:3: syntax: expected an expression but found =\n"
            "    hint: assign with store(name, value), compare with ==");
  EXPECT_EQ(complaint("f('abc')"),
            "a.physl:1:3: syntax: expected an expression but found '\n"
            "    hint: strings stand in double quotes, lists in '( )");
  EXPECT_EQ(complaint("f(a & b)"),
            "a.physl:1:5: syntax: expected ) or , behind an argument of f but found &\n"
            "    hint: the operators are && and ||");
  EXPECT_EQ(complaint("größe"),
            "a.physl:1:3: syntax: expected an expression but found ö\n"
            "    hint: a name with other letters than A to Z stands in backquotes");
}

TEST(ParserError, TellsWhereAnOpenStringBegan) {
  EXPECT_EQ(complaint("f(\"abc"),
            "a.physl:1:7: syntax: expected \" but found the end of the text\n"
            "    hint: the string begins at 1:3");
}

TEST(ParserError, TellsWhereAnOpenCommentBegan) {
  EXPECT_EQ(complaint("f() /* abc\n"),
            "a.physl:2:1: syntax: expected */ but found the end of the text\n"
            "    hint: the comment begins at 1:5");
}

TEST(ParserError, TellsWhereAnOpenNameBegan) {
  EXPECT_EQ(complaint("`abc\n`"),
            "a.physl:1:5: syntax: expected ` but found the end of the line\n"
            "    hint: the name begins at 1:1");
  EXPECT_EQ(complaint("``"), "a.physl:1:2: syntax: expected a name but found `");
}

TEST(ParserError, TellsWhereAnOpenAttributeBegan) {
  EXPECT_EQ(complaint("f{L#1(x)"),
            "a.physl:1:9: syntax: expected } but found the end of the text\n"
            "    hint: the attribute begins at 1:2");
  EXPECT_EQ(complaint("f{L#1} x"),
            "a.physl:1:8: syntax: expected ( behind f{L#1} but found the name x");
}

TEST(ParserError, EscapesMustBeKnown) {
  EXPECT_EQ(complaint(R"("\q")"),
            "a.physl:1:3: syntax: expected one of a b f n r t v x \\ ' \" behind \\ but found q\n"
            "    hint: a backslash itself is written \\\\");
  EXPECT_EQ(complaint(R"("\x4g")"),
            "a.physl:1:5: syntax: expected two hexadecimal digits behind \\x but found g");
}

TEST(ParserError, TagsAreNumbers) {
  EXPECT_EQ(complaint("x$a"), "a.physl:1:3: syntax: expected a line number behind $ but found a");
  EXPECT_EQ(complaint("x$1$ 2"),
            "a.physl:1:5: syntax: expected a column number behind $ but found  ");
  EXPECT_EQ(complaint("x$2147483648"),
            "a.physl:1:3: syntax: expected a line number below 2147483648 but found 2147483648");
}

TEST(ParserError, ANumberEndsBeforeAName) {
  EXPECT_EQ(complaint("2x"), "a.physl:1:2: syntax: expected the end of the number 2 but found x");
  EXPECT_EQ(complaint("1.2.3"),
            "a.physl:1:4: syntax: expected the end of the number 1.2 but found .");
}

TEST(ParserError, RowsOfAnArrayHaveOneLength) {
  EXPECT_EQ(complaint("[[1, 2, 3], [4, 5]]"),
            "a.physl:1:18: syntax: expected a row of length 3, as the first, but found one of "
            "length 2");
  EXPECT_EQ(complaint("[[1], 2]"),
            "a.physl:1:7: syntax: expected [, as in the row before, but found the number 2");
}

TEST(ParserError, AnArrayHoldsLiteralsOfOneKind) {
  EXPECT_EQ(complaint("[1, x]"),
            "a.physl:1:5: syntax: expected a number, true or false in an array but found the name "
            "x\n    hint: brackets hold literals only; '( ) makes a list of expressions");
  EXPECT_EQ(complaint("[1, true]"),
            "a.physl:1:5: syntax: expected a number, as before in this array, but found the name "
            "true");
  EXPECT_EQ(complaint("[true, 1]"),
            "a.physl:1:8: syntax: expected true or false, as before in this array, but found the "
            "number 1");
  EXPECT_EQ(complaint("[9223372036854775808]"),
            "a.physl:1:2: syntax: expected an integer of 64 bits but found the number "
            "9223372036854775808\n    hint: with a decimal point the array holds real numbers");
  EXPECT_EQ(complaint("[1 2]"),
            "a.physl:1:4: syntax: expected ] or , behind an element but found the number 2");
  EXPECT_EQ(complaint("[1,]"), "a.physl:1:4: syntax: expected an element behind , but found ]");
}

std::string repeated(std::string_view part, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += part;
  return text;
}

TEST(ParserError, NestingHasABoundThatEveryConstructMeets) {
  const std::string deep =
      "syntax: expected at most 2000 levels of nesting but found more\n"
      "    hint: give parts a name: define(part, …)";

  EXPECT_EQ(complaint(repeated("f(", 3000)), "a.physl:1:4001: " + deep);
  EXPECT_EQ(complaint(repeated("(", 100000)), "a.physl:1:2001: " + deep);
  EXPECT_EQ(complaint("1" + repeated("+1", 3000)), "a.physl:1:4000: " + deep);
  EXPECT_EQ(complaint(repeated("-", 3000) + "x"), "a.physl:1:1001: " + deep);
  EXPECT_EQ(complaint(repeated("[", 3000)),
            "a.physl:1:33: syntax: expected at most 32 axes but found more");
}

TEST(Parser, TextsJustWithinTheBoundAreWalkedWithoutOverflow) {
  const auto program = parse(repeated("-f(", 990) + "1" + repeated(")", 990));

  EXPECT_EQ(parse(print(program)).size(), 1U);
  verify(program);
  EXPECT_FALSE(to_newick(program).empty());
}

}  // namespace
}  // namespace jetlag::physl
