// Elementwise work as a job: by blocks, by rows, or as a sweep over memory.
#include <algorithm>

#include "compiler/jit/kernels.h"
#include "runtime/exec/lane.h"
#include "runtime/exec/reuse.h"
#include "runtime/exec/row_tiles.h"
#include "runtime/exec/stretches.h"
#include "runtime/exec/sweeps.h"

namespace jetlag::exec {

namespace {

// Large enough to pay for a grab, small enough that what diagnose looks at
// again is still in the cache.
constexpr std::int64_t element_block = 16'384;

}  // namespace

std::function<void(std::int64_t, std::int64_t)> Lane::teller(std::shared_ptr<ElementRun> run,
                                                             std::function<FpReport(int)> name,
                                                             std::int64_t sequence) {
  return [run = std::move(run), name = std::move(name), sequence, wanted = fp().wanted,
          flight = flight_](std::int64_t first, std::int64_t last) {
    for (const ElementRun::Finding& f : run->diagnose(first, last)) {
      if ((f.anomalies & wanted) == 0) continue;
      FpReport report = name(std::max(f.application, 0));
      if (f.in_cast) report.name = "cast";
      report.anomalies = f.anomalies & wanted;
      flight->report(report.sequence < 0 ? sequence + 1 + report.sequence : report.sequence,
                     report);
    }
  };
}

void Lane::run_elements(const plan::Op& op, std::shared_ptr<ElementRun> run,
                        std::vector<Value> inputs, const Ref<Array>& out,
                        std::function<FpReport(int)> name, StepKind kind, std::string_view rule,
                        std::vector<Ref<Array>> more) {
  const std::int64_t size = run->size();
  // First, as compiling in the background loads LLVM, and nobody else loads a library meanwhile.
  if (size >= element_block) tasks::prepare();
  jit::consider(*run);
  const std::int64_t length = whole_rows(*out, element_block);
  Job job;
  job.blocks = std::max<std::int64_t>((size + length - 1) / length, 1);
  Step step{&op, kind, false, {}, {}, out, rule};
  std::vector<const std::byte*> telling;  // where inputs lie on which conditions hang
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].is_array()) continue;
    const Ref<Array>& a = inputs[i].array();
    step.reads.push_back(a);
    job.bytes += static_cast<double>(a->bytes());
    if (run->program().conditions_hang_on(static_cast<int>(i))) telling.push_back(a->data());
  }
  job.bytes += static_cast<double>(out->bytes());
  for (const Ref<Array>& a : more) {
    job.bytes += static_cast<double>(a->bytes());
    inputs.push_back(Value::of(a));
  }
  job.flops = static_cast<double>(size) * run->program().flops_per_element();
  step.keep = std::move(inputs);
  step.keep.push_back(Value::of(out));
  step.also_writes = more;
  // What is gone over has to be kept only where what is told hangs on it.
  const auto spoils = [&](const Ref<Array>& to) {
    return lies_in_rows(*to) &&
           std::find(telling.begin(), telling.end(), to->data()) != telling.end();
  };
  std::vector<const Array*> spoilt{spoils(out) ? out.get() : nullptr};
  for (const Ref<Array>& a : more) spoilt.push_back(spoils(a) ? a.get() : nullptr);
  const bool over = std::any_of(spoilt.begin(), spoilt.end(), [](const Array* a) { return a; });
  const auto compute = [run, over, spoilt = std::move(spoilt), wanted = fp().wanted,
                        tell = teller(run, std::move(name), sequence_)](std::int64_t first,
                                                                        std::int64_t last) {
    if (over && wanted) return run_over(*run, first, last, spoilt, wanted, tell);
    if ((run->run(first, last) & wanted) != 0) tell(first, last);
  };
  job.body = [compute, size, length](std::int64_t block) {
    compute(block * length, std::min(block * length + length, size));
  };
  // Little work goes along with what it hangs on.
  bool by_rows = true;  // a row of the result needs no others of an operand
  for (int i = 0; i < run->program().inputs(); ++i)
    by_rows = by_rows && !run->program().reads_whole(i);
  const bool may_wait = by_rows && (size >= element_block || (rows_ && rows_->holds()));
  if (may_wait && size > 0 && out->rank() > 0 && lies_in_rows(*out)) {
    const std::int64_t each = out->rank() > 1 ? out->shape()[out->rank() - 1] : 1;
    job.rows = {size / each, out->rank(), [compute, each](std::int64_t first, std::int64_t last) {
                  compute(first * each, last * each);
                }};
  }
  perform(std::move(job), std::move(step), [&](std::shared_ptr<const Footprint> known) {
    return element_sweep(*run, *out, compute, std::move(known));
  });
  tell_if_at_once(sequence_);
}

}  // namespace jetlag::exec
