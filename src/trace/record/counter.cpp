#include "trace/record/counter.h"

#include <algorithm>
#include <deque>
#include <mutex>

namespace jetlag::trace {

namespace {

// Never destroyed: threads may still record while the process ends.
struct Counters {
  std::mutex mutex;
  std::deque<Counter> all;
};
Counters& counters() {
  static Counters& c = *new Counters;
  return c;
}

}  // namespace

SiteId intern(const Counter& counter) {
  Counters& c = counters();
  std::scoped_lock lock(c.mutex);
  const auto at = std::find(c.all.begin(), c.all.end(), counter);
  const auto number = static_cast<SiteId>(at - c.all.begin() + 1);
  if (at == c.all.end()) c.all.push_back(counter);
  return number;
}

SiteId counter_count() {
  Counters& c = counters();
  std::scoped_lock lock(c.mutex);
  return static_cast<SiteId>(c.all.size());
}

Counter counter_at(SiteId id) {
  Counters& c = counters();
  std::scoped_lock lock(c.mutex);
  return c.all.at(id - 1);
}

}  // namespace jetlag::trace
