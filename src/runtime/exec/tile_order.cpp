#include "runtime/exec/tile_order.h"

#include <algorithm>
#include <limits>

namespace jetlag::exec {

namespace {

// What steps of one footprint need of those of another, by their parts. Rounds of a loop repeat
// their footprints, so there are few pairs.
class Needs {
 public:
  using Parts = std::vector<std::int64_t>;

  const Parts& of(const Footprint& before, const Footprint& after) {
    for (const Pair& pair : pairs_) {
      if (pair.before == &before && pair.after == &after) return *pair.parts;
    }
    auto parts = std::make_unique<Parts>(needed(before, after));
    return *pairs_.emplace_back(Pair{&before, &after, std::move(parts)}).parts;
  }

  // Whether of two such steps the later one is nowhere ahead of the earlier one: who waits for the
  // later one waits for both.
  bool keeps_behind_itself(const Footprint& f) {
    const Parts& own = of(f, f);
    std::int64_t part = 0;
    return !own.empty() &&
           std::all_of(own.begin(), own.end(), [&](std::int64_t need) { return need > part++; });
  }

 private:
  struct Pair {
    const Footprint *before, *after;
    std::unique_ptr<Parts> parts;
  };
  std::vector<Pair> pairs_;
};

// What a step needs of an earlier one.
struct Need {
  std::size_t of;
  const Needs::Parts* parts;
};

std::vector<std::vector<Need>> needs_of(const TileOrder::Steps& steps, Needs& known) {
  std::vector<std::vector<Need>> needs(steps.size());
  for (std::size_t k = 1; k < steps.size(); ++k) {
    for (std::size_t j = k; j-- > 0;) {
      const auto again = std::find(steps.begin() + static_cast<std::ptrdiff_t>(j) + 1,
                                   steps.begin() + static_cast<std::ptrdiff_t>(k), steps[j]);
      const bool later = again != steps.begin() + static_cast<std::ptrdiff_t>(k);
      if (later && known.keeps_behind_itself(*steps[j])) continue;
      const Needs::Parts& parts = known.of(*steps[j], *steps[k]);
      if (!parts.empty()) needs[k].push_back({j, &parts});
    }
  }
  return needs;
}

// All memory of one buffer that steps touch: its ends, and whether anybody writes.
struct Touched {
  const Buffer* buffer;
  bool written;
  std::uintptr_t begin, end;
};

std::vector<Touched> touched_by(std::span<const std::shared_ptr<const Footprint>> steps) {
  std::vector<Touched> all;
  for (const auto& step : steps) {
    for (const Reach& r : step->reaches()) {
      const auto known = std::find_if(all.begin(), all.end(),
                                      [&](const Touched& t) { return t.buffer == r.buffer; });
      if (known == all.end()) {
        all.push_back({r.buffer, r.written, r.begin(), r.end()});
      } else {
        known->written = known->written || r.written;
        known->begin = std::min(known->begin, r.begin());
        known->end = std::max(known->end, r.end());
      }
    }
  }
  return all;
}

}  // namespace

TileOrder::TileOrder(Steps given, std::int64_t count) : steps(std::move(given)) {
  std::int64_t parts = 1;
  for (const auto& step : steps) parts = std::max(parts, step->parts());
  count = std::clamp<std::int64_t>(count, 1, parts);
  Needs known;
  const auto needs = needs_of(steps, known);
  const std::vector<Touched> memory = touched_by(steps);
  constexpr std::uintptr_t few = 16;
  std::vector<std::uintptr_t> reached;
  for (const auto& step : steps) {
    std::uintptr_t bytes = 0;
    for (const Reach& r : step->reaches()) bytes = std::max(bytes, r.end() - r.begin());
    reached.push_back(bytes);
  }
  const std::uintptr_t furthest = *std::max_element(reached.begin(), reached.end());
  auto print = std::make_shared<Footprint>(count);
  for (const Touched& t : memory) print->of(t.buffer, t.written);
  std::vector<std::int64_t> done(steps.size());

  for (std::int64_t tile = 0; tile < count; ++tile) {
    std::vector<Run>& runs = tiles.emplace_back();
    const std::vector<std::int64_t> before = done;
    for (std::size_t k = 0; k < steps.size(); ++k) {
      // No step is further than its share of the tiles, but for those that reach little memory.
      const std::int64_t share = (steps[k]->parts() * (tile + 1) + count - 1) / count;
      const std::int64_t most = reached[k] * few <= furthest ? steps[k]->parts() : share;
      std::int64_t to = std::max(done[k], most);
      for (const Need& need : needs[k]) {
        // The first part that needs more than there is; what parts need never shrinks.
        const auto there = std::upper_bound(need.parts->begin(), need.parts->end(), done[need.of]);
        to = std::min(to, static_cast<std::int64_t>(there - need.parts->begin()));
      }
      if (to <= done[k]) continue;
      runs.push_back({static_cast<int>(k), done[k], to});
      done[k] = to;
    }
    std::int64_t open = 0;
    for (const Touched& t : memory) {
      Reach& reach = print->of(t.buffer, t.written);
      std::uintptr_t slowest = std::numeric_limits<std::uintptr_t>::max(), fastest = 0;
      for (std::size_t k = 0; k < steps.size(); ++k) {
        for (const Reach& r : steps[k]->reaches()) {
          if (r.buffer != t.buffer) continue;
          const auto a = static_cast<std::size_t>(before[k]), b = static_cast<std::size_t>(done[k]);
          fastest = std::max(fastest, r.high[b]);
          slowest = std::min(slowest, r.low[a]);
        }
      }
      if (slowest >= fastest) continue;
      open += static_cast<std::int64_t>(fastest - slowest);
      Footprint::touch(reach, tile,
                       {reinterpret_cast<const std::byte*>(slowest),
                        reinterpret_cast<const std::byte*>(fastest)});
    }
    window = std::max(window, open);
  }
  print->close();
  footprint = std::move(print);
}

std::int64_t bytes_touched(std::span<const std::shared_ptr<const Footprint>> steps) {
  std::int64_t bytes = 0;
  for (const Touched& t : touched_by(steps)) bytes += static_cast<std::int64_t>(t.end - t.begin);
  return bytes;
}

}  // namespace jetlag::exec
