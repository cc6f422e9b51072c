#include "runtime/exec/fused.h"

#include <algorithm>

#include "runtime/exec/reuse.h"

namespace jetlag::exec {

using plan::Op;

int FusedGroup::position(int reg) const {
  const auto at = std::lower_bound(group_.members.begin(), group_.members.end(), reg);
  return at != group_.members.end() && *at == reg ? static_cast<int>(at - group_.members.begin())
                                                  : -1;
}

void FusedGroup::member(int reg, Frame& frame) {
  const int at = position(reg);
  if (!eager_ && !check(at)) go_eager(at, frame);
  if (eager_) {
    regs_[reg] = lane_.op(region_.ops[static_cast<std::size_t>(reg)], frame, regs_);
  } else if (reg == group_.members.back()) {
    finish(reg, frame);
  }
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

bool FusedGroup::check(int at) {
  const Op& op =
      region_.ops[static_cast<std::size_t>(group_.members[static_cast<std::size_t>(at)])];
  Spec& spec = specs_[static_cast<std::size_t>(at)];
  spec.ufunc = op.primitive->formula ? op.primitive : find_primitive(op.primitive->ufunc);
  if (!spec.ufunc || !spec.ufunc->formula) return false;
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
    if (!v.is_numeric()) return false;
    operands.push_back(operand_of(v));
    if (v.is_array()) spec.shape = broadcast_shapes(spec.shape, v.array()->shape());
  }
  // Powers by constants have formulas of their own, chosen at run time.
  if (spec.shape.empty() || spec.ufunc->name == "power") return false;
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
  spec.deferred = true;
  spec.sequence = lane_.sequence_;
  return true;
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
  return key;
}

std::shared_ptr<const FusedProgram> FusedGroup::build() const {
  ElementBuilder builder;
  auto fused = std::make_shared<FusedProgram>();
  std::vector<int> results(group_.members.size());
  std::vector<std::pair<int, int>> strong;  // operand register and its input
  for (std::size_t m = 0; m < group_.members.size(); ++m) {
    const Op& op = region_.ops[static_cast<std::size_t>(group_.members[m])];
    std::vector<int> operands;
    for (std::size_t i = 0; i < op.args.size(); ++i) {
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
  const std::string name = key();
  auto fused = lane_.caches_.find(name);
  if (!fused) {
    fused = build();
    lane_.caches_.add(name, fused);
  }
  std::vector<Value> operands;
  std::vector<int> registers;
  for (const auto& [m, i] : fused->inputs) {
    const Op& op =
        region_.ops[static_cast<std::size_t>(group_.members[static_cast<std::size_t>(m)])];
    registers.push_back(op.args[static_cast<std::size_t>(i)]);
    operands.push_back(regs_[registers.back()]);
  }
  const Spec& root = specs_.back();
  const Op& op = region_.ops[static_cast<std::size_t>(reg)];
  // What is put off keeps its operands as they are, and nobody else may write them.
  const bool late = stream_ && stream_->has_late();
  Ref<Array> out;
  if (!late) out = destination(reg, frame, operands);
  const bool stored = static_cast<bool>(out);
  if (!late && !out) out = dying_operand(op, registers, operands, root.dtype, root.shape);
  const bool over = out && !stored;
  if (!out) out = lane_.result_array(root.dtype, root.shape);
  std::vector<Value> inputs = late ? operands : lent(operands);
  operands.clear();
  const Ref<Array> target = late ? out : lent(out);
  auto run = std::make_shared<ElementRun>(fused->program, inputs, std::vector<Ref<Array>>{target});

  std::vector<FpReport> reports;
  for (std::size_t m = 0; m < specs_.size(); ++m) {
    const std::string_view python = fused->program->application(static_cast<int>(m)).python;
    reports.push_back(lane_.report_at(region_.ops[static_cast<std::size_t>(group_.members[m])],
                                      std::string(python.substr(python.rfind('.') + 1))));
  }
  ElementWork work{&op,
                   std::move(run),
                   std::move(inputs),
                   target,
                   [reports = std::move(reports)](int application) {
                     return reports[static_cast<std::size_t>(application)];
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
  if (over) lane_.profile_->apply(op.id, "last-use");
  if (stored) lane_.profile_->apply(op.id, "store-in-place");
}

}  // namespace jetlag::exec
