// Subscripts, stores and in-place operations.
#include <algorithm>

#include "compiler/plan/rules.h"
#include "primitives/index.h"
#include "primitives/loop_rules.h"
#include "primitives/masked.h"
#include "primitives/run_all.h"
#include "runtime/exec/iterations.h"
#include "runtime/exec/lane.h"
#include "runtime/exec/powers.h"
#include "runtime/exec/reuse.h"
#include "runtime/exec/stores.h"
#include "runtime/exec/stretches.h"
#include "runtime/exec/sweeps.h"

namespace jetlag::exec {

// a[t] with a tuple t is a[t[0], t[1], …].
std::vector<Value> spread(std::vector<Value> items) {
  if (items.size() == 1 && items[0].is(ValueKind::tuple)) {
    std::vector<Value> inside = items[0].items();
    return inside;
  }
  return items;
}

namespace {

// NumPy's "same kind" casting of a result into the target of an in-place operation.
bool casts_within_kind(DType from, DType to) {
  auto rank = [](DType d) {
    switch (kind_of(d)) {
      case 'b': return 0;
      case 'u': return 1;
      case 'i': return 2;
      case 'f': return 3;
      default: return 4;
    }
  };
  return rank(from) <= rank(to);
}

Value item_of(const std::vector<Value>& items, std::int64_t at, std::string_view what) {
  const std::int64_t size = static_cast<std::int64_t>(items.size());
  const std::int64_t i = at < 0 ? at + size : at;
  if (i < 0 || i >= size) throw Error(Kind::index, format("{} index out of range", what));
  return items[static_cast<std::size_t>(i)];
}

}  // namespace

namespace {

bool has_ellipsis(const std::vector<Value>& items) {
  return std::any_of(items.begin(), items.end(),
                     [](const Value& v) { return v.is(ValueKind::ellipsis); });
}

}  // namespace

namespace {

// Numbers, one for each place: looked at by the work itself.
bool is_index_array(const Value& v) {
  return v.is_array() && v.array()->in_memory() && v.array()->rank() > 0 &&
         is_integer(v.array()->dtype());
}

// So few that to wait for the array and copy costs less than to begin a step.
bool are_few(const std::vector<Value>& items) {
  constexpr std::int64_t few_bytes = 4096;
  return std::all_of(items.begin(), items.end(), [](const Value& v) {
    return !v.is_array() || v.array()->bytes() <= few_bytes;
  });
}

}  // namespace

Value Lane::index(const plan::Op& op, Value* regs) {
  Value& base = regs[op.args[0]];
  std::vector<Value> items = operands(op, regs, 1);
  for (Value& v : items) {
    if (v.is_array() && v.array()->is_scalar) settle(v);
  }
  if (base.is_array() && !base.array()->is_scalar) {
    items = spread(std::move(items));
    const Ref<Array> a = base.array();
    if (auto view = basic_index(a, items)) {
      if ((*view)->rank() == 0 && !has_ellipsis(items)) {
        ready(*a);
        Value result = element(**view);
        if (profile_) describe(op, StepKind::value, result);
        return result;
      }
      Value result = Value::of(*view);
      if (profile_) describe(op, StepKind::view, result);
      return result;
    }
    for (Value& v : items) {
      if (!is_index_array(v)) settle(v);
    }
    a->data();
    if (op.feeds_reduction) {
      ready(*a);
      if (Value result = masked(op, a, items); result.bound()) return result;
    }
    if (op.feeds_augment) {
      if (Value result = masked_for_augment(op, a, items); result.bound()) return result;
    }
    if (op.feeds_elements) {
      if (Value result = left_to_group(op, a, items); result.bound()) return result;
    }
    if (Value result = gathered(op, a, items); result.bound()) return result;
  } else if ((base.is(ValueKind::tuple) || base.is(ValueKind::list)) && items.size() == 1) {
    if (auto at = as_index(items[0]); at && !items[0].is_array()) {
      return item_of(base.items(), *at, base.is(ValueKind::tuple) ? "tuple" : "list");
    }
  }
  Value object = base;
  settle(object);
  settle(items);
  barrier_for_host(op);
  if (object.is_array()) host_.opaque_notice(site_of(op), "this subscript has no native form");
  Value result;
  const StepKind kind = object.is_array() ? StepKind::opaque : StepKind::lane;
  profiled(op.id, kind, [&] { result = host_.index(object, items); });
  host_ran();
  describe(op, kind, result);
  return result;
}

// Work that was not done at once, as it is much.
void Lane::copy_places(const plan::Op& op, Subscript work, const Ref<Array>& to) {
  if (work.job.body) {
    Step step{&op, StepKind::copy, static_cast<bool>(work.job.finish), {Value::of(to)}, {}, to};
    for (const Ref<Array>& read : work.reads) {
      step.reads.push_back(lent(read));
      step.keep.push_back(Value::of(step.reads.back()));
    }
    return perform(std::move(work.job), std::move(step));
  }
  if (!profile_) return;
  profile_->need(op.id, work.reads, to);
  profile_->add(op.id, StepKind::copy, 0, 0, work.job.bytes, 0);
}

// The elements that a subscript with arrays takes, copied by tasks where they are many.
Value Lane::gathered(const plan::Op& op, const Ref<Array>& a, const std::vector<Value>& items) {
  const bool few = are_few(items);
  if (few) {
    for (const Value& v : items) {
      if (v.is_array()) ready(*v.array());
    }
    ready(*a);
  }
  std::optional<Subscript> taken;
  profiled(op.id, StepKind::copy, [&] {
    taken = gather(
        a, items, [&](DType dtype, const Dims& shape) { return result_array(dtype, shape); }, few);
  });
  if (!taken) return {};
  const Ref<Array> copy = std::move(taken->array);
  copy_places(op, std::move(*taken), lent(copy));
  // Indices that are 0-d arrays stand for numbers.
  const bool is_element = copy->rank() == 0 && !has_ellipsis(items);
  if (is_element) ready(*copy);
  Value result = is_element ? element(*copy) : Value::of(copy);
  if (profile_) describe(op, StepKind::copy, result);
  return result;
}

// masked-reduction: sum(a[mask]), where nothing else reads what the mask takes.
Value Lane::masked(const plan::Op& op, const Ref<Array>& a, const std::vector<Value>& items) {
  constexpr std::int64_t least_bytes = 8192;
  constexpr std::string_view rule = "masked-reduction";
  if (!plan::is_on(rule) || op.recall || items.size() != 1 || !items[0].is_array()) return {};
  const Ref<Array>& mask = items[0].array();
  if (mask->dtype() != DType::boolean || !mask->in_memory() || !a->in_memory()) return {};
  const auto refuse = [&](std::string_view why) {
    if (profile_) profile_->refuse(op.id, rule, why);
    return Value();
  };
  if (mask->bytes() < least_bytes) return refuse("the elements are few");
  Ref<Masked> taken;
  profiled(op.id, StepKind::value, [&] { taken = Masked::of(a, mask); });
  if (!taken) return refuse("the array or its mask has gaps, or other axes");
  const Dims shape = taken->shape();
  const Dims strides = contiguous_strides(shape, size_of(a->dtype()));
  Value result = Value::of(make<Array>(std::move(taken), a->dtype(), shape, strides));
  describe(op, StepKind::value, result, rule);
  return result;
}

// Whether a store of the value converts numbers in a way that may meet a condition.
bool Lane::tells_of_cast(const Value& value, DType to) {
  const DType from = operand_of(value).dtype;
  return fp().wanted != 0 && from != to && (is_float(from) || is_complex(from));
}

// view[...] = value, which tells what its conversions meet, as done by `name`.
std::optional<Job> Lane::assignment(const plan::Op& op, const Ref<Array>& to, const Value& value,
                                    std::string name) {
  if (!tells_of_cast(value, to->dtype())) return jetlag::assign(to, value);
  auto watch = std::make_shared<Watch>();
  watch->wanted = fp().wanted;
  std::optional<Job> job = jetlag::assign(to, value, watch.get());
  if (!job) return std::nullopt;
  tell_when_done(*job, watch, report_at(op, std::move(name)));
  return job;
}

// An array whose conversion may tell of something, converted.
Value Lane::as_stored(const plan::Op& op, const Value& value, DType to) {
  if (!value.is_array() || !tells_of_cast(value, to)) return value;
  const Ref<Array> aside = new_array(to, value.array()->shape());
  const std::optional<Job> job = assignment(op, aside, value, "cast");
  if (!job) return value;
  run_all(*job);
  return Value::of(aside);
}

// Writes natively if the subscript and the value allow; false leaves it to the host.
bool Lane::store_native(const plan::Op& op, const Ref<Array>& a, const std::vector<Value>& items,
                        const Value& value) {
  if (holding_) holding_->check_private(*a);
  if (!a->writable()) return false;
  const bool numeric = value.is_numeric();
  if (!numeric) return false;
  if (auto view = basic_index(a, items)) {
    // What was computed in its place is there already.
    if (value.is_array() && is_same_view(**view, *value.array())) return true;
    // The work may begin later: what it overwrites must be complete by then, which
    // the order of tasks on the buffer sees to.
    if (value.is_array() && may_overlap(**view, *value.array())) {
      ready(*value.array());
    }
    std::optional<Job> job = assignment(op, *view, value, "cast");
    if (!job) return false;
    Step step{&op, StepKind::copy, false, {value, Value::of(*view)}, {}, *view};
    if (value.is_array()) step.reads.push_back(value.array());
    Sweeper sweeper;
    if (tiles_ && is_plain_copy(**view, value)) {
      sweeper = [&](std::shared_ptr<const Footprint> known) {
        return copy_sweep(*view, value, std::move(known));
      };
    }
    perform(std::move(*job), std::move(step), sweeper);
    tell_if_at_once(sequence_);
    return true;
  }
  if (store_select(op, a, items, value)) return true;
  if (value.is_array()) ready(*value.array());
  const bool few = are_few(items);
  if (few) {
    ready_to_write(*a);
    if (a->buffer()->visible()) before_visible_write();
  }
  // Each of them goes through all indices: two would hardly be quicker than one.
  constexpr int enough = 4;
  std::optional<Subscript> stored;
  const std::int64_t shares = alone() || tasks::workers() < enough ? 1 : tasks::workers();
  profiled(op.id, StepKind::copy,
           [&] { stored = scatter(a, items, as_stored(op, value, a->dtype()), shares, few); });
  if (stored) copy_places(op, std::move(*stored), a);
  tell_if_at_once(sequence_);
  return stored.has_value();
}

// Which of its mistakes a store by arrays tells of, and which it forgives where nothing is
// stored, NumPy alone knows: it may have its say, and where there is none the error is ours.
void Lane::store_refused(const plan::Op& op, Value object, std::vector<Value> items, Value value) {
  const std::exception_ptr ours = std::current_exception();
  settle(object);
  settle(value);
  settle(items);
  barrier_for_host(op);
  try {
    host_.set_index(object, items, value);
  } catch (const Error&) {
    std::rethrow_exception(ours);
  }
  host_ran();
}

void Lane::store_index(const plan::Op& op, const Value& base, std::vector<Value> items,
                       const Value& given) {
  Value value = given;
  if (value.is_array() && value.array()->is_scalar) settle(value);
  for (Value& v : items) {
    if (v.is_array()) settle(v);
  }
  if (holding_ && holding_->hold(op, items, value, *flight_)) return;
  if (base.is_array() && !base.array()->is_scalar) {
    bool stored;
    try {
      stored = store_native(op, base.array(), spread(items), value);
    } catch (const Error& error) {
      if (error.kind() == Kind::internal) throw;
      return store_refused(op, base, std::move(items), std::move(value));
    }
    if (stored) {
      if (profile_) describe(op, StepKind::copy, base);
      return;
    }
  }
  Value object = base;
  settle(object);
  settle(value);
  settle(items);
  barrier_for_host(op);
  const StepKind kind = object.is_array() ? StepKind::opaque : StepKind::lane;
  if (object.is_array() && object.array()->writable()) {
    host_.opaque_notice(site_of(op), "this store has no native form");
  }
  profiled(op.id, kind, [&] { host_.set_index(object, items, value); });
  host_ran();
  describe(op, kind, object);
}

// ---- in place --------------------------------------------------------------------

// NumPy or Python does it: because the object is theirs, or because it fails.
void Lane::augment_in_host(const plan::Op& op, const Value& old, Value value, Value& result) {
  Value target = old;
  settle(value);
  settle(target);
  barrier_for_host(op);
  if (target.is_array() ? !value.is_numeric() : value.is_array()) {
    host_.opaque_notice(site_of(op), "this in-place operation has no native form");
  }
  // operator.add has its in-place twin operator.iadd; operator.and_ has iand.
  std::string name(op.primitive->python);
  name.insert(name.rfind('.') + 1, "i");
  if (name.ends_with("_")) name.pop_back();
  const StepKind kind = target.is_array() ? StepKind::opaque : StepKind::lane;
  profiled(op.id, kind, [&] { result = host_.call_named(name, {target, value}, {}); });
  host_ran();
  describe(op, kind, result);
}

Value Lane::augment(const plan::Op& op, Value* regs) {
  const Value old = regs[op.args[0]];
  const Value value = regs[op.args[1]];
  Value result;
  if (op.kind == plan::OpKind::augment_index && regs[op.args[2]].is_array() &&
      augment_select(op, old, regs[op.args[2]].array(), operands(op, regs, 3), value))
    return old;
  if (old.is_array() && !old.array()->is_scalar) {
    if (augment_array(op, old.array(), value)) {
      result = old;
    } else {
      augment_in_host(op, old, value, result);
    }
  } else if (old.is(ValueKind::object)) {
    augment_in_host(op, old, value, result);
  } else {
    result = quick(op, regs);
    if (!result.bound()) {
      std::vector<Value> args{old, value};
      if (std::optional<Value> made = native(op, *op.primitive, args)) result = std::move(*made);
      else augment_in_host(op, old, value, result);
    }
  }
  if (op.kind == plan::OpKind::augment_index) {
    store_index(op, regs[op.args[2]], operands(op, regs, 3), result);
  } else if (op.kind == plan::OpKind::augment_attribute) {
    settle(result);
    barrier_for_host(op);
    host_.set_attribute(regs[op.args[2]], op.name, result);
    host_ran();
  }
  return result;
}

Value Lane::augmented(const plan::Op& op, Value* regs) {
  Value result = regs[op.args[0]];
  if (op.kind == plan::OpKind::augment_index) {
    store_index(op, regs[op.args[2]], operands(op, regs, 3), result);
  }
  return result;
}

namespace {

// The broadcast shape of an in-place operation; NumPy's error names the target a second time.
Dims in_place_shape(const Dims& target, const Dims& value) {
  try {
    return broadcast_shapes(target, value);
  } catch (const Error& error) {
    const std::string_view comma = target.size() == 1 ? "," : "";
    throw Error(error.kind(), format("{}({}{}) ", error.message(), join(target, ","), comma),
                error.hint());
  }
}

}  // namespace

// target op= value, computed aside and then copied: a condition found in the
// result can still be traced to its operands, and overlap cannot disturb.
bool Lane::augment_array(const plan::Op& op, const Ref<Array>& target, const Value& value) {
  if (holding_) holding_->check_private(*target);
  const Primitive* ufunc = find_primitive(op.primitive->ufunc);
  if (!ufunc || !target->writable() || !value.is_numeric()) return false;
  if (!ufunc->formula) return augment_by_kernel(op, *ufunc, target, value);
  std::vector<Value> args{Value::of(target), value};
  std::vector<Operand> operands{operand_of(args[0]), operand_of(value)};
  if (const Primitive* exact = power_of_constant(*op.primitive, operands[0], value)) {
    ufunc = exact;
    args.pop_back();
    operands.pop_back();
  }
  const auto program = program_for(*ufunc, operands);
  if (!program || !casts_within_kind(program->output_dtype(0), target->dtype())) return false;
  Dims shape = target->shape();
  if (value.is_array()) {
    shape = in_place_shape(shape, value.array()->shape());
    if (!(shape == target->shape())) return false;
  }
  const FpReport report = report_at(op, reported_name(*ufunc, false));
  const auto name = [report](int) { return report; };

  // Where nothing is in the way, and no report can throw, the pass writes in place.
  const bool overlaps =
      value.is_array() && may_overlap(*target, *value.array()) &&
      !(value.array()->data() == target->data() && value.array()->strides() == target->strides() &&
        value.array()->shape() == target->shape());
  const bool direct =
      program->output_dtype(0) == target->dtype() && !overlaps &&
      (fp().wanted == 0 || is_integer(target->dtype()) || target->dtype() == DType::boolean ||
       (!fp().at_once && lies_in_rows(*target)));
  if (direct && ufunc->name != "floor_divide" && ufunc->name != "remainder") {
    std::vector<Value> inputs = lent(args);
    const Ref<Array> place = lent(target);
    auto run = std::make_shared<ElementRun>(program, inputs, std::vector<Ref<Array>>{place});
    run_elements(op, std::move(run), std::move(inputs), place, name, StepKind::call, "in place");
  } else {
    Ref<Array> aside = result_array(program->output_dtype(0), shape);
    auto run = std::make_shared<ElementRun>(program, args, std::vector<Ref<Array>>{aside});
    const auto write = [&] {
      std::optional<Job> job = assignment(op, target, Value::of(aside), name(0).name);
      if (!job) return false;
      perform(
          std::move(*job),
          Step{&op, StepKind::copy, false, {Value::of(aside), Value::of(target)}, {aside}, target});
      tell_if_at_once(sequence_);
      return true;
    };
    try {
      run_elements(op, std::move(run), args, aside, name, StepKind::call, {});
    } catch (const Error&) {
      throw;
    } catch (...) {
      // A condition that raises: NumPy tells once all is computed, and written but where
      // operands overlap.
      if (!overlaps) write();
      throw;
    }
    if (!write()) return false;
  }
  if (profile_) describe(op, StepKind::call, Value::of(target));
  return true;
}

// a @= b: the product is made aside.
bool Lane::augment_by_kernel(const plan::Op& op, const Primitive& p, const Ref<Array>& target,
                             const Value& value) {
  std::vector<Value> args{Value::of(target), value};
  // NumPy asks for the dtype first, and then for the shapes.
  const std::vector<Operand> operands{operand_of(args[0]), operand_of(value)};
  if (!casts_within_kind(common_dtype(operands), target->dtype())) return false;
  args.resize(parameters(p).size());
  const std::optional<Value> result = native(op, p, args);
  if (!result || !result->is_array()) return false;
  const Ref<Array> aside = result->array();
  if (!(aside->shape() == target->shape()) || !casts_within_kind(aside->dtype(), target->dtype()))
    return false;
  std::optional<Job> job = assignment(op, target, *result, "matmul");
  if (!job) return false;
  perform(std::move(*job),
          Step{&op, StepKind::copy, false, {*result, Value::of(target)}, {aside}, target});
  tell_if_at_once(sequence_);
  return true;
}

// ---- unpacking ---------------------------------------------------------------------

Value Lane::unpack(const plan::Op& op, Value* regs) {
  Value value = regs[op.args[0]];
  const std::size_t wanted = static_cast<std::size_t>(op.index);
  if (value.is(ValueKind::tuple) || value.is(ValueKind::list)) {
    const std::size_t size = value.items().size();
    if (size == wanted) return value;
    throw Error(Kind::value,
                size > wanted
                    ? format("too many values to unpack (expected {})", wanted)
                    : format("not enough values to unpack (expected {}, got {})", wanted, size));
  }
  if (value.is_array() && value.array()->rank() > 0) {
    const Ref<Array> a = value.array();
    const std::int64_t size = a->shape()[0];
    if (size == op.index) {
      std::vector<Value> items;
      for (std::int64_t i = 0; i < size; ++i) {
        const std::vector<Value> at{Value::of(i)};
        const Ref<Array> view = *basic_index(a, at);
        if (view->rank() == 0) ready(*a);
        items.push_back(view->rank() == 0 ? element(*view) : Value::of(view));
      }
      return Value::tuple(std::move(items));
    }
    throw Error(Kind::value,
                size > op.index
                    ? format("too many values to unpack (expected {})", wanted)
                    : format("not enough values to unpack (expected {}, got {})", wanted, size));
  }
  settle(value);
  barrier_for_host();
  std::vector<Value> items = host_.unpack(value, op.index);
  host_ran();
  return Value::tuple(std::move(items));
}

}  // namespace jetlag::exec
