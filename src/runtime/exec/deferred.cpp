#include "runtime/exec/deferred.h"

#include "compiler/jit/kernels.h"
#include "compiler/plan/rules.h"
#include "primitives/loops.h"
#include "runtime/exec/fused.h"
#include "runtime/exec/reuse.h"

namespace jetlag::exec {

using plan::Op;

namespace {

std::vector<Ref<Array>> arrays_in(const std::vector<Value>& values) {
  std::vector<Ref<Array>> arrays;
  for (const Value& v : values) {
    if (v.is_array()) arrays.push_back(v.array());
  }
  return arrays;
}

}  // namespace

DeferredElements::DeferredElements(Lane& lane, Work work)
    : lane_(lane), work_(std::move(work)), sequence_(lane.sequence_) {
  for (const Ref<Array>& a : arrays_in(work_.operands)) bytes_ += static_cast<double>(a->bytes());
}

std::vector<Ref<Array>> DeferredElements::start() const {
  std::vector<Value> inputs = lent(work_.operands);
  work_.operands.clear();
  std::vector<Ref<Array>> reads = arrays_in(inputs);
  run_ = std::make_shared<ElementRun>(work_.program, std::move(inputs), work_.shape, work_.strides);
  jit::consider(*run_);
  wanted_ = lane_.fp().wanted;
  tell_ = lane_.teller(run_, work_.name, sequence_);
  return reads;
}

void DeferredElements::compute(std::int64_t first, std::int64_t last, std::byte* to) const {
  // The reduction's own flags are not ours to clear.
  const unsigned flags = save_flags();
  if ((run_->run(first, last, to) & wanted_) != 0) tell_(first, last);
  restore_flags(flags);
}

double DeferredElements::bytes_read() const { return bytes_; }

double DeferredElements::flops() const {
  return static_cast<double>(element_count(work_.shape)) * work_.program->flops_per_element();
}

Ref<Array> DeferredElements::written_out() const {
  const Ref<Array> out = lane_.result_array(work_.dtype, work_.shape, work_.strides);
  std::vector<Value> inputs = lent(work_.operands);
  work_.operands.clear();
  const Ref<Array> target = lent(out);
  auto run = std::make_shared<ElementRun>(work_.program, inputs, std::vector<Ref<Array>>{target});
  const std::int64_t now = std::exchange(lane_.sequence_, sequence_);
  lane_.run_elements(*work_.op, std::move(run), std::move(inputs), target, work_.name,
                     StepKind::fused, "fuse-elementwise");
  lane_.sequence_ = now;
  return out;
}

const DeferredElements* deferred_in(const Value& v) {
  return v.is_array() ? dynamic_cast<const DeferredElements*>(v.array()->structure()) : nullptr;
}

// ---- the group's side ---------------------------------------------------------------

bool FusedGroup::is_small(const Spec& spec) {
  constexpr std::int64_t least_bytes = 8192;
  return element_count(spec.shape) * size_of(spec.dtype) < least_bytes;
}

bool FusedGroup::may_wait() const {
  if (group_.reduction < 0 || (stream_ && stream_->has_late())) return false;
  static const plan::Rule& rule = *plan::find_rule("fused-reduction");
  if (!plan::is_on(rule)) return false;
  const auto refuse = [&](std::string_view why) {
    if (lane_.profile_) {
      const Op& reader = region_.ops[static_cast<std::size_t>(group_.reduction)];
      lane_.profile_->refuse(reader.id, "fused-reduction", why);
    }
    return false;
  };
  if (is_small(specs_.back())) return refuse("the elements are few");
  const auto is_kept = [&](int reg) {
    return region_.ops[static_cast<std::size_t>(reg)].recall.has_value();
  };
  if (is_kept(group_.members.back()) || is_kept(group_.reduction)) {
    return refuse("the elements are wanted again");
  }
  const Host::FpMode& fp = lane_.fp();
  if (fp.wanted && fp.at_once) return refuse("a floating-point condition raises at once");
  return true;
}

void FusedGroup::wait(int reg, std::vector<Value> operands) {
  const Op& op = region_.ops[static_cast<std::size_t>(reg)];
  const Spec& root = specs_.back();
  const auto name = [reports = reports_](int application) {
    return (*reports)[static_cast<std::size_t>(application)];
  };
  auto waiting = make<DeferredElements>(
      lane_, DeferredElements::Work{&op, fused_->program, std::move(operands), root.dtype,
                                    root.shape, root.strides, name});
  const Dims strides =
      root.strides.empty() ? contiguous_strides(root.shape, size_of(root.dtype)) : root.strides;
  regs_[reg] = Value::of(make<Array>(std::move(waiting), root.dtype, root.shape, strides));
  if (!lane_.profile_) return;
  lane_.describe(op, StepKind::fused, regs_[reg], "fuse-elementwise, fused-reduction");
  tell_rules(op);
}

}  // namespace jetlag::exec
