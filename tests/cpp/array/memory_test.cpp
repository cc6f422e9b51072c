#include "array/memory.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "array/array.h"

namespace jetlag {
namespace {

constexpr std::int64_t large = 1 << 20;

TEST(Memory, IsCountedWhileItIsInUse) {
  memory::reset_peak();
  const memory::Counters before = memory::counters();

  Ref<Buffer> buffer = Buffer::allocate(large);
  EXPECT_EQ(memory::counters().now - before.now, large);
  buffer = nullptr;

  EXPECT_EQ(memory::counters().now, before.now);
  EXPECT_EQ(memory::counters().peak - before.now, large);
  EXPECT_EQ(memory::counters().total - before.total, large);
}

TEST(Memory, IsUsedAgainForTheSameSize) {
  const std::byte* first = Buffer::allocate(large)->data();

  EXPECT_EQ(Buffer::allocate(large)->data(), first);
}

TEST(Memory, ThatIsKeptNeverRaisesThePeak) {
  memory::reset_peak();
  for (std::int64_t i = 1; i <= 20; ++i) Buffer::allocate(large + 4096 * i);

  const memory::Counters after = memory::counters();
  EXPECT_LE(after.now + after.kept, after.peak);
}

TEST(Memory, ThatWasUsedIsZeroedWhenAskedFor) {
  {
    const Ref<Buffer> used = Buffer::allocate(large);
    std::fill_n(used->data(), large, std::byte{7});
  }

  const Ref<Buffer> zeroed = Buffer::allocate(large, true);

  EXPECT_TRUE(std::all_of(zeroed->data(), zeroed->data() + large,
                          [](std::byte b) { return b == std::byte{0}; }));
}

}  // namespace
}  // namespace jetlag
