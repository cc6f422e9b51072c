// The memory of array buffers: counted, and kept for a while after use, so that
// a loop over arrays of the same sizes does not ask the system again each round.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

namespace jetlag::memory {

// Bytes of array buffers in this process. Blocks whose ownership went to NumPy
// count until NumPy frees them.
struct Counters {
  std::int64_t now = 0;    // in use
  std::int64_t kept = 0;   // freed, and held for the next that asks
  std::int64_t peak = 0;   // the most that was in use at once since reset_peak
  std::int64_t total = 0;  // ever handed out
};
Counters counters();

// Lets kept blocks go and begins the peak anew from what is in use.
void reset_peak();

// Whether so many bytes more than now would be the most ever in use.
bool would_raise_peak(std::int64_t bytes);

// A block that free() could end. Null if the machine cannot give it. Zeroed
// memory is asked from the system as such where untouched pages cost nothing.
std::byte* take(std::int64_t bytes, bool zeroed);
// bytes is what was asked for.
void give_back(void* block, std::int64_t bytes) noexcept;

// Who is told of blocks of so many bytes and more, as they are taken and as they are given back,
// on the thread that does it. It must not take array memory. One for the process.
using Watcher = void (*)(std::int64_t bytes, bool taken);
constexpr std::int64_t watch_none = std::numeric_limits<std::int64_t>::max();
void watch(std::int64_t from_bytes, Watcher watcher);

// A child of fork starts with what it has; locks may be held by threads that it lacks.
void after_fork();

}  // namespace jetlag::memory
