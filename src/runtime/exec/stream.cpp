#include "runtime/exec/stream.h"

#include <algorithm>

#include "compiler/jit/kernels.h"
#include "compiler/plan/rules.h"
#include "runtime/exec/prepared.h"
#include "runtime/exec/reuse.h"

namespace jetlag::exec {

using plan::Op;
using plan::OpKind;

namespace {

constexpr std::string_view rule = "share-pass";

// How many steps may be under way when a long stream is begun: enough to
// overlap, few enough that their results do not pile up.
constexpr std::int64_t most_outstanding = 2;
constexpr std::int64_t long_bytes = 4 << 20;
// The lane does short ones itself: a worker would hardly have begun.
constexpr std::int64_t short_bytes = 256 << 10;

Matrix matrix_of(const Array& a) {
  return {a.data(), a.dtype(), a.shape()[0], a.shape()[1], a.strides()[0], a.strides()[1]};
}

bool same_matrix(const Matrix& a, const Matrix& b) {
  return a.data == b.data && a.dtype == b.dtype && a.rows == b.rows && a.columns == b.columns &&
         a.row_step == b.row_step;
}

bool is_plain_array(const Value& v) {
  return v.is_array() && !v.array()->is_scalar && v.array()->in_memory();
}

// The row that computes: dot, or matmul for an operator.
const Primitive* product_of(const Op& op) {
  if (op.kind == OpKind::method) return find_method(op.name);
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
  const bool is_turn = op.args.size() == 1;
  if (is_turn && is_plain_array(regs_[op.args[0]])) return false;
  if (!is_turn && put_off_product(op)) {
    regs_[reg] = Value::of(units_.back().out);
    return true;
  }
  flush();
  return false;
}

void StreamRun::passed(int reg) {
  const Op& op = region_.ops[static_cast<std::size_t>(reg)];
  if (region_.streams[static_cast<std::size_t>(op.stream)].last == reg) flush();
}

bool StreamRun::is_late(const Array& a) const {
  return std::any_of(units_.begin(), units_.end(),
                     [&](const Unit& u) { return u.out->buffer() == a.buffer(); });
}

void StreamRun::settle_operands(const Op& op) {
  if (std::any_of(op.args.begin(), op.args.end(),
                  [&](int a) { return a >= 0 && depends(regs_[a]); })) {
    flush();
  }
}

bool StreamRun::is_late_sum(const Array& a) const {
  return std::any_of(units_.begin(), units_.end(), [&](const Unit& u) {
    return u.kind == RowUse::Kind::columns && u.out->buffer() == a.buffer();
  });
}

void StreamRun::begin_stream(const Matrix& x) {
  matrix_ = x;
  const std::int64_t bytes = x.rows * x.columns * size_of(x.dtype);
  Flight& flight = *lane_.flight_;
  short_ =
      bytes <= short_bytes && is_single_block(x) && !lane_.profile_ && flight.outstanding() == 0;
  if (bytes < long_bytes) return;
  flight.wait(lane_.host_, [&] { return flight.outstanding() <= most_outstanding; });
}

StreamRun::Unit& StreamRun::add_unit(RowUse::Kind kind, const Op& op) {
  Unit& unit = units_.emplace_back();
  unit.kind = kind;
  unit.op = &op;
  unit.sequence = lane_.sequence_;
  return unit;
}

Ref<Array> StreamRun::result(std::int64_t length) {
  const Dims shape{length};
  if (short_ && length * size_of(matrix_.dtype) < SmallResults::limit_bytes) {
    return lane_.prepared().results.take(matrix_.dtype, shape);
  }
  return lane_.result_array(matrix_.dtype, shape);
}

bool StreamRun::put_off_product(const Op& op) {
  static const plan::Rule& row = *plan::find_rule(rule);
  // Where a condition raises at once, the operation that meets it must be the last.
  if (!plan::is_on(row) || lane_.fp().at_once) return false;
  const Value& a = regs_[op.args[0]];
  const Value& b = regs_[op.args[1]];
  if (!is_plain_array(a) || !is_plain_array(b) || a.array()->rank() + b.array()->rank() != 3) {
    return false;
  }
  const bool vector_first = a.array()->rank() == 1;
  const Array& full = vector_first ? *b.array() : *a.array();
  const Ref<Array>& vector = vector_first ? a.array() : b.array();
  if (full.rank() != 2 || is_late(full) || vector->dtype() != full.dtype()) return false;
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
  const bool waits = turned ? is_late_sum(*vector) : is_late(*vector);
  if (waits || units_.size() == most_units || (!units_.empty() && !same_matrix(x, matrix_))) {
    flush();
  }
  if (units_.empty()) begin_stream(x);
  Ref<Array> out = result(turned ? x.columns : x.rows);
  Unit& unit = add_unit(turned ? RowUse::Kind::columns : RowUse::Kind::rows, op);
  unit.primitive = product_of(op);
  unit.kept[0] = a;
  unit.kept[1] = b;
  unit.in = vector;
  unit.out = std::move(out);
  return true;
}

// Element i of the result needs row i of what is late, and nothing else of it.
bool StreamRun::is_row_local(const Value& v) const {
  return !v.is_array() || (v.array()->rank() <= 1 && !is_late_sum(*v.array()));
}

bool StreamRun::put_off(ElementWork& work) {
  const auto& in = work.inputs;
  if (std::none_of(in.begin(), in.end(), [&](const Value& v) { return depends(v); })) return false;
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

bool StreamRun::put_off(FusedGroup& group, const Op& op, std::span<const Value* const> inputs,
                        const Ref<Array>& out) {
  if (std::none_of(inputs.begin(), inputs.end(), [&](const Value* v) { return depends(*v); })) {
    return false;
  }
  const bool fits =
      units_.size() < most_units && out->rank() == 1 && out->shape()[0] == matrix_.rows &&
      inputs.size() <= most_kept &&
      std::all_of(inputs.begin(), inputs.end(), [&](const Value* v) { return is_row_local(*v); });
  if (!fits) {
    flush();
    return false;
  }
  Unit& unit = add_unit(RowUse::Kind::elements, op);
  unit.out = out;
  unit.group = &group;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i]->is_array()) unit.kept[i] = *inputs[i];
  }
  return true;
}

