#include "runtime/exec/fused.h"

#include <algorithm>

#include "compiler/jit/kernels.h"
#include "compiler/plan/rules.h"
#include "primitives/kept_order.h"
#include "runtime/exec/powers.h"
#include "runtime/exec/prepared.h"
#include "runtime/exec/recall.h"
#include "runtime/exec/reuse.h"

namespace jetlag::exec {

using plan::Op;

const Op& FusedGroup::op_of(int member) const {
  const int reg = group_.members[static_cast<std::size_t>(member)];
  return region_.ops[static_cast<std::size_t>(reg)];
}

int FusedGroup::position(int reg) const {
  const auto at = std::lower_bound(group_.members.begin(), group_.members.end(), reg);
  return at != group_.members.end() && *at == reg ? static_cast<int>(at - group_.members.begin())
                                                  : -1;
}

void FusedGroup::member(int reg, Frame& frame) {
  const int at = position(reg);
  const bool last = reg == group_.members.back();
  if (known_ && !strayed_ && is_like_before(at)) {
    if (last) compute_or_recall(reg, frame);
    return;
  }
  strayed_ = true;
  known_ = false;
  if (!eager_ && !check(at)) go_eager(at, frame);
  if (eager_) {
    const Op& op = region_.ops[static_cast<std::size_t>(reg)];
    // A product that came after the group went eager was put off all the same.
    if (stream_) stream_->settle_operands(op);
    regs_[reg] = lane_.op(op, frame, regs_);
  } else if (last) {
    compute_or_recall(reg, frame);
  }
}

void FusedGroup::compute_or_recall(int reg, Frame& frame) {
  const auto compute = [&] {
    const bool prepared = known_ && !strayed_;
    if (!prepared || !again(reg)) finish(reg, frame);
  };
  const Op& root = region_.ops[static_cast<std::size_t>(reg)];
  if (!root.recall) return compute();
  RecallCall::Operands operands;
  for (int member : group_.members) {
    for (int a : region_.ops[static_cast<std::size_t>(member)].args) {
      if (position(a) < 0) operands.push_back(&regs_[a]);
    }
  }
  RecallCall call(lane_, region_, root, std::move(operands));
  if (Value known = call.find(); known.bound()) {
    regs_[reg] = std::move(known);
    return;
  }
  compute();
  call.note(regs_[reg]);
}

// Earlier members were found sound; they are computed now, in their order.
void FusedGroup::go_eager(int until, Frame& frame) {
  eager_ = true;
  if (stream_) stream_->flush();
  for (int i = 0; i < until; ++i) {
    const int reg = group_.members[static_cast<std::size_t>(i)];
    const Op& op = region_.ops[static_cast<std::size_t>(reg)];
    try {
      regs_[reg] = lane_.op(op, frame, regs_);
    } catch (Error& error) {
      error.locate(op.place);
      throw;
    }
  }
}

namespace {

bool may_fuse(const Primitive& ufunc) {
  static const plan::Rule& fuse = *plan::find_rule("fuse-elementwise");
  static const plan::Rule& select = *plan::find_rule("where-select");
  return plan::is_on(fuse) && (ufunc.name != "where" || plan::is_on(select));
}

}  // namespace

bool FusedGroup::check(int at) {
  try {
    return is_sound(at);
  } catch (const Error&) {
    return false;  // on its own, it tells what is wrong, after those before it
  }
}

bool FusedGroup::is_sound(int at) {
  const Op& op = op_of(at);
  Spec& spec = specs_[static_cast<std::size_t>(at)];
  spec = {};
  fused_ = nullptr;
  spec.ufunc = op.primitive->formula ? op.primitive : find_primitive(op.primitive->ufunc);
  if (!spec.ufunc || !spec.ufunc->formula || !may_fuse(*spec.ufunc)) return false;
  std::vector<Operand> operands;
  for (int a : op.args) {
    if (a < 0) return false;
    const int inner = position(a);
    if (inner >= 0) {
      const Spec& from = specs_[static_cast<std::size_t>(inner)];
      operands.push_back({from.dtype, false});
      spec.shape = broadcast_shapes(spec.shape, from.shape);
      continue;
    }
    const Value& v = regs_[a];
    if (!v.is_numeric() || (v.is_array() && !v.array()->in_memory())) return false;
    operands.push_back(operand_of(v));
    if (v.is_array()) spec.shape = broadcast_shapes(spec.shape, v.array()->shape());
  }
  if (spec.shape.empty()) return false;
  if (spec.ufunc->name == "power" && !choose_power(op, spec, operands)) return false;
  for (int a : op.args) {
    const int inner = position(a);
    // A row that becomes a matrix would be computed once for each row.
    if (inner >= 0 && !(specs_[static_cast<std::size_t>(inner)].shape == spec.shape)) return false;
  }
  auto loop = choose_loop(*spec.ufunc, operands);
  const auto alone = loop ? program_for(*spec.ufunc, operands) : nullptr;
  if (!alone) return false;
  spec.loop = std::move(*loop);
  spec.dtype = alone->output_dtype(0);
  spec.strides = strides_of(op, spec);
  return true;
}

// Powers by constants have formulas of their own, chosen at run time.
bool FusedGroup::choose_power(const Op& op, Spec& spec, std::vector<Operand>& operands) const {
  if (operands.size() != 2) return false;
  const int exponent = op.args[1];
  const bool of_array = position(op.args[0]) >= 0 || regs_[op.args[0]].is_array();
  if (position(exponent) < 0 && of_array) {
    if (const Primitive* exact =
            power_of_constant(*op.primitive, operands[0].dtype, regs_[exponent])) {
      spec.ufunc = exact;
      operands.pop_back();
      return true;
    }
  }
  // Integers refuse exponents by their values, which is to be said in its turn.
  const auto loop = choose_loop(*spec.ufunc, operands);
  return loop && is_float((*loop)[0]);
}

Dims FusedGroup::strides_of(const Op& op, const Spec& spec) const {
  KeptOrder order(spec.shape);
  for (int a : op.args) {
    const int inner = position(a);
    if (inner < 0) {
      order.add(regs_[a]);
      continue;
    }
    const Spec& from = specs_[static_cast<std::size_t>(inner)];
    order.add(from.shape, from.strides);
  }
  return order.strides(size_of(spec.dtype));
}

std::string FusedGroup::key() const {
  const Op& root = region_.ops[static_cast<std::size_t>(group_.members.back())];
  std::string key = std::to_string(root.id);
  for (int reg : group_.members) {
    for (int a : region_.ops[static_cast<std::size_t>(reg)].args) {
      if (position(a) >= 0) continue;
      const Operand o = operand_of(regs_[a]);
      key += static_cast<char>('A' + static_cast<int>(o.dtype));
      if (o.weak) key += 'w';
    }
  }
  // A power may be another formula.
  for (const Spec& spec : specs_) key += format(",{}", spec.ufunc->name);
  return key;
}

std::shared_ptr<const FusedProgram> FusedGroup::build() const {
  ElementBuilder builder;
  auto fused = std::make_shared<FusedProgram>();
  std::vector<int> results(group_.members.size());
  std::vector<std::pair<int, int>> strong;  // operand register and its input
  for (std::size_t m = 0; m < group_.members.size(); ++m) {
    const Op& op = op_of(static_cast<int>(m));
    std::vector<int> operands;
    for (std::size_t i = 0; i < specs_[m].loop.size(); ++i) {
      const int a = op.args[i];
      if (const int inner = position(a); inner >= 0) {
        operands.push_back(results[static_cast<std::size_t>(inner)]);
        continue;
      }
      const Operand o = operand_of(regs_[a]);
      const auto known =
          std::find_if(strong.begin(), strong.end(), [&](const auto& s) { return s.first == a; });
      if (!o.weak && known != strong.end()) {
        operands.push_back(known->second);
        continue;
      }
      // A Python scalar takes the dtype that each of its readers wants.
      operands.push_back(builder.input(o.weak ? specs_[m].loop[i] : o.dtype));
      fused->inputs.emplace_back(static_cast<int>(m), static_cast<int>(i));
      if (!o.weak) strong.emplace_back(a, operands.back());
    }
    results[m] = builder.apply(*specs_[m].ufunc, operands, specs_[m].loop);
  }
  builder.output(results.back());
  fused->program = builder.build();
  return fused;
}

void FusedGroup::finish(int reg, Frame& frame) {
  const bool news = !fused_;
  if (news) {
    const std::string name = key();
    fused_ = lane_.caches_.find(name);
    if (!fused_) lane_.caches_.add(name, fused_ = build());
    auto reports = std::make_shared<std::vector<FpReport>>();
    for (std::size_t m = 0; m < specs_.size(); ++m) {
      const std::string_view python = fused_->program->application(static_cast<int>(m)).python;
      reports->push_back(lane_.report_at(op_of(static_cast<int>(m)),
                                         std::string(python.substr(python.rfind('.') + 1))));
    }
    reports_ = std::move(reports);
  }
  std::vector<Value> operands;
  std::vector<int> registers;
  for (const auto& [m, i] : fused_->inputs) {
    const Op& op = op_of(m);
    registers.push_back(op.args[static_cast<std::size_t>(i)]);
    operands.push_back(regs_[registers.back()]);
  }
  const Spec& root = specs_.back();
  const Op& op = region_.ops[static_cast<std::size_t>(reg)];
  // What is put off keeps its operands as they are, and nobody else may write them.
  const bool late = stream_ && stream_->has_late();
  Ref<Array> out;
  const bool is_kept = op.recall && !op.recall->last;
  if (!late && !is_kept) out = destination(reg, frame, operands);
  const bool stored = static_cast<bool>(out);
  if (!late && !out && root.strides.empty())
    out = dying_operand(op, registers, operands, root.dtype, root.shape);
  const bool over = out && !stored;
  if (!out) out = lane_.result_array(root.dtype, root.shape, root.strides);
  std::vector<Value> inputs = late ? operands : lent(operands);
  operands.clear();
  const Ref<Array> target = late ? out : lent(out);
  auto run = std::make_shared<ElementRun>(fused_->program, inputs, std::vector<Ref<Array>>{target});
  if (news && remembers_) note(over || stored ? nullptr : run, std::move(registers));
  ElementWork work{&op,
                   std::move(run),
                   std::move(inputs),
                   target,
                   [reports = reports_](int application) {
                     return (*reports)[static_cast<std::size_t>(application)];
                   },
                   StepKind::fused,
                   "fuse-elementwise"};
  if (!stream_ || !stream_->put_off(work)) {
    lane_.run_elements(op, std::move(work.run), std::move(work.inputs), target,
                       std::move(work.name), work.kind, work.rule);
  }
  regs_[reg] = Value::of(out);
  if (!lane_.profile_) return;
  lane_.describe(op, StepKind::fused, regs_[reg], "fuse-elementwise");
  for (std::size_t m = 0; m < specs_.size(); ++m) {
    const Primitive& row = *op_of(static_cast<int>(m)).primitive;
    if (specs_[m].ufunc->name == "where") lane_.profile_->apply(op.id, "where-select");
    if (row.ufunc == "power" && specs_[m].ufunc->name != "power")
      lane_.profile_->apply(op.id, "power-of-constant");
  }
  if (over) lane_.profile_->apply(op.id, "last-use");
  if (stored) lane_.profile_->apply(op.id, "store-in-place");
}

// ---- once more ---------------------------------------------------------------------

bool FusedGroup::Likeness::fits(const Value& v) const {
  if (v.kind() != kind) return false;
  if (exponent && as_real(v) != exponent) return false;
  if (kind == ValueKind::scalar) return v.dtype() == dtype;
  if (kind != ValueKind::array) return true;
  const Array& a = *v.array();
  return a.dtype() == dtype && a.shape() == shape && a.strides() == strides;
}

bool FusedGroup::is_like_before(int at) const {
  const auto& operands = like_[static_cast<std::size_t>(at)];
  return std::all_of(operands.begin(), operands.end(),
                     [&](const Likeness& l) { return l.fits(regs_[l.reg]); });
}

void FusedGroup::note(std::shared_ptr<ElementRun> run, std::vector<int> registers) {
  const Spec& root = specs_.back();
  const bool small = element_count(root.shape) * size_of(root.dtype) < SmallResults::limit_bytes;
  run_ =
      small && root.strides.empty() && registers.size() <= most_inputs ? std::move(run) : nullptr;
  registers_ = std::move(registers);
  settled_ = false;
  like_.clear();
  for (int member : group_.members) {
    auto& operands = like_.emplace_back();
    const Op& op = region_.ops[static_cast<std::size_t>(member)];
    for (std::size_t i = 0; i < op.args.size(); ++i) {
      const int a = op.args[i];
      if (position(a) >= 0) continue;
      const Value& v = regs_[a];
      Likeness l{a, v.kind(), v.dtype(), {}, {}, {}};
      if (i == 1 && op.primitive->ufunc == "power" && v.is_python_scalar()) l.exponent = as_real(v);
      if (v.is_array()) {
        l.dtype = v.array()->dtype();
        l.shape = v.array()->shape();
        l.strides = v.array()->strides();
      }
      operands.push_back(std::move(l));
    }
  }
  known_ = true;
}

// Small work on the lane itself, with nothing in flight: operands and result
// are new, all else is as it was. False: it is to be prepared.
bool FusedGroup::again(int reg) {
  if (!run_ || lane_.profile_ || lane_.flight_->outstanding() > 0 || lane_.fp().at_once) {
    return false;
  }
  const bool late = stream_ && stream_->has_late();
  if (late && !stream_->is_short()) return false;
  const Spec& root = specs_.back();
  const Op& op = region_.ops[static_cast<std::size_t>(reg)];
  const Value* inputs[most_inputs];
  for (std::size_t i = 0; i < registers_.size(); ++i) inputs[i] = &regs_[registers_[i]];
  const std::span<const Value* const> operands(inputs, registers_.size());
  Ref<Array> out = lane_.prepared().results.take(root.dtype, root.shape);
  run_->aim(operands, out->data());
  if (!settled_) settled_ = jit::consider(*run_);
  if (!late || !stream_->put_off(*this, op, operands, out)) {
    trace::Span span;
    lane_.record(span, op.id);
    compute(0, out->size(), lane_.sequence_);
  }
  regs_[reg] = Value::of(std::move(out));
  return true;
}

void FusedGroup::compute(std::int64_t first, std::int64_t last, std::int64_t sequence) {
  if ((run_->run(first, last) & lane_.fp().wanted) == 0) return;
  const auto name = [this](int application) {
    return (*reports_)[static_cast<std::size_t>(application)];
  };
  lane_.teller(run_, name, sequence)(first, last);
}

}  // namespace jetlag::exec
