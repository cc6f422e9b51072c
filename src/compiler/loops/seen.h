// What machine code surely computes. A compiler leaves out what nobody reads, moves what is read on
// one way only onto that way, and computes by itself what hangs on constants: then no
// floating-point flag tells of a condition that Python would have met.
#pragma once

#include <span>

#include "compiler/loops/program.h"

namespace jetlag::loops {

// Whether each of the values is read, on every way from where it is computed, by something that
// cannot be left out, and hangs on something that is known only when the program runs.
bool are_seen(const Program& program, std::span<const int> values);

}  // namespace jetlag::loops
