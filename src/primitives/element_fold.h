// Elementwise work whose results are folded line by line as they are computed:
// how the lines lie in the space of a run, and what a kernel makes of them.
#pragma once

#include "primitives/element_kernel.h"
#include "primitives/element_space.h"

namespace jetlag {

// Lines of n elements that follow each other, from element `first` of the space on. One number
// for each goes to `out`.
struct LineStretch {
  std::int64_t first, n, lines;
  std::byte* out;
  const void* vector = nullptr;  // that lines are multiplied by
  // Of rows that are folded down, onto one of n numbers at `out`: from one to the next, in
  // elements.
  std::int64_t step = 0;
};

// Whether each line lies within a row of the space, and all as the first one does.
bool lines_fit(const ElementSpace& space, const LineStretch& lines);

// The layout of a kernel for lines of n elements, of which `how` says what is made; 0: there is
// none. The last operand stands for the results.
KernelLayout fold_layout(const ElementSpace& space, int operands, LineFold how, std::int64_t n);

// The lines fit, and the kernel is that of the layout. Returns Anomaly bits as the kernel does.
unsigned run_fold(ElementKernel kernel, KernelLayout layout, const ElementSpace& space,
                  int operands, const LineStretch& lines);

}  // namespace jetlag
