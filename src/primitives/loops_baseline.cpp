// The elementary loops for every machine: what this processor family always had.
#define JETLAG_ISA loops_of_baseline
#include "primitives/loops.inc"

namespace jetlag {
constinit const LoopTable loops_baseline = loops_of_baseline::make_table();
}
