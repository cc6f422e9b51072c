// Kernels against the interpreter, bit for bit.
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "array/array.h"
#include "compiler/jit/api.h"
#include "compiler/jit/element_source.h"
#include "primitives/loops.h"
#include "programs.h"

namespace jetlag::jit {
namespace {

DType result_of(Opcode opcode, DType d) {
  switch (info(opcode).result) {
    case ResultRule::boolean: return DType::boolean;
    case ResultRule::real_part: return real_dtype(d);
    case ResultRule::complex_of: return d == DType::float32 ? DType::complex64 : DType::complex128;
    default: return d;
  }
}

// Every third number is one that formulas stumble over.
template <class T>
void fill_reals(std::mt19937_64& random, T* to, std::int64_t n) {
  const T odd[] = {T(0),
                   T(-0.0),
                   T(1),
                   T(-1),
                   T(0.5),
                   T(2),
                   std::numeric_limits<T>::infinity(),
                   -std::numeric_limits<T>::infinity(),
                   std::numeric_limits<T>::quiet_NaN(),
                   std::numeric_limits<T>::denorm_min(),
                   std::numeric_limits<T>::min(),
                   std::numeric_limits<T>::max(),
                   T(2147483648.0),
                   T(-2147483649.0),
                   T(9223372036854775808.0),
                   T(18446744073709551616.0)};
  for (std::int64_t i = 0; i < n; ++i) {
    const auto r = random();
    if (r % 3 == 0) to[i] = odd[r / 3 % std::size(odd)];
    else to[i] = static_cast<T>(std::uniform_real_distribution<double>(-20, 20)(random));
  }
}

void fill(std::mt19937_64& random, DType d, std::byte* to, std::int64_t n) {
  switch (d) {
    case DType::boolean:
      for (std::int64_t i = 0; i < n; ++i) to[i] = std::byte(random() & 1);
      return;
    case DType::float32: return fill_reals(random, reinterpret_cast<float*>(to), n);
    case DType::float64: return fill_reals(random, reinterpret_cast<double*>(to), n);
    case DType::complex64: return fill_reals(random, reinterpret_cast<float*>(to), 2 * n);
    case DType::complex128: return fill_reals(random, reinterpret_cast<double*>(to), 2 * n);
    default: break;
  }
  for (std::int64_t i = 0; i < n; ++i) {
    const auto r = random();
    const std::int64_t small = static_cast<std::int64_t>(r >> 8) % 70;
    const std::uint64_t word = r % 3 == 0   ? static_cast<std::uint64_t>(small - 35)
                               : r % 3 == 1 ? random()
                                            : std::uint64_t{1} << (8 * size_of(d) - 1);
    std::memcpy(to + i * size_of(d), &word, static_cast<std::size_t>(size_of(d)));
  }
}

// NaN is NaN: which one, not even NumPy says.
template <class T>
bool same_number(const std::byte* a, const std::byte* b) {
  T x, y;
  std::memcpy(&x, a, sizeof x);
  std::memcpy(&y, b, sizeof y);
  return std::memcmp(a, b, sizeof x) == 0 || (x != x && y != y);
}

bool same_element(DType d, const std::byte* a, const std::byte* b) {
  const std::int64_t half = size_of(d) / 2;
  switch (d) {
    case DType::float32: return same_number<float>(a, b);
    case DType::float64: return same_number<double>(a, b);
    case DType::complex64:
      return same_number<float>(a, b) && same_number<float>(a + half, b + half);
    case DType::complex128:
      return same_number<double>(a, b) && same_number<double>(a + half, b + half);
    default: return std::memcmp(a, b, static_cast<std::size_t>(size_of(d))) == 0;
  }
}

struct Memory {
  DType dtype;
  std::int64_t step;  // bytes
  std::vector<std::byte> bytes;
  std::byte* begin;
  const std::byte* at(std::int64_t i) const { return begin + i * step; }
};

Memory memory_for(DType d, Lie lie, std::int64_t n, std::mt19937_64& random) {
  // Strided ones go backwards, with a gap.
  const std::int64_t item = size_of(d), count = lie == Lie::strided ? 3 * n + 3 : n + 3;
  Memory m{d, lie == Lie::repeated ? 0 : lie == Lie::dense ? item : -3 * item, {}, nullptr};
  m.bytes.resize(static_cast<std::size_t>(count * item));
  fill(random, d, m.bytes.data(), count);
  m.begin = m.bytes.data() + (lie == Lie::strided ? 3 * n * item : 0);
  return m;
}

void expect_same(const Code& code, const OneOperation& program, ElementKernel kernel,
                 KernelLayout layout, std::int64_t n, std::mt19937_64& random) {
  const Operation& o = code[program.outputs_[0]];
  std::vector<Memory> operands;
  for (int i = 0; i < program.inputs(); ++i) {
    operands.push_back(memory_for(program.input_dtype(i), lie_of(layout, i), n, random));
  }
  operands.push_back(memory_for(o.dtype, lie_of(layout, program.inputs()), n, random));
  std::vector<std::byte*> places;
  std::vector<std::int64_t> inner, outer(operands.size(), 0);
  for (Memory& m : operands) {
    places.push_back(m.begin);
    inner.push_back(m.step);
  }
  std::vector<std::vector<std::byte>> dense(3);
  for (int k = 0; k < program.inputs(); ++k) {
    const std::int64_t item = size_of(operands[static_cast<std::size_t>(k)].dtype);
    auto& to = dense[static_cast<std::size_t>(k)];
    to.resize(static_cast<std::size_t>(n * item + 16));
    for (std::int64_t i = 0; i < n; ++i) {
      std::memcpy(to.data() + i * item, operands[static_cast<std::size_t>(k)].at(i),
                  static_cast<std::size_t>(item));
    }
  }
  const DType from = code.operand_dtype(o);
  const Loop loop = o.opcode == Opcode::cast ? find_cast(from, o.dtype) : find_loop(o.opcode, from);
  std::vector<std::byte> expected(static_cast<std::size_t>(n * size_of(o.dtype) + 16));
  clear_flags();
  loop(dense[0].data(), dense[1].data(), dense[2].data(), expected.data(), n);
  const unsigned wanted = read_flags();

  const std::vector<std::byte> before = operands.back().bytes;
  clear_flags();
  const unsigned met =
      kernel(places.data(), inner.data(), outer.data(), n, 1, nullptr) | read_flags();

  for (std::int64_t i = 0; i < n; ++i) {
    ASSERT_TRUE(
        same_element(o.dtype, expected.data() + i * size_of(o.dtype), operands.back().at(i)))
        << to_text(code) << "element " << i << " of " << n << ", layout " << std::hex << layout;
  }
  if (lie_of(layout, program.inputs()) == Lie::dense) {
    const std::size_t written = static_cast<std::size_t>(n * size_of(o.dtype));
    EXPECT_EQ(std::memcmp(before.data() + written, operands.back().bytes.data() + written,
                          before.size() - written),
              0)
        << to_text(code) << "what lies behind " << n << " elements was written";
  }
  if (!info(o.opcode).quiet) {
    // The interpreter's fmod divides anew all that stand by an odd one: that may underflow.
    const unsigned spurious = o.opcode == Opcode::fmod ? underflow : 0u;
    EXPECT_EQ(wanted & ~met & ~spurious, 0u) << to_text(code) << "flags are missing, n " << n;
  } else {
    EXPECT_EQ(met, 0u) << to_text(code) << "flags that nobody wants, n " << n;
  }
}

TEST(KernelLayouts, TellOfEveryOperand) {
  KernelLayout layout = with_fold(all_dense, {RowFold::across, Fold::add, longest_across});
  for (int i = 0; i < most_kernel_operands; ++i) layout += lie_at(i, static_cast<Lie>(i % 3));
  for (int i = 0; i < most_kernel_operands; ++i)
    EXPECT_EQ(lie_of(layout, i), static_cast<Lie>(i % 3)) << i;
  EXPECT_EQ(fold_of(layout).length, longest_across);
  EXPECT_EQ(fold_of(layout).rows, RowFold::across);
}

TEST(KernelLayouts, ProgramsOfManyNumbersHaveOne) {
  const Ref<Array> a = new_array(DType::float64, {100});
  const DType loop[] = {DType::float64, DType::float64};
  ElementBuilder builder;
  int x = builder.input(DType::float64);
  std::vector<Value> inputs{Value::of(a)};
  while (static_cast<int>(inputs.size()) + 1 < most_kernel_operands) {
    const int both[] = {x, builder.input(DType::float64)};
    x = builder.apply(*find_primitive("add"), both, loop);
    inputs.push_back(Value::of(0.5));
  }
  builder.output(x);
  const ElementRun run(builder.build(), inputs, {new_array(DType::float64, {100})});
  EXPECT_TRUE(element_source(run.program(), run.layout()));
}

KernelLayout layout_for(const OneOperation& p, int pattern) {
  KernelLayout layout = all_dense;
  for (int i = 0; i <= p.inputs(); ++i) {
    Lie lie = static_cast<Lie>((pattern / (i + 1) + pattern * i) % 3);
    if (pattern == 0) lie = Lie::dense;
    if (pattern == 1) lie = Lie::strided;
    if (i == p.inputs() && lie == Lie::repeated) lie = Lie::dense;
    layout += lie_at(i, lie);
  }
  return layout;
}

void check(Opcode opcode, DType operand, DType to, std::initializer_list<int> patterns) {
  std::mt19937_64 random(static_cast<std::uint64_t>(opcode) * 1000 +
                         static_cast<std::uint64_t>(operand) * 20 + static_cast<std::uint64_t>(to));
  for (int pattern : patterns) {
    const auto program = program_of(opcode, operand, to);
    const KernelLayout layout = layout_for(*program, pattern);
    const auto source = element_source(*program, layout);
    if (!source) continue;
    std::string problem;
    const auto kernel = reinterpret_cast<ElementKernel>(compile_elements(*source, problem));
    ASSERT_NE(kernel, nullptr) << problem << to_text(program->code());
    for (std::int64_t n = 1; n <= 33; n += n < 18 ? 1 : 5) {
      expect_same(program->code(), *program, kernel, layout, n, random);
    }
    expect_same(program->code(), *program, kernel, layout, 1003, random);
  }
}

class EveryOpcode : public testing::TestWithParam<int> {};

TEST_P(EveryOpcode, GivesTheBitsAndFlagsOfTheInterpreter) {
  ASSERT_NE(api(), nullptr) << why_not();
  const auto opcode = static_cast<Opcode>(GetParam());
  if (opcode == Opcode::take) GTEST_SKIP() << "of whole arrays: takes_test.cpp";
  for (int d = 0; d < dtype_count; ++d) {
    const auto operand = static_cast<DType>(d);
    if (info(opcode).kinds.find(kind_of(operand)) == std::string_view::npos) continue;
    if (opcode != Opcode::cast) {
      const bool narrow = size_of(operand) < 4;
      const std::initializer_list<int> one = {2}, all = {0, 1, 2};
      check(opcode, operand, result_of(opcode, operand), narrow ? one : all);
      continue;
    }
    for (int to = 0; to < dtype_count; ++to) {
      if (to != d) check(opcode, operand, static_cast<DType>(to), {(d + to) % 2});
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Kernels, EveryOpcode,
                         testing::Range(static_cast<int>(Opcode::cast), opcode_count),
                         [](const auto& i) {
                           return std::string(jetlag::info(static_cast<Opcode>(i.param)).name);
                         });

}  // namespace
}  // namespace jetlag::jit
