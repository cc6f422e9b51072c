#include "runtime/exec/calls.h"

#include "base/settings.h"

namespace jetlag::exec {

RegionMemory::Found RegionMemory::take(const plan::Region& region) {
  std::scoped_lock lock(mutex_);
  const auto [at, is_new] = regions_.try_emplace(&region);
  Kept& kept = at->second;
  Found found{!is_new, {}};
  if (kept.settings == settings_version()) found.decisions = std::move(kept.decisions);
  kept.decisions.clear();
  return found;
}

void RegionMemory::put(const plan::Region& region, Decisions decisions) {
  std::scoped_lock lock(mutex_);
  regions_[&region] = {settings_version(), std::move(decisions)};
}

Caches::Caches() : regions(std::make_unique<RegionMemory>()) {}
Caches::~Caches() = default;

}  // namespace jetlag::exec
