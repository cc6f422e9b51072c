// The order of blocks around the rounds of an innermost loop.
#pragma once

#include <map>

#include "compiler/loops/program.h"

namespace jetlag::loops {

// Rounds that begin with other kinds of variables than those before (a total that is an int at
// first) are entered by their part, not from the rounds before: so parts and rounds are two loops,
// one within the other, as compilers expect them. `parts` are known by where their rounds begin.
void enter_rounds_by_parts(Program& program, const std::map<int, int>& parts);

}  // namespace jetlag::loops
