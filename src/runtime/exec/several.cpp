// Rule several-results: block(define(y, f(a)), define(z, g(y)), list(y, z)) → one pass that stores
// y and z.
//
// Members that others read as well are results of the pass beside the last one. Nothing reads them
// before it is done: the plan has their assignments wait, and keeps apart what else would read.
#include <algorithm>

#include "runtime/exec/fused.h"
#include "runtime/exec/prepared.h"
#include "runtime/exec/reuse.h"

namespace jetlag::exec {

using plan::Op;

bool FusedGroup::is_output(int at) const {
  const auto& outputs = group_.outputs;
  if (outputs.empty()) return false;
  return std::binary_search(outputs.begin(), outputs.end(),
                            group_.members[static_cast<std::size_t>(at)]);
}

// Those besides the last that the pass stores: what is apart has been computed.
std::vector<int> FusedGroup::stored_members() const {
  std::vector<int> members;
  for (int reg : group_.outputs) {
    const int at = position(reg);
    if (!specs_[static_cast<std::size_t>(at)].apart) members.push_back(at);
  }
  return members;
}

// outer-elements: a large result of small operands is sooner computed by each of its readers.
bool FusedGroup::is_left_to_readers(int at) const {
  constexpr std::int64_t times_larger = 8;
  const Op& op = op_of(at);
  if (!op.read_by_elements || !is_output(at)) return false;
  const Spec& spec = specs_[static_cast<std::size_t>(at)];
  std::int64_t read = 0;
  for (int a : op.args) {
    if (inner(a) >= 0) return false;
    if (regs_[a].is_array()) read += regs_[a].array()->bytes();
  }
  return read * times_larger <= element_count(spec.shape) * size_of(spec.dtype);
}

void FusedGroup::assign_outputs(Frame& frame) {
  for (int reg : group_.assigns)
    regs_[reg] = lane_.assign(region_.ops[static_cast<std::size_t>(reg)], frame, regs_);
}

void FusedGroup::finish_several(int reg) {
  if (stream_) stream_->flush();
  const bool news = !alone_.fused;
  if (news) alone_ = made_for(false);
  std::vector<int> registers;
  std::vector<Value> operands = operands_of(*alone_.fused, registers);
  std::vector<int> stored = stored_members();
  stored.insert(stored.begin(), static_cast<int>(specs_.size()) - 1);
  const auto spec_of = [&](int m) -> const Spec& { return specs_[static_cast<std::size_t>(m)]; };
  const bool in_order =
      std::all_of(stored.begin(), stored.end(), [&](int m) { return spec_of(m).strides.empty(); });
  const bool small = std::all_of(stored.begin(), stored.end(), [&](int m) {
    return element_count(spec_of(m).shape) * size_of(spec_of(m).dtype) < longest_run_;
  });

  const Op& op = region_.ops[static_cast<std::size_t>(reg)];
  std::vector<int> free = registers;  // of operands whose memory is still to be had
  bool over = false;
  std::vector<Ref<Array>> results;
  for (int m : stored) {
    const Spec& spec = spec_of(m);
    Ref<Array> out = in_order ? dying_operand(op, free, operands, spec.dtype, spec.shape) : nullptr;
    over = over || out;
    for (std::size_t i = 0; out && i < free.size(); ++i) {
      if (operands[i].is_array() && operands[i].array() == out) free[i] = -1;
    }
    results.push_back(out ? out : lane_.element_result(spec.dtype, spec.shape, spec.strides));
  }
  std::vector<Value> inputs = lent(operands);
  operands.clear();
  std::vector<Ref<Array>> targets;
  for (const Ref<Array>& out : results) targets.push_back(lent(out));
  auto run = std::make_shared<ElementRun>(alone_.fused->program, inputs, targets);
  const bool again = !over && in_order && small && stored.size() <= most_inputs;
  if (news && longest_run_ > 0) note(again ? run : nullptr, std::move(registers));
  const Ref<Array> target = targets.front();
  targets.erase(targets.begin());
  const auto name = [reports = alone_.reports](int application) {
    return (*reports)[static_cast<std::size_t>(application)];
  };
  lane_.run_elements(op, std::move(run), std::move(inputs), target, name, StepKind::fused,
                     "fuse-elementwise", std::move(targets));
  for (std::size_t i = 0; i < stored.size(); ++i) {
    const int result = group_.members[static_cast<std::size_t>(stored[i])];
    regs_[result] = Value::of(results[i]);
    if (i > 0 && lane_.profile_)
      lane_.describe(op_of(stored[i]), StepKind::value, regs_[result], "several-results");
  }
  if (!lane_.profile_) return;
  lane_.describe(op, StepKind::fused, regs_[reg], "fuse-elementwise");
  tell_rules(op);
  if (stored.size() > 1) lane_.profile_->apply(op.id, "several-results");
  if (over) lane_.profile_->apply(op.id, "last-use");
}

}  // namespace jetlag::exec
