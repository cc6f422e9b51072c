// How much memory may lie between two uses of it that are to find it in a cache.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <cstdint>

namespace jetlag::exec {

inline std::int64_t cache_bytes(int name, std::int64_t otherwise) {
  const std::int64_t bytes = sysconf(name);
  return bytes > 0 ? bytes : otherwise;
}

// In the second-level cache.
inline std::int64_t near_window() {
  static const std::int64_t bytes = cache_bytes(_SC_LEVEL2_CACHE_SIZE, 512 << 10) * 3 / 4;
  return bytes;
}

// All of the third.
inline std::int64_t furthest_window() {
  // Virtual machines tell of caches that they share with others.
  constexpr std::int64_t most = 32 << 20;
  static const std::int64_t bytes = std::min(cache_bytes(_SC_LEVEL3_CACHE_SIZE, 0), most);
  return std::max(near_window(), bytes);
}

// In one worker's share of it.
inline std::int64_t far_window(std::int64_t workers) {
  return std::max(near_window(), furthest_window() / 4 / workers);
}

}  // namespace jetlag::exec
