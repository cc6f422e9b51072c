// How the places of object code that wait for an address are filled in, for the kinds that LLVM
// uses in position-independent code of x86-64 and AArch64.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace jetlag::jit {

enum class Processor : std::uint16_t { x86_64 = 62, aarch64 = 183 };  // as ELF numbers them

#if defined(__aarch64__)
inline constexpr Processor this_processor = Processor::aarch64;
#else
inline constexpr Processor this_processor = Processor::x86_64;
#endif

// What a kind needs of its symbol.
enum class Needs : std::uint8_t {
  nothing,
  address,
  call,  // the address, or that of a stub that jumps there if it is far away
  slot,  // the address of a word that holds the address
};

// Nothing for a kind that is not known here.
std::optional<Needs> needs(Processor processor, std::uint32_t kind);

// Fills in the bytes at `place`, which run at address `at`. `target` is what the kind needs, with
// the addend. False, and nothing written: the kind is not known, the place too short, or the
// target out of reach.
bool relocate(Processor processor, std::uint32_t kind, std::span<std::byte> place, std::uint64_t at,
              std::uint64_t target);

// A jump to the address in the word at `slot`.
inline constexpr std::size_t stub_bytes = 16;
bool write_stub(Processor processor, std::span<std::byte> place, std::uint64_t at,
                std::uint64_t slot);

}  // namespace jetlag::jit
