// Regions: operations in program order, each into its register.
#include <algorithm>
#include <memory>

#include "primitives/operators.h"
#include "runtime/exec/deferred.h"
#include "runtime/exec/lane.h"
#include "runtime/exec/prepared.h"

namespace jetlag::exec {

using plan::Op;
using plan::OpKind;

Value Lane::region(const plan::Region& r, Frame& frame) {
  if (r.ops.empty()) return Value::nil();
  Slots<24> regs(r.ops.size());
  ops(r, frame, regs.data());
  return r.result >= 0 ? std::move(regs[static_cast<std::size_t>(r.result)]) : Value::nil();
}

void Lane::walk(const plan::Region& r, Frame& frame, Value* regs, RegionState* state) {
  for (std::size_t k = 0; k < r.ops.size(); ++k) {
    const Op& o = r.ops[k];
    ++sequence_;
    try {
      if (o.group >= 0) {
        state->groups[static_cast<std::size_t>(o.group)].member(static_cast<int>(k), frame);
      } else if (o.tail_of >= 0 && state->groups[static_cast<std::size_t>(o.tail_of)].took_tail()) {
        regs[k] = augmented(o, regs);
      } else if (o.stream < 0 || !state->stream.meet(static_cast<int>(k))) {
        if (state) state->stream.before(o);
        regs[k] = o.recall ? recalled(r, o, frame, regs) : op(o, frame, regs);
      }
      if (o.stream >= 0) state->stream.passed(static_cast<int>(k));
    } catch (Error& error) {
      finish_what_waits({regs, k}, state, frame);
      error.locate(o.place);
      left_at(o);
      throw;
    } catch (...) {
      finish_what_waits({regs, k}, state, frame);
      left_at(o);
      throw;
    }
    for (int dead : o.dying) regs[dead] = Value();
  }
}

// What came before an error has conditions to tell of, and may raise them instead.
void Lane::finish_what_waits(std::span<const Value> regs, RegionState* state, Frame& frame) {
  // Of an error that takes the place of this one, the place is another as well.
  const Place place = std::exchange(frame_place_, {});
  const plan::Inlined* within = std::exchange(frame_within_, nullptr);
  if (state) {
    state->stream.flush();
    for (FusedGroup& group : state->groups)
      group.compute_what_waits(static_cast<int>(regs.size()), frame);
  }
  for (const Value& v : regs) {
    if (const DeferredElements* d = outer_in(v); d && d->work().ufunc) v.array()->write_out();
  }
  frame_place_ = place;
  frame_within_ = within;
}

std::vector<Value> Lane::operands(const Op& op, Value* regs, std::size_t first) {
  std::vector<Value> values;
  values.reserve(op.args.size() - first);
  for (std::size_t i = first; i < op.args.size(); ++i) {
    values.push_back(op.args[i] >= 0 ? regs[op.args[i]] : Value());
  }
  return values;
}

Value Lane::op(const Op& op, Frame& frame, Value* regs) {
  switch (op.kind) {
    case OpKind::constant: return op.constant;
    case OpKind::variable: return read(op, frame);
    case OpKind::capture: {
      Value& v = captures_[static_cast<std::size_t>(op.index)];
      if (!v.bound()) v = host_.fetch(op.index);
      if (!v.bound()) throw Error(Kind::name, format("name '{}' is not defined", op.name));
      return v;
    }
    case OpKind::call: {
      Value result = quick(op, regs);
      return result.bound() ? result : primitive(op, *op.primitive, operands(op, regs));
    }
    case OpKind::function_call: return function_call(op, frame, regs);
    case OpKind::value_call: return value_call(op, regs[op.args[0]], operands(op, regs, 1));
    case OpKind::host_call: return host_call(op, regs);
    case OpKind::method: return method(op, regs);
    case OpKind::attribute: return attribute(op, regs);
    case OpKind::opaque: return opaque(op, regs);
    case OpKind::print: return print(op, regs);
    case OpKind::tuple: return Value::tuple(operands(op, regs));
    case OpKind::list: return Value::list(operands(op, regs));
    case OpKind::span: return make_span(op, regs);
    case OpKind::index: return index(op, regs);
    case OpKind::closure: {
      auto closure = make<Closure>();
      closure->function = op.function;
      closure->outer = Ref<Frame>(&frame);
      return Value::function(closure);
    }
    case OpKind::nested: {
      Value last = Value::nil();
      block(op.blocks[0], frame, last);
      return last;
    }
    case OpKind::all:
    case OpKind::any: return logical_from(op, frame, regs[op.args[0]], 0);
    case OpKind::fmap:
    case OpKind::filter:
    case OpKind::fold_left:
    case OpKind::fold_right:
    case OpKind::apply: return over_list(op, regs);
    case OpKind::assign: return assign(op, frame, regs);
    case OpKind::store_index:
      store_index(op, regs[op.args[1]], operands(op, regs, 2), regs[op.args[0]]);
      return regs[op.args[0]];
    case OpKind::store_attribute: {
      Value object = regs[op.args[1]];
      Value value = regs[op.args[0]];
      settle(object);
      settle(value);
      // Views and other names would go on with the old memory.
      if (object.is_array() && op.name == "data")
        throw Error(Kind::type, op.place, "the memory of an array cannot be exchanged here",
                    "copy into it (a[...] = b), or do this in plain Python");
      barrier_for_host(op);
      host_.set_attribute(object, op.name, value);
      host_ran();
      return value;
    }
    case OpKind::augment_variable:
    case OpKind::augment_index:
    case OpKind::augment_attribute: return augment(op, regs);
    case OpKind::unpack: return unpack(op, regs);
    case OpKind::item: return regs[op.args[0]].items()[static_cast<std::size_t>(op.index)];
    case OpKind::unbind: {
      Frame* f = &frame;
      for (int d = 0; d < op.variable.depth; ++d) f = f->outer.get();
      Value& slot = f->slots[static_cast<std::size_t>(op.variable.slot)];
      if (!slot.bound()) read(op, frame);
      slot = Value();
      return Value::nil();
    }
  }
  throw Error(Kind::internal, op.place, "unknown operation");
}

namespace {

// What Python knows of may have a finalizer: it lives as long as its variable.
// Only arrays of our own can go when their last reader has them.
bool outlives_its_reads(const Value& v) {
  switch (v.kind()) {
    case ValueKind::array: return static_cast<bool>(v.array()->handle);
    case ValueKind::tuple:
    case ValueKind::list:
    case ValueKind::function:
    case ValueKind::object: return true;
    default: return false;
  }
}

}  // namespace

Value Lane::read(const Op& op, Frame& frame) {
  Frame* f = &frame;
  for (int d = 0; d < op.variable.depth; ++d) f = f->outer.get();
  Value& v = f->slots[static_cast<std::size_t>(op.variable.slot)];
  if (op.last && v.is_array() && !outlives_its_reads(v)) return std::exchange(v, Value());
  // A helper's input has no name here: the helper copes with a missing one.
  if (v.bound() || op.name.empty()) return v;
  if (op.variable.depth > 0) {
    throw Error(Kind::name,
                format("cannot access free variable '{}' where it is not associated with a "
                       "value in enclosing scope",
                       op.name));
  }
  throw Error(
      Kind::unbound,
      format("cannot access local variable '{}' where it is not associated with a value", op.name));
}

Value Lane::assign(const Op& op, Frame& frame, Value* regs) {
  const Value& value = regs[op.args[0]];
  if (op.variable.slot >= 0) {
    Frame* f = &frame;
    for (int d = 0; d < op.variable.depth; ++d) f = f->outer.get();
    f->slots[static_cast<std::size_t>(op.variable.slot)] = value;
  } else if (op.index >= 0) {
    Value& slot = frame.slots[static_cast<std::size_t>(op.index)];
    if (outlives_its_reads(value) || outlives_its_reads(slot)) slot = value;
  }
  return value;
}

// `and` and `or` give the operand that decided: `value`, or one of those from `next` on.
Value Lane::logical_from(const Op& op, Frame& frame, Value value, std::size_t next) {
  const bool go_on_while = op.kind == OpKind::all;
  for (; next < op.blocks.size(); ++next) {
    settle(value);
    const auto known = truth(value);
    bool decided;
    if (known) {
      decided = *known;
    } else {
      barrier_for_host();
      decided = host_.truth(value);
      host_ran();
    }
    if (decided != go_on_while) return value;
    value = Value::nil();
    block(op.blocks[next], frame, value);
  }
  return value;
}

Value Lane::make_span(const Op& op, Value* regs) {
  std::vector<Value> bounds = operands(op, regs);
  for (Value& v : bounds) {
    if (v.is_array() && v.array()->is_scalar) settle(v);
  }
  bounds.resize(3, Value::nil());
  return Value::span(bounds[0], bounds[1], bounds[2]);
}

Value Lane::print(const Op& op, Value* regs) {
  std::vector<Value> values = operands(op, regs);
  settle(values);
  barrier_for_host(op);
  host_.print(values, op.keywords, op.name == "print");
  host_ran();
  return Value::nil();
}

Value Lane::opaque(const Op& op, Value* regs) {
  std::vector<Value> inputs = operands(op, regs);
  settle(inputs);
  barrier_for_host();
  const Site site = site_of(op);
  Value result;
  profiled(op.id, StepKind::opaque, [&] { result = host_.opaque(op.index, inputs, site); });
  host_ran();
  describe(op, StepKind::opaque, result);
  return result;
}

// ---- functions as values -------------------------------------------------------

Value Lane::function_call(const Op& op, Frame&, Value* regs) {
  Slots<8> args(op.args.size());
  for (std::size_t i = 0; i < op.args.size(); ++i) {
    if (op.args[i] >= 0) args[i] = regs[op.args[i]];
  }
  Value result = call_native(*this, op, {args.data(), args.size()});
  return result.bound() ? result : call(*op.function, nullptr, args);
}

Value Lane::value_call(const Op& op, const Value& callee, std::vector<Value> args) {
  if (callee.is(ValueKind::function)) {
    const Closure& closure = static_cast<const Closure&>(*callee.function());
    if (!op.keywords.empty()) {
      const std::size_t positional = args.size() - op.keywords.size();
      std::vector<Value> bound(closure.function->params.size());
      JETLAG_CHECK(positional <= bound.size(), "{} arguments for {}", positional,
                   closure.function->name);
      std::copy_n(args.begin(), positional, bound.begin());
      for (std::size_t k = 0; k < op.keywords.size(); ++k) {
        const auto& params = closure.function->params;
        const auto at = std::find_if(params.begin(), params.end(), [&](const plan::Param& p) {
          return p.name == op.keywords[k];
        });
        if (at == params.end()) {
          throw Error(Kind::type, format("{}() got an unexpected keyword argument '{}'",
                                         closure.function->name, op.keywords[k]));
        }
        bound[static_cast<std::size_t>(at - params.begin())] = args[positional + k];
      }
      args = std::move(bound);
    }
    return call(*closure.function, closure.outer, args);
  }
  settle(args);
  barrier_for_host(op);
  host_.opaque_notice(site_of(op),
                      format("{} is no function that jetlag knows", host_.name_of(callee)));
  Value result;
  profiled(op.id, StepKind::opaque, [&] { result = host_.call(callee, args, op.keywords); });
  host_ran();
  describe(op, StepKind::opaque, result);
  return result;
}

namespace {

// The items of a list, tuple, range or 1-d array, for the functions on lists.
std::vector<Value> items_of(const Value& v) {
  std::vector<Value> items;
  if (v.is(ValueKind::list) || v.is(ValueKind::tuple)) return v.items();
  if (v.is(ValueKind::range)) {
    for (std::int64_t i = 0; i < v.range().size(); ++i) items.push_back(Value::of(v.range().at(i)));
    return items;
  }
  if (v.is_array() && v.array()->rank() > 0) {
    const Array& a = *v.array();
    Dims shape = a.shape();
    Dims strides = a.strides();
    shape.erase(0);
    strides.erase(0);
    for (std::int64_t i = 0; i < a.shape()[0]; ++i) {
      const Ref<Array> row = view_of(v.array(), a.data() + i * a.strides()[0], shape, strides);
      items.push_back(row->rank() == 0 ? element(*row) : Value::of(row));
    }
    return items;
  }
  throw Error(Kind::type, format("expected a list but found {}", describe(v)));
}

}  // namespace

Value Lane::over_list(const Op& op, Value* regs) {
  std::vector<Value> args = operands(op, regs);
  settle(args);
  const Value f = args[0];
  if (op.kind == OpKind::apply) return value_call(op, f, items_of(args[1]));
  if (op.kind == OpKind::fold_left || op.kind == OpKind::fold_right) {
    std::vector<Value> items = items_of(args[2]);
    Value total = args[1];
    const bool left = op.kind == OpKind::fold_left;
    if (!left) std::reverse(items.begin(), items.end());
    for (const Value& item : items) {
      total = left ? value_call(op, f, {total, item}) : value_call(op, f, {item, total});
    }
    return total;
  }
  std::vector<std::vector<Value>> lists;
  std::size_t count = SIZE_MAX;
  for (std::size_t i = 1; i < args.size(); ++i) {
    lists.push_back(items_of(args[i]));
    count = std::min(count, lists.back().size());
  }
  std::vector<Value> results;
  for (std::size_t i = 0; i < count; ++i) {
    std::vector<Value> given;
    for (const auto& list : lists) given.push_back(list[i]);
    Value result = value_call(op, f, given);
    if (op.kind == OpKind::fmap) {
      results.push_back(std::move(result));
    } else {
      settle(result);
      const auto keep = truth(result);
      if (keep ? *keep : host_.truth(result)) results.push_back(lists[0][i]);
    }
  }
  return Value::list(std::move(results));
}

}  // namespace jetlag::exec
