#include "compiler/plan/reductions.h"

#include <algorithm>

#include "compiler/plan/regions.h"

namespace jetlag::plan {

bool is_reduction(const Op& op) {
  if (op.kind != OpKind::call && op.kind != OpKind::method) return false;
  const Primitive* p = op.kind == OpKind::call ? op.primitive : op.member;
  return p && p->on_demand;
}

namespace {

// Neither computes, fails nor looks at an array.
bool is_mute(const Op& op) {
  return op.kind == OpKind::constant || op.kind == OpKind::variable || op.kind == OpKind::capture ||
         op.kind == OpKind::tuple || (op.kind == OpKind::assign && op.variable.slot < 0);
}

class Finder {
 public:
  explicit Finder(Region& region) : region_(region) {}

  void run() {
    for (int k = 0; k < static_cast<int>(region_.ops.size()); ++k) {
      const Op& op = at(k);
      if (!is_reduction(op) || op.args.empty()) continue;
      const int operand = op.args[0];
      if (operand < 0) continue;
      const bool is_mask = at(operand).kind == OpKind::index && at(operand).args.size() == 2;
      if ((!is_mask && !is_elementwise(at(operand))) || !is_only_reader(k, operand)) continue;
      at(operand).feeds_reduction = is_mask;
      if (is_mask) continue;
      if (at(operand).group < 0) {
        at(operand).group = static_cast<int>(region_.groups.size());
        region_.groups.push_back({.members = {operand}});
      }
      Group& group = region_.groups[static_cast<std::size_t>(at(operand).group)];
      if (group.members.back() == operand) group.reduction = k;
    }
  }

 private:
  Op& at(int k) { return region_.ops[static_cast<std::size_t>(k)]; }

  bool is_only_reader(int reader, int reg) {
    if (region_.result == reg) return false;
    for (int k = 0; k < static_cast<int>(region_.ops.size()); ++k) {
      const Op& op = at(k);
      if (k > reg && k < reader && !is_mute(op)) return false;
      if (op.kind == OpKind::assign && op.variable.slot < 0) continue;
      const auto reads = std::count(op.args.begin(), op.args.end(), reg);
      if (reads > (k == reader ? 1 : 0)) return false;
    }
    return true;
  }

  Region& region_;
};

}  // namespace

void fuse_reductions(Program&, Function& function) {
  each_region(function.body, [](Region& r) { Finder(r).run(); });
}

}  // namespace jetlag::plan
