// What passes share: walks over the regions of a plan, and kinds of operations.
#pragma once

#include "compiler/plan/plan.h"

namespace jetlag::plan {

template <class F>
void each_region(Block& block, const F& f);

template <class F>
void each_region(Region& region, const F& f) {
  f(region);
  for (Op& op : region.ops) {
    for (Block& b : op.blocks) each_region(b, f);
  }
}

template <class F>
void each_region(Block& block, const F& f) {
  for (Statement& s : block.statements) {
    each_region(s.region, f);
    for (Block& b : s.blocks) each_region(b, f);
  }
}

bool is_elementwise(const Op& op);
// A column times a row, as far as a call can tell.
bool is_outer(const Op& op);

bool is_product(const Op& op);

// Whether work on arrays may move past the operation: nothing here can write
// into memory or run the user's code.
bool is_quiet(const Op& op);

}  // namespace jetlag::plan
