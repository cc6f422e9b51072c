// The total does not depend on the order in which blocks end, in a single bit.
#include "primitives/partial_sums.h"

#include <gtest/gtest.h>

#include <numeric>
#include <random>

namespace jetlag {
namespace {

double total_in_order(const std::vector<std::int64_t>& order) {
  PartialSums<double> sums(static_cast<std::int64_t>(order.size()), 1);
  Ref<Buffer> total;
  for (const std::int64_t block : order) {
    Ref<Buffer> sum = sums.start();
    *reinterpret_cast<double*>(sum->data()) = 1.0 / static_cast<double>(block + 3);
    Ref<Buffer> ended = sums.end(block, std::move(sum));
    if (ended) {
      EXPECT_EQ(block, order.back());
      total = std::move(ended);
    }
  }
  EXPECT_TRUE(total);
  return total ? *reinterpret_cast<double*>(total->data()) : 0;
}

TEST(PartialSums, HaveTheSameBitsInAnyOrderOfEnding) {
  std::mt19937 random(1);
  for (std::int64_t blocks = 1; blocks <= 67; ++blocks) {
    std::vector<std::int64_t> order(static_cast<std::size_t>(blocks));
    std::iota(order.begin(), order.end(), 0);
    const double in_order = total_in_order(order);

    std::shuffle(order.begin(), order.end(), random);

    EXPECT_EQ(total_in_order(order), in_order) << blocks << " blocks";
  }
}

TEST(PartialSums, AddEveryBlockOnce) {
  PartialSums<double> sums(5, 2);
  Ref<Buffer> total;
  for (std::int64_t block = 0; block < 5; ++block) {
    Ref<Buffer> sum = sums.start();
    reinterpret_cast<double*>(sum->data())[0] = static_cast<double>(1 << block);
    reinterpret_cast<double*>(sum->data())[1] = 1;
    total = sums.end(block, std::move(sum));
  }

  EXPECT_EQ(reinterpret_cast<double*>(total->data())[0], 31);
  EXPECT_EQ(reinterpret_cast<double*>(total->data())[1], 5);
}

}  // namespace
}  // namespace jetlag
