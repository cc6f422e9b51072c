// The small loops for every machine, and which ones this machine runs.
#define JETLAG_ISA small_loops_of_baseline
#include "primitives/small_loops.inc"

namespace jetlag {

constinit const SmallLoops small_loops_baseline = small_loops_of_baseline::make_small_loops();

const SmallLoops& small_loops() {
#if defined(__x86_64__)
  static const SmallLoops& chosen = __builtin_cpu_supports("x86-64-v4")   ? small_loops_x86_64_v4
                                    : __builtin_cpu_supports("x86-64-v3") ? small_loops_x86_64_v3
                                                                          : small_loops_baseline;
  return chosen;
#else
  return small_loops_baseline;
#endif
}

}  // namespace jetlag
