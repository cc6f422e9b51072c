// The loops of reductions for every machine, and which ones this machine runs.
#define JETLAG_ISA reduce_loops_of_baseline
#include "primitives/reduce_loops.inc"

namespace jetlag {

constinit const FoldTable fold_table_baseline = reduce_loops_of_baseline::make_fold_table();

const FoldTable& fold_table() {
#if defined(__x86_64__)
  static const FoldTable& table =
      __builtin_cpu_supports("x86-64-v3") ? fold_table_x86_64_v3 : fold_table_baseline;
#else
  static const FoldTable& table = fold_table_baseline;
#endif
  return table;
}

const FoldLoops& find_fold(Fold fold, DType dtype) {
  return fold_table().loops[static_cast<int>(fold)][static_cast<int>(dtype)];
}

}  // namespace jetlag
