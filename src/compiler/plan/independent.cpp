#include "compiler/plan/independent.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "compiler/plan/liveness.h"

namespace jetlag::plan {

namespace {

using Set = std::set<int>;

bool is_own_variable(const Op& op) {
  return op.kind == OpKind::variable && op.variable.depth == 0 && op.variable.slot >= 0;
}

// Reads of slots by operations, however deep.
void count_reads(const Block& block, std::vector<int>& counts);

void count_reads(const Region& region, std::vector<int>& counts) {
  for (const Op& op : region.ops) {
    const bool reads = op.kind == OpKind::variable || op.kind == OpKind::unbind;
    if (reads && op.variable.depth == 0 && op.variable.slot >= 0)
      ++counts[static_cast<std::size_t>(op.variable.slot)];
    for (const Block& b : op.blocks) count_reads(b, counts);
  }
}

void count_reads(const Block& block, std::vector<int>& counts) {
  for (const Statement& s : block.statements) {
    count_reads(s.region, counts);
    for (const Variable& v : s.inputs) ++counts[static_cast<std::size_t>(v.slot)];
    for (const Block& b : s.blocks) count_reads(b, counts);
  }
}

// What only asks for the form of an array, never for its elements.
bool asks_for_form(const Op& op) {
  static const std::set<std::string_view> names{"shape", "ndim", "size", "dtype", "len"};
  if (op.kind == OpKind::attribute) return names.contains(op.name);
  return op.kind == OpKind::call && op.primitive && names.contains(op.primitive->name);
}

class Analysis {
 public:
  Analysis(const Function& function, const Statement& loop) : function_(function), loop_(loop) {}

  Independent run() {
    try {
      count();
      collect_assigned(loop_.blocks[0], true);
      if (conditional_.contains(result_.counter) || assigns_to_counter_ != expected_assigns())
        refuse("the counter is assigned in the loop");
      inspect(loop_.blocks[0], Depth::top);
      if (stored_.empty()) refuse("the rounds store nothing into arrays");
      check_order();
      finish();
    } catch (const Refused& refused) {
      result_.why_not = refused.why;
    }
    return std::move(result_);
  }

 private:
  enum class Depth { top, branch, inner_loop };
  struct Refused {
    std::string why;
  };

  [[noreturn]] static void refuse(std::string why) { throw Refused{std::move(why)}; }
  std::string name(int slot) const { return function_.slots[static_cast<std::size_t>(slot)]; }
  int expected_assigns() const { return loop_.kind == StatementKind::loop ? 1 : 0; }

  // ---- how rounds are counted ----

  void count() {
    if (loop_.kind == StatementKind::for_each) {
      result_.counter = loop_.variable.slot;
      return;
    }
    // while u < n, where n is a constant or a variable
    const Region& r = loop_.region;
    const Op* compare = r.result >= 0 ? &r.ops[static_cast<std::size_t>(r.result)] : nullptr;
    const std::string why = "the condition is not `u < n` with a counter u";
    if (!compare || compare->kind != OpKind::call || compare->args.size() != 2) refuse(why);
    const std::string_view relation = compare->primitive->name;
    result_.inclusive = relation == "__le" || relation == "__ge";
    if (relation != "__lt" && relation != "__le" && relation != "__gt" && relation != "__ge")
      refuse(why);
    const bool swapped = relation == "__gt" || relation == "__ge";
    for (std::size_t k = 0; k + 1 < r.ops.size(); ++k) {
      if (!is_own_variable(r.ops[k]) && r.ops[k].kind != OpKind::constant) refuse(why);
    }
    const auto at = static_cast<std::size_t>(swapped ? compare->args[1] : compare->args[0]);
    const Op& counter = r.ops[at];
    result_.bound = swapped ? compare->args[0] : compare->args[1];
    if (!is_own_variable(counter)) refuse(why);
    result_.counter = counter.variable.slot;
    find_step();
    const Op& bound = r.ops[static_cast<std::size_t>(result_.bound)];
    if (is_own_variable(bound)) bound_slot_ = bound.variable.slot;
  }

  // The last statement of the body says u = u + step, once.
  void find_step() {
    const std::string why = "the counter does not grow by a constant in the last statement";
    const auto& statements = loop_.blocks[0].statements;
    if (statements.empty() || statements.back().kind != StatementKind::region) refuse(why);
    const Region& r = statements.back().region;
    const auto op_at = [&](int reg) -> const Op& { return r.ops[static_cast<std::size_t>(reg)]; };
    for (const Op& op : r.ops) {
      if (op.kind != OpKind::assign || op.variable.slot != result_.counter) continue;
      const Op& sum = op_at(op.args[0]);
      const bool adds = (sum.kind == OpKind::call || sum.kind == OpKind::augment_variable) &&
                        sum.primitive && sum.primitive->name == "__add" && sum.args.size() >= 2;
      if (!adds) refuse(why);
      const Op* u = &op_at(sum.args[0]);
      const Op* step = &op_at(sum.args[1]);
      if (sum.kind == OpKind::call && u->kind == OpKind::constant) std::swap(u, step);
      if (!is_counter(*u) || step->kind != OpKind::constant ||
          !step->constant.is(ValueKind::integer) || step->constant.integer() < 1)
        refuse(why);
      result_.step = step->constant.integer();
    }
  }

