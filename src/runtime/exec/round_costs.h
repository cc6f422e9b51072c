// What is remembered of loops whose rounds may run ahead, from run to run.
#pragma once

#include <algorithm>
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
    int rest = 0;      // runs of the loop before it is tried again
  };

  Cost find(int id) const {
    std::scoped_lock lock(mutex_);
    const auto at = costs_.find(id);
    return at == costs_.end() ? Cost{} : at->second;
  }
  // Whether rounds shall run ahead in the run of the loop that begins. It may have failed because
  // others had the processors, so it is tried again, each time after twice as many runs.
  bool may_try(int id) {
    std::scoped_lock lock(mutex_);
    Cost& cost = costs_[id];
    return cost.rest == 0 || --cost.rest == 0;
  }
  // How it went.
  static void judge(Cost& cost, bool gained) {
    constexpr int allowed = 1, first_rest = 8, most_doublings = 7;
    cost.failures = gained ? 0 : cost.failures + 1;
    const int again = cost.failures - allowed;
    cost.rest = again > 0 ? first_rest << std::min(again - 1, most_doublings) : 0;
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
