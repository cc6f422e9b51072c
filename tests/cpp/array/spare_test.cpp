#include "array/spare.h"

#include <gtest/gtest.h>

namespace jetlag {
namespace {

TEST(Spare, MemoryIsUsedAgainForASizeThatFits) {
  Ref<Array> old = new_array(DType::float64, {10});
  const std::byte* data = old->data();
  give_spare(old->buffer());
  old = {};

  const Ref<Array> again = new_small_array(DType::int64, {2, 5});

  EXPECT_EQ(again->data(), data);
  EXPECT_EQ(again->shape(), (Dims{2, 5}));
  EXPECT_EQ(again->strides(), (Dims{40, 8}));
}

TEST(Spare, MemoryIsGivenOutOnce) {
  give_spare(new_array(DType::float64, {10})->buffer());

  const Ref<Array> one = new_small_array(DType::float64, {10});
  const Ref<Array> other = new_small_array(DType::float64, {10});

  EXPECT_NE(one->data(), other->data());
}

TEST(Spare, AnotherSizeGetsMemoryOfItsOwn) {
  give_spare(new_array(DType::float64, {10})->buffer());

  const Ref<Array> longer = new_small_array(DType::float64, {11});

  EXPECT_EQ(longer->buffer()->bytes(), 88);
}

}  // namespace
}  // namespace jetlag
