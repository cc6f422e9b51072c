// Rows that are copied one by one, many of them short.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace jetlag {

// So many bytes, which are moved at once.
struct Wide {
  std::byte bytes[16];
};

// Short rows in pieces, of which the last two may overlap: a call would take longer.
inline void copy_row(const std::byte* from, std::byte* to, std::int64_t n) {
  constexpr std::int64_t piece = sizeof(Wide), most = 8 * piece;
  if (n < piece || n > most) {
    std::memcpy(to, from, static_cast<std::size_t>(n));
    return;
  }
  for (std::int64_t i = 0; i + piece < n; i += piece) std::memcpy(to + i, from + i, piece);
  std::memcpy(to + n - piece, from + n - piece, piece);
}

// Calls f(Tag) with a type of the size of an element: a loop must not ask.
template <class F>
void with_item_size(std::int64_t size, F&& f) {
  switch (size) {
    case 1: return f(std::uint8_t{});
    case 2: return f(std::uint16_t{});
    case 4: return f(std::uint32_t{});
    case 8: return f(std::uint64_t{});
    default: return f(Wide{});
  }
}

}  // namespace jetlag
