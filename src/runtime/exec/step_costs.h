// What steps cost against what was expected of them, remembered from run to run.
// It decides where and in what portions work runs, never what is computed.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>

namespace jetlag::exec {

// Safe from any thread. Programs of many operations share entries, and no harm comes of it.
class StepCosts {
 public:
  StepCosts() {
    for (auto& f : factors_) f.store(1, std::memory_order_relaxed);
  }

  double factor(int id) const { return entry(id).load(std::memory_order_relaxed); }

  // Now and then a step is done in another way than seems best, so that what is believed of it can
  // change.
  bool is_due(int id) {
    constexpr unsigned often = 16;
    return asked_[place(id)].fetch_add(1, std::memory_order_relaxed) % often == often - 1;
  }

  void note(int id, double expected_ns, double measured_ns) {
    constexpr double least = 0.02, most = 1e5;
    const double seen = std::clamp(measured_ns / std::max(expected_ns, 1.0), least, most);
    std::atomic<float>& f = factors_[place(id)];
    // Half of what was believed: one run may have been disturbed.
    f.store(static_cast<float>((f.load(std::memory_order_relaxed) + seen) / 2),
            std::memory_order_relaxed);
  }

 private:
  static constexpr std::size_t entries = 1024;
  static std::size_t place(int id) { return static_cast<std::size_t>(id) % entries; }
  const std::atomic<float>& entry(int id) const { return factors_[place(id)]; }

  std::array<std::atomic<float>, entries> factors_;
  std::array<std::atomic<std::uint8_t>, entries> asked_{};
};

}  // namespace jetlag::exec
