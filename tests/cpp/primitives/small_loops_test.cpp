#include "primitives/small_loops.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace jetlag {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double values[] = {0.0, -0.0, 0.0, 5e-324, -1.5, std::nan(""), infinity, -infinity};

TEST(SmallLoops, NonzerosAreFoundInOrderForEveryInstructionSet) {
  std::mt19937 random(1);
  for (const SmallLoops* loops : {&small_loops_baseline, &small_loops()}) {
    for (std::int64_t n = 0; n < 70; ++n) {
      for (const unsigned dense : {8U, 40U}) {  // the larger, the fewer
        std::vector<double> a;
        std::vector<std::int32_t> wanted;
        for (std::int64_t i = 0; i < n; ++i) {
          const unsigned pick = random() % dense;
          a.push_back(pick < 8 ? values[pick] : 0.0);
          if (a.back() != 0) wanted.push_back(static_cast<std::int32_t>(i));
        }

        std::vector<std::int32_t> found(static_cast<std::size_t>(n) + 1, -7);
        const std::int64_t count = loops->nonzeros(a.data(), n, found.data());

        ASSERT_EQ(found.at(static_cast<std::size_t>(n)), -7);
        found.resize(static_cast<std::size_t>(count));
        EXPECT_EQ(found, wanted) << n;
      }
    }
  }
}

}  // namespace
}  // namespace jetlag
