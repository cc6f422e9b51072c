// Rule fused-augment: augment(t, __add, f(a, …)) → t + f(a, …), written into t.
//
// The result of a group that an in-place operation alone reads, right after it, need not exist:
// the operation is the last application of the same pass, and its target an operand and the result.
#include <algorithm>

#include "compiler/plan/rules.h"
#include "runtime/exec/fused.h"
#include "runtime/exec/stretches.h"

namespace jetlag::exec {

namespace {

// Their conditions are judged by what is overwritten, or their formula depends on a value.
bool is_plain(const Primitive& ufunc) {
  return ufunc.name != "floor_divide" && ufunc.name != "remainder" && ufunc.name != "power";
}

}  // namespace

// What can be seen from the target alone. What does not fit is done by the operation itself.
bool FusedGroup::fits_tail() const {
  static const plan::Rule& rule = *plan::find_rule("fused-augment");
  if (!plan::is_on(rule) || lane_.holding_ || (stream_ && stream_->has_late())) return false;
  if (op_of(static_cast<int>(specs_.size()) - 1).recall) return false;
  const Value& old = regs_[tail().args[0]];
  if (!old.is_array() || old.array()->is_scalar || !old.array()->in_memory()) return false;
  const Array& target = *old.array();
  const Spec& root = specs_.back();
  const Primitive& ufunc = *find_primitive(tail().primitive->ufunc);
  if (!target.writable() || !(target.shape() == root.shape) || !is_plain(ufunc)) return false;
  // Where a condition raises at once, nothing may have been stored.
  const Host::FpMode& fp = lane_.fp();
  if (!lies_in_rows(target) || (fp.wanted && fp.at_once)) return false;
  const std::vector<Operand> operands{operand_of(old), {root.dtype, false}};
  const auto program = program_for(ufunc, operands);
  return program && program->output_dtype(0) == target.dtype();
}

int FusedGroup::add_tail(ElementBuilder& builder, FusedProgram& fused, int result) const {
  const Primitive& ufunc = *find_primitive(tail().primitive->ufunc);
  const Operand old = operand_of(regs_[tail().args[0]]);
  const auto loop = choose_loop(ufunc, std::vector<Operand>{old, {specs_.back().dtype, false}});
  const int target = builder.input(old.dtype);
  const int own = static_cast<int>(specs_.size());
  fused.inputs.push_back({own, 0});
  fused.applied.push_back({own, -1});
  return builder.apply(ufunc, std::vector<int>{target, result}, *loop);
}

bool FusedGroup::finish_tail(int reg) {
  // The target is no member's operand: it may be another than in the last round.
  const auto fits = [&](const ElementProgram& program) {
    return program.input_dtype(program.inputs() - 1) == regs_[tail().args[0]].array()->dtype();
  };
  const bool news = !with_tail_.fused || !fits(*with_tail_.fused->program);
  if (news) with_tail_ = made_for(true);
  std::vector<Value> operands;
  for (const FusedProgram::Input& input : with_tail_.fused->inputs)
    operands.push_back(operand(input));
  const Value target = regs_[tail().args[0]];
  const auto place = way_into(target.array(), *with_tail_.fused->program, operands, tail());
  if (!place) return false;
  if (news && longest_run_ > 0) note(nullptr, {});
  regs_[reg] = target;
  took_tail_ = true;
  run_into(*place, tail(), with_tail_, operands);
  if (lane_.profile_) lane_.profile_->apply(tail().id, "fused-augment");
  return true;
}

}  // namespace jetlag::exec
