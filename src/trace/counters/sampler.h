// While a trace is recorded, a thread of its own reads chosen counters into it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "trace/record/record.h"

namespace jetlag::trace {

struct Sampling {
  std::vector<std::string> patterns = {};  // as of a CounterReader; none: no samples
  std::int64_t period_ns = 100'000'000;
  bool hardware = false;                 // what tasks used, by hardware.h
  std::vector<std::string> events = {};  // of the hardware; none: those of its table
};

// The patterns in a text, with spaces or commas between them, and a period in seconds: what the
// settings trace_counters and trace_period hold. Throws Error(value) for a period under 1 ms.
// `hardware` is none, auto, or events as in the setting trace_hardware.
Sampling sampling_of(const std::string& patterns, double period_s,
                     const std::string& hardware = "none");
Sampling sampling_of_settings();

// start_recording, with samples from its beginning to its end. Throws what that does, and
// Error(value) for a pattern that could never fit.
// Gives what the hardware's counters are missing and why; empty if nothing that was wanted is.
std::string start_recording(const std::string& path, const RecordOptions& options,
                            const Sampling& sampling);

struct SampledSummary {
  RecordingSummary recording;
  std::vector<std::string> unfit;  // patterns that no counter fitted
};
SampledSummary stop_recording_and_sampling();

// In the child of a fork nothing is sampled.
void sampling_after_fork();

}  // namespace jetlag::trace
