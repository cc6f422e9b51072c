// Object code placed without LLVM, whatever the bytes are.
#include "compiler/jit/object.h"

#include <dlfcn.h>
#include <elf.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>

#include "../error_of.h"
#include "compiler/jit/api.h"
#include "compiler/jit/element_source.h"
#include "compiler/jit/relocations.h"
#include "programs.h"

namespace jetlag::jit {
namespace {

// An exponential: a call into a library that is far away, and a constant.
struct Made {
  std::unique_ptr<OneOperation> program = program_of(Opcode::exp, DType::float64, DType::float64);
  std::string object;
  Externals externals;

  Made() {
    const auto source = element_source(*program, 5);  // both operands dense
    std::string why;
    if (!api() || !api()->elements(*source, object, why)) ADD_FAILURE() << why_not() << why;
    for (const ElementCall& call : source->calls) {
      if (call.address) externals.emplace_back(call.symbol, call.address);
    }
  }

  void* resolve(const std::string& name) const {
    for (const auto& [known, address] : externals) {
      if (known == name) return address;
    }
    void* library = dlopen("libmvec.so.1", RTLD_NOW);
    return library ? dlsym(library, name.c_str()) : nullptr;
  }
  PlacedObject::Resolve resolver() const {
    return [this](const std::string& name) { return resolve(name); };
  }
};

const Made& made() {
  static const Made& m = *new Made;
  return m;
}

std::vector<double> run(void* code) {
  std::vector<double> in(37), out(37);
  for (std::size_t i = 0; i < in.size(); ++i) in[i] = static_cast<double>(i) / 7;
  std::byte* places[] = {reinterpret_cast<std::byte*>(in.data()),
                         reinterpret_cast<std::byte*>(out.data())};
  const std::int64_t inner[] = {8, 8}, outer[] = {0, 0};
  reinterpret_cast<ElementKernel>(code)(places, inner, outer, 37, 1, nullptr);
  return out;
}

// Placed or refused: anything else is a crash.
bool is_placed(const std::string& object) {
  try {
    const PlacedObject placed(object, made().resolver());
    return true;
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Kind::runtime) << error.what();
    return false;
  }
}

std::string refusal(const std::string& object, const PlacedObject::Resolve& resolve) {
  return error_of([&] { PlacedObject(object, resolve); });
}

TEST(PlacedObject, ComputesWhatTheSameObjectDoesWhenLlvmLinksIt) {
  const PlacedObject placed(made().object, made().resolver());
  std::string why;
  void* linked = api()->link(made().object, element_symbol, made().externals, why);
  ASSERT_NE(linked, nullptr) << why;

  EXPECT_EQ(run(placed.find(element_symbol)), run(linked));
  EXPECT_NEAR(run(linked)[7], std::exp(1.0), 1e-15);
}

TEST(PlacedObject, KnowsNoFunctionThatTheObjectLacks) {
  const PlacedObject placed(made().object, made().resolver());

  EXPECT_EQ(placed.find("another"), nullptr);
}

TEST(PlacedObject, NamesTheSymbolThatIsNowhere) {
  const std::string why = refusal(made().object, [](const std::string&) { return nullptr; });

  EXPECT_TRUE(why.starts_with("runtime: object code cannot be linked: there is no ")) << why;
}

TEST(PlacedObject, RefusesWhatIsNoObject) {
  EXPECT_EQ(refusal("", made().resolver()), "runtime: object code cannot be linked: it is cut off");
  EXPECT_EQ(refusal(std::string(64, 'x'), made().resolver()),
            "runtime: object code cannot be linked: it is not ELF");
}

TEST(PlacedObject, RefusesAnObjectThatIsCutOffAnywhere) {
  const std::string& whole = made().object;
  Elf64_Ehdr header;
  std::memcpy(&header, whole.data(), sizeof header);
  const std::size_t end = header.e_shoff + header.e_shnum * sizeof(Elf64_Shdr);

  for (std::size_t n = 0; n < end; ++n) ASSERT_FALSE(is_placed(whole.substr(0, n))) << n;
}

TEST(PlacedObject, BearsEveryBitThatIsTurned) {
  const std::string& whole = made().object;

  int refused = 0;
  for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    std::string damaged = whole;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    refused += !is_placed(damaged);
  }

  EXPECT_GT(refused, 500);  // the magic, offsets, sizes, kinds, names
}

