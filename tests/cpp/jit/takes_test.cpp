// Elements that are taken of a whole array: machine code gives the bits of the interpreter.
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "compiler/jit/api.h"
#include "compiler/jit/element_source.h"
#include "primitives/element.h"

namespace jetlag::jit {

namespace {

constexpr std::int64_t count = 37;

Ref<Array> random_bytes(DType d, std::int64_t n, std::mt19937_64& random) {
  const Ref<Array> a = new_array(d, {n});
  const bool truths = d == DType::boolean;
  for (std::int64_t i = 0; i < a->bytes(); ++i)
    a->data()[i] = static_cast<std::byte>(truths ? random() & 1 : random());
  return a;
}

std::shared_ptr<const ElementProgram> program_of(DType d, DType index, bool turns, bool far) {
  ElementBuilder builder;
  const int array = builder.input(d), number = builder.input(index);
  builder.output(turns ? builder.take(array, number, builder.input(DType::int64), far)
                       : builder.take(array, number, far));
  return builder.build();
}

void check(DType d, bool turns, bool far) {
  std::mt19937_64 random(static_cast<std::uint64_t>(d));
  const auto program = program_of(d, DType::int16, turns, far);
  const Ref<Array> array = random_bytes(d, count, random);
  for (const std::int64_t n : {1, 7, 16, 33, 1003}) {
    const Ref<Array> index = new_array(DType::int16, {n});
    for (std::int64_t i = 0; i < n; ++i) {
      const auto place = static_cast<std::int16_t>(random() % count);
      index->as<std::int16_t>()[i] =
          turns && random() % 2 == 0 ? static_cast<std::int16_t>(place - count) : place;
    }
    std::vector<Value> inputs{Value::of(array), Value::of(index)};
    if (turns) inputs.push_back(Value::of(count));
    const Ref<Array> out = new_array(d, {n}), expected = new_array(d, {n});
    ElementRun plain(program, inputs, {expected});
    plain.run(0, n);
    ElementRun run(program, inputs, {out});
    const auto source = element_source(*program, run.layout());
    ASSERT_TRUE(source);
    std::string problem;
    KernelSlot slot;
    slot.kernel = reinterpret_cast<ElementKernel>(compile_elements(*source, problem));
    ASSERT_NE(slot.kernel.load(), nullptr) << problem;
    run.use(&slot);
    run.run(0, n);
    EXPECT_EQ(std::memcmp(out->data(), expected->data(), static_cast<std::size_t>(out->bytes())), 0)
        << info(d).name << (turns ? ", from the end" : "") << (far ? ", far" : "") << ", n " << n;
    for (std::int64_t i = 0; i < n; ++i) {
      const std::int64_t place = index->as<std::int16_t>()[i], item = size_of(d);
      const std::int64_t from = place < 0 ? place + count : place;
      ASSERT_EQ(std::memcmp(expected->data() + i * item, array->data() + from * item,
                            static_cast<std::size_t>(item)),
                0)
          << info(d).name << ", element " << i;
    }
  }
}

TEST(Takes, GiveTheBytesThatLieThere) {
  ASSERT_NE(api(), nullptr) << why_not();
  for (int d = 0; d < dtype_count; ++d) {
    for (const bool turns : {false, true}) {
      for (const bool far : {false, true}) check(static_cast<DType>(d), turns, far);
    }
  }
}

}  // namespace

}  // namespace jetlag::jit
