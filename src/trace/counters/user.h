// Counters of the user's own.
#pragma once

#include <atomic>
#include <string>

#include "trace/counters/counters.h"

namespace jetlag::trace {

// A value that the user sets or adds to, from any thread. While something is recorded each change
// is a sample, on the thread that made it.
class UserCounter {
 public:
  explicit UserCounter(Counter counter);
  const Counter& counter() const { return counter_; }
  double value() const { return value_.load(std::memory_order_relaxed); }
  // Throws Error(value) for what a monotone counter must not do: shrink.
  void add(double more);
  void set(double value);

 private:
  void record(double value) const;
  const Counter counter_;
  const SiteId id_;
  std::atomic<double> value_{0};
};

// The counter /user{0/total}/NAME, or /user/PATH{0/total}/NAME of "PATH/NAME": the same one each
// time. Throws Error(value) for a name that patterns could not tell, and where there is one of
// another unit or kind.
UserCounter& user_counter(const std::string& name, const std::string& unit, CounterKind kind,
                          const std::string& doc);

}  // namespace jetlag::trace
