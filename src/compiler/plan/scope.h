// Names: which variable, function or capture a name means where it stands.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "compiler/plan/plan.h"

namespace jetlag::plan {

// A function under construction. PhySL's scopes are lexical, one for each
// block; a function lowered from Python has one scope.
struct Context {
  Function* function = nullptr;
  Context* outer = nullptr;
  std::vector<std::map<std::string, int>> scopes{1};
  std::vector<std::string> captures;
  // Of an inlined call, whose variables are registers of the region around it.
  const Inlined* within = nullptr;
  std::map<std::string, int> registers = {};

  // The slot of the name in the innermost scope, made if it has none.
  int declare(const std::string& name);
  // A fresh slot in the innermost scope, even if an outer scope has the name.
  int find(const std::string& name) const;  // -1: not here
};

// Enters a PhySL scope for the life of the object; does nothing for Python.
class ScopeGuard {
 public:
  explicit ScopeGuard(Context& context) : context_(context), active_(!context.function->python) {
    if (active_) context_.scopes.emplace_back();
  }
  ~ScopeGuard() {
    if (active_) context_.scopes.pop_back();
  }
  ScopeGuard(const ScopeGuard&) = delete;
  ScopeGuard& operator=(const ScopeGuard&) = delete;

 private:
  Context& context_;
  bool active_;
};

// Gives every variable that the body of a Python function assigns its slot.
void declare_locals(Context& context, const physl::Node& body);

}  // namespace jetlag::plan
