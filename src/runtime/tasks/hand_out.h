// The one place where work goes to oneTBB's threads. Debian's oneTBB is built without the thread
// sanitizer, which therefore does not see how oneTBB orders memory: this file is kept out of its
// sight too, and tells it what oneTBB promises: who runs the work sees all that was done before.
#pragma once

#include <oneapi/tbb/task_arena.h>

namespace jetlag::tasks {

void hand_out(tbb::task_arena& arena, void (*function)(void*), void* argument);

}  // namespace jetlag::tasks
