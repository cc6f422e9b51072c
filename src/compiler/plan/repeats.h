// Calls that would compute what was computed before: an equal call earlier in the
// region, or the same call in the round before. Here they are found by the text;
// that nothing changed meanwhile is seen when they run (runtime/exec/recall.h).
#pragma once

#include "compiler/plan/plan.h"

namespace jetlag::plan {

// Notes the outermost loop in which the operands of a call stay the same
// (Op::invariant). Before groups are made: costly invariants are not members of
// groups that each round computes.
void find_invariants(Program&, Function& function);

// Whether groups compute the same costly thing; it is noted (Op::repeated), and
// is to be a group of its own.
bool find_costly_copies(Region& region, std::size_t slots);

// Notes which results to keep, and who may have them (Op::recall). After groups
// and streams.
void find_repeats(Program&, Function& function);

// Rough cost for each element of the elementwise work that ends in a register.
// More than `enough` is not added up.
double work_of(const Region& region, int reg, double enough);
// From here on to read a result is cheaper than to compute it again; and here, to
// write and read it.
inline constexpr double costly_work = 8, very_costly_work = 40;

}  // namespace jetlag::plan
