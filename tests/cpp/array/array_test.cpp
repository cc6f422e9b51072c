#include "array/array.h"

#include <gtest/gtest.h>

#include "../error_of.h"

namespace jetlag {
namespace {

Ref<Array> counting(Dims shape) {
  Ref<Array> a = new_array(DType::int64, std::move(shape));
  for (std::int64_t i = 0; i < a->size(); ++i) a->as<std::int64_t>()[i] = i;
  return a;
}

// Tells when a borrowed buffer lets go of it.
struct Owner : Handle {
  explicit Owner(bool& gone) : gone_(gone) {}
  ~Owner() override { gone_ = true; }
  bool& gone_;
};

TEST(Buffer, ZeroedMemoryIsZero) {
  const Ref<Buffer> buffer = Buffer::allocate(10000, true);

  const auto* end = buffer->data() + buffer->bytes();
  EXPECT_EQ(std::find_if(buffer->data(), const_cast<std::byte*>(end),
                         [](std::byte b) { return b != std::byte{0}; }),
            end);
}

TEST(Buffer, LargeMemoryBeginsAtACacheLine) {
  const Ref<Buffer> buffer = Buffer::allocate(100001);

  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer->data()) % 64, 0U);
}

TEST(Buffer, EmptyMemoryHasAnAddress) { EXPECT_NE(Buffer::allocate(0)->data(), nullptr); }

TEST(Buffer, ABorrowedBufferKeepsItsOwnerAndThenReleasesIt) {
  bool gone = false;
  double x = 1;
  Ref<Buffer> buffer = Buffer::borrow(&x, sizeof x, make<Owner>(gone), true);
  EXPECT_FALSE(gone);

  buffer = nullptr;

  EXPECT_TRUE(gone);
}

TEST(Buffer, BytesThatWereGivenAwayAreNotFreed) {
  bool gone = false;
  Ref<Buffer> buffer = Buffer::allocate(64);
  void* bytes = buffer->data();

  buffer->give_to(make<Owner>(gone));
  buffer = nullptr;

  EXPECT_TRUE(gone);
  std::free(bytes);
}

TEST(Buffer, ContainsItsOwnBytesOnly) {
  const Ref<Buffer> buffer = Buffer::allocate(16);

  EXPECT_TRUE(buffer->contains(buffer->data(), buffer->data() + 16));
  EXPECT_FALSE(buffer->contains(buffer->data() + 8, buffer->data() + 17));
}

TEST(Array, AFreshArrayIsContiguousInCOrder) {
  const Ref<Array> a = new_array(DType::float32, {2, 3, 4});

  EXPECT_EQ(a->strides(), (Dims{48, 16, 4}));
  EXPECT_TRUE(a->is_contiguous());
  EXPECT_FALSE(a->is_fortran_contiguous());
  EXPECT_EQ(a->size(), 24);
  EXPECT_EQ(a->bytes(), 96);
}

TEST(Array, ATransposedArrayIsContiguousInFortranOrder) {
  const Ref<Array> t = transposed(counting({2, 3}));

  EXPECT_EQ(t->shape(), (Dims{3, 2}));
  EXPECT_TRUE(t->is_fortran_contiguous());
  EXPECT_FALSE(t->is_contiguous());
}

TEST(Array, StridesOfAxesWithOneElementDoNotMatter) {
  const Ref<Array> a = counting({4});

  EXPECT_TRUE(view_of(a, a->data(), {4, 1}, {8, 1000})->is_contiguous());
  EXPECT_TRUE(view_of(a, a->data(), {4, 1}, {8, 1000})->is_fortran_contiguous());
}

TEST(Array, AnEmptyArrayIsContiguousInBothOrders) {
  const Ref<Array> a = new_array(DType::int8, {3, 0, 2});

  EXPECT_TRUE(a->is_contiguous());
  EXPECT_TRUE(a->is_fortran_contiguous());
  // numpy.empty((3, 0, 2), "i1").strides
  EXPECT_EQ(a->strides(), (Dims{2, 2, 1}));
}

TEST(Array, AViewOfAViewHasTheFirstArrayAsItsBase) {
  const Ref<Array> a = counting({6});

  const Ref<Array> second = transposed(view_of(a, a->data() + 8, {2, 2}, {16, 8}));

  EXPECT_EQ(second->base, a);
}

TEST(Array, AViewOfAReadOnlyArrayIsReadOnly) {
  const Ref<Array> a = counting({6});
  a->make_read_only();

  EXPECT_FALSE(transposed(a)->writable());
}

TEST(Array, AViewMayReadTheBytesAsAnotherDtype) {
  const Ref<Array> a = new_array(DType::complex128, {2});
  a->as<std::complex<double>>()[1] = {3, 4};

  const Ref<Array> imaginary = view_of(a, a->data() + 8, DType::float64, {2}, {16});

  EXPECT_EQ(*reinterpret_cast<double*>(imaginary->data() + 16), 4);
}