  bool is_counter(const Op& op) const {
    return is_own_variable(op) && op.variable.slot == result_.counter;
  }

  // ---- variables ----

  void collect_assigned(const Block& block, bool always) {
    for (const Statement& s : block.statements) {
      if (s.kind == StatementKind::for_each) note_assigned(s.variable.slot, false);
      collect_assigned(s.region, always);
      for (const Block& b : s.blocks) collect_assigned(b, false);
    }
  }

  void collect_assigned(const Region& region, bool always) {
    for (const Op& op : region.ops) {
      if (op.kind == OpKind::assign && op.variable.depth > 0)
        refuse("outer variables are assigned");
      if (op.kind == OpKind::assign && op.variable.slot >= 0) {
        note_assigned(op.variable.slot, always);
        if (op.variable.slot == result_.counter) ++assigns_to_counter_;
      }
      for (const Block& b : op.blocks) collect_assigned(b, false);
    }
  }

  void note_assigned(int slot, bool always) {
    (always ? certain_ : conditional_).insert(slot);
    assigned_.insert(slot);
  }

  // ---- operations ----

  void inspect(const Block& block, Depth depth) {
    for (const Statement& s : block.statements) {
      switch (s.kind) {
        case StatementKind::region: inspect(s.region, depth); break;
        case StatementKind::branch:
          inspect(s.region, depth);
          for (const Block& b : s.blocks) inspect(b, std::max(depth, Depth::branch));
          break;
        case StatementKind::loop:
        case StatementKind::for_each:
          result_.has_loops = true;
          inspect(s.region, Depth::inner_loop);
          for (const Block& b : s.blocks) inspect(b, Depth::inner_loop);
          break;
        case StatementKind::break_:
        case StatementKind::continue_:
          if (depth != Depth::inner_loop) refuse("a round may end the loop or itself early");
          break;
        case StatementKind::leave: refuse("a round may return");
        case StatementKind::opaque_block: refuse("a statement runs in Python");
      }
    }
  }

  void inspect(const Region& region, Depth depth) {
    for (std::size_t k = 0; k < region.ops.size(); ++k) {
      const Op& op = region.ops[k];
      check_kind(region, op);
      if (op.kind == OpKind::store_index) inspect_store(region, op, depth);
      if (is_own_variable(op)) inspect_read(region, static_cast<int>(k), op.variable.slot);
      for (const Block& b : op.blocks) inspect(b, std::max(depth, Depth::branch));
    }
    if (region.result >= 0 && is_own_variable(region.ops[static_cast<std::size_t>(region.result)]))
      whole_.insert(region.ops[static_cast<std::size_t>(region.result)].variable.slot);
  }

  void check_kind(const Region& region, const Op& op) {
    switch (op.kind) {
      case OpKind::constant:
      case OpKind::variable:
        if (op.variable.depth > 0) refuse("outer variables are read");
        return;
      case OpKind::augment_variable: result_.alters = true; return;
      case OpKind::capture:
      case OpKind::call:
      case OpKind::function_call:
      case OpKind::method:
      case OpKind::attribute:
      case OpKind::tuple:
      case OpKind::list:
      case OpKind::span:
      case OpKind::index:
      case OpKind::all:
      case OpKind::any:
      case OpKind::nested:
      case OpKind::assign:
      case OpKind::store_index:
      case OpKind::unpack:
      case OpKind::item: return;
      case OpKind::augment_index: inspect_augment(region, op); return;
      case OpKind::host_call:
      case OpKind::opaque: refuse("an expression runs in Python");
      case OpKind::print: refuse("a round prints");
      default: refuse("a round does more than compute and store");
    }
  }

  void inspect_augment(const Region& region, const Op& op) {
    result_.alters = true;
    const Op& base = region.ops[static_cast<std::size_t>(op.args[2])];
    if (is_own_variable(base) && !assigned_.contains(base.variable.slot))
      refuse(format("{} is changed in place", name(base.variable.slot)));
  }

  void inspect_store(const Region& region, const Op& op, Depth depth) {
    const Op& base = region.ops[static_cast<std::size_t>(op.args[1])];
    if (base.kind == OpKind::capture) refuse(format("{} is stored to from a round", base.name));
    if (!is_own_variable(base) || assigned_.contains(base.variable.slot)) {
      result_.alters = true;  // memory of its own, or so the run will have to find
      return;
    }
    const int slot = base.variable.slot;
    if (depth == Depth::inner_loop) refuse(format("an inner loop stores into {}", name(slot)));
    stored_.insert(slot);
    result_.held.emplace_back(op.id, slot);
    if (!selects_row(region, op, 2)) not_by_row_.insert(slot);
    if (depth != Depth::top) not_last_.insert(slot);
  }

