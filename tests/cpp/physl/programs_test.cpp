// Whole texts: the examples of the PhySL documentation and the programs under tests/physl.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "../error_of.h"
#include "compiler/physl/node.h"

namespace jetlag::physl {
namespace {

struct Example {
  const char* name;
  const char* text;
  std::size_t expressions;
};

constexpr Example examples[] = {
    {"Define",
     "define(area, r, pi * power(r, 2))                        // 1 define\n"
     "define(greet, __arg(who, \"world\"), cout(\"hello\", who))\n"
     "area(2.0)",
     3},
    {"Lambda",
     "block(define(make_adder, n, lambda(x, x + n)),           // 2 lambda, capture\n"
     "      define(add3, make_adder(3)), add3(4))",
     1},
    {"While",
     "block(define(i, 0), define(total, 0),                    // 3 block + while\n"
     "      while(i < 5, block(store(total, total + i), store(i, i + 1))), total)",
     1},
    {"ForEach",
     "block(define(out, '()),                                  // 4 for_each + fold\n"
     "      for_each(lambda(v, store(out, append(out, v * v))), range(1, 4)),\n"
     "      fold_left(lambda(a, b, a + b), 0, out))",
     1},
    {"Slices",
     "block(define(m, [[1, 2, 3], [4, 5, 6]]),                 // 5 slicing, slice store\n"
     "      store(slice(m, 0, list(0, 2)), 9),\n"
     "      '( slice(m, 1), slice(m, list(nil, nil, -1)), slice(m, nil, 2) ))",
     1},
    {"Tags", "define$7$0(f$7$0, x$7$6, block(define$8$4(y$8$4, __add$8$8(x$8$8, 1)), y$9$11))", 1},
    {"Placement",
     "define{L#1}(x, find_here())                              // 7 placement\n"
     "dot_d(annotate_d([1, 2, 3], \"a\", list(\"tile\", list(\"columns\", 0, 3))), [1, 2, 3])",
     2},
    {"Broadcast",
     "[1, 2, 3] + 10                                          #= [11, 12, 13]\n"
     "block(define(a, [1, 2, 3]), store(slice(a, 0), 9), a)   #= [9, 2, 3]\n"
     "constant(0, '(3, 4)) + constant(0, '(3))                #! shape: …",
     3},
    {"Lowered",
     "define{python}(fit, x, __arg(rate, 1e-5), block(\n"
     "    unpack('(a, b), method(x, \"split\", 2)),\n"
     "    for_each(lambda(`%1`, block(augment(a, __add, `%1`), if(b, break(), continue()))), a),\n"
     "    store(index(x, ellipsis, nil, span(nil, 9, 2)), opaque{0}(\"f'{x}'\", '(x))),\n"
     "    opaque_block{1}(\"with x: pass\", '(x), '(a, b)), del(b),\n"
     "    return(tuple(and(a, not(b)), attribute(x, \"T\"), call_host(print, 2.5j)))))",
     1},
};

class Examples : public testing::TestWithParam<Example> {};

TEST_P(Examples, ParseVerifyAndComeBack) {
  const std::vector<NodePtr> program = parse(GetParam().text);
  const std::string printed = print(program);

  EXPECT_EQ(program.size(), GetParam().expressions);
  EXPECT_EQ(error_of([&] { verify(program); }), "no error");
  EXPECT_EQ(print(parse(printed)), printed);
}

INSTANTIATE_TEST_SUITE_P(Physl, Examples, testing::ValuesIn(examples),
                         [](const auto& info) { return std::string(info.param.name); });

std::vector<std::filesystem::path> programs() {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(JETLAG_TESTS_DIR "/physl")) {
    if (entry.path().extension() == ".physl") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

class Programs : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(Programs, ParseVerifyAndComeBack) {
  std::stringstream text;
  text << std::ifstream(GetParam()).rdbuf();

  const std::vector<NodePtr> program = parse(text.str(), GetParam().string());
  const std::string printed = print(program);

  EXPECT_FALSE(program.empty());
  EXPECT_EQ(error_of([&] { verify(program); }), "no error");
  EXPECT_EQ(print(parse(printed)), printed);
}

INSTANTIATE_TEST_SUITE_P(Physl, Programs, testing::ValuesIn(programs()),
                         [](const auto& info) { return info.param.stem().string(); });

}  // namespace
}  // namespace jetlag::physl
