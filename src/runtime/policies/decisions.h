// What the policies decide: from what was measured to what a setting shall be. Nothing here looks
// at a clock or at the machine.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>

namespace jetlag::policy {

// How many workers may be awake. `efficiency` is what a worker does in a second of its time while
// so many are awake, in any unit; their number times that is the speed of all.
class WorkerCap {
 public:
  std::int64_t now() const { return cap_; }  // 0: all

  std::int64_t next(double efficiency, int workers) {
    if (workers != workers_) {
      // Other workers, other figures.
      speeds_.clear();
      workers_ = workers;
      cap_ = 0;
      age_ = 0;
    }
    const int awake = cap_ == 0 ? workers : static_cast<int>(cap_);
    const double speed = efficiency * awake;
    const auto [at, fresh] = speeds_.try_emplace(awake, speed);
    // Half of what was believed: one look may have been disturbed.
    if (!fresh) at->second = (at->second + speed) / 2;
    if (++age_ > looks_until_anew) {
      age_ = 0;
      speeds_ = {{awake, speed}};
    }
    cap_ = choose(awake);
    if (cap_ == workers) cap_ = 0;
    return cap_;
  }

 private:
  static constexpr double as_fast = 0.95;
  static constexpr int looks_until_anew = 200;

  int choose(int awake) const {
    double fastest = 0;
    for (const auto& [count, speed] : speeds_) fastest = std::max(fastest, speed);
    int least = awake;
    for (auto at = speeds_.rbegin(); at != speeds_.rend(); ++at) {
      if (at->second >= as_fast * fastest) least = at->first;
    }
    // One fewer is worth a try, once, where so few are fast enough.
    const bool untried = least > 1 && !speeds_.contains(least - 1);
    if (untried) return least - 1;
    // Nobody knows yet what all of them can do.
    return speeds_.contains(workers_) ? least : workers_;
  }

  std::map<int, double> speeds_;  // by the number awake
  int workers_ = 0;
  std::int64_t cap_ = 0;
  int age_ = 0;
};

// By estimate, of the blocks that are taken at a time, where grabs lasted so long.
inline std::int64_t next_grab_ns(std::int64_t grab_ns, std::int64_t lasted_ns) {
  constexpr std::int64_t wanted = 20'000, least = 2'000, most = 400'000;
  // Near enough: it would only go up and down.
  if (lasted_ns > wanted / 2 && lasted_ns < wanted * 2) return grab_ns;
  const double factor =
      static_cast<double>(wanted) / static_cast<double>(std::max<std::int64_t>(lasted_ns, 1));
  return std::clamp(
      static_cast<std::int64_t>(static_cast<double>(grab_ns) * std::clamp(factor, 0.5, 2.0)), least,
      most);
}

// Below which work is not handed out, where waking a worker takes so long.
inline std::int64_t next_inline_ns(std::int64_t inline_ns, std::int64_t wake_ns) {
  constexpr std::int64_t worth = 4, least = 10'000, most = 1'000'000;
  const std::int64_t wanted = std::clamp(worth * wake_ns, least, most);
  // A quarter more or less is no news.
  return std::abs(wanted - inline_ns) * 4 > inline_ns ? (inline_ns + wanted) / 2 : inline_ns;
}

// Bytes of results under way, where such a share of the memory is available.
inline std::int64_t next_in_flight(std::int64_t in_flight, std::int64_t otherwise, double free) {
  constexpr double scarce = 0.1, enough = 0.2;
  constexpr std::int64_t few = std::int64_t{32} << 20;
  if (free < scarce) return std::min(otherwise, few);
  return free > enough ? otherwise : in_flight;
}

}  // namespace jetlag::policy
