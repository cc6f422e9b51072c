#include "compiler/loops/rounds.h"

#include <vector>

namespace jetlag::loops {

namespace {

// What runs between the beginning of a round and that of the next.
std::vector<bool> body_of(const Program& program, int round, const std::map<int, int>& parts) {
  std::vector<bool> body(program.blocks.size());
  std::vector<int> waiting{program.blocks[static_cast<std::size_t>(round)].yes};
  while (!waiting.empty()) {
    const int at = waiting.back();
    waiting.pop_back();
    if (at < 0 || parts.contains(at) || body[static_cast<std::size_t>(at)]) continue;
    body[static_cast<std::size_t>(at)] = true;
    const Block& block = program.blocks[static_cast<std::size_t>(at)];
    waiting.insert(waiting.end(), {block.yes, block.no});
  }
  return body;
}

}  // namespace

void enter_rounds_by_parts(Program& program, const std::map<int, int>& parts) {
  for (const auto& [round, part] : parts) {
    const std::vector<bool> body = body_of(program, round, parts);
    for (std::size_t b = 0; b < program.blocks.size(); ++b) {
      if (static_cast<int>(b) == part || body[b]) continue;
      for (int* to : {&program.blocks[b].yes, &program.blocks[b].no}) {
        if (*to == round) *to = part;
      }
    }
  }
}

}  // namespace jetlag::loops
