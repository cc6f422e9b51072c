// Passes over the plan of a function. Each leaves a plan that can run.
#include <algorithm>
#include <set>

#include "compiler/plan/independent.h"
#include "compiler/plan/liveness.h"
#include "compiler/plan/outers.h"
#include "compiler/plan/reductions.h"
#include "compiler/plan/regions.h"
#include "compiler/plan/repeats.h"
#include "compiler/plan/rules.h"
#include "compiler/plan/streams.h"

namespace jetlag::plan {

bool is_elementwise(const Op& op) {
  if (op.kind != OpKind::call || !op.primitive) return false;
  if (op.primitive->formula) return true;
  const Primitive* ufunc = find_primitive(op.primitive->ufunc);
  return ufunc && ufunc->formula;
}

bool is_outer(const Op& op) {
  return op.kind == OpKind::call && op.primitive && op.primitive->name == "outer";
}

bool is_quiet(const Op& op) {
  switch (op.kind) {
    case OpKind::constant:
    case OpKind::variable:
    case OpKind::capture:
    case OpKind::call:
    case OpKind::tuple:
    case OpKind::list:
    case OpKind::span:
    case OpKind::index:
    case OpKind::item:
    case OpKind::assign: return true;
    default: return false;
  }
}

bool is_product(const Op& op) {
  if (op.kind == OpKind::method) return op.name == "dot";
  if (op.kind != OpKind::call || !op.primitive) return false;
  return op.primitive->algebra == Algebra::product || op.primitive->ufunc == "matmul";
}

namespace {

// ---- fuse-elementwise: f(g(a), b) → one pass --------------------------------

class Fuser {
 public:
  Fuser(Region& region, bool several)
      : region_(region), several_(several && !has_products()), readers_(region.ops.size()) {
    const int count = static_cast<int>(region.ops.size());
    for (int k = 0; k < count; ++k) {
      const Op& op = region.ops[k];
      // An assignment that was dropped reads nothing.
      if (op.kind == OpKind::assign && op.variable.slot < 0) continue;
      for (int a : op.args) {
        if (a >= 0) readers_[a].insert(k);
      }
    }
    if (region.result >= 0) readers_[region.result].insert(count);
  }

  void run() {
    for (int k = static_cast<int>(region_.ops.size()) - 1; k >= 0; --k) {
      if (region_.ops[k].group < 0 && is_elementwise(region_.ops[k])) grow(k);
    }
  }

 private:
  // Products that may wait for each other want the work between them one by one.
  bool has_products() const {
    return std::count_if(region_.ops.begin(), region_.ops.end(), shares_matrix) > 1;
  }

  void grow(int root) {
    std::vector<int> members{root};
    const int tail = tail_of(root);
    const bool stored = is_stored(root);
    const bool several = several_ && tail < 0 && !stored && !is_reduced(root);
    for (std::size_t i = 0; i < members.size(); ++i) {
      for (int a : region_.ops[members[i]].args) {
        if (a >= 0) join(a, members, root, several);
      }
    }
    if (members.size() < 2 && tail < 0 && !stored) return;
    std::sort(members.begin(), members.end());
    const int id = static_cast<int>(region_.groups.size());
    for (int m : members) region_.ops[m].group = id;
    if (tail >= 0) region_.ops[tail].tail_of = id;
    region_.groups.push_back({.members = members, .tail = tail, .stored = stored});
    find_outputs(region_.groups.back(), id);
  }

  void find_outputs(Group& group, int id) {
    const int root = group.members.back();
    for (int m : group.members) {
      bool read_outside = false;
      for (int reader : readers_[m]) {
        const bool inside = std::binary_search(group.members.begin(), group.members.end(), reader);
        read_outside = read_outside || !inside;
        if (inside || reader > root) continue;
        group.assigns.push_back(reader);
        region_.ops[reader].group = id;
      }
      if (read_outside && m != root) group.outputs.push_back(m);
    }
    std::sort(group.assigns.begin(), group.assigns.end());
  }

  bool is_reduced(int root) const {
    if (readers_[root].size() != 1) return false;
    const int reader = *readers_[root].begin();
    return reader < static_cast<int>(region_.ops.size()) && is_reduction(region_.ops[reader]);
  }

