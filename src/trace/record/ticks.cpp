#include "trace/record/ticks.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace jetlag::trace {

namespace {

bool find_even_counter() {
#if defined(__x86_64__)
  // "Invariant TSC": Intel SDM volume 3, 18.17.1; AMD APM volume 2, 13.2.4.
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid(0x80000007, &a, &b, &c, &d) != 0 && (d & (1u << 8)) != 0;
#elif defined(__aarch64__)
  return true;
#else
  return false;
#endif
}

}  // namespace

#if defined(__x86_64__)
namespace detail {
const bool even_counter = find_even_counter();
}
bool has_even_counter() { return detail::even_counter; }
#else
bool has_even_counter() { return find_even_counter(); }
#endif

// The look that took the shortest time was disturbed the least.
Moment look_at_clocks() {
  constexpr int looks = 5;
  Moment best{};
  std::uint64_t shortest = ~std::uint64_t{0};
  for (int i = 0; i < looks; ++i) {
    const std::uint64_t before = ticks();
    const std::int64_t ns = now_ns();
    const std::uint64_t after = ticks();
    if (after - before >= shortest) continue;
    shortest = after - before;
    best = {before + (after - before) / 2, ns};
  }
  return best;
}

}  // namespace jetlag::trace
