// One thread for work that nobody waits for. It starts with the first work.
#pragma once

#include <functional>

namespace jetlag::jit {

void in_background(std::function<void()> work);

// Waits for the work at hand, and takes no more. LLVM does not bear to be taken
// down while it works: whoever ends a process says so before that begins.
void finish_background();

// Whether there may be a thread: not in a forked child, and not at the end of the process.
bool has_background();

// In a forked child: the thread is not there any more, nor is its work.
void forget_background();

}  // namespace jetlag::jit
