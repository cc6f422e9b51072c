// Results that are computed where they are to be stored.
#pragma once

#include <vector>

#include "array/value.h"

namespace jetlag::exec {

// a[t] with a tuple t is a[t[0], t[1], …].
std::vector<Value> spread(std::vector<Value> items);

// Whether both show the same elements of the same memory, in the same order.
bool is_same_view(const Array& a, const Array& b);
// Whether one matrix is the other, transposed.
bool is_transpose(const Array& a, const Array& b);

}  // namespace jetlag::exec