  // [counter, …]
  bool selects_row(const Region& region, const Op& op, std::size_t first) const {
    return op.args.size() > first && op.args[first] >= 0 &&
           is_counter(region.ops[static_cast<std::size_t>(op.args[first])]);
  }

  void inspect_read(const Region& region, int reg, int slot) {
    if (slot == result_.counter) return;
    if (!assigned_.contains(slot)) read_.insert(slot);
    for (const Op& op : region.ops) {
      for (std::size_t i = 0; i < op.args.size(); ++i) {
        if (op.args[i] != reg) continue;
        if (op.kind == OpKind::store_index && i == 1) continue;
        if (asks_for_form(op)) continue;
        if (op.kind == OpKind::index && i == 0 && selects_row(region, op, 1)) {
          rows_.insert(slot);
        } else {
          whole_.insert(slot);
        }
      }
    }
  }

  // ---- conclusions ----

  void check_order() {
    const Slots carried = read_on_entry(loop_.blocks[0], function_.slots.size());
    for (const int slot : assigned_) {
      if (slot != result_.counter && carried[static_cast<std::size_t>(slot)])
        refuse(format("{} is carried from round to round", name(slot)));
    }
    if (assigned_.contains(bound_slot_)) refuse("the bound is assigned in the loop");
    for (const int slot : stored_) {
      if (slot == result_.counter) refuse("the counter is stored to");
      if (whole_.contains(slot)) refuse(format("{} is both read and written", name(slot)));
      if (!rows_.contains(slot)) continue;
      if (not_by_row_.contains(slot) || not_last_.contains(slot) || !stores_come_last())
        refuse(format("{} is both read and written", name(slot)));
      result_.by_row.push_back(slot);
    }
    check_conditional();
  }

  // Variables that only some rounds assign must not be wanted later.
  void check_conditional() const {
    std::vector<int> everywhere(function_.slots.size()), inside(function_.slots.size());
    count_reads(function_.body, everywhere);
    count_reads(loop_.blocks[0], inside);
    for (const int slot : conditional_) {
      const auto at = static_cast<std::size_t>(slot);
      if (!certain_.contains(slot) && everywhere[at] > inside[at])
        refuse(format("{} is assigned by some rounds only, and read later", name(slot)));
    }
  }

  // After the first store of a round nothing but stores and counting.
  bool stores_come_last() const {
    bool stored = false;
    for (const Statement& s : loop_.blocks[0].statements) {
      if (stored && s.kind != StatementKind::region) return false;
      for (const Op& op : s.region.ops) {
        const bool held = result_.held_slot(op.id) >= 0;
        stored = stored || held;
        if (!stored || held) continue;
        if (op.kind == OpKind::constant || op.kind == OpKind::span || is_counter(op)) continue;
        if (is_own_variable(op) && stored_.contains(op.variable.slot)) continue;
        if (op.kind == OpKind::assign && op.variable.slot == result_.counter) continue;
        if (counts(s.region, op)) continue;
        return false;
      }
    }
    return true;
  }

  // u + 1
  bool counts(const Region& region, const Op& op) const {
    return (op.kind == OpKind::call || op.kind == OpKind::augment_variable) &&
           std::all_of(op.args.begin(), op.args.end(), [&](int a) {
             if (a < 0) return false;
             const Op& from = region.ops[static_cast<std::size_t>(a)];
             return is_counter(from) || from.kind == OpKind::constant;
           });
  }

  void finish() {
    result_.reads.assign(read_.begin(), read_.end());
    result_.stored.assign(stored_.begin(), stored_.end());
    result_.results.assign(certain_.begin(), certain_.end());
    std::sort(result_.held.begin(), result_.held.end());
  }

  const Function& function_;
  const Statement& loop_;
  Independent result_;
  int bound_slot_ = -1;
  int assigns_to_counter_ = 0;
  Set assigned_, certain_, conditional_;  // in the body; in each round; in some
  Set read_, rows_, whole_;               // from before the loop: at all, by row, otherwise
  Set stored_, not_by_row_, not_last_;
};

void mark(const Function& function, Block& block) {
  for (Statement& s : block.statements) {
    if (s.kind == StatementKind::loop || s.kind == StatementKind::for_each) {
      s.independent = std::make_shared<const Independent>(Analysis(function, s).run());
    }
    for (Block& b : s.blocks) mark(function, b);
  }
}

}  // namespace

int Independent::held_slot(int id) const {
  const auto at =
      std::find_if(held.begin(), held.end(), [&](const auto& h) { return h.first == id; });
  return at == held.end() ? -1 : at->second;
}

void find_independent(Program&, Function& function) {
  if (!function.needs_frame) mark(function, function.body);
}

}  // namespace jetlag::plan
