// dot(f(x), v): rows that are computed where they are multiplied.
#pragma once

#include "primitives/arguments.h"
#include "primitives/primitive.h"

namespace jetlag {

// A matrix of floats, row after row, and a vector of its dtype.
bool is_rows_by_vector(Arguments args);

// Of such, where the matrix is computed on demand: row i of the result is the product of row i,
// with the bits that it has where the matrix is in memory.
Job computed_rows_job(const Ref<Array>& a, const Ref<Array>& v, const Ref<Array>& out);

}  // namespace jetlag
