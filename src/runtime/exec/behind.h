// Rule delayed-store: elementwise work that reads the memory it writes, shifted.
//
//   u[1:-1] = (u[2:] + u[:-2]) / 2
//
// NumPy makes the whole right-hand side before it stores anything. Here rows are computed a few at
// a time, aside, and stored as soon as no row that is still to be computed reads them: a handful of
// rows is aside at once, in the cache, instead of the whole result. Blocks of rows are tasks; the
// rows at both ends of a block, which its neighbours read, are stored when all blocks are done.
#pragma once

#include <functional>
#include <optional>

#include "primitives/element.h"
#include "primitives/primitive.h"
#include "runtime/exec/footprint.h"

namespace jetlag::exec {

// How many rows away from its place an element of the view is read, where the operand shows the
// same memory with the same steps; nothing if it lies otherwise.
std::optional<std::int64_t> rows_reached(const Array& view, const Array& operand);

// Whether rows of the view, which lies in rows, can be stored so far behind what is read: the rows
// aside are few beside all, and fit the cache.
bool can_follow(const Array& view, std::int64_t reach);

// The run computes the elements of the view. `tell` is called for stretches that meet a wanted
// condition while the operands still hold what they held.
Job behind_job(std::shared_ptr<ElementRun> run, Ref<Array> view, std::int64_t reach,
               unsigned wanted, std::function<void(std::int64_t, std::int64_t)> tell);

// The same as a sweep: rows are stored one part late. `known` is the footprint of a run on the same
// operands, or null.
Sweep behind_sweep(std::shared_ptr<ElementRun> run, Ref<Array> view, std::int64_t reach,
                   unsigned wanted, std::function<void(std::int64_t, std::int64_t)> tell,
                   std::shared_ptr<const Footprint> known);

}  // namespace jetlag::exec
