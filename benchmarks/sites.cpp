// What a site costs while nothing is recorded, for callgrind to count: the same work with a span
// around it, with an event beside it, and without. Counts are those inside of the three functions.
//
//   valgrind --tool=callgrind --toggle-collect="with_span(*" jetlag_bench_sites 1000
#include <algorithm>
#include <cstdlib>

#include "trace/record/record.h"

using jetlag::trace::Event;
using jetlag::trace::SiteId;

// Functions that the compiler knows nothing of, so that callgrind finds them by name and callers
// keep what they still need, as they do around calls into other files.
#define JETLAG_APART [[gnu::noipa]]

JETLAG_APART int work(int x) {
  asm volatile("" : "+r"(x));
  return x;
}

struct Stack {
  int numbers[16];
  explicit Stack(int x) { asm volatile("" : : "r"(x), "r"(numbers) : "memory"); }
};

// A function that has registers to save and something on the stack, as those with sites do.
JETLAG_APART int without_site(SiteId site, int x) {
  Stack stack(x);
  const int y = work(x);
  const int z = work(y);
  return work(z) + x + y + z + static_cast<int>(site);
}

JETLAG_APART int with_event(SiteId site, int x) {
  Stack stack(x);
  const int y = work(x);
  const int z = work(y);
  if (jetlag::trace::recording()) [[unlikely]]
    jetlag::trace::put(Event::mark, site, 0, 0);
  return work(z) + x + y + z + static_cast<int>(site);
}

JETLAG_APART int with_span(SiteId site, int x) {
  Stack stack(x);
  const jetlag::trace::Span span(site);
  const int y = work(x);
  const int z = work(y);
  return work(z) + x + y + z + static_cast<int>(site);
}

int main(int argc, char** argv) {
  const int count = argc > 1 ? std::max(std::atoi(argv[1]), 1) : 1000;
  const SiteId site = jetlag::trace::define({.name = "site"});
  volatile int x = 0;
  for (int i = 0; i < count; ++i) {
    x = without_site(site, x);
    x = with_event(site, x);
    x = with_span(site, x);
  }
}
