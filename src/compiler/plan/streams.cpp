// Which matrix a product reads is known when it runs, not before: the pass
// marks products that may be put off until the last of them, and run time joins
// those that turn out to share. What runs between them must neither read their
// results nor change memory; unless it can be put off as well: elementwise work,
// reductions of whole results, and v += with a result.
#include "compiler/plan/streams.h"

#include <algorithm>
#include <set>

#include "compiler/plan/regions.h"

namespace jetlag::plan {

bool shares_matrix(const Op& op) {
  constexpr std::string_view names[] = {"dot", "matmul", "__matmul"};
  if (op.kind == OpKind::method) {
    return op.name == "dot" && op.args.size() == 2 && op.keywords.empty();
  }
  return op.kind == OpKind::call && op.primitive && op.args.size() == 2 &&
         std::find(std::begin(names), std::end(names), op.primitive->name) != std::end(names);
}

bool spares_elements(const Op& op) {
  constexpr std::string_view names[] = {"T", "shape", "size", "ndim"};
  if (op.kind == OpKind::attribute) {
    return std::find(std::begin(names), std::end(names), op.name) != std::end(names);
  }
  return op.kind == OpKind::method && op.name == "transpose" && op.args.size() == 1;
}

const Primitive* whole_kernel(const Op& op) {
  const Primitive* p = nullptr;
  if (op.kind == OpKind::call) p = op.primitive;
  if (op.kind == OpKind::method) p = op.member;
  const bool fits = p && p->kernel && !p->can_fail && !p->reads_data && !p->value && !p->view &&
                    p->ufunc.empty() && p->algebra == Algebra::none;
  return fits ? p : nullptr;
}

namespace {

class Streamer {
 public:
  explicit Streamer(Region& region) : region_(region) {}

  void run() {
    for (int k = 0; k < static_cast<int>(region_.ops.size()); ++k) {
      if (!passes(k)) close();
    }
    close();
  }

 private:
  const Op& op(int k) const { return region_.ops[static_cast<std::size_t>(k)]; }

  bool reads(const Op& o) const {
    return std::any_of(o.args.begin(), o.args.end(), [&](int a) { return late_.contains(a); });
  }

  // The elementwise work whose result is register k reads a result that is late.
  bool work_reads(int k) const {
    if (op(k).group < 0) return reads(op(k));
    const auto& members = region_.groups[static_cast<std::size_t>(op(k).group)].members;
    return std::any_of(members.begin(), members.end(), [&](int m) { return reads(op(m)); });
  }

  bool is_inner(int k) const {
    const int group = op(k).group;
    return group >= 0 && region_.groups[static_cast<std::size_t>(group)].members.back() != k;
  }

  // Whether operation k may run, or be put off too, while earlier ones are put off.
  bool passes(int k) {
    const Op& o = op(k);
    if (shares_matrix(o)) {
      products_.push_back(k);
      return puts_off(k);
    }
    if (products_.empty()) return true;
    if (spares_elements(o)) {
      glances_.push_back(k);
      return !reads(o) || o.name != "T";
    }
    if (whole_kernel(o) && o.group < 0 && reads(o)) return puts_off(k);
    // v += late: run time sees whether v is an array that nothing else of the stream reads.
    if (o.kind == OpKind::augment_variable) return reads(o) && puts_off(k);
    if (!is_quiet(o)) return false;
    // Inner members of a group compute nothing yet.
    if (is_inner(k)) return true;
    if (is_elementwise(o)) {
      return !work_reads(k) || puts_off(k);
    }
    return moves(o, k);
  }

  bool puts_off(int k) {
    units_.push_back(k);
    late_.insert(k);
    return true;
  }

  // What hands a value on without looking at it.
  bool moves(const Op& o, int k) {
    if (o.kind == OpKind::variable) {
      return !late_variables_.contains({o.variable.depth, o.variable.slot});
    }
    if (!reads(o)) return true;
    late_.insert(k);
    if (o.kind == OpKind::assign) late_variables_.insert({o.variable.depth, o.variable.slot});
    return o.kind == OpKind::assign || o.kind == OpKind::tuple;
  }

  // What came so far is a stream, if it has two products.
  void close() {
    if (products_.size() > 1) {
      const int id = static_cast<int>(region_.streams.size());
      const int last = products_.back();
      region_.streams.push_back({products_.front(), last});
      for (int k : units_) {
        if (k <= last) mark(k, id);
      }
      for (int k : glances_) region_.ops[static_cast<std::size_t>(k)].stream = id;
    }
    units_.clear();
    products_.clear();
    glances_.clear();
    late_.clear();
    late_variables_.clear();
  }

  void mark(int k, int stream) {
    Op& o = region_.ops[static_cast<std::size_t>(k)];
    o.stream = stream;
    if (o.group >= 0 || !is_elementwise(o)) return;
    o.group = static_cast<int>(region_.groups.size());
    region_.groups.push_back({.members = {k}});
  }

  Region& region_;
  std::vector<int> units_;     // products, and results of elementwise work on what is late
  std::vector<int> products_;  // those of them
  std::vector<int> glances_;   // what spares elements
  std::set<int> late_;         // registers whose values may not be there yet
  std::set<std::pair<int, int>> late_variables_;
};

}  // namespace

void share_pass(Program&, Function& function) {
  each_region(function.body, [](Region& r) { Streamer(r).run(); });
}

}  // namespace jetlag::plan
