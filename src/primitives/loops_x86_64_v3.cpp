// The elementary loops for processors with AVX2 (-march=x86-64-v3, see CMakeLists.txt).
#if defined(__x86_64__)
#define JETLAG_ISA loops_of_x86_64_v3
#include "primitives/loops.inc"

namespace jetlag {
constinit const LoopTable loops_x86_64_v3 = loops_of_x86_64_v3::make_table();
}
#endif
