#include "runtime/tasks/hand_out.h"

namespace jetlag::tasks {

void hand_out(tbb::task_arena& arena, void (*function)(void*), void* argument) {
  arena.enqueue([function, argument] { function(argument); });
}

}  // namespace jetlag::tasks
