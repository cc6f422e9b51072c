// Memory of small objects that come and go with every call: each thread keeps
// a few blocks for the next that asks.
#pragma once

#include <cstddef>

namespace jetlag {

void* take_block(std::size_t size);
void give_block(void* block, std::size_t size) noexcept;

// Objects of a class that derives from this live in such blocks.
struct Pooled {
  static void* operator new(std::size_t size) { return take_block(size); }
  static void operator delete(void* block, std::size_t size) { give_block(block, size); }
};

}  // namespace jetlag