TEST(PlacedObject, BearsWordsThatAreReplaced) {
  std::mt19937_64 random(1);
  const std::string& whole = made().object;
  constexpr std::uint64_t words[] = {0,          1,          8,          0xffff, 0x7fffffff,
                                     0xffffffff, 1ull << 40, 1ull << 63, ~0ull,  ~0ull - 63};

  for (int round = 0; round < 20'000; ++round) {
    std::string damaged = whole;
    for (int times = 0; times < 3; ++times) {
      const std::uint64_t word = random() % 4 ? words[random() % std::size(words)] : random();
      const std::size_t size = std::size_t{1} << (1 + random() % 3);
      std::memcpy(damaged.data() + random() % (whole.size() - 8), &word, size);
    }
    is_placed(damaged);
  }
}

// ---- the kinds of relocation --------------------------------------------------------------

std::uint32_t relocated(Processor processor, std::uint32_t kind, std::uint32_t instruction,
                        std::uint64_t at, std::uint64_t target) {
  std::byte place[4];
  std::memcpy(place, &instruction, sizeof place);
  EXPECT_TRUE(relocate(processor, kind, place, at, target));
  std::memcpy(&instruction, place, sizeof place);
  return instruction;
}

TEST(Relocations, FillInTheInstructionsOfAarch64) {
  constexpr auto arm = Processor::aarch64;
  // What `llvm-mc -triple aarch64 -show-encoding` prints for the instruction in the comment.
  EXPECT_EQ(relocated(arm, R_AARCH64_CALL26, 0x94000000, 0x1000, 0x1008), 0x94000002u);  // bl #8
  EXPECT_EQ(relocated(arm, R_AARCH64_JUMP26, 0x14000000, 0x1000, 0x0ffc), 0x17ffffffu);  // b #-4
  EXPECT_EQ(relocated(arm, R_AARCH64_ADR_PREL_LO21, 0x10000000, 0x1000, 0x1005),
            0x30000020u);  // adr x0, #5
  EXPECT_EQ(relocated(arm, R_AARCH64_ADR_PREL_PG_HI21, 0x90000000, 0x1ffc, 0x4010),
            0xf0000000u);  // adrp x0, #12288
  EXPECT_EQ(relocated(arm, R_AARCH64_ADD_ABS_LO12_NC, 0x91000000, 0, 0x5abc),
            0x912af000u);  // add x0, x0, #0xabc
  EXPECT_EQ(relocated(arm, R_AARCH64_LDST64_ABS_LO12_NC, 0xfd400000, 0, 0x5ab8),
            0xfd455c00u);  // ldr d0, [x0, #0xab8]
  EXPECT_EQ(relocated(arm, R_AARCH64_LDST128_ABS_LO12_NC, 0x3dc00000, 0, 0x5ab0),
            0x3dc2ac00u);  // ldr q0, [x0, #0xab0]
}

TEST(Relocations, AreRefusedWhereTheTargetIsOutOfReach) {
  std::byte place[8] = {};
  const std::uint64_t far = std::uint64_t{1} << 40;
  EXPECT_FALSE(relocate(Processor::x86_64, R_X86_64_PC32, place, 0, far));
  EXPECT_FALSE(relocate(Processor::x86_64, R_X86_64_32S, place, 0, 0x80000000));
  EXPECT_FALSE(relocate(Processor::aarch64, R_AARCH64_CALL26, place, 0, 0x8000000));
  EXPECT_FALSE(relocate(Processor::aarch64, R_AARCH64_ADR_PREL_PG_HI21, place, 0, far));
  EXPECT_FALSE(relocate(Processor::aarch64, R_AARCH64_LDST64_ABS_LO12_NC, place, 0, 4));
}

TEST(Relocations, AreRefusedWhereThePlaceIsTooShortOrTheKindUnknown) {
  std::byte place[8] = {};
  EXPECT_FALSE(relocate(Processor::x86_64, R_X86_64_64, std::span(place, 7), 0, 0));
  EXPECT_FALSE(relocate(Processor::x86_64, R_X86_64_PC32, std::span(place, 3), 0, 0));
  EXPECT_FALSE(relocate(Processor::x86_64, R_X86_64_TLSGD, place, 0, 0));
  EXPECT_EQ(needs(Processor::x86_64, R_X86_64_TLSGD), std::nullopt);
  EXPECT_EQ(needs(Processor::aarch64, R_AARCH64_TLSDESC_CALL), std::nullopt);
}

}  // namespace
}  // namespace jetlag::jit
