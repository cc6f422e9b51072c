// Keeps workers that are awake on processors of their own. The thread that wakes two workers
// occupies a processor itself, so Linux may put both on another one, and it leaves them there for
// many milliseconds although the first is idle by then: a product then takes twice its time.
#pragma once

#include <array>
#include <atomic>

namespace jetlag::tasks {

// How many workers of the process are awake on each processor.
class Processors {
 public:
  static constexpr int unknown = -1;

  // For a worker that has just come: the processor it is on from now, which is one without another
  // worker if there is any that it may use.
  int enter();
  // The same for one that went on working, and was on `before`: Linux may have moved it.
  int look(int before);
  void leave(int processor);

 private:
  // Moves the thread from a processor that others use; the result is where it is then.
  int find_another(int crowded);

  static constexpr int most = 1024;
  std::array<std::atomic<int>, most> awake_{};
};

}  // namespace jetlag::tasks
