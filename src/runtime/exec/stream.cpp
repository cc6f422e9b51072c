#include "runtime/exec/stream.h"

#include <algorithm>

#include "compiler/jit/kernels.h"
#include "compiler/plan/rules.h"
#include "compiler/plan/streams.h"
#include "runtime/exec/reuse.h"
#include "runtime/exec/stores.h"
#include "runtime/exec/stretches.h"

namespace jetlag::exec {

using plan::Op;
using plan::OpKind;

namespace {

constexpr std::string_view rule = "share-pass";

// How many steps may be under way when a long stream is begun: enough to
// overlap, few enough that their results do not pile up.
constexpr std::int64_t most_outstanding = 2;
constexpr std::int64_t long_bytes = 4 << 20;
// Rows of a smaller matrix are in the second-level cache all the time.
constexpr std::int64_t least_bytes = 256 << 10;

Matrix matrix_of(const Array& a) {
  return {a.data(), a.dtype(), a.shape()[0], a.shape()[1], a.strides()[0], a.strides()[1]};
}

std::int64_t bytes_of(const Matrix& x) { return x.rows * x.columns * size_of(x.dtype); }

bool same_matrix(const Matrix& a, const Matrix& b) {
  return a.data == b.data && a.dtype == b.dtype && a.rows == b.rows && a.columns == b.columns &&
         a.row_step == b.row_step;
}

bool is_plain_array(const Value& v) {
  return v.is_array() && !v.array()->is_scalar && v.array()->in_memory();
}

// The row that computes: dot, or matmul for an operator.
const Primitive* product_of(const Op& op) {
  if (op.kind == OpKind::method) return op.member;
  return op.primitive->ufunc.empty() ? op.primitive : find_primitive(op.primitive->ufunc);
}

// What a product met, and how to say it.
struct Told {
  std::shared_ptr<Watch> watch;
  FpReport report;
  std::int64_t sequence;
};

}  // namespace

// ---- putting off ---------------------------------------------------------------

bool StreamRun::meet(int reg) {
  const Op& op = region_.ops[static_cast<std::size_t>(reg)];
  if (plan::spares_elements(op) && is_plain_array(regs_[op.args[0]])) return false;
  if (put_off(op)) {
    regs_[reg] = Value::of(units_.back().out);
    return true;
  }
  flush();
  return false;
}

bool StreamRun::put_off(const Op& op) {
  // Where a condition raises at once, the operation that meets it must be the last.
  if (plan::spares_elements(op) || lane_.fp().at_once) return false;
  if (plan::shares_matrix(op)) return put_off_product(op);
  if (units_.empty() || units_.size() == most_units) return false;
  return op.kind == OpKind::augment_variable ? put_off_sum(op) : put_off_whole(op);
}

void StreamRun::passed(int reg) {
  const Op& op = region_.ops[static_cast<std::size_t>(reg)];
  if (region_.streams[static_cast<std::size_t>(op.stream)].last == reg) flush();
}

bool StreamRun::is_late(const Array& a) const {
  return std::any_of(units_.begin(), units_.end(),
                     [&](const Unit& u) { return u.out->buffer() == a.buffer(); });
}

// No row of it is there before the pass has ended; or it shows the rows in an
// order of its own.
bool StreamRun::needs_all_rows(const Array& a) const {
  return std::any_of(units_.begin(), units_.end(), [&](const Unit& u) {
    if (u.out->buffer() != a.buffer()) return false;
    return u.whole || u.kind == RowUse::Kind::columns || !is_same_view(*u.out, a);
  });
}

// Whether a unit reads or writes what shares memory with the target, other than row by row.
bool StreamRun::is_in_the_way(const Array& target) const {
  return std::any_of(units_.begin(), units_.end(), [&](const Unit& u) {
    const auto crosses = [&](const Array& a, bool by_rows) {
      return may_overlap(a, target) && !(by_rows && is_same_view(a, target));
    };
    const bool by_rows = u.kind == RowUse::Kind::elements && !u.whole;
    const auto& read = u.work ? u.work->inputs : u.args;
    return crosses(*u.out, !u.whole && u.kind != RowUse::Kind::columns) ||
           std::any_of(read.begin(), read.end(), [&](const Value& v) {
             return v.is_array() && crosses(*v.array(), by_rows);
           });
  });
}

bool StreamRun::reads_memory(const Op& op) {
  switch (op.kind) {
    case OpKind::constant:
    case OpKind::variable:
    case OpKind::capture:
    case OpKind::span:
    case OpKind::tuple:
    case OpKind::assign: return false;
    default: return true;
  }
}

void StreamRun::begin_stream(const Matrix& x) {
  matrix_ = x;
  if (bytes_of(x) < long_bytes) return;
  Flight& flight = *lane_.flight_;
  flight.wait(lane_.host_, [&] { return flight.outstanding() <= most_outstanding; });
}

StreamRun::Unit& StreamRun::add_unit(RowUse::Kind kind, const Op& op) {
  Unit& unit = units_.emplace_back();
  unit.kind = kind;
  unit.op = &op;
  unit.sequence = lane_.sequence_;
  return unit;
}

bool StreamRun::put_off_product(const Op& op) {
  static const plan::Rule& row = *plan::find_rule(rule);
  if (!plan::is_on(row)) return false;
  const Value& a = regs_[op.args[0]];
  const Value& b = regs_[op.args[1]];
  if (!is_plain_array(a) || !is_plain_array(b) || a.array()->rank() + b.array()->rank() != 3) {
    return false;
  }
  const bool vector_first = a.array()->rank() == 1;
  const Array& full = vector_first ? *b.array() : *a.array();
  const Ref<Array>& vector = vector_first ? a.array() : b.array();
  if (full.rank() != 2 || full.bytes() <= least_bytes || is_late(full) ||
      vector->dtype() != full.dtype())
    return false;
  if (vector->shape()[0] > 1 && vector->strides()[0] != size_of(vector->dtype())) return false;

  Matrix x = matrix_of(full);
  // v x = x^T v
  bool turned = vector_first;
  if (!is_streamable(x)) {
    x = x.transposed();
    turned = !turned;
  }
  if (!is_streamable(x)) return false;
  if (vector->shape()[0] != (turned ? x.rows : x.columns)) return false;
  // A row needs the whole vector; a sum over rows only its own place in it.
  const bool waits = turned ? needs_all_rows(*vector) : is_late(*vector);
  if (waits || units_.size() == most_units || (!units_.empty() && !same_matrix(x, matrix_))) {
    flush();
  }
  if (units_.empty()) begin_stream(x);
  Ref<Array> out = lane_.result_array(x.dtype, Dims{turned ? x.columns : x.rows});
  Unit& unit = add_unit(turned ? RowUse::Kind::columns : RowUse::Kind::rows, op);
  unit.primitive = product_of(op);
  unit.args = {a, b};
  unit.in = vector;
  unit.out = std::move(out);
  return true;
}

// Element i of the result needs row i of what is late, and nothing else of it.
bool StreamRun::is_row_local(const Value& v) const {
  return !v.is_array() || (v.array()->rank() <= 1 && !needs_all_rows(*v.array()));
}

bool StreamRun::put_off(ElementWork& work) {
  const auto& in = work.inputs;
  if (std::none_of(in.begin(), in.end(), [&](const Value& v) { return depends(v); })) {
    if (target_) flush();
    return false;
  }
  const bool fits =
      units_.size() < most_units && work.out->rank() == 1 && work.out->shape()[0] == matrix_.rows &&
      std::all_of(in.begin(), in.end(), [&](const Value& v) { return is_row_local(v); });
  if (!fits) {
    flush();
    return false;
  }
  Unit& unit = add_unit(RowUse::Kind::elements, *work.op);
  unit.out = work.out;
  unit.work = std::make_shared<ElementWork>(std::move(work));
  return true;
}

// What works on whole arrays: the sum of a late vector.
bool StreamRun::put_off_whole(const Op& op) {
  const Primitive* p = plan::whole_kernel(op);
  if (!p || op.args.empty() || !is_plain_array(regs_[op.args[0]])) return false;
  const auto args = lane_.arguments_of(op, *p, regs_);
  // Rules look at numbers, which must be there.
  const auto is_known = [](const Value& v) {
    if (v.is_array()) return is_plain_array(v);
    const bool has_items = v.is(ValueKind::tuple) || v.is(ValueKind::list);
    return !has_items || std::none_of(v.items().begin(), v.items().end(),
                                      [](const Value& item) { return item.is_array(); });
  };
  if (!args || !std::all_of(args->begin(), args->end(), is_known)) return false;
  const Spec spec = p->type(*args);
  if (spec.declined()) return false;
  Unit& unit = add_unit(RowUse::Kind::elements, op);
  unit.whole = true;
  unit.primitive = p;
  unit.args = std::move(*args);
  unit.out = lane_.result_array(spec.dtype, spec.shape, spec.strides);
  unit.out->is_scalar = spec.outcome == Spec::Outcome::scalar;
  return true;
}

Value StreamRun::put_off_number(const Op& op) {
  if (units_.empty()) return {};
  const bool reads_late = std::any_of(op.args.begin(), op.args.end(),
                                      [&](int a) { return a >= 0 && depends(regs_[a]); });
  if (!reads_late) {
    if (target_) flush();
    return {};
  }
  const bool has_room = units_.size() < most_units && !lane_.fp().at_once;
  const std::vector<Value> args = lane_.operands(op, regs_);
  const auto is_late_number = [&](const Value& v) { return depends(v) && v.array()->is_scalar; };
  const bool fits = has_room && std::any_of(args.begin(), args.end(), is_late_number) &&
                    std::all_of(args.begin(), args.end(), [&](const Value& v) {
                      return is_late_number(v) || (v.is_numeric() && !v.is_array());
                    });
  const Primitive* ufunc =
      op.primitive->formula ? op.primitive : find_primitive(op.primitive->ufunc);
  // Powers have formulas of their own.
  std::shared_ptr<const ElementProgram> program;
  if (fits && ufunc && ufunc->name != "power" && !ufunc->keeps_arrays) {
    std::vector<Operand> operands;
    for (const Value& v : args) operands.push_back(operand_of(v));
    program = program_for(*ufunc, operands);
  }
  // Integer scalars tell when they wrap.
  if (!program || !is_float(program->output_dtype(0))) {
    flush();
    return {};
  }
  Ref<Array> out = lane_.result_array(program->output_dtype(0), {});
  out->is_scalar = true;
  FpReport report = report_by(op, program->applications() > 0 ? program->application(0) : *ufunc);
  if (!op.primitive->ufunc.empty()) report.name = "scalar " + report.name;
  Unit& unit = add_unit(RowUse::Kind::elements, op);
  unit.whole = true;
  unit.out = out;
  unit.work = std::make_shared<ElementWork>(
      ElementWork{&op, std::make_shared<ElementRun>(program, args, std::vector<Ref<Array>>{out}),
                  args, out, [report](int) { return report; }, StepKind::call, ""});
  Value result = Value::of(std::move(out));
  if (lane_.profile_) lane_.describe(op, StepKind::call, result);
  return result;
}

// v += late, or late *= 2, where nothing else reads v but row by row.
bool StreamRun::put_off_sum(const Op& op) {
  const Value &old = regs_[op.args[0]], &value = regs_[op.args[1]];
  if (target_ || lane_.holding_ || !is_plain_array(old) || !value.is_numeric()) return false;
  if (value.is_array() && !is_plain_array(value)) return false;
  const Ref<Array>& target = old.array();
  const Array* added = value.is_array() ? value.array().get() : nullptr;
  const Primitive* ufunc = find_primitive(op.primitive->ufunc);
  const bool fits = ufunc && ufunc->formula && target->writable() && target->rank() == 1 &&
                    target->shape()[0] == matrix_.rows &&
                    (!added || added->shape() == target->shape()) && is_float(target->dtype()) &&
                    is_row_local(old) && is_row_local(value);
  if (!fits || (lane_.fp().wanted && !lies_in_rows(*target))) return false;
  // Memory in which rows lie over each other is left to the way that copies.
  if (added && !is_same_view(*added, *target) && may_overlap(*added, *target)) return false;
  if (is_in_the_way(*target)) return false;
  const auto program =
      program_for(*ufunc, std::vector<Operand>{operand_of(old), operand_of(value)});
  if (!program || program->output_dtype(0) != target->dtype()) return false;
  if (!is_late(*target)) target_ = target;
  const FpReport report = report_by(op, *ufunc);
  const std::vector<Value> inputs{old, value};
  Unit& unit = add_unit(RowUse::Kind::elements, op);
  unit.out = target;
  unit.work = std::make_shared<ElementWork>(ElementWork{
      &op, std::make_shared<ElementRun>(program, inputs, std::vector<Ref<Array>>{target}), inputs,
      target, [report](int) { return report; }, StepKind::call, "in place"});
  if (lane_.profile_) lane_.describe(op, StepKind::call, old, "in place");
  return true;
}

// ---- computing -------------------------------------------------------------------

void StreamRun::flush() {
  if (units_.empty()) return;
  std::vector<Unit> units = std::move(units_);
  units_.clear();
  const Ref<Array> target = std::move(target_);
  const std::int64_t now = lane_.sequence_;
  const auto is_product = [](const Unit& u) { return u.kind != RowUse::Kind::elements; };
  if (std::count_if(units.begin(), units.end(), is_product) > 1) {
    const auto whole =
        std::stable_partition(units.begin(), units.end(), [](const Unit& u) { return !u.whole; });
    std::vector<Unit> later(std::make_move_iterator(whole), std::make_move_iterator(units.end()));
    units.erase(whole, units.end());
    lane_.sequence_ = units.front().sequence;
    run_together(std::move(units), target);
    units = std::move(later);
  }
  for (Unit& unit : units) {
    lane_.sequence_ = unit.sequence;
    run_alone(unit);
  }
  lane_.sequence_ = now;
}

void StreamRun::run_alone(Unit& unit) {
  if (unit.work) {
    ElementWork& w = *unit.work;
    lane_.run_elements(*w.op, w.run, std::move(w.inputs), w.out, std::move(w.name), w.kind, w.rule);
  } else {
    lane_.kernel_into(*unit.op, *unit.primitive, unit.args, unit.out);
    if (lane_.profile_) lane_.describe(*unit.op, StepKind::call, Value::of(unit.out));
  }
}

FpReport StreamRun::report_by(const Op& op, const Primitive& computes) const {
  const std::string_view python = computes.python;
  return lane_.report_at(op, std::string(python.substr(python.rfind('.') + 1)));
}

RowUse StreamRun::use_of(const Unit& unit, double& flops) const {
  RowUse use{.kind = unit.kind};
  if (!unit.work) {
    use.in = unit.in->data();
    use.out = unit.out->data();
    return use;
  }
  const ElementWork& w = *unit.work;
  jit::consider(*w.run);
  flops += static_cast<double>(w.run->size()) * w.run->program().flops_per_element();
  const bool over = std::any_of(w.inputs.begin(), w.inputs.end(), [&](const Value& v) {
    return v.is_array() && v.array()->data() == w.out->data();
  });
  use.run = [run = w.run, wanted = lane_.fp().wanted, over, out = w.out,
             tell = lane_.teller(w.run, w.name, unit.sequence)](std::int64_t first,
                                                                std::int64_t last) {
    const Array* spoilt = out.get();
    if (over && wanted) return run_over(*run, first, last, {&spoilt, 1}, wanted, tell);
    if ((run->run(first, last) & wanted) != 0) tell(first, last);
  };
  return use;
}

void StreamRun::run_together(std::vector<Unit> units, const Ref<Array>& target) {
  Lane& lane = lane_;
  Lane::Step step{units.front().op, StepKind::stream, false, {}, {}, {}, rule};
  std::vector<RowUse> uses;
  double bytes = 0, flops = 0;
  std::vector<Told> told;
  const auto reads = [&](const Value& v) {
    if (!v.is_array()) return;
    step.reads.push_back(v.array());
    step.keep.push_back(Value::of(lent(v.array())));
  };
  for (const Unit& unit : units) {
    RowUse use = use_of(unit, flops);
    if (!unit.work && lane.fp().wanted) {
      auto watch = std::make_shared<Watch>();
      watch->wanted = lane.fp().wanted;
      use.watch = watch.get();
      told.push_back({std::move(watch), report_by(*unit.op, *unit.primitive), unit.sequence});
    }
    for (const Value& v : unit.work ? unit.work->inputs : unit.args) reads(v);
    bytes += static_cast<double>(unit.out->bytes());
    step.keep.push_back(Value::of(lent(unit.out)));
    // What others know is written after they have read it; the rest is fresh.
    if (unit.out == target) step.write = unit.out;
    else step.also_writes.push_back(unit.out);
    uses.push_back(std::move(use));
  }
  if (!step.write) {
    step.write = step.also_writes.back();
    step.also_writes.pop_back();
  }
  Job job = row_stream_job(matrix_, std::move(uses));
  job.bytes += bytes;
  job.flops += flops;
  if (!told.empty()) {
    job.finish = [told = std::move(told), flight = lane.flight_] {
      for (const Told& t : told) {
        FpReport report = t.report;
        report.anomalies = t.watch->seen.load();
        if (report.anomalies) flight->report(t.sequence, std::move(report));
      }
    };
  }
  lane.perform(std::move(job), std::move(step));
  if (!lane.profile_) return;
  for (const Unit& unit : units) {
    if (unit.work) lane.profile_->apply(unit.op->id, rule);
    else lane.describe(*unit.op, StepKind::stream, Value::of(unit.out), rule);
  }
}

}  // namespace jetlag::exec