TEST(Broadcast, RepeatedAxesHaveStrideZero) {
  const Ref<Array> a = counting({3, 1});

  const Ref<Array> wide = broadcast_to(a, Dims{2, 3, 4});

  EXPECT_EQ(wide->shape(), (Dims{2, 3, 4}));
  EXPECT_EQ(wide->strides(), (Dims{0, 8, 0}));
}

TEST(Broadcast, ShapesAreAlignedAtTheEnd) {
  EXPECT_EQ(broadcast_shapes(Dims{3, 1}, Dims{4}), (Dims{3, 4}));
  EXPECT_EQ(broadcast_shapes(Dims{4}, Dims{2, 1, 1}), (Dims{2, 1, 4}));
  EXPECT_EQ(broadcast_shapes(Dims{}, Dims{5}), (Dims{5}));
}

TEST(Broadcast, OneElementGivesWayToNone) {
  EXPECT_EQ(broadcast_shapes(Dims{1, 3}, Dims{0, 1}), (Dims{0, 3}));
}

TEST(Broadcast, ShapesThatDoNotFitAreNamedAsNumPyNamesThem) {
  EXPECT_EQ(error_of([] { broadcast_shapes(Dims{3, 4}, Dims{3}); }),
            "shape: operands could not be broadcast together with shapes (3,4) (3,) ");
}

TEST(Broadcast, TheFirstShapeIsNamedFirst) {
  EXPECT_EQ(error_of([] { broadcast_shapes(Dims{2}, Dims{5, 3}); }),
            "shape: operands could not be broadcast together with shapes (2,) (5,3) ");
}

TEST(Overlap, NeighboursInOneBufferDoNotOverlap) {
  const Ref<Array> a = counting({6});
  const Ref<Array> left = view_of(a, a->data(), {3}, {8});
  const Ref<Array> right = view_of(a, a->data() + 24, {3}, {8});

  EXPECT_FALSE(may_overlap(*left, *right));
  EXPECT_TRUE(may_overlap(*left, *a));
}

TEST(Overlap, AReversedViewReachesBackwards) {
  const Ref<Array> a = counting({6});
  const Ref<Array> reversed = view_of(a, a->data() + 40, {6}, {-8});
  const Ref<Array> first = view_of(a, a->data(), {1}, {8});

  EXPECT_TRUE(may_overlap(*reversed, *first));
}

TEST(Overlap, EmptyArraysOverlapNothing) {
  const Ref<Array> a = counting({6});

  EXPECT_FALSE(may_overlap(*view_of(a, a->data() + 8, {0}, {8}), *a));
}

TEST(Memory, WhatTheMachineCannotGiveIsRefusedInNumPysWords) {
  EXPECT_EQ(error_of([] { new_array(DType::float64, {200, 1024, 1024, 1024 * 128}); }),
            "memory: Unable to allocate 200. TiB for an array with shape (200, 1024, 1024, 131072) "
            "and data type float64");
}

TEST(Memory, SizesHaveThreeDigitsUnlessTheyNeedFour) {
  EXPECT_EQ(error_of([] { new_array(DType::float64, {200, 1024, 1024, 1280 * 1024}); }),
            "memory: Unable to allocate 1.95 PiB for an array with shape (200, 1024, 1024, 1310720)"
            " and data type float64");
  EXPECT_EQ(error_of([] { new_array(DType::int8, {1010, 1L << 40}); }),
            "memory: Unable to allocate 1010. TiB for an array with shape (1010, 1099511627776) and"
            " data type int8");
}

TEST(Memory, AProductThatOverflowsIsTooBigForNumPyToo) {
  EXPECT_EQ(error_of([] { new_array(DType::float64, {1L << 40, 1L << 20}); }),
            "value: array is too big; `arr.size * arr.dtype.itemsize` is larger than the maximum "
            "possible size.");
}

TEST(Memory, AnEmptyAxisDoesNotExcuseAnOverflow) {
  EXPECT_EQ(error_of([] { new_array(DType::float64, {1L << 40, 1L << 20, 0}); }),
            "value: array is too big; `arr.size * arr.dtype.itemsize` is larger than the maximum "
            "possible size.");
}

TEST(Memory, NegativeSizesAreRefused) {
  EXPECT_EQ(error_of([] { new_array(DType::float64, {-1}); }),
            "value: negative dimensions are not allowed");
}

TEST(ShapeText, IsAPythonTuple) {
  EXPECT_EQ(shape_text(Dims{}), "()");
  EXPECT_EQ(shape_text(Dims{3}), "(3,)");
  EXPECT_EQ(shape_text(Dims{3, 4}), "(3, 4)");
}

}  // namespace
}  // namespace jetlag
