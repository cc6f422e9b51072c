#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "array/value.h"

namespace jetlag {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

template <class T>
Ref<Array> array_of(std::vector<T> numbers) {
  Ref<Array> a = new_array(dtype_of<T>(), {static_cast<std::int64_t>(numbers.size())});
  std::copy(numbers.begin(), numbers.end(), a->as<T>());
  return a;
}

std::string converted(const Ref<Array>& a, DType dtype) {
  const Ref<Array> result = new_array(dtype, a->shape());
  copy_elements(*a, *result);
  return to_text(Value::of(result));
}

// Element by element, by the definition of strides.
void copy_slowly(const Array& from, const Array& to) {
  for (std::int64_t i = 0; i < to.size(); ++i) {
    const std::byte* source = from.data();
    std::byte* target = to.data();
    std::int64_t rest = i;
    for (std::int64_t axis = to.rank() - 1; axis >= 0; --axis) {
      source += rest % to.shape()[axis] * from.strides()[axis];
      target += rest % to.shape()[axis] * to.strides()[axis];
      rest /= to.shape()[axis];
    }
    std::memcpy(target, source, static_cast<std::size_t>(size_of(to.dtype())));
  }
}

// A view with gaps, reversed and permuted axes of a fresh buffer.
Ref<Array> scattered(const Dims& shape, DType dtype, std::mt19937& random) {
  Dims order;
  for (std::int64_t i = 0; i < shape.size(); ++i) order.push_back(i);
  std::shuffle(order.begin(), order.end(), random);
  Dims strides(shape.size());
  std::int64_t bytes = size_of(dtype);
  std::int64_t offset = 0;
  for (const std::int64_t axis : order) {
    strides[axis] = bytes;
    bytes *= shape[axis] + static_cast<std::int64_t>(random() % 2);
    if (random() % 3 == 0) {
      offset += strides[axis] * (shape[axis] - 1);
      strides[axis] = -strides[axis];
    }
  }
  const Ref<Array> whole = new_array(DType::uint8, {bytes + 16});
  for (std::int64_t i = 0; i < whole->size(); ++i) {
    whole->as<std::uint8_t>()[i] = static_cast<std::uint8_t>(random());
  }
  return view_of(whole, whole->data() + offset, dtype, shape, strides);
}

TEST(Copy, EqualsCopyingByTheDefinitionOfStrides) {
  std::mt19937 random(1);
  constexpr DType kinds[] = {DType::int8, DType::int16, DType::float32, DType::float64,
                             DType::complex128};
  for (int round = 0; round < 400; ++round) {
    Dims shape;
    const auto rank = random() % 6;
    for (unsigned i = 0; i < rank; ++i) {
      shape.push_back(static_cast<std::int64_t>(random() % 5 + 1));
    }
    const DType dtype = kinds[random() % std::size(kinds)];
    const Ref<Array> from = scattered(shape, dtype, random);
    const Ref<Array> quick = new_array(dtype, shape);
    const Ref<Array> to = scattered(shape, dtype, random);
    const Ref<Array> slow = new_array(dtype, shape);

    copy_elements(*from, *to);
    copy_elements(*to, *quick);
    copy_slowly(*from, *slow);

    ASSERT_EQ(std::memcmp(quick->data(), slow->data(), static_cast<std::size_t>(slow->bytes())), 0)
        << "round " << round << ", shape " << shape_text(shape);
  }
}

TEST(Copy, ALargeTransposedSourceArrivesWhole) {
  const Ref<Array> a = new_array(DType::float64, {97, 131});
  for (std::int64_t i = 0; i < a->size(); ++i) a->as<double>()[i] = static_cast<double>(i);
  const Ref<Array> fast = new_array(DType::float64, {131, 97});
  const Ref<Array> slow = new_array(DType::float64, {131, 97});

  copy_elements(*transposed(a), *fast);
  copy_slowly(*transposed(a), *slow);

  EXPECT_EQ(std::memcmp(fast->data(), slow->data(), static_cast<std::size_t>(slow->bytes())), 0);
}

// Long and short lines, along and across, whole blocks and what is left of them.
TEST(Copy, PlanesOfAllShapesEqualCopyingByTheDefinitionOfStrides) {
  std::mt19937 random(2);
  constexpr DType kinds[] = {DType::int8, DType::int16, DType::float32, DType::float64,
                             DType::complex128};
  constexpr std::int64_t lengths[] = {1, 2, 3, 7, 8, 31, 33, 64, 257, 600};
  for (int round = 0; round < 300; ++round) {
    const Dims shape{lengths[random() % 10], lengths[random() % 10]};
    const DType dtype = kinds[random() % std::size(kinds)];
    Ref<Array> from = scattered(shape, dtype, random);
    if (random() % 4 == 0) {
      Dims repeated = from->strides();
      repeated[static_cast<std::int64_t>(random() % 2)] = 0;
      from = view_of(from, from->data(), dtype, shape, repeated);
    }
    const Ref<Array> to = scattered(shape, dtype, random);
    const Ref<Array> quick = new_array(dtype, shape), slow = new_array(dtype, shape);

    copy_elements(*from, *to);
    copy_slowly(*to, *quick);
    copy_slowly(*from, *slow);

    ASSERT_EQ(std::memcmp(quick->data(), slow->data(), static_cast<std::size_t>(slow->bytes())), 0)
        << "round " << round << ", shape " << shape_text(shape);
  }
}

TEST(Copy, FillsFromABroadcastElement) {
  const Ref<Array> one = as_array(Value::of(2.5), DType::float64);
  const Ref<Array> to = new_array(DType::int64, {2, 3});

  copy_elements(*broadcast_to(one, to->shape()), *to);

  EXPECT_EQ(to_text(Value::of(to)), "[[2, 2, 2], [2, 2, 2]]");
}

TEST(Copy, EmptyArraysCopyNothing) {
  EXPECT_EQ(converted(new_array(DType::float64, {0}), DType::int8), "[]");
}

TEST(Copy, UnalignedElementsAreRead) {
  const Ref<Array> bytes = new_array(DType::uint8, {17}, true);
  const double x = 1.5;
  std::memcpy(bytes->data() + 9, &x, sizeof x);
  const Ref<Array> view = view_of(bytes, bytes->data() + 1, DType::float64, {2}, {8});

  EXPECT_EQ(converted(view, DType::float32), "[0.0, 1.5]");
}

TEST(Conversion, EveryPairOfDtypesKeepsOneAndZero) {
  const Ref<Array> bits = array_of<bool>({true, false});
  for (const DTypeInfo& first : dtypes()) {
    for (const DTypeInfo& second : dtypes()) {
      const Ref<Array> a = as_array(Value::of(bits), first.dtype);
      const Ref<Array> b = as_array(Value::of(a), second.dtype);

      EXPECT_EQ(converted(b, DType::boolean), "[true, false]")
          << first.name << " to " << second.name;
    }
  }
}

// The answers are NumPy 2.4's on x86-64, from numpy.array(…).astype(…).
TEST(Conversion, FloatsOutsideTheRangeBecomeWhatTheProcessorMakesOfThem) {
  const Ref<Array> a = array_of<double>({nan, inf, -inf, -1.5, 2.7, 300, 70000.9, 3e9, 1e19, 1e30});

  EXPECT_EQ(converted(a, DType::int8), "[0, 0, 0, -1, 2, 44, 112, 0, 0, 0]");
  EXPECT_EQ(converted(a, DType::uint8), "[0, 0, 0, 255, 2, 44, 112, 0, 0, 0]");
  EXPECT_EQ(converted(a, DType::int16), "[0, 0, 0, -1, 2, 300, 4464, 0, 0, 0]");
  EXPECT_EQ(converted(a, DType::int32),
            "[-2147483648, -2147483648, -2147483648, -1, 2, 300, 70000, -2147483648, -2147483648, "
            "-2147483648]");
  EXPECT_EQ(converted(a, DType::int64),
            "[-9223372036854775808, -9223372036854775808, -9223372036854775808, -1, 2, 300, 70000, "
            "3000000000, -9223372036854775808, -9223372036854775808]");
  EXPECT_EQ(converted(a, DType::uint64),
            "[9223372036854775808, 0, 9223372036854775808, 18446744073709551615, 2, 300, 70000, "
            "3000000000, 10000000000000000000, 0]");
}

TEST(Conversion, IntegersWrap) {
  EXPECT_EQ(converted(array_of<std::int64_t>({-1, 256, 300}), DType::uint8), "[255, 0, 44]");
  EXPECT_EQ(converted(array_of<std::uint64_t>({~0ULL}), DType::int64), "[-1]");
}

TEST(Conversion, BooleansSayWhetherANumberIsNotZero) {
  EXPECT_EQ(converted(array_of<double>({0.0, -0.0, 0.1, nan}), DType::boolean),
            "[false, false, true, true]");
  EXPECT_EQ(converted(array_of<std::complex<double>>({{0, 0}, {0, 1}}), DType::boolean),
            "[false, true]");
}

TEST(Conversion, AComplexNumberLosesItsImaginaryPart) {
  EXPECT_EQ(converted(array_of<std::complex<double>>({{1.5, 2}}), DType::float64), "[1.5]");
}

TEST(Conversion, ABooleanFromOutsideMayBeAnyByte) {
  const Ref<Array> bytes = array_of<std::uint8_t>({0, 1, 7});

  EXPECT_EQ(converted(view_of(bytes, bytes->data(), DType::boolean, {3}, {1}), DType::int64),
            "[0, 1, 1]");
}

}  // namespace
}  // namespace jetlag
