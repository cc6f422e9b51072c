#include "compiler/loops/rows.h"

#include <algorithm>

namespace jetlag::loops {

using plan::Op;
using plan::OpKind;

namespace {

class Rows {
 public:
  Rows(const Flat& flat, int loop, std::span<const Kind> kinds)
      : flat_(flat),
        loop_(flat.loops[static_cast<std::size_t>(loop)]),
        number_(loop),
        kinds_(kinds) {}

  bool are_apart() {
    // What the else does, every part of the loop would do.
    if (!loop_.counted || loop_.statement->blocks.size() != 1) return false;
    if (carries_a_variable()) return false;
    for (int i = loop_.head; i < loop_.last; ++i) {
      if (!stays_inside(i) || !is_plain(flat_.nodes[static_cast<std::size_t>(i)])) return false;
    }
    return std::all_of(accesses_.begin(), accesses_.end(), [&](const Access& a) {
      return a.own_row || std::find(stored_.begin(), stored_.end(), a.array) == stored_.end();
    });
  }

 private:
  struct Access {
    int array;
    bool own_row;
  };

  // A variable that is read before the round, or what comes after the loop, has assigned it.
  bool carries_a_variable() const {
    const auto& live = flat_.live[static_cast<std::size_t>(loop_.head)];
    for (int v = 0; v < flat_.slots; ++v) {
      const auto at = static_cast<std::size_t>(v);
      if (v != loop_.variable && loop_.assigned[at] && live[at]) return true;
    }
    return false;
  }

  bool stays_inside(int number) const {
    const Node& n = flat_.nodes[static_cast<std::size_t>(number)];
    const auto inside = [&](int to) { return to < 0 || (loop_.head <= to && to < loop_.last); };
    if (n.kind == NodeKind::next && n.loop == number_) return inside(n.yes);
    if (n.kind == NodeKind::next &&
        flat_.loops[static_cast<std::size_t>(n.loop)].variable == loop_.variable)
      return false;
    return inside(n.yes) && inside(n.no);
  }

  bool is_plain(const Node& n) {
    switch (n.kind) {
      case NodeKind::leave:
      case NodeKind::finish:
      case NodeKind::other: return false;
      case NodeKind::op: break;
      default: return true;
    }
    const Op& op = *n.op;
    switch (op.kind) {
      case OpKind::assign: return op.variable.depth == 0 && op.variable.slot != loop_.variable;
      case OpKind::index: return access(n, 0, 1, false);
      case OpKind::store_index: return access(n, 1, 2, true);
      case OpKind::augment_index: return access(n, 2, 3, true);
      case OpKind::constant:
      case OpKind::variable:
      case OpKind::capture:
      case OpKind::tuple:
      case OpKind::unpack:
      case OpKind::item:
      case OpKind::call:
      case OpKind::attribute:
      case OpKind::augment_variable: return true;
      default: return false;
    }
  }

  const Op* operation_at(const Node& n, int argument) const {
    return &n.statement->region
                .ops[static_cast<std::size_t>(n.op->args[static_cast<std::size_t>(argument)])];
  }

  // Only arrays that a variable from before the loop holds: a row might be of any of them.
  bool access(const Node& n, int base, int first_item, bool stores) {
    if (static_cast<int>(n.op->args.size()) <= first_item) return false;
    const Op& array = *operation_at(n, base);
    int variable = -1;
    if (array.kind == OpKind::capture) variable = flat_.capture(array.index);
    if (array.kind == OpKind::variable && array.variable.depth == 0 &&
        !loop_.assigned[static_cast<std::size_t>(array.variable.slot)])
      variable = array.variable.slot;
    if (variable < 0) return is_shape(array);
    const Kind& k = kinds_[static_cast<std::size_t>(variable)];
    if (!k.is(ValueKind::array)) return false;
    const Op& item = *operation_at(n, first_item);
    const bool own = item.kind == OpKind::variable && item.variable.depth == 0 &&
                     item.variable.slot == loop_.variable;
    if (stores) {
      if (!own) return false;
      stored_.push_back(k.array);
    }
    accesses_.push_back({k.array, own});
    return true;
  }

  static bool is_shape(const Op& op) { return op.kind == OpKind::attribute && op.name == "shape"; }

  const Flat& flat_;
  const LoopSpan& loop_;
  int number_;
  std::span<const Kind> kinds_;
  std::vector<Access> accesses_;
  std::vector<int> stored_;
};

}  // namespace

bool has_rows_of_its_own(const Flat& flat, int loop, std::span<const Kind> kinds) {
  return Rows(flat, loop, kinds).are_apart();
}

}  // namespace jetlag::loops
