// From a plan and the kinds that variables have when a loop is entered to a typed program.
// Kinds are followed along every path: a block of the program belongs to a node and to the
// kinds of the variables that are still read, so a variable that is an int in the first
// round and a float in the next has a block for each.
#pragma once

#include <string>

#include "compiler/loops/flat.h"
#include "compiler/loops/program.h"

namespace jetlag::loops {

struct Request {
  int loop = 0;
  std::vector<Kind> kinds;  // of slots and captures
  std::vector<ArrayOperand> arrays;
  bool disjoint = false;
  bool ascending = false;  // the loop is over a range from 0 or more, in steps of one
  bool careful = false;
  bool noting = false;  // the flags mean nothing: whether something was met is noted, not where
  unsigned wanted = 0;  // floating-point conditions that are to be told
  const plan::Program* plan = nullptr;
};

struct Outcome {
  std::shared_ptr<const Program> program;  // null: not for this loop, with the reason
  std::string why_not;
};

Outcome specialise(const Flat& flat, const Request& request);
// A function that only computes with numbers; the kinds are those of its arguments.
Outcome specialise(const plan::Function& function, const Request& request);

}  // namespace jetlag::loops
