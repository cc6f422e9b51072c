// Rule store-in-place: define(t, f(a, …)); store(index(b, …), t) → f(a, …) written into b.
//
// NumPy makes the whole right-hand side before it stores anything. Where nobody can tell, because
// the result is stored once, where it stands, and no operand lies in the way, one pass does both.
#include "runtime/exec/stores.h"

#include <algorithm>

#include "compiler/jit/kernels.h"
#include "compiler/plan/rules.h"
#include "primitives/index.h"
#include "primitives/moves.h"
#include "primitives/storing.h"
#include "runtime/exec/behind.h"
#include "runtime/exec/fused.h"
#include "runtime/exec/reuse.h"
#include "runtime/exec/row_tiles.h"
#include "runtime/exec/stretches.h"
#include "runtime/exec/sweeps.h"

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

std::optional<FusedGroup::Destination> FusedGroup::destination(int reg, const Frame& frame,
                                                               std::vector<Value>& inputs) const {
  // A lane that runs rounds ahead holds its stores back.
  static const plan::Rule& rule = *plan::find_rule("store-in-place");
  const Op* store = lane_.holding_ ? nullptr : store_of(region_, reg);
  if (!store || !plan::is_on(rule)) return std::nullopt;
  std::vector<Value> values;
  for (std::size_t i = 1; i < store->args.size(); ++i) {
    const std::optional<Value> value = foreseen(store->args[i], reg, frame);
    if (!value || (i > 1 && value->is_array())) return std::nullopt;
    values.push_back(*value);
  }
  if (!values[0].is_array()) return std::nullopt;
  const Ref<Array> base = values[0].array();
  if (base->is_scalar || !base->writable()) return std::nullopt;
  // Where a condition raises, nothing may have been stored.
  const Host::FpMode& fp = lane_.fp();
  if (fp.wanted && fp.at_once) return std::nullopt;
  values.erase(values.begin());
  std::optional<Ref<Array>> found;
  try {
    found = basic_index(base, spread(std::move(values)));
  } catch (const Error&) {
    return std::nullopt;  // the store will say it
  }
  if (!found) return std::nullopt;
  const Array& view = **found;
  const Spec& root = specs_.back();
  if (view.dtype() != root.dtype || !(view.shape() == root.shape)) return std::nullopt;
  auto place =
      way_into(*found, *alone_.fused->program, inputs, op_of(static_cast<int>(specs_.size()) - 1));
  if (place && lane_.profile_) lane_.profile_->apply(op_of(position(reg)).id, "store-in-place");
  return place;
}

// How elements can be stored where operands may lie: element for element where an operand is the
// view itself, some rows behind where operands are the view, shifted. Small operands that lie
// in the way are copied, and take the place of what they were.
std::optional<FusedGroup::Destination> FusedGroup::way_into(const Ref<Array>& to,
                                                            const ElementProgram& program,
                                                            std::vector<Value>& inputs,
                                                            const Op& op) const {
  constexpr std::int64_t small_part = 8;  // of the view
  const Array& view = *to;
  if (!is_spread_out(view)) return std::nullopt;
  Destination place{to};
  bool itself = false;
  std::vector<std::size_t> small;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].is_array() || !may_overlap(view, *inputs[i].array())) continue;
    const Array& a = *inputs[i].array();
    const bool whole = program.reads_whole(static_cast<int>(i));
    if (is_same_view(view, a) && !whole) {
      itself = true;
    } else if (a.bytes() * small_part <= view.bytes()) {
      small.push_back(i);
    } else if (const auto reach = whole ? std::nullopt : rows_reached(view, a)) {
      place.reach = std::max(place.reach, std::max<std::int64_t>(*reach, 1));
    } else {
      return std::nullopt;
    }
  }
  static const plan::Rule& rule = *plan::find_rule("delayed-store");
  if (place.reach > 0 && (!plan::is_on(rule) || !can_follow(view, place.reach))) {
    return std::nullopt;
  }
  // A report must be able to look again at what is overwritten.
  if (itself && lane_.fp().wanted && !lies_in_rows(view)) return std::nullopt;
  for (const std::size_t i : small) {
    const Ref<Array> from = inputs[i].array();
    const Ref<Array> copy = lane_.result_array(from->dtype(), from->shape());
    std::optional<Job> job = jetlag::assign(copy, inputs[i]);
    if (lane_.rows_ && lane_.rows_->holds() && copy->rank() > 0)
      job->rows = copied_rows(copy, from);
    Lane::Step step{&op, StepKind::copy, false, {inputs[i], Value::of(copy)}, {from}, copy};
    step.beside = true;
    lane_.perform(std::move(*job), std::move(step));
    inputs[i] = Value::of(copy);
  }
  return place;
}

void FusedGroup::run_into(const Destination& to, const Op& op, const Made& made,
                          const std::vector<Value>& operands) {
  const auto name = [reports = made.reports](int application) {
    return (*reports)[static_cast<std::size_t>(application)];
  };
  std::vector<Value> inputs = lent(operands);
  const Ref<Array> target = lent(to.view);
  if (lane_.profile_) {
    lane_.describe(op, StepKind::fused, Value::of(to.view), "fuse-elementwise");
    tell_rules(op);
    if (to.reach > 0) lane_.profile_->apply(op.id, "delayed-store");
  }
  if (to.reach == 0) {
    auto run =
        std::make_shared<ElementRun>(made.fused->program, inputs, std::vector<Ref<Array>>{target});
    return lane_.run_elements(op, std::move(run), std::move(inputs), target, name, StepKind::fused,
                              "fuse-elementwise");
  }
  auto run = std::make_shared<ElementRun>(made.fused->program, inputs, target->shape(), Dims());
  if (target->bytes() >= block_bytes) tasks::prepare();
  jit::consider(*run);
  const double flops = static_cast<double>(run->size()) * run->program().flops_per_element();
  const auto tell = lane_.teller(run, name, lane_.sequence_);
  const unsigned wanted = lane_.fp().wanted;
  Job job = behind_job(run, target, to.reach, wanted, tell);
  job.flops = flops;
  Lane::Step step{&op, StepKind::fused, false, {}, {}, target, "fuse-elementwise"};
  for (const Value& v : inputs) {
    if (!v.is_array()) continue;
    step.reads.push_back(v.array());
    job.bytes += static_cast<double>(v.array()->bytes());
  }
  step.keep = std::move(inputs);
  step.keep.push_back(Value::of(target));
  lane_.perform(std::move(job), std::move(step), [&](std::shared_ptr<const Footprint> known) {
    return behind_sweep(run, target, to.reach, wanted, tell, std::move(known));
  });
  lane_.tell_if_at_once(lane_.sequence_);
}

}  // namespace jetlag::exec
