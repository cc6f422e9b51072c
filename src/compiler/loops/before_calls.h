// What a function does before it calls another one.
#pragma once

#include <vector>

#include "compiler/loops/program.h"

namespace jetlag::loops {

// For each block whether it can run before the first block with a call. Nothing where none of these
// gives the result, or where they do more than compare and compute a little.
std::vector<bool> blocks_before_calls(const Program& function);

}  // namespace jetlag::loops
