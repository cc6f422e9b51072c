// What a lane keeps from one round of a loop to the next: regions whose groups
// and streams know what they decided, and small results that may be filled
// again.
#pragma once

#include <array>
#include <memory>
#include <unordered_map>

#include "runtime/exec/calls.h"

namespace jetlag::exec {

// Arrays too small to matter, kept after their last use: making one costs more
// than many a loop spends on its elements.
class SmallResults {
 public:
  static constexpr std::int64_t limit_bytes = 8192;  // smaller than this

  // An array that nobody else has, fresh or used before; uninitialised.
  Ref<Array> take(DType dtype, const Dims& shape);

 private:
  std::array<Ref<Array>, 8> kept_;
  std::size_t next_ = 0;  // the place to be tried first, and given up if none is free
};

// The groups and the streams of a region, for one walk over it at a time.
class RegionState {
 public:
  // Results of so many bytes are computed by what groups remember; 0: they remember nothing.
  RegionState(Lane& lane, const plan::Region& region, std::int64_t longest_run);
  void begin(Value* regs);
  void resume(RegionMemory::Decisions decisions);
  RegionMemory::Decisions decisions();

  StreamRun stream;
  std::vector<FusedGroup> groups;
  bool busy = false;
};

struct Prepared {
  std::unordered_map<const plan::Region*, std::unique_ptr<RegionState>> regions;
  SmallResults results;
};

}  // namespace jetlag::exec
