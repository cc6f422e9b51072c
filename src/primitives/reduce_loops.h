// The loops of reductions, for one thread: contiguous numbers of one dtype.
#pragma once

#include <cstdint>

#include "array/dtype.h"

namespace jetlag {

// How two numbers become one. For bools: add and greatest are "or", multiply
// and least are "and". NaN is contagious.
enum class Fold : std::uint8_t { add, multiply, least, greatest };
inline constexpr int fold_count = 4;

struct FoldLoops {
  // out[i] = the fold of line i, n > 0 numbers at p + i * step elements. Adds
  // in a tree over short runs, whose form depends on n alone.
  void (*lines)(const void* p, std::int64_t step, std::int64_t lines, std::int64_t n, void* out);
  // sums[j] = the fold of sums[j] and the numbers p[i * step + j] of all rows.
  void (*rows)(const void* p, std::int64_t step, std::int64_t rows, std::int64_t n, void* sums);
  // Of least and greatest; null for others, and for complex numbers.
  // The first of n > 0 numbers that equals the value, or is a NaN as it is; 0 if there is none.
  std::int64_t (*place)(const void* p, std::int64_t n, const void* value);
  // at[j] = the first row that holds the fold bests[j] of the numbers p[i * step + j] of all rows;
  // `before` rows, already folded into bests, came earlier.
  void (*best_rows)(const void* p, std::int64_t step, std::int64_t rows, std::int64_t n,
                    std::int64_t before, void* bests, std::int64_t* at);
};

// Those of one instruction set.
struct FoldTable {
  FoldLoops loops[fold_count][dtype_count];
  // How many of n contiguous bools, bytes of any value, are true.
  std::int64_t (*count_true)(const void* p, std::int64_t n);
  // The same of each line, of n > 0 bools at p + i * step.
  void (*count_lines)(const void* p, std::int64_t step, std::int64_t lines, std::int64_t n,
                      std::int64_t* counts);
  // sums[j] += how many of the bools p[i * step + j] of all rows are true.
  void (*count_rows)(const void* p, std::int64_t step, std::int64_t rows, std::int64_t n,
                     std::int64_t* sums);
};

// reduce_loops.inc, compiled once for each level; only the first exists everywhere.
extern const FoldTable fold_table_baseline;
extern const FoldTable fold_table_x86_64_v3;

// The loops for this machine.
const FoldLoops& find_fold(Fold fold, DType dtype);
const FoldTable& fold_table();

// How many numbers are added one after another at most, in a run.
inline constexpr std::int64_t fold_run = 512;

}  // namespace jetlag
