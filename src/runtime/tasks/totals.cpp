#include "runtime/tasks/totals.h"

#include <atomic>

namespace jetlag::tasks {

namespace {

std::atomic<std::int64_t> grabs{0}, busy{0}, wakes{0}, waking{0}, weighed{0}, expected{0};

void add(std::atomic<std::int64_t>& to, std::int64_t more) {
  to.fetch_add(more, std::memory_order_relaxed);
}

}  // namespace

Totals totals() {
  return {grabs.load(),  busy.load(),    wakes.load(),
          waking.load(), weighed.load(), static_cast<double>(expected.load())};
}

void note_grabs(std::int64_t count, std::int64_t busy_ns) {
  add(grabs, count);
  add(busy, busy_ns);
}

void note_wake(std::int64_t ns) {
  add(wakes, 1);
  add(waking, ns);
}

void note_cost(double expected_ns, std::int64_t busy_ns) {
  add(expected, static_cast<std::int64_t>(expected_ns));
  add(weighed, busy_ns);
}

}  // namespace jetlag::tasks
