// Which elementwise work gets machine code, and when: the interpreter answers
// until code is there, which one thread makes in the background.
#pragma once

#include "primitives/element.h"

namespace jetlag::jit {

// Counts the run, asks for a kernel once the program has earned one, and lets
// the run use what there is or will be. Never waits, unless the setting jit is
// "always". True: asking again for this run would change nothing.
bool consider(ElementRun& run);

// The kernel for another layout of the run, which is about to compute so many elements; null as
// long as there is none.
ElementKernel kernel_for(const ElementRun& run, KernelLayout layout, std::int64_t elements);

// The process is about to end: waits for what is being compiled.
void finish();

// The child has no thread to compile on: it uses the kernels that are there.
void after_fork();

}  // namespace jetlag::jit
