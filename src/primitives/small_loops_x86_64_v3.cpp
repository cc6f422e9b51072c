// The small loops for processors with AVX2 and FMA (-march=x86-64-v3, see CMakeLists.txt).
#if defined(__x86_64__)
#define JETLAG_ISA small_loops_of_x86_64_v3
#include "primitives/small_loops.inc"

namespace jetlag {
constinit const SmallLoops small_loops_x86_64_v3 = small_loops_of_x86_64_v3::make_small_loops();
}  // namespace jetlag
#endif
