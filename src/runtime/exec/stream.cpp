#include "runtime/exec/stream.h"

#include <algorithm>

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

Matrix matrix_of(const Array& a) {
  return {a.data(), a.dtype(), a.shape()[0], a.shape()[1], a.strides()[0], a.strides()[1]};
}

bool same_matrix(const Matrix& a, const Matrix& b) {
  return a.data == b.data && a.dtype == b.dtype && a.rows == b.rows && a.columns == b.columns &&
         a.row_step == b.row_step;
}

bool is_plain_array(const Value& v) { return v.is_array() && !v.array()->is_scalar; }

// The row that computes: dot, or matmul for an operator.
const Primitive* product_of(const Op& op) {
  if (op.kind == OpKind::method) return find_method(op.name);
  return op.primitive->ufunc.empty() ? op.primitive : find_primitive(op.primitive->ufunc);
}

std::string report_name(const Primitive& p) {
  return std::string(p.python.substr(p.python.rfind('.') + 1));
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

bool StreamRun::is_late(const Array& a) const {
  return std::any_of(units_.begin(), units_.end(),
                     [&](const Unit& u) { return u.out->buffer() == a.buffer(); });
}

bool StreamRun::is_late_sum(const Array& a) const {
  return std::any_of(units_.begin(), units_.end(), [&](const Unit& u) {
    return u.kind == RowUse::Kind::columns && u.out->buffer() == a.buffer();
  });
}

void StreamRun::begin(const Matrix& x) {
  matrix_ = x;
  Flight& flight = *lane_.flight_;
  if (x.rows * x.columns * size_of(x.dtype) < long_bytes) return;
  flight.wait(lane_.host_, [&] { return flight.outstanding() <= most_outstanding; });
}

bool StreamRun::put_off_product(const Op& op) {
  // Where a condition raises at once, the operation that meets it must be the last.
  if (lane_.fp().at_once) return false;
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

  Unit unit{.kind = RowUse::Kind::rows, .op = &op, .args = {a, b}, .in = vector, .out = {}};
  Matrix x = matrix_of(full);
  // v x = x^T v
  bool turned = vector_first;
  if (!is_streamable(x)) {
    x = x.transposed();
    turned = !turned;
  }
  if (!is_streamable(x)) return false;
  unit.kind = turned ? RowUse::Kind::columns : RowUse::Kind::rows;
  unit.primitive = product_of(op);
  if (vector->shape()[0] != (turned ? x.rows : x.columns)) return false;
  // A row needs the whole vector; a sum over rows only its own place in it.
  const bool waits = turned ? is_late_sum(*vector) : is_late(*vector);
  if (waits || (!units_.empty() && !same_matrix(x, matrix_))) flush();
  if (units_.empty()) begin(x);
  unit.out = lane_.result_array(x.dtype, {turned ? x.columns : x.rows});
  unit.sequence = lane_.sequence_;
  units_.push_back(std::move(unit));
  return true;
}

// Element i of the result needs row i of what is late, and nothing else of it.
bool StreamRun::is_row_local(const ElementWork& work) const {
  if (work.out->rank() != 1 || work.out->shape()[0] != matrix_.rows) return false;
  return std::all_of(work.inputs.begin(), work.inputs.end(), [&](const Value& v) {
    return !v.is_array() || (v.array()->rank() <= 1 && !is_late_sum(*v.array()));
  });
}

bool StreamRun::put_off(ElementWork& work) {
  const bool waits = std::any_of(work.inputs.begin(), work.inputs.end(), [&](const Value& v) {
    return v.is_array() && is_late(*v.array());
  });
  if (!waits) return false;
  if (!is_row_local(work)) {
    flush();
    return false;
  }
  Unit unit{.kind = RowUse::Kind::elements, .op = work.op, .args = {}, .in = {}, .out = work.out};
  unit.work = std::make_shared<ElementWork>(std::move(work));
  unit.sequence = lane_.sequence_;
  units_.push_back(std::move(unit));
  return true;
}

// ---- computing -------------------------------------------------------------------

void StreamRun::flush() {
  if (units_.empty()) return;
  std::vector<Unit> units = std::move(units_);
  units_.clear();
  const std::int64_t now = lane_.sequence_;
  const auto count = std::count_if(units.begin(), units.end(),
                                   [](const Unit& u) { return u.kind != RowUse::Kind::elements; });
  if (count > 1) {
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
  if (unit.work) {
    ElementWork& w = *unit.work;
    lane_.run_elements(*w.op, w.run, std::move(w.inputs), w.out, std::move(w.name), w.kind, w.rule);
  } else {
    lane_.kernel_into(*unit.op, *unit.primitive, unit.args, unit.out);
  }
}

void StreamRun::run_together(std::vector<Unit> units) {
  Lane& lane = lane_;
  const Op& op = *units.front().op;
  Lane::Step step{&op, StepKind::stream, false, {}, {}, {}, rule};
  std::vector<RowUse> uses;
  double bytes = 0, flops = 0;
  std::vector<Told> told;
  for (Unit& unit : units) {
    RowUse use{.kind = unit.kind};
    if (unit.work) {
      const ElementWork& w = *unit.work;
      use.run = [run = w.run, wanted = lane.fp().wanted,
                 tell = lane.teller(w.run, w.name, unit.sequence)](std::int64_t first,
                                                                   std::int64_t last) {
        if ((run->run(first, last) & wanted) != 0) tell(first, last);
      };
      flops += static_cast<double>(w.run->size()) * w.run->program().flops_per_element();
      for (const Value& v : w.inputs) {
        if (!v.is_array()) continue;
        step.reads.push_back(v.array());
        step.keep.push_back(Value::of(lent(v.array())));
      }
    } else {
      use.in = unit.in->data();
      use.out = unit.out->data();
      if (lane.fp().wanted) {
        auto watch = std::make_shared<Watch>();
        watch->wanted = lane.fp().wanted;
        use.watch = watch.get();
        told.push_back({std::move(watch), lane.report_at(*unit.op, report_name(*unit.primitive)),
                        unit.sequence});
      }
      for (const Value& v : unit.args) {
        step.reads.push_back(v.array());
        step.keep.push_back(Value::of(lent(v.array())));
      }
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
