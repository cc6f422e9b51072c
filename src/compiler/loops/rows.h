// Whether the rounds of a counted loop may run in any order: what one of them stores, no other
// reads or stores. Every round has rows of its own, those at the loop's variable.
#pragma once

#include <span>

#include "compiler/loops/flat.h"
#include "compiler/loops/kind.h"

namespace jetlag::loops {

// `kinds`, of slots and captures, tell which variables are the same array. The loop's variable
// takes no value twice, and none below zero.
bool has_rows_of_its_own(const Flat& flat, int loop, std::span<const Kind> kinds);

}  // namespace jetlag::loops
