// Who sent how much to whom: the messages of a trace, by pairs of ranks.
#pragma once

#include <vector>

#include "trace/store/trace.h"

namespace jetlag::trace {

// Both ends tell: what one rank says that it sent, and what the other says that came.
struct Messages {
  std::int64_t from = 0;  // ranks
  std::int64_t to = 0;
  std::int64_t sent = 0;
  std::int64_t received = 0;
  double bytes_sent = 0;
  double bytes_received = 0;
};
// Pairs that had any in [begin, end), by sender, then receiver.
std::vector<Messages> messages(const Trace& trace, std::int64_t begin, std::int64_t end);

}  // namespace jetlag::trace
