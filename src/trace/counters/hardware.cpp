#include "trace/counters/hardware.h"

#include <linux/perf_event.h>

#include <algorithm>
#include <array>
#include <bit>
#include <mutex>
#include <new>

#include "base/error.h"
#include "base/of_thread.h"
#include "trace/counters/sources.h"
#include "trace/record/counter.h"
#include "trace/record/record.h"

namespace jetlag::trace {

namespace {

constexpr std::uint32_t processor = PERF_TYPE_HARDWARE;
constexpr std::uint32_t system = PERF_TYPE_SOFTWARE;
constexpr HardwareEvent table[] = {
    {"instructions", "instructions", "instructions of tasks", "PAPI_TOT_INS", processor,
     PERF_COUNT_HW_INSTRUCTIONS},
    {"cycles", "cycles", "cycles of tasks", "PAPI_TOT_CYC", processor, PERF_COUNT_HW_CPU_CYCLES},
    {"cache-misses", "misses", "misses of the last cache, by tasks", "PAPI_L3_TCM", processor,
     PERF_COUNT_HW_CACHE_MISSES},
    {"branch-misses", "misses", "branches that tasks took and that were guessed wrong",
     "PAPI_BR_MSP", processor, PERF_COUNT_HW_BRANCH_MISSES},
    {"task-clock", "ns", "time of a processor that tasks had", "", system,
     PERF_COUNT_SW_TASK_CLOCK},
    {"page-faults", "faults", "pages that tasks touched first", "", system,
     PERF_COUNT_SW_PAGE_FAULTS},
    {"context-switches", "switches", "times that tasks lost the processor", "", system,
     PERF_COUNT_SW_CONTEXT_SWITCHES},
    {"migrations", "moves", "times that tasks went to another processor", "", system,
     PERF_COUNT_SW_CPU_MIGRATIONS},
};

struct Tier {
  const char* source;
  OpenEvents open;
  bool of_processor;
};
constexpr Tier tiers[] = {{"PAPI", open_papi, true},
                          {"perf", open_perf, true},
                          {"perf's software events", open_perf, false},
                          {"the system's accounts", open_accounts, false}};

const HardwareEvent* event_named(std::string_view name) {
  const auto* found = std::find_if(std::begin(table), std::end(table),
                                   [&](const HardwareEvent& e) { return e.name == name; });
  return found == std::end(table) ? nullptr : found;
}

// Of the processor's tiers: what is wanted, or all. The system's count what they can.
std::vector<std::string> asked(const Tier& tier, const std::vector<std::string>& wanted) {
  std::vector<std::string> names;
  for (const HardwareEvent& e : table) {
    const bool fits = (e.perf_type == processor) == tier.of_processor;
    const bool chosen = !tier.of_processor || wanted.empty() ||
                        std::find(wanted.begin(), wanted.end(), e.name) != wanted.end();
    if (fits && chosen) names.emplace_back(e.name);
  }
  for (const std::string& w : wanted) {
    if (tier.open == open_papi && !event_named(w)) names.push_back(w);
  }
  return names;
}

struct Found {
  HardwareChoice choice;
  OpenEvents open = nullptr;
};

// Tries each on the calling thread.
Found choose(const std::vector<std::string>& wanted) {
  Found found;
  for (const Tier& tier : tiers) {
    std::vector<std::string> events = asked(tier, wanted);
    if (events.empty()) continue;
    std::string why;
    const auto opened = tier.open(events, why);
    if (!why.empty())
      found.choice.why +=
          format("{}{}: {}", found.choice.why.empty() ? "" : "; ", tier.source, why);
    if (!opened) continue;
    found.choice.source = tier.source;
    found.choice.events = std::move(events);
    found.open = tier.open;
    return found;
  }
  return found;
}

// Never destroyed: tasks may end while the process does.
struct State {
  std::mutex mutex;
  OpenEvents open = nullptr;
  std::vector<std::string> events;
  std::vector<SiteId> ids;
  std::vector<std::size_t> places;  // in `totals`
  std::vector<std::string> names;   // of the totals: the table's, then others that were wanted
  std::array<std::atomic<std::int64_t>, 64> totals{};
  std::uint32_t last = 0;

