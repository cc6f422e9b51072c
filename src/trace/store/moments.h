// What happened at moments: how often each kind of event, and how much in all.
#pragma once

#include <string>
#include <vector>

#include "trace/store/trace.h"

namespace jetlag::trace {

struct MomentFigures {
  Event event = Event::none;
  std::int64_t count = 0;
  double total = 0;  // of the bytes that the events say; 0 where they say none
};
// In the order of event_kinds(); kinds that did not happen are left out.
std::vector<MomentFigures> moments(const Trace& trace);

// "steal 12, allocate 3 (48 MB), trial 30"; empty if nothing happened.
std::string moments_text(const Trace& trace);

}  // namespace jetlag::trace
