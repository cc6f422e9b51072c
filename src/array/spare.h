// Memory of a small result that was copied out, for the next of its size on this
// thread: asking for it and counting it costs more than computing a few elements.
#pragma once

#include "array/array.h"

namespace jetlag {

// A fresh array in C order, uninitialised; in spare memory, if there is some.
Ref<Array> new_small_array(DType dtype, const Dims& shape);
// The caller's reference is the last, and nothing else knows the memory.
void give_spare(Ref<Buffer> buffer);

}  // namespace jetlag
