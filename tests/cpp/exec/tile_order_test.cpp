// Steps that follow each other part by part: each part is done once, and after what it needs.
#include "runtime/exec/tile_order.h"

#include <gtest/gtest.h>

#include <random>

namespace jetlag::exec {
namespace {

// Bytes that parts of a step touch in one buffer.
struct Access {
  bool written;
  std::vector<std::pair<std::int64_t, std::int64_t>> bytes;  // by part
};

const std::byte* address(std::int64_t offset) {
  return reinterpret_cast<const std::byte*>(std::uintptr_t{1} << 20) + offset;
}

const Buffer* buffer(std::int64_t i) { return reinterpret_cast<const Buffer*>(16 * (i + 1)); }

struct Step {
  std::int64_t parts;
  std::vector<Access> accesses;
  std::shared_ptr<const Footprint> footprint() const {
    auto print = std::make_shared<Footprint>(parts);
    for (const Access& a : accesses) {
      for (std::int64_t p = 0; p < parts; ++p) {
        const auto& [begin, end] = a.bytes[static_cast<std::size_t>(p)];
        Footprint::touch(print->of(buffer(begin / 100'000), a.written), p,
                         {address(begin), address(end)});
      }
    }
    print->close();
    return print;
  }
};

bool conflict(const Step& a, std::int64_t p, const Step& b, std::int64_t q) {
  for (const Access& x : a.accesses) {
    for (const Access& y : b.accesses) {
      const auto& [from, to] = x.bytes[static_cast<std::size_t>(p)];
      const auto& [begin, end] = y.bytes[static_cast<std::size_t>(q)];
      if ((x.written || y.written) && from < end && begin < to) return true;
    }
  }
  return false;
}

// Some steps on three buffers: shifted rows, whole arrays, and rows from the last to the first.
std::vector<Step> random_steps(std::mt19937& random) {
  const auto pick = [&](std::int64_t least, std::int64_t most) {
    return std::uniform_int_distribution<std::int64_t>(least, most)(random);
  };
  std::vector<Step> steps(static_cast<std::size_t>(pick(2, 7)));
  for (Step& s : steps) {
    s.parts = pick(0, 4) == 0 ? 1 : pick(5, 40);
    for (std::int64_t i = pick(1, 3); i >= 0; --i) {
      Access a{i == 0, {}};
      const std::int64_t base = pick(0, 2) * 100'000 + 10'000, shift = pick(-300, 300);
      const bool backwards = pick(0, 9) == 0;
      for (std::int64_t p = 0; p < s.parts; ++p) {
        const std::int64_t row = backwards ? s.parts - 1 - p : p;
        const std::int64_t begin = base + shift + 4000 * row / s.parts;
        a.bytes.push_back({begin, begin + 4000 / s.parts + pick(0, 100)});
      }
      s.accesses.push_back(std::move(a));
    }
  }
  return steps;
}

TEST(TileOrder, DoesEachPartOnceAndAfterWhatItNeeds) {
  std::mt19937 random(7);
  for (int trial = 0; trial < 300; ++trial) {
    // Rounds that are all alike share their footprints.
    const std::vector<Step> round = random_steps(random);
    TileOrder::Steps once, prints;
    for (const Step& s : round) once.push_back(s.footprint());
    std::vector<Step> steps;
    for (int r = 0; r <= trial % 4; ++r) {
      steps.insert(steps.end(), round.begin(), round.end());
      prints.insert(prints.end(), once.begin(), once.end());
    }

    const TileOrder order(prints, 1 + trial % 20);

    std::vector<std::int64_t> done(steps.size());
    for (const auto& tile : order.tiles) {
      for (const TileOrder::Run& run : tile) {
        const auto k = static_cast<std::size_t>(run.step);
        ASSERT_EQ(run.first, done[k]);
        for (std::size_t j = 0; j < k; ++j) {
          for (std::int64_t q = done[j]; q < steps[j].parts; ++q) {
            for (std::int64_t p = run.first; p < run.last; ++p)
              ASSERT_FALSE(conflict(steps[j], q, steps[k], p)) << "trial " << trial;
          }
        }
        done[k] = run.last;
      }
    }
    for (std::size_t k = 0; k < steps.size(); ++k) ASSERT_EQ(done[k], steps[k].parts);
  }
}

TEST(TileOrder, SaysWhatABatchNeedsOfTheOneBefore) {
  std::mt19937 random(8);
  for (int trial = 0; trial < 200; ++trial) {
    const std::vector<Step> first = random_steps(random), second = random_steps(random);
    TileOrder::Steps prints[2];
    for (const Step& s : first) prints[0].push_back(s.footprint());
    for (const Step& s : second) prints[1].push_back(s.footprint());
    const TileOrder before(prints[0], 12), after(prints[1], 1 + trial % 20);

    const std::vector<std::int64_t> need = needed(*before.footprint, *after.footprint);

    for (std::size_t t = 0; t < after.tiles.size(); ++t) {
      const std::int64_t done = need.empty() ? 0 : need[t];
      for (std::size_t u = static_cast<std::size_t>(done); u < before.tiles.size(); ++u) {
        for (const TileOrder::Run& late : before.tiles[u]) {
          for (const TileOrder::Run& run : after.tiles[t]) {
            for (std::int64_t q = late.first; q < late.last; ++q) {
              for (std::int64_t p = run.first; p < run.last; ++p) {
                ASSERT_FALSE(conflict(first[static_cast<std::size_t>(late.step)], q,
                                      second[static_cast<std::size_t>(run.step)], p))
                    << "trial " << trial;
              }
            }
          }
        }
      }
    }
  }
}

// A stencil in two arrays: each step may be one row behind the one before, so the window is small.
TEST(TileOrder, KeepsStepsCloseTogether) {
  constexpr std::int64_t rows = 500, row = 64;
  TileOrder::Steps steps;
  for (int k = 0; k < 8; ++k) {
    Step s{rows, {{false, {}}, {true, {}}}};
    for (std::int64_t r = 0; r < rows; ++r) {
      const std::int64_t from = k % 2 * 100'000 + 10'000, to = (1 - k % 2) * 100'000 + 10'000;
      s.accesses[0].bytes.push_back({from + (r - 1) * row, from + (r + 2) * row});
      s.accesses[1].bytes.push_back({to + r * row, to + (r + 1) * row});
    }
    steps.push_back(s.footprint());
  }
  const TileOrder order(steps, 50);
  EXPECT_EQ(order.tiles.size(), 50u);
  EXPECT_LE(order.window, 2 * (10 + 8 * 2 + 3) * row);
}

}  // namespace
}  // namespace jetlag::exec
