#include "trace/store/samples.h"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

namespace jetlag::trace {

std::vector<CounterFigures> counter_figures(const Trace& trace) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  std::vector<CounterFigures> rows;
  for (std::size_t i = 0; i < trace.counters.size(); ++i)
    rows.push_back({static_cast<Index>(i), 0, nan, nan, nan, nan, nan, nan});
  std::map<std::pair<Index, Index>, std::pair<double, double>> ends;  // by counter and thread
  for (const Sample& s : trace.samples) {
    CounterFigures& f = rows[static_cast<std::size_t>(s.counter)];
    if (f.samples++ == 0) {
      f.first = f.least = f.most = s.value;
      f.mean = 0;
    }
    f.last = s.value;
    f.least = std::min(f.least, s.value);
    f.most = std::max(f.most, s.value);
    f.mean += (s.value - f.mean) / static_cast<double>(f.samples);
    const auto [at, fresh] = ends.try_emplace({s.counter, s.thread}, std::pair(s.value, s.value));
    if (!fresh) at->second.second = s.value;
  }
  for (const auto& [key, pair] : ends) {
    CounterFigures& f = rows[static_cast<std::size_t>(key.first)];
    if (!(f.growth == f.growth)) f.growth = 0;
    f.growth += pair.second - pair.first;
  }
  return rows;
}

}  // namespace jetlag::trace
