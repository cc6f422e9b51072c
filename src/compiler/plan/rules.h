// The rules that rewrite: each says what it makes of what, when it may, and why.
// Rows with no switch are how kernels work; the others are switched by name, in
// the setting "rules": "-solve,-scaled", "-all,+solve".
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace jetlag::plan {

struct Rule {
  std::string_view name;    // as explain shows it
  std::string_view before;  // PhySL
  std::string_view after;   // what is computed instead, in the same words
  std::string_view guard;
  std::string_view why;
  std::string_view test;  // PhySL to which it applies, and what that gives: "f(a)  #= [1]"
  bool has_switch = true;
};

std::span<const Rule> rules();
const Rule* find_rule(std::string_view name);  // null if there is none

// Whether the setting lets the rule be used. Where it is asked often, the row is
// looked up once.
bool is_on(std::string_view rule);
bool is_on(const Rule& rule);

}  // namespace jetlag::plan
