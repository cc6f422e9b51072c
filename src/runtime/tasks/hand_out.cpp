#include "runtime/tasks/hand_out.h"

#ifdef JETLAG_TELL_THREAD_SANITIZER
#include <sanitizer/tsan_interface.h>
#endif

namespace jetlag::tasks {

namespace {

#ifdef JETLAG_TELL_THREAD_SANITIZER
void tell_given(void* argument) { __tsan_release(argument); }
void tell_taken(void* argument) { __tsan_acquire(argument); }
#else
void tell_given(void*) {}
void tell_taken(void*) {}
#endif

}  // namespace

void hand_out(tbb::task_arena& arena, void (*function)(void*), void* argument) {
  tell_given(argument);
  arena.enqueue([function, argument] {
    tell_taken(argument);
    function(argument);
  });
}

}  // namespace jetlag::tasks
