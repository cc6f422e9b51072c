// Every row of the table of rules: its program gives what it says, with the rule
// and without, and the profile names the rule where it was used.
#include "compiler/plan/rules.h"

#include <gtest/gtest.h>

#include "array/value.h"
#include "base/settings.h"
#include "compiler/physl/node.h"
#include "primitives/primitive.h"
#include "runtime/exec/lane.h"
#include "runtime/exec/profile.h"

namespace jetlag::exec {
namespace {

class QuietHost : public Host {
  void print(const std::vector<Value>&, Keywords, bool) override {}
};

struct Ran {
  Value value;
  std::string rules;  // of all steps
  std::string plan;
};

// Functions as lowered from Python, of which the first is called; or a text.
std::unique_ptr<plan::Program> program_of(std::string_view text) {
  const auto nodes = physl::parse(std::string(text), "<rule>");
  std::vector<plan::Source> functions;
  for (const auto& node : nodes) {
    if (node->attribute == "python")
      functions.push_back({node, "<rule>", node->children[0]->text, {}});
  }
  return functions.empty() ? plan::build(nodes, "<rule>", {}) : plan::build(functions, {});
}

Ran run(std::string_view text) {
  const auto program = program_of(text);
  QuietHost host;
  Caches caches;
  Profile profile(program->ids);
  Ran ran;
  ran.value = Lane(host, *program, caches, &profile).run({});
  for (const ExplainRow& row : explain_rows(*program, profile)) {
    ran.rules += format(", {},", row.figures.rule);
  }
  ran.plan = plan::print(*program);
  return ran;
}

bool is_used(const plan::Rule& rule, const Ran& ran) {
  return ran.rules.find(format(" {},", rule.name)) != std::string::npos;
}

void expect_same(const Value& found, const Value& expected) {
  ASSERT_EQ(shape_text(shape_of_value(found)), shape_text(shape_of_value(expected)));
  if (!found.is_array()) {
    EXPECT_NEAR(*as_real(found), *as_real(expected), 1e-12);
    return;
  }
  const Ref<Array> a = as_array(found, DType::float64), b = as_array(expected, DType::float64);
  const Ref<Array> x = new_array(DType::float64, a->shape()), y = new_array(b->dtype(), b->shape());
  copy_elements(*a, *x);
  copy_elements(*b, *y);
  for (std::int64_t i = 0; i < x->size(); ++i) {
    EXPECT_NEAR(x->as<double>()[i], y->as<double>()[i], 1e-12) << "element " << i;
  }
}

class Rules : public testing::TestWithParam<plan::Rule> {
 protected:
  void TearDown() override { set_setting("rules", before_); }

  const plan::Rule& rule() const { return GetParam(); }
  std::string_view program() const { return rule().test.substr(0, rule().test.find("#=")); }
  Value answer() const { return run(rule().test.substr(rule().test.find("#=") + 2)).value; }

 private:
  std::string before_ = setting("rules");
};

TEST_P(Rules, ItsProgramGivesWhatItSays) {
  const Ran ran = run(program());

  expect_same(ran.value, answer());
  EXPECT_TRUE(is_used(rule(), ran)) << ran.rules << '\n' << ran.plan;
}

TEST_P(Rules, SwitchedOffItIsNotUsedAndTheProgramGivesTheSame) {
  if (!rule().has_switch) GTEST_SKIP() << "it is how kernels work";
  set_setting("rules", format("-{}", rule().name));

  const Ran ran = run(program());

  expect_same(ran.value, answer());
  EXPECT_FALSE(is_used(rule(), ran)) << ran.rules << '\n' << ran.plan;
}

// f and g stand for elementwise calls, so they are no names of primitives.
TEST_P(Rules, WhatItRewritesIsPhysl) {
  EXPECT_EQ(physl::parse(std::string(rule().before), "<before>").size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(Table, Rules,
                         testing::ValuesIn(plan::rules().begin(), plan::rules().end()),
                         [](const auto& info) {
                           std::string name(info.param.name);
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace jetlag::exec
