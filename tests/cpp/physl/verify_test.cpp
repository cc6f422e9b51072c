#include <gtest/gtest.h>

#include "../error_of.h"
#include "compiler/physl/node.h"

namespace jetlag::physl {
namespace {

std::string complaint(std::string_view text) {
  return error_of([&] {
    verify(parse(text), [](std::string_view name) { return name == "dot" || name == "pi"; });
  });
}

TEST(Verify, FormsNeedTheirArguments) {
  EXPECT_EQ(complaint("if(true)"), "1:1: type: if takes 2 or 3 arguments but 1 was given");
  EXPECT_EQ(complaint("store(x, 1, 2)"), "1:1: type: store takes 2 arguments but 3 were given");
  EXPECT_EQ(complaint("define(x)"), "1:1: type: define takes at least 2 arguments but 1 was given");
  EXPECT_EQ(complaint("span(1, 2, 3, 4)"),
            "1:1: type: span takes 0 to 3 arguments but 4 were given");
  EXPECT_EQ(complaint("while(true, break(1))"),
            "1:13: type: break takes no arguments but 1 was given");
}

TEST(Verify, BreakAndContinueNeedALoop) {
  EXPECT_EQ(complaint("block(break())"), "1:7: syntax: 'break' outside loop");
  EXPECT_EQ(complaint("if(true, continue())"), "1:10: syntax: 'continue' not properly in loop");
  EXPECT_EQ(complaint("while(true, if(x, break(), continue()))"), "no error");
  EXPECT_EQ(complaint("for_each(lambda(v, break()), range(3))"), "no error");
  EXPECT_EQ(complaint("for(define(i, 0), i < 3, store(i, i + 1), break())"), "no error");
}

TEST(Verify, AFunctionInALoopIsNotInTheLoop) {
  EXPECT_EQ(complaint("while(true, define(f, x, break()))"), "1:26: syntax: 'break' outside loop");
}

TEST(Verify, TheElseOfALoopIsOutsideOfIt) {
  EXPECT_EQ(complaint("while(x, 1, break())"), "1:13: syntax: 'break' outside loop");
  EXPECT_EQ(complaint("for_each(lambda(v, 1), s, break())"), "1:27: syntax: 'break' outside loop");
}

TEST(Verify, ReturnNeedsAFunction) {
  EXPECT_EQ(complaint("return(1)"), "1:1: syntax: 'return' outside function");
  EXPECT_EQ(complaint("define(x, return(1))"), "1:11: syntax: 'return' outside function");
  EXPECT_EQ(complaint("for_each(lambda(v, return(v)), s)"),
            "1:20: syntax: 'return' outside function");
  EXPECT_EQ(complaint("define{python}(f, return(1))"), "no error");
  EXPECT_EQ(complaint("define(f, x, for_each(lambda(v, return(v)), x))"), "no error");
  EXPECT_EQ(complaint("lambda(x, return(x))"), "no error");
}

TEST(Verify, KeywordsFollowPositionals) {
  EXPECT_EQ(complaint("f(__arg(axis, 0), x)"),
            "1:19: syntax: positional argument follows keyword argument");
  EXPECT_EQ(complaint("f(x, __arg(axis, 0), __arg(axis, 1))"),
            "1:22: syntax: keyword argument repeated: axis");
  EXPECT_EQ(complaint("f(x, __arg(axis, 0), __arg(dtype, nil))"), "no error");
}

TEST(Verify, DefaultsFollowParametersWithoutThem) {
  EXPECT_EQ(complaint("define(f, __arg(a, 1), b, a + b)"),
            "1:24: syntax: non-default argument follows default argument");
  EXPECT_EQ(complaint("define(f, a, __arg(b, 1), a + b)"), "no error");
}

TEST(Verify, KeywordsBelongToCalls) {
  EXPECT_EQ(complaint("__arg(a, 1)"), "1:1: syntax: __arg stands outside the arguments of a call");
  EXPECT_EQ(complaint("'(__arg(a, 1))"),
            "1:3: syntax: __arg stands outside the arguments of a call");
  EXPECT_EQ(complaint("block(__arg(a, 1))"),
            "1:7: syntax: __arg stands outside the arguments of a call");
  EXPECT_EQ(complaint("f(__arg(1, 2))"), "1:9: syntax: the first argument of __arg must be a name");
}

TEST(Verify, ParametersAreNamesAndDiffer) {
  EXPECT_EQ(complaint("define(f, 1, x)"),
            "1:11: syntax: a parameter must be a name\n"
            "    hint: a default is written __arg(name, value)");
  EXPECT_EQ(complaint("lambda(x, x, x)"),
            "1:11: syntax: duplicate argument 'x' in function definition");
  EXPECT_EQ(complaint("define(1, 2)"), "1:8: syntax: the first argument of define must be a name");
}

TEST(Verify, OnlyPlacesCanBeStoredTo) {
  EXPECT_EQ(complaint("store(f(x), 1)"),
            "1:7: syntax: cannot assign to function call\n"
            "    hint: a target is a name, a slice, index(…) or attribute(…)");
  EXPECT_EQ(complaint("augment(1, __add, 1)"),
            "1:9: syntax: cannot assign to literal\n"
            "    hint: a target is a name, a slice, index(…) or attribute(…)");
  EXPECT_EQ(complaint("del('(a))"),
            "1:5: syntax: cannot delete list\n"
            "    hint: a target is a name, a slice, index(…) or attribute(…)");
  EXPECT_EQ(complaint("unpack('(a, '(index(b, 0), attribute(c, \"d\"))), e)"), "no error");
  EXPECT_EQ(complaint("store(slice(a, 0, list(0, 2)), 9)"), "no error");
}

TEST(Verify, DefinitionsMayNotHideAPrimitive) {
  EXPECT_EQ(complaint("define(dot, 1)"),
            "1:8: name: dot is already the name of a primitive\n"
            "    hint: in backquotes the name is yours: `dot`");
  EXPECT_EQ(complaint("define(f, pi, 1)"),
            "1:11: name: pi is already the name of a primitive\n"
            "    hint: in backquotes the name is yours: `pi`");
  EXPECT_EQ(complaint("unpack('(a, dot), e)"),
            "1:13: name: dot is already the name of a primitive\n"
            "    hint: in backquotes the name is yours: `dot`");
  EXPECT_EQ(complaint("define(`dot`, `pi`, 1)"), "no error");
}

TEST(Verify, NamesOfMembersAreStrings) {
  EXPECT_EQ(complaint("attribute(x, shape)"),
            "1:14: type: argument 2 of attribute must be a string");
  EXPECT_EQ(complaint("opaque{0}(1, '())"), "1:11: type: argument 1 of opaque must be a string");
}

TEST(Verify, QuotedNamesAreNoForms) { EXPECT_EQ(complaint("`if`(`break`())"), "no error"); }

}  // namespace
}  // namespace jetlag::physl
