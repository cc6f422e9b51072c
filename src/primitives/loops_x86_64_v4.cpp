// The elementary loops for processors with AVX-512 (-march=x86-64-v4, see CMakeLists.txt).
#if defined(__x86_64__)
#define JETLAG_ISA loops_of_x86_64_v4
#include "primitives/loops.inc"

namespace jetlag {
constinit const LoopTable loops_x86_64_v4 = loops_of_x86_64_v4::make_table();
}
#endif
