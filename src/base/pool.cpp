#include "base/pool.h"

#include <new>

namespace jetlag {

namespace {

constexpr std::size_t grain = 64;  // blocks hold whole multiples of this
constexpr std::size_t classes = 8;
constexpr int most = 16;  // kept of each class

// Needs no construction, so it can be used as long as the thread lives.
struct Spare {
  void* blocks[classes][most];
  int count[classes];
  bool watched;  // a Janitor will free what is kept
  bool closed;   // and has done so
};
thread_local constinit Spare spare{};

struct Janitor {
  ~Janitor() {
    spare.closed = true;
    for (std::size_t c = 0; c < classes; ++c) {
      while (spare.count[c] > 0) ::operator delete(spare.blocks[c][--spare.count[c]]);
    }
  }
};

void watch(Spare& s) {
  static thread_local const Janitor janitor;
  static_cast<void>(&janitor);
  s.watched = true;
}

std::size_t class_of(std::size_t size) { return (size - 1) / grain; }

}  // namespace

void* take_block(std::size_t size) {
  const std::size_t c = class_of(size);
  if (c >= classes) return ::operator new(size);
  Spare& s = spare;
  return s.count[c] > 0 ? s.blocks[c][--s.count[c]] : ::operator new((c + 1) * grain);
}

void give_block(void* block, std::size_t size) noexcept {
  const std::size_t c = class_of(size);
  Spare& s = spare;
  if (c >= classes || s.closed || s.count[c] == most) return ::operator delete(block);
  if (!s.watched) watch(s);
  s.blocks[c][s.count[c]++] = block;
}

}  // namespace jetlag
