// The clock of the records: the processor's time-stamp counter where it runs evenly, else the
// monotonic clock. Never the wall clock.
#pragma once

#include <cstdint>

#include "base/clock.h"

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace jetlag::trace {

// Whether the counter runs at one speed, on all cores, in all sleep states.
bool has_even_counter();

#if defined(__x86_64__)
namespace detail {
extern const bool even_counter [[gnu::visibility("hidden")]];
}
// Whether ticks() is an instruction, and no call.
inline bool ticks_are_cheap() { return detail::even_counter; }
inline std::uint64_t ticks() {
  return detail::even_counter ? __rdtsc() : static_cast<std::uint64_t>(now_ns());
}
#elif defined(__aarch64__)
// The generic timer runs evenly by its definition.
inline bool ticks_are_cheap() { return true; }
inline std::uint64_t ticks() {
  std::uint64_t count;
  asm volatile("mrs %0, cntvct_el0" : "=r"(count));
  return count;
}
#else
inline bool ticks_are_cheap() { return false; }
inline std::uint64_t ticks() { return static_cast<std::uint64_t>(now_ns()); }
#endif

// The same moment by both clocks, as closely as it can be told.
struct Moment {
  std::uint64_t ticks;
  std::int64_t ns;
};
Moment look_at_clocks();

}  // namespace jetlag::trace
