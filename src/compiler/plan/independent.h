// independent-iterations: loops whose rounds may run ahead of each other. Rounds
// compute on private memory; what they store into arrays from before the loop is
// held back and carried out in program order. So rounds only must not read what
// others write: the plan looks at variables, the run at memory.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "compiler/plan/plan.h"

namespace jetlag::plan {

struct Independent {
  // Why the rounds have to run in order; empty if they need not.
  std::string why_not;

  int counter = -1;       // the slot that counts: a range's item, or u of `while u < n`
  std::int64_t step = 1;  // of `u = u + step`
  int bound = -1;         // n: a register of the condition's region
  bool inclusive = false;

  std::vector<int> reads;  // slots whose values the rounds read and do not change
  // Slots whose arrays the rounds store to, and those of them of which a round
  // also reads what the counter selects, before it stores.
  std::vector<int> stored, by_row;
  std::vector<int> results;  // slots that each round assigns
  // Operations whose stores are held back, with the slot of the array, by id.
  std::vector<std::pair<int, int>> held;
  bool alters = false;  // arrays may be changed in place: what is held back is copied

  bool has_loops = false;

  int held_slot(int id) const;  // -1: not held back
};

void find_independent(Program&, Function& function);

}  // namespace jetlag::plan
