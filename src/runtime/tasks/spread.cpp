#include "runtime/tasks/spread.h"

#include <sched.h>

namespace jetlag::tasks {

namespace {

// Moves this thread there at once, and leaves it the choice that it had.
bool move_to(int processor, const cpu_set_t& allowed) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<std::size_t>(processor), &one);
  if (sched_setaffinity(0, sizeof one, &one) != 0) return false;
  return sched_setaffinity(0, sizeof allowed, &allowed) == 0;
}

}  // namespace

int Processors::enter() {
  const int here = sched_getcpu();
  if (here < 0 || here >= most) return unknown;
  if (awake_[static_cast<std::size_t>(here)].fetch_add(1, std::memory_order_relaxed) == 0) {
    return here;
  }
  return find_another(here);
}

int Processors::look(int before) {
  if (sched_getcpu() == before) return before;
  leave(before);
  return enter();
}

void Processors::leave(int processor) {
  if (processor == unknown) return;
  awake_[static_cast<std::size_t>(processor)].fetch_sub(1, std::memory_order_relaxed);
}

int Processors::find_another(int crowded) {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return crowded;
  for (int other = 0; other < most; ++other) {
    if (!CPU_ISSET(static_cast<std::size_t>(other), &allowed)) continue;
    std::atomic<int>& there = awake_[static_cast<std::size_t>(other)];
    int nobody = 0;
    if (!there.compare_exchange_strong(nobody, 1, std::memory_order_relaxed)) continue;
    if (!move_to(other, allowed)) {
      leave(other);
      return crowded;
    }
    leave(crowded);
    return other;
  }
  return crowded;
}

}  // namespace jetlag::tasks
