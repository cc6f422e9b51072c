// Rule store-in-place: define(t, f(a, …)); store(index(b, …), t) → f(a, …) written into b.
//
// NumPy makes the whole right-hand side before it stores anything. Where nobody can tell, because
// the result is stored once, where it stands, and no operand lies in the way, one pass does both.
#include "runtime/exec/stores.h"

#include <algorithm>

#include "compiler/plan/rules.h"
#include "primitives/index.h"
#include "runtime/exec/fused.h"
#include "runtime/exec/reuse.h"

namespace jetlag::exec {

using plan::Op;
using plan::OpKind;

bool is_same_view(const Array& a, const Array& b) {
  return a.data() == b.data() && a.dtype() == b.dtype() && a.shape() == b.shape() &&
         a.strides() == b.strides();
}

bool is_transpose(const Array& a, const Array& b) {
  return a.rank() == 2 && b.rank() == 2 && a.data() == b.data() && a.dtype() == b.dtype() &&
         a.shape()[0] == b.shape()[1] && a.shape()[1] == b.shape()[0] &&
         a.strides()[0] == b.strides()[1] && a.strides()[1] == b.strides()[0];
}

namespace {

// Whether every element has a place of its own.
bool is_spread_out(const Array& a) {
  for (int i = 0; i < a.rank(); ++i) {
    if (a.shape()[i] > 1 && a.strides()[i] == 0) return false;
  }
  return true;
}

// The store that the result of `root` goes to, if only names and bounds are read before it.
const Op* store_of(const plan::Region& region, int root) {
  for (std::size_t k = static_cast<std::size_t>(root) + 1; k < region.ops.size(); ++k) {
    const Op& op = region.ops[k];
    if (op.kind == OpKind::constant || op.kind == OpKind::variable || op.kind == OpKind::span) {
      continue;
    }
    const bool last = std::find(op.dying.begin(), op.dying.end(), root) != op.dying.end();
    return op.kind == OpKind::store_index && op.args[0] == root && last ? &op : nullptr;
  }
  return nullptr;
}

}  // namespace

// The value that a register will have at the store. Nothing is evaluated that could fail.
std::optional<Value> FusedGroup::foreseen(int reg, int root, const Frame& frame) const {
  if (reg < 0) return Value();
  if (reg < root) return regs_[reg].bound() ? std::optional(regs_[reg]) : std::nullopt;
  const Op& op = region_.ops[static_cast<std::size_t>(reg)];
  if (op.kind == OpKind::constant) return op.constant;
  if (op.kind == OpKind::variable && op.variable.depth == 0) {
    const Value& v = frame.slots[static_cast<std::size_t>(op.variable.slot)];
    return v.bound() ? std::optional(v) : std::nullopt;
  }
  if (op.kind != OpKind::span) return std::nullopt;
  std::vector<Value> bounds;
  for (int a : op.args) {
    const std::optional<Value> bound = foreseen(a, root, frame);
    if (!bound || bound->is_array()) return std::nullopt;
    bounds.push_back(*bound);
  }
  bounds.resize(3, Value::nil());
  return Value::span(bounds[0], bounds[1], bounds[2]);
}

Ref<Array> FusedGroup::destination(int reg, const Frame& frame,
                                   std::span<const Value> inputs) const {
  // A lane that runs rounds ahead holds its stores back.
  static const plan::Rule& rule = *plan::find_rule("store-in-place");
  const Op* store = lane_.holding_ ? nullptr : store_of(region_, reg);
  if (!store || !plan::is_on(rule)) return nullptr;
  std::vector<Value> values;
  for (std::size_t i = 1; i < store->args.size(); ++i) {
    const std::optional<Value> value = foreseen(store->args[i], reg, frame);
    if (!value || (i > 1 && value->is_array())) return nullptr;
    values.push_back(*value);
  }
  if (!values[0].is_array()) return nullptr;
  const Ref<Array> base = values[0].array();
  if (base->is_scalar || !base->writable()) return nullptr;
  // Where a condition raises, nothing may have been stored.
  const Host::FpMode& fp = lane_.fp();
  if (fp.wanted && fp.at_once) return nullptr;
  values.erase(values.begin());
  std::optional<Ref<Array>> found;
  try {
    found = basic_index(base, spread(std::move(values)));
  } catch (const Error&) {
    return nullptr;  // the store will say it
  }
  if (!found) return nullptr;
  const Array& view = **found;
  const Spec& root = specs_.back();
  if (view.dtype() != root.dtype || !(view.shape() == root.shape) || !is_spread_out(view)) {
    return nullptr;
  }
  for (const Value& v : inputs) {
    if (!v.is_array() || !may_overlap(view, *v.array())) continue;
    // Element for element, the operand is read before it is overwritten; a report must be
    // able to look at it again.
    if (!is_same_view(view, *v.array()) || (fp.wanted && !lies_in_rows(view))) return nullptr;
  }
  return *found;
}

}  // namespace jetlag::exec
