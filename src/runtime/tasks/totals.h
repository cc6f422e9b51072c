// What all tasks of the process came to so far: for those who look whether the work is cut well.
#pragma once

#include <cstdint>

namespace jetlag::tasks {

struct Totals {
  std::int64_t grabs = 0;       // of blocks, by workers
  std::int64_t busy_ns = 0;     // in them
  std::int64_t wakes = 0;       // of workers
  std::int64_t wake_ns = 0;     // from the call of one to its coming
  std::int64_t weighed_ns = 0;  // of tasks whose cost was estimated before
  double expected_ns = 0;       // of the same, by the estimate for a worker alone
};
Totals totals();

void note_grabs(std::int64_t grabs, std::int64_t busy_ns);
void note_wake(std::int64_t ns);
void note_cost(double expected_ns, std::int64_t busy_ns);

}  // namespace jetlag::tasks
