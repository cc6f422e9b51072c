// The order in which steps that follow each other part by part are best done: a stretch of memory
// at a time, through all steps, while it is in the cache. Each step lags behind the one before by
// as much as they share; so the tiles are skewed, and each element is computed once, from what it
// would be computed from otherwise. After M. Wolfe, "More iteration space tiling" (1989), and the
// pipelined wavefronts of G. Wellein et al. (2009).
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "runtime/exec/footprint.h"

namespace jetlag::exec {

struct TileOrder {
  // Parts [first, last) of a step.
  struct Run {
    int step;
    std::int64_t first, last;
  };
  using Steps = std::vector<std::shared_ptr<const Footprint>>;

  Steps steps;
  std::vector<std::vector<Run>> tiles;         // each in the order of the steps
  std::shared_ptr<const Footprint> footprint;  // of the tiles as parts
  std::int64_t window = 0;                     // bytes between the first step and the last, at most

  // For so many tiles, or fewer.
  TileOrder(Steps steps, std::int64_t count);
};

// Bytes that steps touch, all together.
std::int64_t bytes_touched(std::span<const std::shared_ptr<const Footprint>> steps);

}  // namespace jetlag::exec
