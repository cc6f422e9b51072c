// What the processor counts while tasks run, and where it may not be asked what the system counts:
// PAPI, then Linux's perf events of the processor, then those of the system, then what the system
// accounts to a thread. The first that counts anything here is used.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "trace/counters/counters.h"

namespace jetlag::trace {

struct HardwareEvent {
  std::string_view name;
  std::string_view unit;
  std::string_view doc;
  std::string_view papi;    // PAPI's name; empty: not the processor's
  std::uint32_t perf_type;  // of perf_event_open
  std::uint64_t perf_config;
};
std::span<const HardwareEvent> hardware_events();

// What was found.
struct HardwareChoice {
  std::string source;               // "PAPI", "perf", …
  std::vector<std::string> events;  // what it counts, by HardwareEvent's names or by PAPI's
  std::string why;                  // what was tried before, and why it does not count
};

// From now on tasks and calls that are recorded say what they used, as samples on their threads:
// running values of /hardware{0/thread}/…. The choice goes into the facts of the trace. `events`
// are names of the table or of PAPI; none: those of the table. Nothing that is missing is an error.
HardwareChoice start_hardware(const std::vector<std::string>& events);
void stop_hardware();
void hardware_after_fork();

// ---- how one source counts, on the thread that opened it

class ThreadEvents {
 public:
  virtual ~ThreadEvents() = default;
  // Since it was opened; false if it cannot be read any more.
  virtual bool read(std::span<std::int64_t> values) = 0;
};

// Each leaves in `counted` those of the events that it counts here, and says why not the others.
// Null if that is none.
using OpenEvents = std::unique_ptr<ThreadEvents> (*)(std::vector<std::string>& events,
                                                     std::string& why);
std::unique_ptr<ThreadEvents> open_papi(std::vector<std::string>& events, std::string& why);
std::unique_ptr<ThreadEvents> open_perf(std::vector<std::string>& events, std::string& why);
std::unique_ptr<ThreadEvents> open_accounts(std::vector<std::string>& events, std::string& why);

// ---- what runs

namespace detail {

extern std::atomic<std::uint32_t> metering;  // 0: nothing is metered
void sample_hardware(bool begins);

}  // namespace detail

// From here to the end of the block something runs whose use is wanted.
class Metered {
 public:
  Metered() = default;
  Metered(const Metered&) = delete;
  Metered& operator=(const Metered&) = delete;
  ~Metered() { end(); }
  void begin() {
    if (detail::metering.load(std::memory_order_relaxed) == 0) return;
    on_ = true;
    detail::sample_hardware(true);
  }
  // Before the span around ends, if that is sooner than here.
  void end() {
    if (std::exchange(on_, false)) detail::sample_hardware(false);
  }

 private:
  bool on_ = false;
};

}  // namespace jetlag::trace
