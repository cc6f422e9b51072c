// What a call leaves for the next one: the decisions of the groups in regions that are no loop's.
#pragma once

#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "runtime/exec/fused.h"

namespace jetlag::exec {

// Safe from any thread: calls at the same time do without what another one has.
class RegionMemory {
 public:
  using Decisions = std::vector<std::unique_ptr<FusedGroup::Decisions>>;  // by group, or null

  // Results as long as this are computed at once by what is kept (bytes).
  static constexpr std::int64_t longest_run = LoneRuns::most_bytes;

  struct Found {
    bool was_called = false;  // so that it pays to decide for others
    Decisions decisions;      // empty: none
  };
  Found take(const plan::Region& region);
  void put(const plan::Region& region, Decisions decisions);

 private:
  struct Kept {
    std::uint32_t settings = 0;  // the version that the decisions are of
    Decisions decisions;
  };
  std::mutex mutex_;
  std::unordered_map<const plan::Region*, Kept> regions_;
};

}  // namespace jetlag::exec
