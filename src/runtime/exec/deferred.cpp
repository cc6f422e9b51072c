#include "runtime/exec/deferred.h"

#include "compiler/jit/kernels.h"
#include "compiler/plan/regions.h"
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

// Nobody can say whether the work or the fold raised a flag: they are done one after the other
// then, and at once so where that came up time and again.
bool DeferredElements::fold(const LineFold& how, const LineStretch& lines) const {
  constexpr int often = 4;
  if (met_.load(std::memory_order_relaxed) >= often || !run_->fits(lines)) return false;
  const KernelLayout layout = run_->fold_layout(how, lines.n);
  const ElementKernel kernel =
      layout ? jit::kernel_for(*run_, layout, lines.n * lines.lines) : nullptr;
  if (!kernel) return false;
  const unsigned flags = save_flags();
  const bool fine = (run_->fold(kernel, layout, lines) & wanted_) == 0;
  restore_flags(flags);
  if (!fine) met_.fetch_add(1, std::memory_order_relaxed);
  return fine;
}

bool DeferredElements::fold_lines(Fold fold, std::int64_t first, std::int64_t n, std::int64_t lines,
                                  std::byte* out) const {
  return this->fold({RowFold::along, fold}, {first, n, lines, out});
}

bool DeferredElements::place_lines(Fold fold, std::int64_t first, std::int64_t n,
                                   std::int64_t lines, std::int64_t* out) const {
  return this->fold({.rows = RowFold::along, .fold = fold, .place = true},
                    {first, n, lines, reinterpret_cast<std::byte*>(out)});
}

bool DeferredElements::multiply_lines(const void* vector, std::int64_t first, std::int64_t n,
                                      std::int64_t lines, std::byte* out) const {
  return fold({RowFold::product}, {first, n, lines, out, vector});
}

bool DeferredElements::fold_rows(Fold fold, std::int64_t first, std::int64_t step,
                                 std::int64_t rows, std::int64_t n, std::byte* sums) const {
  return this->fold({.rows = RowFold::down, .fold = fold},
                    {.first = first, .n = n, .lines = rows, .out = sums, .step = step});
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

// outer-elements: block(define(d, x - y), list(f(d), g(d))) → list(f(x - y), g(x - y))
std::optional<Value> Lane::left_to_readers(const plan::Op& op, const Primitive& ufunc,
                                           const std::shared_ptr<const ElementProgram>& program,
                                           const std::vector<Value>& args, const Dims& shape) {
  constexpr std::int64_t least_bytes = 64 << 10, times_larger = 8;
  constexpr double most_flops = 2;
  static const plan::Rule& rule = *plan::find_rule("outer-elements");
  if (!plan::is_on(rule) || op.recall || (fp().wanted && fp().at_once)) return std::nullopt;
  const DType dtype = program->output_dtype(0);
  const std::int64_t bytes = element_count(shape) * size_of(dtype);
  if (bytes < least_bytes || program->flops_per_element() > most_flops) return std::nullopt;
  std::int64_t read = 0;
  std::vector<Operand> operands;
  for (const Value& v : args) {
    if (!v.is_array() || !v.array()->in_memory()) return std::nullopt;
    read += v.array()->bytes();
    operands.push_back(operand_of(v));
  }
  auto loop = choose_loop(ufunc, operands);
  if (read * times_larger > bytes || !loop) return std::nullopt;
  const FpReport report =
      report_at(op, std::string(ufunc.python.substr(ufunc.python.rfind('.') + 1)));
  auto elements =
      make<DeferredElements>(*this, DeferredElements::Work{&op,
                                                           program,
                                                           args,
                                                           dtype,
                                                           shape,
                                                           {},
                                                           [report](int) { return report; },
                                                           &ufunc,
                                                           std::move(*loop)});
  Value result = Value::of(
      make<Array>(std::move(elements), dtype, shape, contiguous_strides(shape, size_of(dtype))));
  describe(op, StepKind::value, result, "outer-elements");
  return result;
}

// ---- the group's side ---------------------------------------------------------------

bool FusedGroup::is_small(const Spec& spec) {
  constexpr std::int64_t least_bytes = 8192;
  return element_count(spec.shape) * size_of(spec.dtype) < least_bytes;
}

// A product wants rows, and a vector beside them; as far as can be seen before its turn.
bool FusedGroup::suits_product(int reg, const Op& reader, const Frame& frame) const {
  const Spec& root = specs_.back();
  if (reader.args.size() != 2 || root.shape.size() != 2) return false;
  const std::optional<Value> other = foreseen(reader.args[1], reg, frame);
  return other && other->is_array() && other->array()->in_memory() && other->array()->rank() == 1 &&
         other->array()->dtype() == root.dtype && is_float(root.dtype);
}

bool FusedGroup::may_wait(int reg, const Frame& frame) const {
  if (group_.reduction < 0 || (stream_ && stream_->has_late())) return false;
  const Op& reader = region_.ops[static_cast<std::size_t>(group_.reduction)];
  if (plan::is_product(reader) && !suits_product(reg, reader, frame)) return false;
  static const plan::Rule& rule = *plan::find_rule("fused-reduction");
  if (!plan::is_on(rule)) return false;
  const auto refuse = [&](std::string_view why) {
    if (lane_.profile_) lane_.profile_->refuse(reader.id, "fused-reduction", why);
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
  const auto name = [reports = alone_.reports](int application) {
    return (*reports)[static_cast<std::size_t>(application)];
  };
  auto waiting = make<DeferredElements>(
      lane_, DeferredElements::Work{&op, alone_.fused->program, std::move(operands), root.dtype,
                                    root.shape, root.strides, name});
  const Dims strides =
      root.strides.empty() ? contiguous_strides(root.shape, size_of(root.dtype)) : root.strides;
  regs_[reg] = Value::of(make<Array>(std::move(waiting), root.dtype, root.shape, strides));
  if (!lane_.profile_) return;
  lane_.describe(op, StepKind::fused, regs_[reg], "fuse-elementwise, fused-reduction");
  tell_rules(op);
}

}  // namespace jetlag::exec
