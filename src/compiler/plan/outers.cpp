#include "compiler/plan/outers.h"

#include <algorithm>

#include "compiler/plan/regions.h"

namespace jetlag::plan {

namespace {

class Finder {
 public:
  explicit Finder(Region& region) : region_(region) {}

  void run() {
    for (int k = 0; k < size(); ++k) {
      Op& op = region_.ops[static_cast<std::size_t>(k)];
      const bool made = op.group < 0 || is_output(k);
      if (is_elementwise(op) && made && !op.repeated) op.read_by_elements = suits(k);
    }
  }

 private:
  int size() const { return static_cast<int>(region_.ops.size()); }
  const Op& at(int k) const { return region_.ops[static_cast<std::size_t>(k)]; }

  bool is_output(int k) const {
    const auto& outputs = region_.groups[static_cast<std::size_t>(at(k).group)].outputs;
    return std::find(outputs.begin(), outputs.end(), k) != outputs.end();
  }

  bool suits(int k) const {
    if (region_.result == k) return false;
    int readers = 0, last = k;
    for (int r = k + 1; r < size(); ++r) {
      const Op& op = at(r);
      if (op.kind == OpKind::assign && op.variable.slot < 0) continue;
      if (std::find(op.args.begin(), op.args.end(), k) == op.args.end()) continue;
      if (!is_elementwise(op)) return false;
      ++readers;
      last = std::max(last, computed_at(r));
    }
    if (readers < 2) return false;
    for (int r = k + 1; r < last; ++r) {
      if (!is_quiet(at(r))) return false;
    }
    return true;
  }

  // Where the operation's operands are read at the latest.
  int computed_at(int r) const {
    const int group = at(r).group;
    return group < 0 ? r : region_.groups[static_cast<std::size_t>(group)].members.back();
  }

  Region& region_;
};

}  // namespace

void note_outers(Program&, Function& function) {
  each_region(function.body, [](Region& r) { Finder(r).run(); });
}

}  // namespace jetlag::plan
