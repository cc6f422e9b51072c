// What is remembered of loops whose rounds may run ahead, from run to run.
#pragma once

#include <cstdint>
#include <mutex>
#include <unordered_map>

namespace jetlag::exec {

// Safe from any thread.
class RoundCosts {
 public:
  struct Cost {
    double ns = 0;     // of a round; 0: not known
    double bytes = 0;  // of array memory that a round takes
    int failures = 0;  // to run ahead, in a row
  };

  Cost find(int id) const {
    std::scoped_lock lock(mutex_);
    const auto at = costs_.find(id);
    return at == costs_.end() ? Cost{} : at->second;
  }
  void note(int id, const Cost& cost) {
    std::scoped_lock lock(mutex_);
    costs_[id] = cost;
  }

 private:
  mutable std::mutex mutex_;
  std::unordered_map<int, Cost> costs_;  // by the loop's id
};

}  // namespace jetlag::exec
