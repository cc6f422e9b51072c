#include "runtime/exec/fused.h"

#include <algorithm>

#include "compiler/jit/kernels.h"
#include "compiler/plan/regions.h"
#include "compiler/plan/rules.h"
#include "primitives/kept_order.h"
#include "runtime/exec/deferred.h"
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

void FusedGroup::compute_member(int reg, Frame& frame) {
  at_hand_ = reg;
  const int at = position(reg);
  const bool last = reg == group_.members.back();
  if (known_ && !strayed_ && is_like_before(at)) {
    if (specs_[static_cast<std::size_t>(at)].apart) compute_alone(at, frame);
    waiting_ = last ? 0 : at + 1;
    if (last) compute_or_recall(reg, frame);
    return;
  }
  strayed_ = true;
  known_ = false;
  if (!eager_ && !check(at, frame)) go_eager(at, frame);
  waiting_ = last || eager_ ? 0 : at + 1;
  if (eager_) {
    regs_[reg] = alone(reg, frame);
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
  if (stream_) stream_->before(root);
  RecallCall::Operands operands;
  for (int member : group_.members) {
    for (int a : region_.ops[static_cast<std::size_t>(member)].args) {
      if (position(a) >= 0) continue;
      if (deferred_in(regs_[a])) return compute();
      operands.push_back(&regs_[a]);
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
  for (int i = 0; i < until; ++i) {
    if (!specs_[static_cast<std::size_t>(i)].apart) compute_alone(i, frame);
  }
}

void FusedGroup::compute_what_waits(int reg, Frame& frame) {
  if (waiting_ == 0 || !lane_.fp().wanted) return;
  at_hand_ = reg;
  const int count = std::exchange(waiting_, 0);
  eager_ = true;
  for (int i = 0; i < count; ++i) {
    if (!specs_[static_cast<std::size_t>(i)].apart) compute_alone(i, frame);
  }
}

Value FusedGroup::alone(int reg, Frame& frame) {
  const Op& op = region_.ops[static_cast<std::size_t>(reg)];
  if (stream_) {
    Value late = stream_->put_off_number(op);
    if (late.bound()) return late;
  }
  const bool lone = group_.members.size() == 1;
  return lone && op.recall ? lane_.recalled(region_, op, frame, regs_) : lane_.op(op, frame, regs_);
}

namespace {

bool may_fuse(const Primitive& ufunc) {
  static const plan::Rule& fuse = *plan::find_rule("fuse-elementwise");
  static const plan::Rule& select = *plan::find_rule("where-select");
  return plan::is_on(fuse) && (ufunc.name != "where" || plan::is_on(select));
}

// On its own, a member tells what is wrong, after those before it.
template <class F>
bool is_sound(const F& f) {
  try {
    return f();
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

// In its own place among the conditions that are told, however late it is computed.
void FusedGroup::compute_alone(int at, Frame& frame) {
  const int reg = group_.members[static_cast<std::size_t>(at)];
  const std::int64_t now = lane_.sequence_;
  lane_.sequence_ -= at_hand_ - reg;
  try {
    regs_[reg] = alone(reg, frame);
  } catch (Error& error) {
    waiting_ = std::min(waiting_, at);
    error.locate(op_of(at).place);
    lane_.left_at(op_of(at));
    throw;
  } catch (...) {
    waiting_ = std::min(waiting_, at);  // what comes after it is not computed any more
    throw;
  }
  lane_.sequence_ = now;
}

// A member that was found sound, with all that it reads.
void FusedGroup::set_apart(int at, Frame& frame) {
  for (int a : op_of(at).args) {
    if (const int before = inner(a); before >= 0) set_apart(before, frame);
  }
  specs_[static_cast<std::size_t>(at)].apart = true;
  compute_alone(at, frame);
}

// Results of another shape than the last one's, which nothing reads that has that shape.
void FusedGroup::set_apart_strangers(Frame& frame) {
  for (int i = 0; i + 1 < static_cast<int>(specs_.size()); ++i) {
    const Spec& spec = specs_[static_cast<std::size_t>(i)];
    if (!spec.apart && !(spec.shape == specs_.back().shape)) set_apart(i, frame);
  }
}

// A number that is made of numbers: it is an operand of the others.
bool FusedGroup::set_apart_number(int at, Frame& frame) {
  const auto is_number = [&](int a) {
    return a >= 0 && inner(a) < 0 && regs_[a].is_numeric() && !regs_[a].is_array();
  };
  const auto& args = op_of(at).args;
  const bool last = at + 1 == static_cast<int>(specs_.size());
  if (last || !std::all_of(args.begin(), args.end(), is_number)) return false;
  set_apart(at, frame);
  return true;
}

int FusedGroup::inner(int reg) const {
  const int at = position(reg);
  return at >= 0 && specs_[static_cast<std::size_t>(at)].apart ? -1 : at;
}

bool FusedGroup::check(int at, Frame& frame) {
  const Op& op = op_of(at);
  Spec& spec = specs_[static_cast<std::size_t>(at)];
  spec = {};
  alone_ = with_tail_ = {};
  if (plan::is_outer(op)) return check_outer(at, frame);
  spec.ufunc = op.primitive->formula ? op.primitive : find_primitive(op.primitive->ufunc);
  if (!spec.ufunc || !spec.ufunc->formula || !may_fuse(*spec.ufunc)) return false;
  const auto is_taken = [&](int a) { return a >= 0 && outer_in(regs_[a]); };
  if (group_.gathers && std::none_of(op.args.begin(), op.args.end(), is_taken)) return false;
  if (!is_sound([&] { return find_shape(at); })) return set_apart_number(at, frame);
  for (int a : op.args) {
    // A row that becomes a matrix would be computed once for each row.
    const int before = inner(a);
    if (before >= 0 && !(specs_[static_cast<std::size_t>(before)].shape == spec.shape)) {
      set_apart(before, frame);
    }
  }
  if (at + 1 == static_cast<int>(specs_.size())) set_apart_strangers(frame);
  if (!is_sound([&] { return find_loop(at); })) return false;
  if (is_left_to_readers(at)) set_apart(at, frame);
  // A small operation is done at once; its group is there for what comes after it.
  const bool lone =
      group_.members.size() == 1 && (group_.reduction >= 0 || group_.tail >= 0 || group_.stored);
  return !lone || (stream_ && stream_->has_late()) || !is_small(spec);
}

bool FusedGroup::find_shape(int at) {
  Dims& shape = specs_[static_cast<std::size_t>(at)].shape;
  for (int a : op_of(at).args) {
    if (a < 0) return false;
    if (const int before = inner(a); before >= 0) {
      shape = broadcast_shapes(shape, specs_[static_cast<std::size_t>(before)].shape);
      continue;
    }
    const Value& v = regs_[a];
    if (!v.is_numeric() || (v.is_array() && !v.array()->in_memory() && !outer_in(v))) return false;
    if (v.is_array()) shape = broadcast_shapes(shape, v.array()->shape());
  }
  return !shape.empty();
}

bool FusedGroup::find_loop(int at) {
  const Op& op = op_of(at);
  Spec& spec = specs_[static_cast<std::size_t>(at)];
  std::vector<Operand> operands;
  for (int a : op.args) {
    const int before = inner(a);
    if (before < 0 && !regs_[a].is_numeric()) return false;
    operands.push_back(before >= 0 ? Operand{specs_[static_cast<std::size_t>(before)].dtype, false}
                                   : operand_of(regs_[a]));
  }
  if (spec.ufunc->name == "power" && !choose_power(op, spec, operands)) return false;
  auto loop = choose_loop(*spec.ufunc, operands);
  const auto alone = loop ? program_for(*spec.ufunc, operands) : nullptr;
  if (!alone) return false;
  spec.loop = std::move(*loop);
  spec.dtype = alone->output_dtype(0);
  spec.strides = strides_of(op, spec);
  return true;
}

// outer-product: f(outer(u, v)) → f(u[:, None] * v). Where that does not fit, the
// product is made in its turn, and the rest of the group reads it.
bool FusedGroup::check_outer(int at, Frame& frame) {
  const Op& op = op_of(at);
  Spec& spec = specs_[static_cast<std::size_t>(at)];
  for (int a : op.args) {
    if (const int before = a < 0 ? -1 : inner(a); before >= 0) set_apart(before, frame);
  }
  // The shapes of numbers and arrays say that of the product, also in later rounds.
  const auto is_known = [&](int a) { return a >= 0 && regs_[a].is_numeric(); };
  if (!std::all_of(op.args.begin(), op.args.end(), is_known)) return false;
  const auto fits = [&](int a) {
    if (!regs_[a].is_array() || !regs_[a].array()->in_memory()) return false;
    return regs_[a].array()->rank() == 1 && !is_complex(regs_[a].array()->dtype());
  };
  static const plan::Rule& rule = *plan::find_rule("outer-product");
  if (plan::is_on(rule) && op.args.size() == 2 && fits(op.args[0]) && fits(op.args[1])) {
    const Array &u = *regs_[op.args[0]].array(), &v = *regs_[op.args[1]].array();
    const std::vector<Operand> operands{{u.dtype(), false}, {v.dtype(), false}};
    spec.ufunc = find_primitive("multiply");
    spec.shape = {u.shape()[0], v.shape()[0]};
    spec.outer = true;
    if (auto loop = choose_loop(*spec.ufunc, operands)) {
      spec.loop = std::move(*loop);
      spec.dtype = program_for(*spec.ufunc, operands)->output_dtype(0);
      return true;
    }
  }
  if (lane_.profile_ && plan::is_on(rule)) {
    lane_.profile_->refuse(op.id, "outer-product", "the factors are not vectors of real numbers");
  }
  spec = {};
  spec.apart = true;
  compute_alone(at, frame);
  if (!regs_[group_.members[static_cast<std::size_t>(at)]].is_array()) return false;
  spec.shape = regs_[group_.members[static_cast<std::size_t>(at)]].array()->shape();
  return true;
}

Value FusedGroup::operand(const FusedProgram::Input& input) const {
  const auto& [member, argument, inner] = input;
  const bool of_tail = member == static_cast<int>(specs_.size());
  const Op& op = of_tail ? tail() : op_of(member);
  const Value& v = regs_[op.args[static_cast<std::size_t>(argument)]];
  if (inner >= 0) return outer_in(v)->work().operands[static_cast<std::size_t>(inner)];
  if (of_tail || !specs_[static_cast<std::size_t>(member)].outer || argument > 0) return v;
  const Array& u = *v.array();
  return Value::of(view_of(v.array(), u.data(), {u.shape()[0], 1}, {u.strides()[0], 0}));
}

// Powers by constants have formulas of their own, chosen at run time.
bool FusedGroup::choose_power(const Op& op, Spec& spec, std::vector<Operand>& operands) const {
  if (operands.size() != 2) return false;
  const int exponent = op.args[1];
  const bool of_array = inner(op.args[0]) >= 0 || regs_[op.args[0]].is_array();
  if (inner(exponent) < 0 && of_array) {
    if (const Primitive* exact = power_of_constant(*op.primitive, operands[0], regs_[exponent])) {
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
    const int before = inner(a);
    if (before < 0) {
      order.add(regs_[a]);
      continue;
    }
    const Spec& from = specs_[static_cast<std::size_t>(before)];
    order.add(from.shape, from.strides);
  }
  return order.strides(size_of(spec.dtype));
}

std::vector<Value> FusedGroup::operands_of(const FusedProgram& program,
                                           std::vector<int>& registers) const {
  std::vector<Value> operands;
  for (const FusedProgram::Input& input : program.inputs) {
    const auto& args = op_of(input.member).args;
    registers.push_back(input.inner < 0 ? args[static_cast<std::size_t>(input.argument)] : -1);
    operands.push_back(operand(input));
  }
  return operands;
}

void FusedGroup::finish(int reg, Frame& frame) {
  if (!group_.outputs.empty()) return finish_several(reg);
  if (group_.tail >= 0 && fits_tail() && finish_tail(reg)) return;
  const bool news = !alone_.fused;
  if (news) alone_ = made_for(false);
  std::vector<int> registers;
  std::vector<Value> operands = operands_of(*alone_.fused, registers);
  const Spec& root = specs_.back();
  const Op& op = region_.ops[static_cast<std::size_t>(reg)];
  if (may_wait(reg, frame)) {
    if (news && longest_run_ > 0) note(nullptr, std::move(registers));
    return wait(reg, std::move(operands));
  }
  // What is put off keeps its operands as they are, and nobody else may write them.
  const bool late = stream_ && stream_->has_late();
  const bool is_kept = op.recall && !op.recall->last;
  if (!late && !is_kept) {
    if (const auto place = destination(reg, frame, operands)) {
      if (news && longest_run_ > 0) note(nullptr, std::move(registers));
      regs_[reg] = Value::of(place->view);
      return run_into(*place, op, alone_, operands);
    }
  }
  Ref<Array> out;
  if (!late && root.strides.empty())
    out = dying_operand(op, registers, operands, root.dtype, root.shape);
  const bool over = static_cast<bool>(out);
  if (!out)
    out = stream_ ? lane_.result_array(root.dtype, root.shape, root.strides)
                  : lane_.element_result(root.dtype, root.shape, root.strides);
  std::vector<Value> inputs = late ? operands : lent(operands);
  operands.clear();
  const Ref<Array> target = late ? out : lent(out);
  auto run =
      std::make_shared<ElementRun>(alone_.fused->program, inputs, std::vector<Ref<Array>>{target});
  if (news && longest_run_ > 0) note(over ? nullptr : run, std::move(registers));
  ElementWork work{&op,
                   std::move(run),
                   std::move(inputs),
                   target,
                   [reports = alone_.reports](int application) {
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
  tell_rules(op);
  if (over) lane_.profile_->apply(op.id, "last-use");
}

void FusedGroup::tell_rules(const Op& root) const {
  for (std::size_t m = 0; m < specs_.size(); ++m) {
    if (specs_[m].apart) continue;
    const Primitive& row = *op_of(static_cast<int>(m)).primitive;
    if (specs_[m].outer) lane_.profile_->apply(root.id, "outer-product");
    if (specs_[m].ufunc->name == "where") lane_.profile_->apply(root.id, "where-select");
    if (row.ufunc == "power" && specs_[m].ufunc->name != "power")
      lane_.profile_->apply(root.id, "power-of-constant");
  }
}

// ---- once more ---------------------------------------------------------------------

bool FusedGroup::Likeness::fits(const Value& v) const {
  if (v.kind() != kind || outer || outer_in(v)) return false;
  if (exponent && as_real(v) != exponent) return false;
  if (is_exponent && !exponent && as_real(v) == 0.5) return false;
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
  const std::int64_t elements = element_count(root.shape), bytes = elements * size_of(root.dtype);
  const double flops = run ? run->program().flops_per_element() * static_cast<double>(elements) : 0;
  const bool small =
      bytes < SmallResults::limit_bytes || (bytes < longest_run_ && flops < LoneRuns::most_flops);
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
      // Numbers made apart may differ from round to round, as those from outside may.
      const bool apart = position(a) >= 0 && inner(a) < 0 && !regs_[a].is_array();
      if (position(a) >= 0 && !apart) continue;
      const Value& v = regs_[a];
      Likeness l{a, v.kind(), v.dtype(), {}, {}, {}, outer_in(v) != nullptr};
      l.is_exponent = i == 1 && !v.is_array() && is_power(*op.primitive);
      if (l.is_exponent && (v.is_python_scalar() || as_real(v) == 0.5)) l.exponent = as_real(v);
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
  if (stream_ && stream_->has_late()) return false;
  const Spec& root = specs_.back();
  const Value* inputs[most_inputs];
  for (std::size_t i = 0; i < registers_.size(); ++i) inputs[i] = &regs_[registers_[i]];
  const std::span<const Value* const> operands(inputs, registers_.size());
  Ref<Array> out = lane_.quick_result(root.dtype, root.shape);
  std::byte* places[most_inputs] = {out->data()};
  std::size_t stored = 1;
  for (int m : stored_members()) {
    const Spec& spec = specs_[static_cast<std::size_t>(m)];
    Ref<Array> more = lane_.quick_result(spec.dtype, spec.shape);
    places[stored++] = more->data();
    regs_[group_.members[static_cast<std::size_t>(m)]] = Value::of(std::move(more));
  }
  run_->aim(operands, {places, stored});
  if (!settled_) settled_ = jit::consider(*run_);
  {
    trace::Span span;
    if (trace::recording()) [[unlikely]]
      record(span, reg, *out);
    compute(0, out->size(), lane_.sequence_);
  }
  regs_[reg] = Value::of(std::move(out));
  return true;
}

void FusedGroup::resume(Decisions decisions) {
  specs_ = std::move(decisions.specs);
  like_ = std::move(decisions.like);
  alone_ = std::move(decisions.alone);
  with_tail_ = std::move(decisions.with_tail);
  run_ = std::move(decisions.run);
  registers_ = std::move(decisions.registers);
  settled_ = decisions.settled;
  known_ = true;
}

std::unique_ptr<FusedGroup::Decisions> FusedGroup::decisions() {
  if (!known_) return nullptr;
  // A task may still use it; and the arrays of this call are none of the next one's.
  if (run_ && run_.use_count() > 1) run_ = nullptr;
  if (run_) run_->let_go();
  return std::make_unique<Decisions>(Decisions{std::move(specs_), std::move(like_),
                                               std::move(alone_), std::move(with_tail_),
                                               std::move(run_), std::move(registers_), settled_});
}

void FusedGroup::record(trace::Span& span, int reg, const Array& out) const {
  lane_.record(span, region_.ops[static_cast<std::size_t>(reg)].id);
  std::int64_t bytes = out.bytes();
  for (const int r : registers_) {
    if (regs_[r].is_array()) bytes += regs_[r].array()->bytes();
  }
  const auto size = static_cast<double>(out.size());
  span.set_work(static_cast<double>(bytes), size * run_->program().flops_per_element());
}

void FusedGroup::compute(std::int64_t first, std::int64_t last, std::int64_t sequence) {
  if ((run_->run(first, last) & lane_.fp().wanted) == 0) return;
  const auto name = [this](int application) {
    return (*alone_.reports)[static_cast<std::size_t>(application)];
  };
  lane_.teller(run_, name, sequence)(first, last);
}

}  // namespace jetlag::exec