  // several-results: a reader that can have the value once the root is computed.
  bool may_wait(int reader, int root) const {
    if (reader > root) return true;
    const Op& op = region_.ops[reader];
    if (op.kind != OpKind::assign || op.variable.depth > 0) return false;
    // Nobody reads or assigns the variable meanwhile.
    return std::none_of(
        region_.ops.begin() + reader + 1, region_.ops.begin() + root, [&](const Op& other) {
          const bool same = other.variable.depth == 0 && other.variable.slot == op.variable.slot;
          const bool dropped = other.kind == OpKind::assign && other.variable.slot < 0 &&
                               other.index == op.variable.slot;
          return same || dropped;
        });
  }

  // b[i:j] = f(a): a store alone reads the result, and only names and bounds are read before it.
  bool is_stored(int root) const {
    if (readers_[root].size() != 1) return false;
    const int reader = *readers_[root].begin();
    if (reader == static_cast<int>(region_.ops.size())) return false;
    const Op& store = region_.ops[reader];
    if (store.kind != OpKind::store_index || store.args[0] != root) return false;
    if (std::find(store.args.begin() + 1, store.args.end(), root) != store.args.end()) return false;
    return std::all_of(region_.ops.begin() + root + 1, region_.ops.begin() + reader,
                       [](const Op& op) {
                         return op.kind == OpKind::constant || op.kind == OpKind::variable ||
                                op.kind == OpKind::span;
                       });
  }

  // t += f(a): the next operation, if it alone reads the result and works in place.
  int tail_of(int root) const {
    const int next = root + 1;
    if (readers_[root] != std::set<int>{next} || next == static_cast<int>(region_.ops.size()))
      return -1;
    const Op& op = region_.ops[next];
    const bool in_place = op.kind == OpKind::augment_variable || op.kind == OpKind::augment_index;
    if (!in_place || op.args[1] != root || op.args[0] == root) return -1;
    const Primitive* ufunc = find_primitive(op.primitive->ufunc);
    return ufunc && ufunc->formula ? next : -1;
  }

  // y = f(x); z = g(y); w = h(y): with y comes the other elementwise work that reads it, as
  // further results, or y stays outside.
  void join(int reg, std::vector<int>& members, int root, bool several) const {
    std::vector<int> joining{reg};
    const auto is_inside = [&](int k) {
      return std::find(members.begin(), members.end(), k) != members.end() ||
             std::find(joining.begin(), joining.end(), k) != joining.end();
    };
    if (std::find(members.begin(), members.end(), reg) != members.end()) return;
    for (std::size_t i = 0; i < joining.size(); ++i) {
      const int at = joining[i];
      if (!may_join(at, root)) return;
      const Op& op = region_.ops[at];
      const bool may_be_output = several && is_elementwise(op) && op.invariant < 0 &&
                                 members.size() + joining.size() <= most_members;
      for (int reader : readers_[at]) {
        if (is_inside(reader)) continue;
        if (!may_be_output) return;
        if (may_wait(reader, root)) continue;
        if (!may_be_result(reader)) return;
        joining.push_back(reader);
      }
    }
    members.insert(members.end(), joining.begin(), joining.end());
  }

  bool may_be_result(int reg) const {
    return is_elementwise(region_.ops[reg]) && !is_reduced(reg) && !is_stored(reg) &&
           tail_of(reg) < 0;
  }

  bool may_join(int reg, int root) const {
    const Op& op = region_.ops[reg];
    if (!is_elementwise(op) && !is_outer(op)) return false;
    if (op.group >= 0 || op.repeated) return false;
    // What rounds of a loop can keep is made apart from what each of them makes.
    if (op.invariant >= 0 && op.invariant != region_.ops[root].invariant &&
        work_of(region_, reg, costly_work) >= costly_work)
      return false;
    return std::all_of(region_.ops.begin() + reg + 1, region_.ops.begin() + root, is_quiet);
  }

  // Of groups with several results: more of them keep too much in registers.
  static constexpr std::size_t most_members = 64;

