// Calls that are no elementwise work: a job for the workers, or what is little, done at once.
#include "primitives/creation.h"
#include "primitives/on_demand.h"
#include "runtime/exec/deferred.h"
#include "runtime/exec/lane.h"
#include "runtime/exec/row_tiles.h"
#include "runtime/exec/stores.h"
#include "runtime/exec/sweeps.h"
#include "runtime/exec/time_tiles.h"

namespace jetlag::exec {

namespace {

// Arrays inside an argument: itself, or the items of a tuple or list.
void collect_arrays(const Value& v, std::vector<Ref<Array>>& arrays) {
  if (v.is_array()) arrays.push_back(v.array());
  if (v.is(ValueKind::tuple) || v.is(ValueKind::list)) {
    for (const Value& item : v.items()) collect_arrays(item, arrays);
  }
}

// The rule by which the kernel of a product reads its operands.
std::string_view rule_of_product(const Primitive& p, const std::vector<Value>& args) {
  if (p.algebra != Algebra::product || !args[0].is_array() || !args[1].is_array()) return {};
  const Array &a = *args[0].array(), &b = *args[1].array();
  const auto is_turned = [](const Array& m) {
    return m.rank() == 2 && m.shape()[0] > 1 && m.shape()[1] > 1 && m.strides()[0] < m.strides()[1];
  };
  const bool inexact = is_float(a.dtype()) || is_complex(a.dtype());
  if (inexact && is_transpose(a, b) && a.shape()[0] > 1) return "symmetric-product";
  return is_turned(a) || is_turned(b) ? "dot-transposed" : "";
}

const OnDemand* on_demand_in(const Value& v) {
  return v.is_array() ? on_demand(*v.array()) : nullptr;
}

}  // namespace

std::optional<Value> Lane::kernel(const plan::Op& op, const Primitive& p,
                                  std::vector<Value>& args) {
  const bool deferred = !args.empty() && on_demand_in(args[0]);
  const auto type = [&] {
    try {
      return p.type(args);
    } catch (const Error&) {
      // What came before has conditions to tell of.
      if (deferred) args[0].array()->write_out();
      throw;
    }
  };
  const Spec spec = type();
  if (spec.declined()) return std::nullopt;
  const bool fused = deferred && p.on_demand && p.on_demand(args);
  const std::string_view rule = !fused                 ? ""
                                : deferred_in(args[0]) ? "fused-reduction"
                                                       : "masked-reduction";
  Ref<Array> out = copies_argument(p) ? element_result(spec.dtype, spec.shape, spec.strides)
                                      : result_array(spec.dtype, spec.shape, spec.strides);
  // What the job holds does not keep later steps from taking over an operand's memory.
  kernel_into(op, p, lent(args), lent(out));
  Value result = result_value(out, spec.outcome == Spec::Outcome::scalar);
  if (profile_) describe(op, StepKind::call, result, fused ? rule : rule_of_product(p, args));
  return result;
}

namespace {

void tell_of(const Watch& watch, Flight& flight, std::int64_t sequence, FpReport report) {
  const auto tell = [&](std::string_view name, unsigned anomalies) {
    if (!name.empty()) report.name = name;
    report.anomalies = anomalies;
    if (anomalies != 0) flight.report(sequence, report);
  };
  const unsigned seen = watch.seen.load();
  const unsigned elsewhere = watch.overflows_in.empty() ? 0 : seen & overflow;
  tell(watch.met_in, seen & ~elsewhere);
  tell(watch.overflows_in, elsewhere);
  tell(watch.last_in, watch.seen_last.load());
}

std::int64_t bytes_of(std::span<const Value> values) {
  std::int64_t bytes = 0;
  for (const Value& v : values) {
    if (v.is_array()) bytes += v.array()->bytes();
    if (v.is(ValueKind::tuple) || v.is(ValueKind::list)) bytes += bytes_of(v.items());
  }
  return bytes;
}

}  // namespace

void Lane::tell_when_done(Job& job, std::shared_ptr<Watch> watch, FpReport report) {
  job.finish = [finish = std::move(job.finish), watch = std::move(watch), flight = flight_,
                sequence = sequence_, report = std::move(report)]() mutable {
    if (finish) finish();
    tell_of(*watch, *flight, sequence, std::move(report));
  };
}

// A little work with nothing under way, which no task could have and nothing waits for.
bool Lane::kernel_at_once(const plan::Op& op, const Primitive& p, const std::vector<Value>& args,
                          const Ref<Array>& out) {
  constexpr std::int64_t little_bytes = 32 << 10;
  if (profile_ || holding_ || (tiles_ && tiles_->collects()) || (rows_ && rows_->holds()))
    return false;
  if (flight_->outstanding() > 0 || (!args.empty() && on_demand_in(args[0]))) return false;
  if (out->bytes() + bytes_of(args) > little_bytes) return false;
  Watch watch;
  watch.wanted = fp().wanted;
  const Job job = p.kernel(args, out, watch.wanted != 0 ? &watch : nullptr);
  {
    trace::Span span;
    if (trace::recording()) [[unlikely]] {
      record(span, op.id);
      span.set_work(job.bytes, job.flops);
    }
    for (std::int64_t b = 0; b < job.blocks; ++b) job.body(b);
    if (job.finish) job.finish();
  }
  if (watch.seen.load() != 0 || watch.seen_last.load() != 0) {
    tell_of(watch, *flight_, sequence_, report_at(op, reported_name(p, false)));
    tell_if_at_once(sequence_);
  }
  return true;
}

void Lane::kernel_into(const plan::Op& op, const Primitive& p, const std::vector<Value>& args,
                       const Ref<Array>& out) {
  if (kernel_at_once(op, p, args, out)) return;
  auto watch = std::make_shared<Watch>();
  watch->wanted = fp().wanted;
  Step step{&op, StepKind::call, p.can_fail, args, {}, out};
  const OnDemand* deferred = args.empty() ? nullptr : on_demand_in(args[0]);
  if (deferred && p.on_demand && p.on_demand(args)) step.reads = deferred->start();
  else if (deferred) {
    if (profile_) profile_->refuse(op.id, "fused-reduction", "the reduction wants a whole array");
    args[0].array()->write_out();
  }
  Job job = p.kernel(args, out, fp().wanted ? watch.get() : nullptr);
  if (fp().wanted) tell_when_done(job, watch, report_at(op, reported_name(p, false)));
  for (const Value& v : args) {
    if (!on_demand_in(v)) collect_arrays(v, step.reads);
  }
  step.keep.push_back(Value::of(out));
  Sweeper sweeper;
  if (tiles_ && copies_argument(p) && is_plain_copy(*out, args[0])) {
    sweeper = [out, from = lent(args)[0]](std::shared_ptr<const Footprint> known) {
      return copy_sweep(out, from, std::move(known));
    };
  }
  perform(std::move(job), std::move(step), sweeper);
  tell_if_at_once(sequence_);
}

}  // namespace jetlag::exec
