// Backwards over the blocks of a function: a variable is live where some way on
// reads it before it is assigned. Errors leave the function, and nothing reads
// its variables then.
#include "compiler/plan/liveness.h"

#include <utility>

namespace jetlag::plan {

namespace {

// Deeper nests are not looked into: every loop is walked several times.
constexpr int deepest_nest = 6;

class Walker {
 public:
  Walker(std::size_t slots, bool mark) : count_(slots), mark_(mark) {}

  // What is live before the block, given what is live after it.
  Slots block(Block& b, Slots live) {
    for (auto s = b.statements.rbegin(); s != b.statements.rend(); ++s) {
      live = statement(*s, std::move(live));
    }
    return live;
  }

 private:
  // Where break and continue of the loop around lead.
  struct Ways {
    Slots after_break, after_continue;
  };

  Slots all() const { return Slots(count_, true); }

  static void join(Slots& a, const Slots& b) {
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (b[i]) a[i] = true;
    }
  }

  Slots statement(Statement& s, Slots live) {
    switch (s.kind) {
      case StatementKind::region: return region(s.region, std::move(live));
      case StatementKind::branch: {
        Slots either = block(s.blocks[0], live);
        join(either, s.blocks.size() > 1 ? block(s.blocks[1], live) : live);
        return region(s.region, std::move(either));
      }
      case StatementKind::loop:
      case StatementKind::for_each: return loop(s, std::move(live));
      case StatementKind::leave: return region(s.region, Slots(count_, false));
      case StatementKind::break_: return ways_ ? ways_->after_break : all();
      case StatementKind::continue_: return ways_ ? ways_->after_continue : all();
      case StatementKind::opaque_block: {
        // It may leave, break or go on; outputs may stay as they were.
        if (ways_) {
          join(live, ways_->after_break);
          join(live, ways_->after_continue);
        }
        for (const Variable& v : s.inputs) read(v, live);
        for (const Variable& v : s.outputs) read(v, live);
        return live;
      }
    }
    return all();
  }

  Slots loop(Statement& s, const Slots& after) {
    const bool counts = s.kind == StatementKind::for_each;
    const Slots done = s.blocks.size() > 1 ? block(s.blocks[1], after) : after;
    const bool mark = std::exchange(mark_, false);
    const Ways* outer = ways_;
    ++depth_;
    Slots head = depth_ > deepest_nest ? all() : Slots(count_, false);
    // Live at the head of a round; grows until it stays.
    const auto once = [&] {
      Ways ways{after, head};
      ways_ = &ways;
      Slots body = block(s.blocks[0], head);
      ways_ = outer;
      if (counts) body[static_cast<std::size_t>(s.variable.slot)] = false;
      join(body, done);
      return counts ? body : region(s.region, std::move(body));
    };
    while (true) {
      Slots next = once();
      join(next, head);
      if (next == head) break;
      head = std::move(next);
    }
    mark_ = mark && depth_ <= deepest_nest;
    if (mark_) once();
    mark_ = mark;
    --depth_;
    return counts ? region(s.region, std::move(head)) : head;
  }

  Slots region(Region& r, Slots live) {
    for (auto op = r.ops.rbegin(); op != r.ops.rend(); ++op) operation(*op, live);
    return live;
  }

  void operation(Op& op, Slots& live) {
    const bool own = op.variable.depth == 0 && op.variable.slot >= 0;
    const auto slot = static_cast<std::size_t>(op.variable.slot);
    switch (op.kind) {
      case OpKind::variable:
        // A helper's input may be unbound, and is handed to Python.
        if (own) {
          if (mark_ && !live[slot] && !op.name.empty()) op.last = true;
          live[slot] = true;
        }
        break;
      case OpKind::unbind:
        if (own) live[slot] = true;
        break;
      case OpKind::assign:
        if (!own) break;
        if (mark_ && !live[slot]) drop(op);
        live[slot] = false;
        break;
      case OpKind::nested: live = block(op.blocks[0], std::move(live)); break;
      case OpKind::all:
      case OpKind::any:
        for (auto b = op.blocks.rbegin(); b != op.blocks.rend(); ++b) {
          join(live, block(*b, live));
        }
        break;
      default: break;
    }
  }

  // The operation stays as a name for its value, so that registers keep their numbers.
  static void drop(Op& assign) {
    assign.index = assign.variable.slot;
    assign.variable.slot = -1;
  }

  void read(const Variable& v, Slots& live) const {
    if (v.depth == 0 && v.slot >= 0) live[static_cast<std::size_t>(v.slot)] = true;
  }

  std::size_t count_;
  bool mark_;
  int depth_ = 0;
  const Ways* ways_ = nullptr;
};

// The values of Python's statements are nobody's.
void forget_values(Block& block) {
  for (Statement& s : block.statements) {
    if (s.kind == StatementKind::region) s.region.result = -1;
    for (Block& b : s.blocks) forget_values(b);
  }
}

}  // namespace

void mark_last_reads(Program&, Function& function) {
  if (function.python) forget_values(function.body);
  if (function.needs_frame) return;
  const std::size_t slots = function.slots.size();
  Walker(slots, true).block(function.body, Slots(slots, false));
}

Slots read_on_entry(const Block& block, std::size_t slots) {
  // A walk that marks nothing changes nothing.
  return Walker(slots, false).block(const_cast<Block&>(block), Slots(slots, false));
}

}  // namespace jetlag::plan
