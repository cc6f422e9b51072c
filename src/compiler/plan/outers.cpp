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

class GatherFinder {
 public:
  explicit GatherFinder(Region& region) : region_(region) {}

  void run() {
    for (int k = 0; k < static_cast<int>(region_.ops.size()); ++k) {
      Op& op = at(k);
      if (op.kind != OpKind::index || op.args.size() != 2 || op.args[1] < 0) continue;
      op.feeds_augment = is_augmented(k);
      // What a stream puts off is done row by row.
      if (!region_.streams.empty()) continue;
      if (op.recall || op.feeds_reduction || region_.result == k) continue;
      const OpKind item = at(op.args[1]).kind;
      if (item == OpKind::span || item == OpKind::constant || item == OpKind::tuple) continue;
      op.feeds_elements = suits(k);
    }
  }

 private:
  Op& at(int k) { return region_.ops[static_cast<std::size_t>(k)]; }

  bool is_augmented(int k) {
    const int count = static_cast<int>(region_.ops.size());
    int next = k + 1;
    while (next < count && (at(next).kind == OpKind::constant || at(next).kind == OpKind::variable))
      ++next;
    if (next == count || at(next).kind != OpKind::augment_index) return false;
    const auto& args = at(next).args;
    return args.size() == 4 && args[0] == k && args[1] != k && args[2] == at(k).args[0] &&
           args[3] == at(k).args[1];
  }

  bool suits(int k) {
    std::vector<int> readers;
    for (int r = k + 1; r < static_cast<int>(region_.ops.size()); ++r) {
      const Op& op = at(r);
      if (op.kind == OpKind::assign && op.variable.slot < 0) continue;
      if (std::find(op.args.begin(), op.args.end(), k) == op.args.end()) continue;
      if (!is_elementwise(op) || op.recall) return false;
      readers.push_back(r);
    }
    if (readers.empty()) return false;
    const int group = at(readers[0]).group;
    for (int r : readers) {
      if (at(r).group != group) return false;
    }
    if (group < 0 && (readers.size() > 1 || at(readers[0]).read_by_elements)) return false;
    const int last =
        group < 0 ? readers[0] : region_.groups[static_cast<std::size_t>(group)].members.back();
    if (at(last).recall || at(last).repeated) return false;
    for (int r = k + 1; r < last; ++r) {
      if (!is_quiet(at(r))) return false;
    }
    if (group < 0) {
      at(last).group = static_cast<int>(region_.groups.size());
      region_.groups.push_back({.members = {last}, .gathers = true});
    }
    return true;
  }

  Region& region_;
};

}  // namespace

void note_gathers(Program&, Function& function) {
  each_region(function.body, [](Region& r) { GatherFinder(r).run(); });
}

void note_outers(Program&, Function& function) {
  each_region(function.body, [](Region& r) { Finder(r).run(); });
}

}  // namespace jetlag::plan