// ---- computing -------------------------------------------------------------------

void StreamRun::flush() {
  if (units_.empty()) return;
  const auto products = std::count_if(
      units_.begin(), units_.end(), [](const Unit& u) { return u.kind != RowUse::Kind::elements; });
  const std::int64_t now = lane_.sequence_;
  if (short_ && products > 1) {
    struct Done {
      std::vector<Unit>& units;
      ~Done() { units.clear(); }
    } const done{units_};
    return run_now();
  }
  std::vector<Unit> units = std::move(units_);
  units_.clear();
  if (products > 1) {
    lane_.sequence_ = units.front().sequence;
    run_together(std::move(units));
  } else {
    for (Unit& unit : units) {
      lane_.sequence_ = unit.sequence;
      run_alone(unit);
    }
  }
  lane_.sequence_ = now;
}

void StreamRun::run_alone(Unit& unit) {
  if (unit.group) {
    unit.group->compute(0, unit.out->size(), unit.sequence);
  } else if (unit.work) {
    ElementWork& w = *unit.work;
    lane_.run_elements(*w.op, w.run, std::move(w.inputs), w.out, std::move(w.name), w.kind, w.rule);
  } else {
    lane_.kernel_into(*unit.op, *unit.primitive, {unit.kept[0], unit.kept[1]}, unit.out);
    if (lane_.profile_) lane_.describe(*unit.op, StepKind::call, Value::of(unit.out));
  }
}

FpReport StreamRun::report_of(const Unit& unit) const {
  const std::string_view python = unit.primitive->python;
  return lane_.report_at(*unit.op, std::string(python.substr(python.rfind('.') + 1)));
}

void StreamRun::run_elements(const Unit& unit, std::int64_t first, std::int64_t last) {
  if (unit.group) return unit.group->compute(first, last, unit.sequence);
  const ElementWork& w = *unit.work;
  if ((w.run->run(first, last) & lane_.fp().wanted) == 0) return;
  lane_.teller(w.run, w.name, unit.sequence)(first, last);
}

// A short stream: nothing is handed to anyone, so nothing is prepared for it.
void StreamRun::run_now() {
  trace::Span span;
  lane_.record(span, units_.front().op->id);
  Flight& flight = *lane_.flight_;
  flight.wait(lane_.host_, [&] { return flight.outstanding() == 0; });
  std::array<RowUse, most_units> uses;
  std::array<Watch, most_units> watches;
  const unsigned wanted = lane_.fp().wanted;
  for (std::size_t i = 0; i < units_.size(); ++i) {
    const Unit& unit = units_[i];
    RowUse& use = uses[i];
    use.kind = unit.kind;
    if (unit.work) jit::consider(*unit.work->run);
    if (unit.kind == RowUse::Kind::elements) {
      struct Elements {
        StreamRun* stream;
        const Unit* unit;
        void operator()(std::int64_t first, std::int64_t last) const {
          stream->run_elements(*unit, first, last);
        }
      };
      use.run = Elements{this, &unit};
      continue;
    }
    use.in = unit.in->data();
    use.out = unit.out->data();
    watches[i].wanted = wanted;
    if (wanted) use.watch = &watches[i];
  }
  row_stream(matrix_, std::span(uses.data(), units_.size()));
  for (std::size_t i = 0; i < units_.size(); ++i) {
    if (const unsigned seen = watches[i].seen.load(std::memory_order_relaxed)) {
      FpReport report = report_of(units_[i]);
      report.anomalies = seen;
      flight.report(units_[i].sequence, std::move(report));
    }
  }
}

void StreamRun::run_together(std::vector<Unit> units) {
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
    RowUse use{.kind = unit.kind};
    if (unit.work) {
      const ElementWork& w = *unit.work;
      jit::consider(*w.run);
      use.run = [run = w.run, wanted = lane.fp().wanted,
                 tell = lane.teller(w.run, w.name, unit.sequence)](std::int64_t first,
                                                                   std::int64_t last) {
        if ((run->run(first, last) & wanted) != 0) tell(first, last);
      };
      flops += static_cast<double>(w.run->size()) * w.run->program().flops_per_element();
      for (const Value& v : w.inputs) reads(v);
    } else {
      use.in = unit.in->data();
      use.out = unit.out->data();
      if (lane.fp().wanted) {
        auto watch = std::make_shared<Watch>();
        watch->wanted = lane.fp().wanted;
        use.watch = watch.get();
        told.push_back({std::move(watch), report_of(unit), unit.sequence});
      }
      for (const Value& v : unit.kept) reads(v);
    }
    bytes += static_cast<double>(unit.out->bytes());
    step.keep.push_back(Value::of(lent(unit.out)));
    step.also_writes.push_back(unit.out);
    uses.push_back(std::move(use));
  }
  step.write = step.also_writes.back();
  step.also_writes.pop_back();
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
