#include "compiler/jit/relocations.h"

#include <elf.h>

#include <cstring>

namespace jetlag::jit {

namespace {

// Where the bits of the value go.
enum class Form : std::uint8_t {
  none,
  word,             // 64 bits, absolute
  word_apart,       // 64 bits, from the place
  half,             // 32 bits, unsigned
  half_signed,      // 32 bits
  half_apart,       // 32 bits, from the place
  arm_branch,       // 26 bits of an instruction, in words, from the place
  arm_apart,        // 21 bits, from the place
  arm_pages_apart,  // 21 bits, in pages, from the page of the place
  arm_in_page,      // the lowest 12 bits, in units of the access
};

struct Kind {
  std::uint32_t number;
  Needs needs;
  Form form;
  int scale = 0;  // of arm_in_page: log2 of the unit
};

constexpr Kind x86_64_kinds[] = {
    {R_X86_64_NONE, Needs::nothing, Form::none},
    {R_X86_64_64, Needs::address, Form::word},
    {R_X86_64_PC64, Needs::address, Form::word_apart},
    {R_X86_64_32, Needs::address, Form::half},
    {R_X86_64_32S, Needs::address, Form::half_signed},
    {R_X86_64_PC32, Needs::address, Form::half_apart},
    {R_X86_64_PLT32, Needs::call, Form::half_apart},
    {R_X86_64_GOTPCREL, Needs::slot, Form::half_apart},
    {R_X86_64_GOTPCRELX, Needs::slot, Form::half_apart},
    {R_X86_64_REX_GOTPCRELX, Needs::slot, Form::half_apart},
};

constexpr Kind aarch64_kinds[] = {
    {R_AARCH64_NONE, Needs::nothing, Form::none},
    {R_AARCH64_ABS64, Needs::address, Form::word},
    {R_AARCH64_PREL64, Needs::address, Form::word_apart},
    {R_AARCH64_PREL32, Needs::address, Form::half_apart},
    {R_AARCH64_CALL26, Needs::call, Form::arm_branch},
    {R_AARCH64_JUMP26, Needs::call, Form::arm_branch},
    {R_AARCH64_ADR_PREL_LO21, Needs::address, Form::arm_apart},
    {R_AARCH64_ADR_PREL_PG_HI21, Needs::address, Form::arm_pages_apart},
    {R_AARCH64_ADD_ABS_LO12_NC, Needs::address, Form::arm_in_page},
    {R_AARCH64_LDST8_ABS_LO12_NC, Needs::address, Form::arm_in_page},
    {R_AARCH64_LDST16_ABS_LO12_NC, Needs::address, Form::arm_in_page, 1},
    {R_AARCH64_LDST32_ABS_LO12_NC, Needs::address, Form::arm_in_page, 2},
    {R_AARCH64_LDST64_ABS_LO12_NC, Needs::address, Form::arm_in_page, 3},
    {R_AARCH64_LDST128_ABS_LO12_NC, Needs::address, Form::arm_in_page, 4},
    {R_AARCH64_ADR_GOT_PAGE, Needs::slot, Form::arm_pages_apart},
    {R_AARCH64_LD64_GOT_LO12_NC, Needs::slot, Form::arm_in_page, 3},
};

const Kind* find(Processor processor, std::uint32_t number) {
  const std::span<const Kind> kinds = processor == Processor::x86_64
                                          ? std::span<const Kind>(x86_64_kinds)
                                          : std::span<const Kind>(aarch64_kinds);
  for (const Kind& kind : kinds) {
    if (kind.number == number) return &kind;
  }
  return nullptr;
}

template <class T>
bool put(std::span<std::byte> place, T value) {
  if (place.size() < sizeof value) return false;
  std::memcpy(place.data(), &value, sizeof value);
  return true;
}

// Sets some bits of an instruction.
bool set_bits(std::span<std::byte> place, std::uint32_t mask, std::uint64_t value) {
  std::uint32_t instruction = 0;
  if (place.size() < sizeof instruction) return false;
  std::memcpy(&instruction, place.data(), sizeof instruction);
  return put(place, (instruction & ~mask) | (static_cast<std::uint32_t>(value) & mask));
}

bool is_signed(std::int64_t value, int bits) {
  const std::int64_t limit = std::int64_t{1} << (bits - 1);
  return -limit <= value && value < limit;
}

// The 21 bits of adr and adrp: the lowest two stand apart.
bool set_adr(std::span<std::byte> place, std::int64_t value) {
  if (!is_signed(value, 21)) return false;
  const auto bits = static_cast<std::uint64_t>(value);
  return set_bits(place, 0x60ffffe0, (bits & 3) << 29 | (bits >> 2 & 0x7ffff) << 5);
}

}  // namespace

std::optional<Needs> needs(Processor processor, std::uint32_t kind) {
  const Kind* found = find(processor, kind);
  return found ? std::optional(found->needs) : std::nullopt;
}

bool relocate(Processor processor, std::uint32_t number, std::span<std::byte> place,
              std::uint64_t at, std::uint64_t target) {
  const Kind* kind = find(processor, number);
  if (!kind) return false;
  const auto apart = static_cast<std::int64_t>(target - at);
  switch (kind->form) {
    case Form::none: return true;
    case Form::word: return put(place, target);
    case Form::word_apart: return put(place, apart);
    case Form::half: return target <= UINT32_MAX && put(place, static_cast<std::uint32_t>(target));
    case Form::half_signed:
      return is_signed(static_cast<std::int64_t>(target), 32) &&
             put(place, static_cast<std::uint32_t>(target));
    case Form::half_apart:
      return is_signed(apart, 32) && put(place, static_cast<std::uint32_t>(apart));
    case Form::arm_branch:
      return apart % 4 == 0 && is_signed(apart, 28) &&
             set_bits(place, 0x03ffffff, static_cast<std::uint64_t>(apart) >> 2);
    case Form::arm_apart: return set_adr(place, apart);
    case Form::arm_pages_apart:
      return set_adr(place,
                     static_cast<std::int64_t>(target >> 12) - static_cast<std::int64_t>(at >> 12));
    case Form::arm_in_page: {
      const std::uint64_t in_page = target & 0xfff;
      return in_page % (1u << kind->scale) == 0 &&
             set_bits(place, 0x003ffc00, in_page >> kind->scale << 10);
    }
  }
  return false;
}

bool write_stub(Processor processor, std::span<std::byte> place, std::uint64_t at,
                std::uint64_t slot) {
  if (place.size() < stub_bytes) return false;
  if (processor == Processor::x86_64) {
    constexpr std::uint8_t code[] = {0xff, 0x25, 0, 0, 0, 0, 0xcc, 0xcc};  // jmp *slot(%rip)
    std::memcpy(place.data(), code, sizeof code);
    // The distance counts from the end of the instruction.
    return relocate(processor, R_X86_64_PC32, place.subspan(2), at + 2, slot - 4);
  }
  constexpr std::uint32_t code[] = {0x90000010, 0xf9400210, 0xd61f0200};  // adrp, ldr, br x16
  std::memcpy(place.data(), code, sizeof code);
  return relocate(processor, R_AARCH64_ADR_GOT_PAGE, place, at, slot) &&
         relocate(processor, R_AARCH64_LD64_GOT_LO12_NC, place.subspan(4), at + 4, slot);
}

}  // namespace jetlag::jit
