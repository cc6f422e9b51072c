// Rule inline-calls: which calls of a program's functions are replaced by what the
// function does.
#pragma once

#include <map>
#include <string>

#include "compiler/physl/node.h"

namespace jetlag::plan {

// Functions of assignments to their own variables and one return at the end. Such a
// body can stand in its caller's region, its variables being registers.
class Inlining {
 public:
  // All that the program can call, by the name that calls use.
  explicit Inlining(const std::map<std::string, physl::NodePtr>& functions)
      : functions_(functions) {}

  bool suits(const std::string& function);
  // How many nodes the call will become.
  int size(const std::string& function) { return sizes_.at(function); }

 private:
  int measured(const std::string& function);

  const std::map<std::string, physl::NodePtr>& functions_;
  std::map<std::string, int> sizes_;  // too_large where it stays a call
};

}  // namespace jetlag::plan
