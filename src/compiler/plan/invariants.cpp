// Which operands the rounds of a loop leave as they are, as far as the text shows:
// variables that no round assigns, stores into or deletes, and pure calls on them.
#include <algorithm>
#include <set>

#include "compiler/plan/regions.h"
#include "compiler/plan/repeats.h"

namespace jetlag::plan {

namespace {

// A loop around, as the walk meets it.
struct Around {
  int id;
  std::set<int> changed;  // slots
  bool runs_python = false;
};

// What a loop's rounds do to variables.
class Changes {
 public:
  explicit Changes(const Statement& loop) : around_{loop.id, {}} {
    if (loop.kind == StatementKind::for_each) around_.changed.insert(loop.variable.slot);
    if (loop.kind == StatementKind::loop) note(loop.region);
    note(loop.blocks[0]);
  }
  Around take() { return std::move(around_); }

 private:
  void note(const Block& block) {
    for (const Statement& s : block.statements) {
      if (s.kind == StatementKind::for_each) around_.changed.insert(s.variable.slot);
      if (s.kind == StatementKind::opaque_block) around_.runs_python = true;
      note(s.region);
      for (const Block& b : s.blocks) note(b);
    }
  }

  void note(const Region& r) {
    for (const Op& op : r.ops) {
      switch (op.kind) {
        case OpKind::assign:
        case OpKind::unbind: around_.changed.insert(op.variable.slot); break;
        case OpKind::store_index: note_target(r, op.args[1]); break;
        case OpKind::augment_index: note_target(r, op.args[2]); break;
        case OpKind::method:
          if (!op.member) around_.runs_python = true;
          break;
        case OpKind::opaque:
        case OpKind::host_call:
        case OpKind::value_call:
        case OpKind::print:
        case OpKind::store_attribute:
        case OpKind::augment_attribute: around_.runs_python = true; break;
        default: break;
      }
      for (const Block& b : op.blocks) note(b);
    }
  }

  // The variable whose memory is written, by a view of a view of it.
  void note_target(const Region& r, int reg) {
    while (reg >= 0) {
      const Op& op = r.ops[static_cast<std::size_t>(reg)];
      if (op.kind == OpKind::variable) around_.changed.insert(op.variable.slot);
      reg = op.args.empty() ? -1 : op.args[0];
    }
  }

  Around around_;
};

bool is_pure(const Op& op) {
  switch (op.kind) {
    case OpKind::call:
    case OpKind::tuple:
    case OpKind::span:
    case OpKind::index: return true;
    case OpKind::attribute:
    case OpKind::method: return op.member != nullptr;
    default: return false;
  }
}

class Finder {
 public:
  void block(Block& b) {
    for (Statement& s : b.statements) {
      const bool loops = s.kind == StatementKind::loop || s.kind == StatementKind::for_each;
      if (!loops) {
        region(s.region);
        for (Block& inner : s.blocks) block(inner);
        continue;
      }
      if (s.kind == StatementKind::for_each) region(s.region);
      around_.push_back(Changes(s).take());
      if (s.kind == StatementKind::loop) region(s.region);
      block(s.blocks[0]);
      around_.pop_back();
      if (s.blocks.size() > 1) block(s.blocks[1]);
    }
  }

 private:
  void region(Region& r) {
    for (Op& op : r.ops) {
      for (Block& b : op.blocks) block(b);
    }
    if (around_.empty()) return;
    const std::size_t variant = around_.size();
    std::vector<std::size_t> levels;  // by register: the outermost loop that leaves it alone
    for (Op& op : r.ops) {
      std::size_t level = outermost();
      if (op.kind == OpKind::variable) {
        level = op.variable.depth == 0 ? level_of(op.variable.slot) : variant;
      } else if (is_pure(op)) {
        for (int a : op.args) {
          if (a >= 0) level = std::max(level, levels[static_cast<std::size_t>(a)]);
        }
        if (level < variant) op.invariant = around_[level].id;
      } else if (op.kind != OpKind::constant && op.kind != OpKind::capture) {
        level = variant;
      }
      levels.push_back(level);
    }
  }

  // Where Python runs, results are forgotten.
  std::size_t outermost() const {
    std::size_t level = around_.size();
    while (level > 0 && !around_[level - 1].runs_python) --level;
    return level;
  }

  std::size_t level_of(int slot) const {
    std::size_t level = around_.size();
    while (level > outermost() && !around_[level - 1].changed.contains(slot)) --level;
    return level;
  }

  std::vector<Around> around_;  // from the outside in
};

}  // namespace

void find_invariants(Program&, Function& function) {
  if (!function.needs_frame) Finder().block(function.body);
}

}  // namespace jetlag::plan
