#include "base/pool.h"

#include <algorithm>
#include <new>

namespace jetlag {

namespace {

constexpr std::size_t grain = 64;  // blocks hold whole multiples of this
constexpr std::size_t classes = 8;
constexpr unsigned char most = 16;  // kept of each class

// A block that is kept; the next one of its class lies behind it.
struct Block {
  Block* next;
};

// Needs no construction, so it can be used as long as the thread lives. Small:
// memory of threads beyond a few hundred bytes is found by a call of the loader.
struct Spare {
  Block* first[classes];
  unsigned char left[classes];  // how many more may be kept
  bool watched;                 // a Janitor will free what is kept
};
thread_local constinit Spare spare{};

struct Janitor {
  ~Janitor() {
    for (std::size_t c = 0; c < classes; ++c) {
      spare.left[c] = 0;
      while (Block* b = spare.first[c]) {
        spare.first[c] = b->next;
        ::operator delete(b);
      }
    }
  }
};

[[gnu::noinline]] void watch(Spare& s) {
  static thread_local const Janitor janitor;
  static_cast<void>(&janitor);
  s.watched = true;
  std::fill_n(s.left, classes, most);
}

// No room: the thread keeps enough, ends, or keeps its first block.
[[gnu::noinline]] void give_up(void* block, std::size_t size) noexcept {
  if (spare.watched) return ::operator delete(block);
  watch(spare);
  give_block(block, size);
}

std::size_t class_of(std::size_t size) { return (size - 1) / grain; }

}  // namespace

void* take_block(std::size_t size) {
  const std::size_t c = class_of(size);
  if (c >= classes) return ::operator new(size);
  Spare& s = spare;
  Block* const block = s.first[c];
  if (!block) return ::operator new((c + 1) * grain);
  s.first[c] = block->next;
  ++s.left[c];
  return block;
}

void give_block(void* block, std::size_t size) noexcept {
  const std::size_t c = class_of(size);
  if (c >= classes) return ::operator delete(block);
  Spare& s = spare;
  if (s.left[c] == 0) return give_up(block, size);
  --s.left[c];
  s.first[c] = new (block) Block{s.first[c]};
}

}  // namespace jetlag
