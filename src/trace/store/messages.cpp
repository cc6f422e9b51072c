#include "trace/store/messages.h"

#include <algorithm>
#include <map>

namespace jetlag::trace {

std::vector<Messages> messages(const Trace& trace, std::int64_t begin, std::int64_t end) {
  std::map<std::pair<std::int64_t, std::int64_t>, Messages> pairs;
  auto p = std::lower_bound(trace.points.begin(), trace.points.end(), begin,
                            [](const Point& q, std::int64_t time) { return q.time < time; });
  for (; p != trace.points.end() && p->time < end; ++p) {
    const std::int64_t other = rank_of(p->event, p->argument);
    if (other < 0 || p->thread < 0) continue;
    const auto here =
        static_cast<std::int64_t>(trace.threads[static_cast<std::size_t>(p->thread)].id >> 32);
    const bool left = p->event == Event::send;
    Messages& pair = pairs[left ? std::pair(here, other) : std::pair(other, here)];
    ++(left ? pair.sent : pair.received);
    (left ? pair.bytes_sent : pair.bytes_received) += value_of(p->event, p->argument);
  }
  std::vector<Messages> rows;
  for (auto& [ranks, row] : pairs) {
    row.from = ranks.first;
    row.to = ranks.second;
    rows.push_back(row);
  }
  return rows;
}

}  // namespace jetlag::trace
