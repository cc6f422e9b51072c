#include "compiler/loops/before_calls.h"

#include <algorithm>

namespace jetlag::loops {

namespace {

constexpr std::size_t most_instructions = 24;

bool is_little(Do what) {
  switch (what) {
    case Do::library:
    case Do::kernel:
    case Do::vectors:
    case Do::dot:
    case Do::work:
    case Do::poll: return false;  // the last: a loop
    default: return true;
  }
}

}  // namespace

std::vector<bool> blocks_before_calls(const Program& function) {
  std::vector<bool> before(function.blocks.size());
  std::vector<int> waiting{0};
  std::size_t instructions = 0;
  bool gives = false;
  while (!waiting.empty()) {
    const auto at = static_cast<std::size_t>(waiting.back());
    waiting.pop_back();
    const Block& block = function.blocks[at];
    const auto does = [&](auto&& which) {
      return std::any_of(block.instructions.begin(), block.instructions.end(), [&](int i) {
        return which(function.instructions[static_cast<std::size_t>(i)].what);
      });
    };
    if (before[at] || does([](Do what) { return what == Do::invoke; })) continue;
    before[at] = true;
    instructions += block.instructions.size();
    if (instructions > most_instructions || does([](Do what) { return !is_little(what); }))
      return {};
    gives = gives || block.end == Block::End::give;
    if (block.end == Block::End::jump) waiting.push_back(block.yes);
    if (block.end == Block::End::branch) waiting.insert(waiting.end(), {block.yes, block.no});
  }
  return gives ? before : std::vector<bool>{};
}

}  // namespace jetlag::loops