  Region& region_;
  bool several_;
  std::vector<std::set<int>> readers_;
};

void fuse_elementwise(Program&, Function& function) {
  const bool several = !function.needs_frame && is_on("several-results");
  each_region(function.body, [&](Region& r) {
    Fuser(r, several).run();
    if (function.needs_frame || !find_costly_copies(r, function.slots.size())) return;
    r.groups.clear();
    for (Op& op : r.ops) op.group = op.tail_of = -1;
    Fuser(r, several).run();
  });
}

// ---- last-use: where a register dies ----------------------------------------

void last_use(Program&, Function& function) {
  auto mark = [](Region& r) {
    std::vector<int> last(r.ops.size(), -1);
    const auto read = [&](int reg, int at) {
      if (reg >= 0)
        last[static_cast<std::size_t>(reg)] = std::max(last[static_cast<std::size_t>(reg)], at);
    };
    for (std::size_t k = 0; k < r.ops.size(); ++k) {
      const Op& op = r.ops[k];
      // Operands of a fused group are read when its last member runs.
      const int at = op.group >= 0 ? r.groups[static_cast<std::size_t>(op.group)].members.back()
                                   : static_cast<int>(k);
      for (int a : op.args) read(a, at);
      read(static_cast<int>(k), at);
    }
    if (r.result >= 0) last[static_cast<std::size_t>(r.result)] = -1;
    for (std::size_t reg = 0; reg < last.size(); ++reg) {
      if (last[reg] >= 0)
        r.ops[static_cast<std::size_t>(last[reg])].dying.push_back(static_cast<int>(reg));
    }
  };
  each_region(function.body, mark);
}

// ---- note-writes: may the call write into memory that it was given? ---------

void note_writes(Program& program, Function& function) {
  each_region(function.body, [&](Region& r) {
    for (const Op& op : r.ops) {
      switch (op.kind) {
        case OpKind::store_index:
        case OpKind::augment_index:
        case OpKind::augment_variable:
        case OpKind::store_attribute:
        case OpKind::augment_attribute:
        case OpKind::opaque:
        case OpKind::value_call:
        case OpKind::host_call: program.may_write = true; break;
        // sort, fill, and whatever objects that are no arrays have.
        case OpKind::method: program.may_write = program.may_write || !op.member; break;
        default: break;
      }
    }
  });
}

// ---- note-factors: inverses that are wanted as factors of a product ---------------

bool is_inverse(const Op& op) {
  return op.kind == OpKind::call && op.primitive && op.primitive->algebra == Algebra::inverse;
}

// Products that nobody but one product reads.
void note_chains(Region& r) {
  std::vector<int> readers(r.ops.size(), 0), products(r.ops.size(), 0);
  for (const Op& op : r.ops) {
    if (op.kind == OpKind::assign && op.variable.slot < 0) continue;
    for (int a : op.args) {
      if (a < 0) continue;
      ++readers[static_cast<std::size_t>(a)];
      if (is_product(op)) ++products[static_cast<std::size_t>(a)];
    }
  }
  if (r.result >= 0) ++readers[static_cast<std::size_t>(r.result)];
  for (std::size_t k = 0; k < r.ops.size(); ++k) {
    if (is_product(r.ops[k]) && readers[k] == 1 && products[k] == 1) r.ops[k].feeds_product = true;
  }
}

void note_factors(Program&, Function& function) {
  std::set<int> slots;  // of variables that are read as a first factor
  each_region(function.body, [&](Region& r) {
    note_chains(r);
    for (const Op& op : r.ops) {
      if (!is_product(op) || op.args.empty() || op.args[0] < 0) continue;
      Op& factor = r.ops[static_cast<std::size_t>(op.args[0])];
      if (is_inverse(factor)) factor.feeds_product = true;
      if (factor.kind == OpKind::variable) slots.insert(factor.variable.slot);
    }
  });
  each_region(function.body, [&](Region& r) {
    for (const Op& op : r.ops) {
      if (op.kind != OpKind::assign || !slots.contains(op.variable.slot)) continue;
      Op& value = r.ops[static_cast<std::size_t>(op.args[0])];
      if (is_inverse(value)) value.feeds_product = true;
    }
  });
}

constexpr Pass table[] = {
    {"drop-unread", mark_last_reads,
     "a variable is let go where its value is read for the last time"},
    {"find-invariants", find_invariants, "what rounds of a loop would compute again is noted"},
    {"fuse-elementwise", fuse_elementwise,
     "elementwise chains become one pass over their operands"},
    {"fuse-reductions", fuse_reductions,
     "an elementwise result that one reduction reads is computed where it is reduced"},
    {"share-pass", share_pass, "products that read one matrix read it together, row by row"},
    {"note-outers", note_outers,
     "results that only elementwise work reads may be computed by each reader"},
    {"note-factors", note_factors,
     "inverses become factorisations, and products wait, where only products read them"},
    {"find-repeats", find_repeats,
     "results that will be wanted again are kept: in a region, or from round to round"},
    {"note-gathers", note_gathers,
     "what an index array takes is taken by the elementwise work that reads it"},
    {"last-use", last_use, "a value is let go after its last reader"},
    {"independent-iterations", find_independent,
     "rounds of a loop that do not read what others store run as tasks"},
    {"note-writes", note_writes, "calls that write are ordered against others on the same memory"},
};

}  // namespace

std::span<const Pass> passes() { return table; }

}  // namespace jetlag::plan
