// The loops of reductions for processors with AVX2 (-march=x86-64-v3, see CMakeLists.txt).
#if defined(__x86_64__)
#define JETLAG_ISA reduce_loops_of_x86_64_v3
#include "primitives/reduce_loops.inc"

namespace jetlag {
constinit const FoldTable fold_table_x86_64_v3 = reduce_loops_of_x86_64_v3::make_fold_table();
}
#endif
