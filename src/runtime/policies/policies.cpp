#include "runtime/policies/policies.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <mutex>
#include <new>

#include "array/kept.h"
#include "base/error.h"
#include "base/settings.h"
#include "runtime/policies/decisions.h"
#include "runtime/tasks/tasks.h"

namespace jetlag::policy {

namespace {

// What settings were before policies turned them: of the policies that are on.
struct On {
  std::mutex mutex;
  std::map<std::string, std::string, std::less<>> before;  // by setting
};
On& on() {
  static On& o = *new On;
  return o;
}

constexpr std::int64_t look_every_ns = 50'000'000;
// Sleeping workers may be kept from waking as well as tasks from being made: both cost something.
constexpr std::int64_t least_busy_ns = 5'000'000;  // between two looks, to be told anything

std::int64_t number_of(std::string_view name) { return std::stoll(setting(name)); }

// A policy that fires when its decision differs from what the setting says.
Policy turning(std::string_view name, const Sources& sources, std::function<std::int64_t()> decide,
               std::function<void()> also = {}) {
  Policy p;
  p.trigger = Trigger::window;
  p.every_ns = sources.every_ns;
  p.counter = [decide = std::move(decide)] { return static_cast<double>(decide()); };
  p.when = [name](std::span<const double> values) {
    return std::llround(values.back()) != number_of(name);
  };
  p.act = [name, also = std::move(also)](const Cause& cause) {
    // It may have been switched off since it was found to be due.
    On& o = on();
    std::scoped_lock lock(o.mutex);
    if (!o.before.contains(name)) return std::string("nothing: it is off");
    const std::string before = setting(name);
    const std::string now = format("{}", std::llround(cause.value));
    set_setting(name, now);
    if (also) also();
    return format("{} from {} to {}", name, before, now);
  };
  return p;
}

// What happened since the look before.
class Since {
 public:
  explicit Since(std::function<tasks::Totals()> totals)
      : totals_(std::move(totals)), before_(totals_()) {}

  // Leaves the look before where it is until workers were busy for long enough.
  bool look() {
    const tasks::Totals now = totals_();
    if (now.busy_ns - before_.busy_ns < least_busy_ns) return false;
    since_ = {now.grabs - before_.grabs,           now.busy_ns - before_.busy_ns,
              now.wakes - before_.wakes,           now.wake_ns - before_.wake_ns,
              now.weighed_ns - before_.weighed_ns, now.expected_ns - before_.expected_ns};
    before_ = now;
    return true;
  }
  const tasks::Totals& operator*() const { return since_; }

 private:
  std::function<tasks::Totals()> totals_;
  tasks::Totals before_, since_;
};

Policy worker_cap(const Sources& sources) {
  return turning("worker_cap", sources,
                 [since = Since(sources.totals), cap = WorkerCap(),
                  workers = sources.workers]() mutable -> std::int64_t {
                   const int most = workers();
                   if (!since.look() || (*since).weighed_ns == 0) return cap.now();
                   return cap.next((*since).expected_ns / static_cast<double>((*since).weighed_ns),
                                   most);
                 });
}

Policy blocks_per_grab(const Sources& sources) {
  return turning("grab_ns", sources, [since = Since(sources.totals)]() mutable {
    const std::int64_t now = number_of("grab_ns");
    return since.look() && (*since).grabs > 0 ? next_grab_ns(now, (*since).busy_ns / (*since).grabs)
                                              : now;
  });
}

Policy inline_small(const Sources& sources) {
  return turning("inline_ns", sources, [since = Since(sources.totals)]() mutable {
    const std::int64_t now = number_of("inline_ns");
    return since.look() && (*since).wakes > 0
               ? next_inline_ns(now, (*since).wake_ns / (*since).wakes)
               : now;
  });
}

Policy memory_pressure(const Sources& sources) {
  return turning(
      "in_flight", sources,
      [free = sources.free_memory, otherwise = number_of("in_flight")] {
        return next_in_flight(number_of("in_flight"), otherwise, free());
      },
      [] { memory::drop_kept(); });
}

constexpr Row table[] = {
    {"worker-cap", "worker_cap",
     "fewer workers where more do not compute faster: each number is tried, and the least of those "
     "that are within 5 % of the fastest stays",
     worker_cap},
    {"blocks-per-grab", "grab_ns",
     "workers take so many blocks at a time that a grab lasts about 20 us as measured",
     blocks_per_grab},
    {"inline-small", "inline_ns",
     "work that takes less than four times what waking a worker was measured to take is done at "
     "once",
     inline_small},
    {"memory-pressure", "in_flight",
     "with less than a tenth of the memory available, kept blocks are let go and fewer results are "
     "under way at once",
     memory_pressure},
};

double available_memory() {
  std::ifstream in("/proc/meminfo");
  std::string word, unit;
  double total = 0, free = 0, value = 0;
  while (in >> word >> value) {
    std::getline(in, unit);
    if (word == "MemTotal:") total = value;
    if (word == "MemAvailable:") free = value;
  }
  return total > 0 && free > 0 ? free / total : 1;
}

}  // namespace

Sources real_sources() { return {tasks::totals, tasks::workers, available_memory, look_every_ns}; }

std::span<const Row> built_in() { return table; }

void apply_setting(const Sources& sources) {
  const std::string words = setting("policies");
  std::string names;
  for (const Row& row : table) names += format("{}{}", names.empty() ? "" : ", ", row.name);
  const auto is_named = [](std::string_view name) {
    return name == "all" || std::any_of(std::begin(table), std::end(table),
                                        [&](const Row& row) { return row.name == name; });
  };
  for_each_switch(words, [&](std::string_view name, bool) {
    if (!is_named(name))
      throw Error(Kind::value, format("there is no policy '{}'", name),
                  format("there are {}", names));
  });
  On& o = on();
  std::scoped_lock lock(o.mutex);
  for (const Row& row : table) {
    bool wanted = false;
    for_each_switch(words, [&](std::string_view name, bool yes) {
      if (name == row.name || name == "all") wanted = yes;
    });
    const auto known = o.before.find(row.setting);
    if (wanted && known == o.before.end()) {
      o.before.emplace(row.setting, setting(row.setting));
      Policy p = row.make(sources);
      p.name = row.name;
      add(std::move(p));
    } else if (!wanted && known != o.before.end()) {
      remove(row.name);
      set_setting(row.setting, known->second);
      o.before.erase(known);
    }
  }
}

void built_in_after_fork() { new (&on().mutex) std::mutex; }

}  // namespace jetlag::policy