  State() {
    for (const HardwareEvent& e : table) names.emplace_back(e.name);
  }
};
State& state() {
  static State& s = *new State;
  return s;
}

// Of the calling thread.
struct Meter {
  std::uint32_t session = 0;
  std::unique_ptr<ThreadEvents> events;
  std::vector<SiteId> ids;
  std::vector<std::size_t> places;
  std::vector<std::int64_t> before, now;
  int depth = 0;
};

void join(Meter& meter, std::uint32_t session) {
  meter.events.reset();
  State& s = state();
  std::scoped_lock lock(s.mutex);
  meter.session = session;
  if (!s.open) return;
  std::vector<std::string> events = s.events;
  std::string ignored;
  meter.events = s.open(events, ignored);
  // A thread that counts less than the one that chose would mix up the columns.
  if (events != s.events) meter.events.reset();
  meter.ids = s.ids;
  meter.places = s.places;
  meter.before.assign(s.events.size(), 0);
  meter.now.assign(s.events.size(), 0);
}

// What no trace has metered yet stays at zero.
class HardwareSource : public CounterSource {
 public:
  std::string_view prefix() const override { return "/hardware"; }
  std::vector<ListedCounter> list() override {
    static const HardwareChoice found = choose({}).choice;
    State& s = state();
    std::scoped_lock lock(s.mutex);
    std::vector<ListedCounter> all;
    for (const std::string& name : s.names) {
      const HardwareEvent* e = event_named(name);
      ListedCounter c{{counter_name("/hardware", "0/total", name),
                       std::string(e ? e->unit : "events"), CounterKind::monotone,
                       std::string(e ? e->doc : "an event of PAPI")}};
      const bool counted =
          !e || std::find(found.events.begin(), found.events.end(), name) != found.events.end();
      if (!counted)
        c.missing = e->perf_type == system ? format("{} is used instead", found.source) : found.why;
      if (!counted && c.missing.empty()) c.missing = "it cannot be counted here";
      all.push_back(std::move(c));
    }
    return all;
  }
  void read(std::span<const std::size_t> places, std::span<Reading> values) override {
    for (std::size_t i = 0; i < places.size(); ++i)
      values[i] = {static_cast<double>(state().totals[places[i]].load(std::memory_order_relaxed))};
  }
};

}  // namespace

namespace detail {

std::atomic<std::uint32_t> metering{0};

void sample_hardware(bool begins) {
  Meter& meter = of_thread<Meter>();
  meter.depth += begins ? 1 : -1;
  const std::uint32_t session = metering.load(std::memory_order_relaxed);
  if (session == 0 || !recording()) return;
  if (meter.session != session) {
    if (!begins) return;
    join(meter, session);
  }
  if (!meter.events || !meter.events->read(meter.now)) return;
  for (std::size_t i = 0; i < meter.now.size(); ++i) {
    const auto value = static_cast<double>(meter.now[i]);
    put(Event::sample, meter.ids[i], current_task(), std::bit_cast<std::uint64_t>(value));
  }
  // Inside of each other the outermost tells all.
  if (begins && meter.depth == 1) meter.before.swap(meter.now);
  if (begins || meter.depth > 0) return;
  for (std::size_t i = 0; i < meter.now.size(); ++i)
    state().totals[meter.places[i]].fetch_add(meter.now[i] - meter.before[i],
                                              std::memory_order_relaxed);
}

}  // namespace detail

std::span<const HardwareEvent> hardware_events() { return table; }

HardwareChoice start_hardware(const std::vector<std::string>& events) {
  Found found = choose(events);
  State& s = state();
  {
    std::scoped_lock lock(s.mutex);
    s.open = found.open;
    s.events = found.choice.events;
    s.ids.clear();
    s.places.clear();
    for (const std::string& name : s.events) {
      const HardwareEvent* e = event_named(name);
      s.ids.push_back(define(Counter{counter_name("/hardware", "0/thread", name),
                                     std::string(e ? e->unit : "events"), CounterKind::monotone,
                                     std::string(e ? e->doc : "an event of PAPI")}));
      auto at = std::find(s.names.begin(), s.names.end(), name);
      if (at == s.names.end() && s.names.size() < s.totals.size())
        at = s.names.insert(s.names.end(), name);
      s.places.push_back(std::min<std::size_t>(static_cast<std::size_t>(at - s.names.begin()),
                                               s.totals.size() - 1));
    }
    detail::metering.store(++s.last, std::memory_order_release);
  }
  note_new_counters();
  std::string names;
  for (const std::string& name : found.choice.events) names += (names.empty() ? "" : ", ") + name;
  add_fact("hardware",
           names.empty() ? "nothing is counted" : format("{}: {}", found.choice.source, names));
  if (!found.choice.why.empty()) add_fact("hardware_without", found.choice.why);
  return found.choice;
}

void stop_hardware() { detail::metering.store(0, std::memory_order_release); }

void hardware_after_fork() {
  stop_hardware();
  // What it counts is of the parent's thread.
  Meter& meter = of_thread<Meter>();
  static_cast<void>(meter.events.release());
  meter.session = 0;
  new (&state().mutex) std::mutex;
}

std::unique_ptr<CounterSource> hardware_source() { return std::make_unique<HardwareSource>(); }

}  // namespace jetlag::trace
