// The program of a fused group, for operands of certain dtypes: made once, and kept by its key.
#include <algorithm>

#include "runtime/exec/deferred.h"
#include "runtime/exec/fused.h"

namespace jetlag::exec {

std::string FusedGroup::key(bool tail) const {
  const Op& root = region_.ops[static_cast<std::size_t>(group_.members.back())];
  std::string key = std::to_string(root.id);
  for (int reg : group_.members) {
    if (specs_[static_cast<std::size_t>(position(reg))].apart) continue;
    for (int a : region_.ops[static_cast<std::size_t>(reg)].args) {
      if (inner(a) >= 0) continue;
      const Operand o = operand_of(regs_[a]);
      key += static_cast<char>('A' + static_cast<int>(o.dtype));
      if (o.weak) key += 'w';
      if (const DeferredElements* outer = outer_in(regs_[a])) {
        key += outer->work().gathers ? "take" : outer->work().ufunc->name;
        for (const Value& v : outer->work().operands) {
          key += static_cast<char>('A' + static_cast<int>(operand_of(v).dtype));
        }
      }
    }
  }
  // Indices that several gathers share are one operand.
  key += same_indices();
  // A power may be another formula.
  for (const Spec& spec : specs_) {
    key += format(",{}{}", spec.apart ? "" : spec.ufunc->name, spec.outer ? "'" : "");
  }
  if (!tail) return key;
  // Of several rounds, the target may be of one dtype and then of another.
  return format("{} in place of {}", key, info(regs_[this->tail().args[0]].array()->dtype()).name);
}

std::string FusedGroup::same_indices() const {
  std::string text;
  std::vector<const Array*> seen;
  for (std::size_t m = 0; m < group_.members.size(); ++m) {
    if (specs_[m].apart) continue;
    for (int a : op_of(static_cast<int>(m)).args) {
      const DeferredElements* d = inner(a) < 0 ? outer_in(regs_[a]) : nullptr;
      if (!d || !d->work().gathers) continue;
      const Array* index = d->work().operands[1].array().get();
      const auto at = std::find(seen.begin(), seen.end(), index);
      text += format("{}{}", d->work().far ? 'f' : 'i', at - seen.begin());
      if (at == seen.end()) seen.push_back(index);
    }
  }
  return text;
}

std::shared_ptr<const FusedProgram> FusedGroup::build(bool tail) const {
  ElementBuilder builder(lane_.program_.fastmath);
  auto fused = std::make_shared<FusedProgram>();
  std::vector<int> results(group_.members.size());
  struct Known {
    int reg;
    bool turned;
    int input;
  };
  std::vector<Known> strong;
  Indices indices;
  for (std::size_t m = 0; m < group_.members.size(); ++m) {
    if (specs_[m].apart) continue;
    const Op& op = op_of(static_cast<int>(m));
    std::vector<int> operands;
    for (std::size_t i = 0; i < specs_[m].loop.size(); ++i) {
      const int a = op.args[i];
      if (const int before = inner(a); before >= 0) {
        operands.push_back(results[static_cast<std::size_t>(before)]);
        continue;
      }
      if (outer_in(regs_[a])) {
        const auto made =
            std::find_if(strong.begin(), strong.end(), [&](const Known& k) { return k.reg == a; });
        operands.push_back(made != strong.end() ? made->input
                                                : add_outer(builder, *fused, static_cast<int>(m),
                                                            static_cast<int>(i), indices));
        if (made == strong.end()) strong.push_back({a, false, operands.back()});
        continue;
      }
      const Operand o = operand_of(regs_[a]);
      const bool turned = specs_[m].outer && i == 0;
      const auto known = std::find_if(strong.begin(), strong.end(), [&](const Known& k) {
        return k.reg == a && k.turned == turned;
      });
      if (!o.weak && known != strong.end()) {
        operands.push_back(known->input);
        continue;
      }
      // A Python scalar takes the dtype that each of its readers wants.
      operands.push_back(builder.input(o.weak ? specs_[m].loop[i] : o.dtype));
      fused->inputs.push_back({static_cast<int>(m), static_cast<int>(i)});
      if (!o.weak) strong.push_back({a, turned, operands.back()});
    }
    fused->applied.push_back({static_cast<int>(m), -1});
    results[m] = builder.apply(*specs_[m].ufunc, operands, specs_[m].loop);
  }
  const int result = results.back();
  builder.output(tail ? add_tail(builder, *fused, result) : result);
  for (int m : stored_members()) builder.output(results[static_cast<std::size_t>(m)]);
  fused->program = builder.build();
  return fused;
}

// The elements that an argument stands for, as the group computes them.
int FusedGroup::add_outer(ElementBuilder& builder, FusedProgram& fused, int member, int argument,
                          Indices& indices) const {
  const Value& v = regs_[op_of(member).args[static_cast<std::size_t>(argument)]];
  const DeferredElements::Work& work = outer_in(v)->work();
  std::vector<int> inputs;
  for (std::size_t k = 0; k < work.operands.size(); ++k) {
    const Array* index = work.gathers && k == 1 ? work.operands[k].array().get() : nullptr;
    const auto same = indices.find(index);
    if (index && same != indices.end()) {
      inputs.push_back(same->second);
      continue;
    }
    inputs.push_back(builder.input(operand_of(work.operands[k]).dtype));
    fused.inputs.push_back({member, argument, static_cast<int>(k)});
    if (index) indices[index] = inputs.back();
  }
  if (work.gathers)
    return inputs.size() > 2 ? builder.take(inputs[0], inputs[1], inputs[2], work.far)
                             : builder.take(inputs[0], inputs[1], work.far);
  fused.applied.push_back({member, argument});
  return builder.apply(*work.ufunc, inputs, work.loop);
}

FusedGroup::Made FusedGroup::made_for(bool tail) const {
  Made made;
  const std::string name = key(tail);
  made.fused = lane_.caches_.find(name);
  if (!made.fused) {
    lane_.caches_.add(name, made.fused = build(tail));
    lane_.record_choice(op_of(static_cast<int>(specs_.size()) - 1).id);
  }
  auto reports = std::make_shared<std::vector<FpReport>>();
  const auto report_of = [&](const Op& op) {
    const Primitive& p = made.fused->program->application(static_cast<int>(reports->size()));
    const std::string_view name = p.reports.empty() ? p.python : p.reports;
    reports->push_back(lane_.report_at(op, std::string(name.substr(name.rfind('.') + 1))));
  };
  for (const auto& [m, i, _] : made.fused->applied) {
    if (m == static_cast<int>(specs_.size())) {
      report_of(this->tail());
    } else if (i < 0) {
      report_of(op_of(m));
      const auto member = static_cast<std::size_t>(m);
      reports->back().sequence = -1 - (group_.members.back() - group_.members[member]);
    } else {
      reports->push_back(outer_in(regs_[op_of(m).args[static_cast<std::size_t>(i)]])->report());
    }
  }
  made.reports = std::move(reports);
  return made;
}

}  // namespace jetlag::exec
