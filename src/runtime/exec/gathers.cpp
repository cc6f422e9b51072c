// Rule fused-gather: f(slice(x, i)) → f computed of elements that are taken as they are read.
//
// Indices are looked at where the subscript stands, so that an error comes there; what they take is
// an array that is not in memory, and the group that alone reads it takes its elements. Whoever
// else asks for them has them computed, once.
#include <atomic>

#include "compiler/plan/rules.h"
#include "primitives/moves.h"
#include "primitives/places.h"
#include "runtime/exec/cache_windows.h"
#include "runtime/exec/deferred.h"
#include "runtime/exec/reuse.h"

namespace jetlag::exec {

namespace {

constexpr std::string_view name = "fused-gather";
constexpr std::int64_t least_bytes = 32 << 10;  // of indices

std::shared_ptr<const ElementProgram> program_of(const Array& a, const Array& index, bool turns,
                                                 bool far) {
  ElementBuilder builder;
  const int array = builder.input(a.dtype()), number = builder.input(index.dtype());
  builder.output(turns ? builder.take(array, number, builder.input(DType::int64), far)
                       : builder.take(array, number, far));
  return builder.build();
}

}  // namespace

// Nothing if an index is out of bounds.
std::optional<Fact> Lane::bounds(const plan::Op& op, const Ref<Array>& index, std::int64_t count) {
  for (const Fact& f : facts_) {
    const bool same = f.buffer == index->buffer() && f.data == index->data() &&
                      f.dtype == index->dtype() && f.shape == index->shape();
    if (same && (f.within == count || (f.within > 0 && f.within < count && !f.any_negative)))
      return f;
  }
  const std::int64_t size = index->size(), pieces = pieces_of(index->bytes(), size);
  const Ref<Array> seen = new_array(DType::boolean, {pieces, 2});
  Job job;
  job.blocks = pieces;
  job.bytes = static_cast<double>(index->bytes());
  job.body = [indices = lent(index), seen, size, pieces, count](std::int64_t block) {
    bool* to = seen->as<bool>() + 2 * block;
    to[0] = are_within(*indices, piece_begin(size, pieces, block),
                       piece_begin(size, pieces, block + 1), count, to[1]);
  };
  Step step{&op, StepKind::value, false, {Value::of(seen)}, {index}, seen, name};
  step.beside = true;
  perform(std::move(job), std::move(step));
  ready(*seen);
  bool all = true, any_negative = false;
  for (std::int64_t i = 0; i < pieces; ++i) {
    all = all && seen->as<bool>()[2 * i];
    any_negative = any_negative || seen->as<bool>()[2 * i + 1];
  }
  if (!all) return std::nullopt;
  Fact fact{index->buffer(), index->data(), index->dtype(), index->shape(), index->strides()};
  fact.within = count;
  fact.any_negative = any_negative;
  remember(fact);
  return fact;
}

Value Lane::left_to_group(const plan::Op& op, const Ref<Array>& a,
                          const std::vector<Value>& items) {
  static const plan::Rule& rule = *plan::find_rule(name);
  if (!plan::is_on(rule) || holding_ || items.size() != 1 || !items[0].is_array()) return {};
  const Ref<Array>& index = items[0].array();
  if (!is_integer(index->dtype()) || index->rank() == 0 || !index->in_memory()) return {};
  const auto refuse = [&](std::string_view why) {
    if (profile_) profile_->refuse(op.id, name, why);
    return Value();
  };
  if (index->bytes() < least_bytes) return refuse("the indices are few");
  if (a->rank() != 1 || !a->is_contiguous() || !index->is_contiguous())
    return refuse("the array has several axes, or it or its indices have gaps");
  const std::optional<Fact> known = bounds(op, index, a->size());
  if (!known) return {};  // the copy says which one it is
  std::vector<Value> operands{Value::of(a), items[0]};
  if (known->any_negative) operands.push_back(Value::of(a->size()));
  const bool far = a->bytes() > furthest_window() / 2;
  auto taken = make<DeferredElements>(
      *this, DeferredElements::Work{.op = &op,
                                    .program = program_of(*a, *index, known->any_negative, far),
                                    .operands = std::move(operands),
                                    .dtype = a->dtype(),
                                    .shape = index->shape(),
                                    .strides = {},
                                    .name = [](int) { return FpReport(); },
                                    .gathers = true,
                                    .far = far});
  const Dims strides = contiguous_strides(index->shape(), size_of(a->dtype()));
  Value result = Value::of(make<Array>(std::move(taken), a->dtype(), index->shape(), strides));
  if (profile_) describe(op, StepKind::value, result, name);
  return result;
}

}  // namespace jetlag::exec
