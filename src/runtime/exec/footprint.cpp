#include "runtime/exec/footprint.h"

#include <algorithm>
#include <limits>

namespace jetlag::exec {

Reach& Footprint::of(const Buffer* buffer, bool written) {
  const auto known = std::find_if(reaches_.begin(), reaches_.end(),
                                  [&](const Reach& r) { return r.buffer == buffer; });
  if (known != reaches_.end()) {
    known->written = known->written || written;
    return *known;
  }
  const auto size = static_cast<std::size_t>(parts_) + 1;
  return reaches_.emplace_back(
      Reach{buffer, written,
            std::vector<std::uintptr_t>(size, std::numeric_limits<std::uintptr_t>::max()),
            std::vector<std::uintptr_t>(size, 0)});
}

void Footprint::touch(Reach& reach, std::int64_t part, Extent bytes) {
  const auto at = static_cast<std::size_t>(part);
  reach.low[at] = std::min(reach.low[at], reinterpret_cast<std::uintptr_t>(bytes.begin));
  reach.high[at + 1] = std::max(reach.high[at + 1], reinterpret_cast<std::uintptr_t>(bytes.end));
}

void Footprint::close() {
  for (Reach& r : reaches_) {
    for (std::size_t p = r.low.size() - 1; p > 0; --p)
      r.low[p - 1] = std::min(r.low[p - 1], r.low[p]);
    for (std::size_t p = 1; p < r.high.size(); ++p) r.high[p] = std::max(r.high[p], r.high[p - 1]);
  }
}

std::vector<std::int64_t> needed(const Footprint& before, const Footprint& after) {
  std::vector<std::int64_t> need;
  for (const Reach& b : before.reaches()) {
    for (const Reach& a : after.reaches()) {
      if ((!a.written && !b.written) || !a.overlaps(b)) continue;
      need.resize(static_cast<std::size_t>(after.parts()));
      std::size_t done = 0;
      for (std::size_t part = 0; part < need.size(); ++part) {
        while (b.low[done] < a.high[part + 1]) ++done;
        need[part] = std::max(need[part], static_cast<std::int64_t>(done));
      }
    }
  }
  return need;
}

Extent extent_of(const Array& a) {
  Extent e{a.data(), a.data() + size_of(a.dtype())};
  if (a.size() == 0) return {a.data(), a.data()};
  for (std::int64_t axis = 0; axis < a.rank(); ++axis) {
    const std::int64_t far = (a.shape()[axis] - 1) * a.strides()[axis];
    (far < 0 ? e.begin : e.end) += far;
  }
  return e;
}

}  // namespace jetlag::exec
