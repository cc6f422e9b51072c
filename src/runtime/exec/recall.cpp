#include "runtime/exec/recall.h"

#include <algorithm>
#include <cstring>

#include "compiler/plan/regions.h"
#include "compiler/plan/rules.h"
#include "primitives/structured.h"
#include "runtime/exec/stores.h"

namespace jetlag::exec {

namespace {

constexpr std::size_t most_memos = 24;

bool same_bytes(const void* a, const void* b, std::int64_t count) {
  return std::memcmp(a, b, static_cast<std::size_t>(count)) == 0;
}

// Whether a value can be told from another by what it is, not by what it may become.
bool can_be_compared(const Value& v) {
  switch (v.kind()) {
    case ValueKind::list:
    case ValueKind::range:
    case ValueKind::function:
    case ValueKind::object: return false;
    case ValueKind::array: return v.array()->in_memory();
    case ValueKind::tuple: return std::all_of(v.items().begin(), v.items().end(), can_be_compared);
    default: return true;
  }
}

// The same numbers by bits, or the same elements of the same memory.
bool are_same(const Value& a, const Value& b) {
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case ValueKind::boolean: return a.boolean() == b.boolean();
    case ValueKind::integer: return a.integer() == b.integer();
    case ValueKind::real:
    case ValueKind::complex: return same_bytes(a.scalar_bytes(), b.scalar_bytes(), 16);
    case ValueKind::scalar:
      return a.dtype() == b.dtype() &&
             same_bytes(a.scalar_bytes(), b.scalar_bytes(), size_of(a.dtype()));
    case ValueKind::array:
      return a.array()->in_memory() && b.array()->in_memory() &&
             a.array()->is_scalar == b.array()->is_scalar && is_same_view(*a.array(), *b.array());
    case ValueKind::string: return a.text() == b.text();
    case ValueKind::tuple:
      return std::equal(a.items().begin(), a.items().end(), b.items().begin(), b.items().end(),
                        are_same);
    case ValueKind::span:
      return are_same(a.span().start, b.span().start) && are_same(a.span().stop, b.span().stop) &&
             are_same(a.span().step, b.span().step);
    case ValueKind::dtype: return a.dtype() == b.dtype();
    case ValueKind::unbound:
    case ValueKind::nil:
    case ValueKind::ellipsis: return true;
    default: return false;
  }
}

// Calls f with each array of a value, until it says true.
template <class F>
bool any_array(const Value& v, const F& f) {
  if (v.is_array()) return f(*v.array());
  if (!v.is(ValueKind::tuple)) return false;
  return std::any_of(v.items().begin(), v.items().end(),
                     [&](const Value& item) { return any_array(item, f); });
}

bool is_inverse(const Value& v) {
  return v.is_array() && !v.array()->in_memory() && as_inverse(*v.array());
}

Value inverse_again(const Array& a) {
  return Value::of(structured_array(as_inverse(a)->again(), a.dtype(), a.shape()));
}

bool is_in(const Array& a, const Buffer* buffer) {
  return a.in_memory() && a.buffer().get() == buffer;
}

}  // namespace

RecallCall::RecallCall(Lane& lane, const plan::Region& region, const plan::Op& op,
                       Operands operands)
    : lane_(lane),
      op_(op),
      recall_(*op.recall),
      operands_(std::move(operands)),
      key_(region.ops[static_cast<std::size_t>(recall_.first)].id) {
  const auto is_array = [](const Value* v) { return v->is_array(); };
  applies_ = std::any_of(operands_.begin(), operands_.end(), is_array) &&
             std::all_of(operands_.begin(), operands_.end(),
                         [](const Value* v) { return can_be_compared(*v); }) &&
             !lane.host_.serial();
}

bool RecallCall::fits(const Memo& memo) const {
  return memo.key == key_ &&
         std::equal(memo.operands.begin(), memo.operands.end(), operands_.begin(), operands_.end(),
                    [](const Value& a, const Value* b) { return are_same(a, *b); });
}

Value RecallCall::find() {
  if (!applies_) return {};
  std::vector<Memo>& memos = lane_.memos_;
  auto memo = std::find_if(memos.begin(), memos.end(), [&](const Memo& m) { return fits(m); });
  Value result;
  if (memo != memos.end()) {
    const std::string_view rule = memo->op == &op_ ? "hoist" : "common-subexpressions";
    const Value known = memo->result;  // waiting may let go of memos
    if (plan::is_on(rule) && told_nothing(known, memo->reports, rule)) result = again(known);
    if (result.bound() && lane_.profile_) lane_.describe(op_, StepKind::value, result, rule);
  }
  if (result.bound()) {
    if (recall_.last) forget();
  } else {
    python_runs_ = lane_.python_runs_;
    reports_ = lane_.flight_->reports_made();
  }
  return result;
}

// Its work is done, and nothing was reported since it began: by this call, or by
// another, which is as good a reason to do it again.
bool RecallCall::told_nothing(const Value& known, std::int64_t reports, std::string_view rule) {
  if (lane_.fp().wanted == 0 || is_inverse(known)) return true;
  if (known.is_array()) lane_.ready(*known.array());
  if (lane_.flight_->reports_made() == reports) return true;
  if (lane_.profile_) {
    lane_.profile_->refuse(op_.id, rule,
                           "a floating-point condition was met, and is told each time");
  }
  return false;
}

Value RecallCall::again(const Value& known) {
  if (!known.is_array()) return known;
  const Ref<Array>& a = known.array();
  if (is_inverse(known)) {
    Value result = inverse_again(*a);
    lane_.borrow(result.array());
    return result;
  }
  if (recall_.shared || a->is_scalar) return known;
  return recall_.copied && is_worth_copying(*a) ? copied(a) : Value();
}

// A copy reads and writes the result once.
bool RecallCall::is_worth_copying(const Array& result) const {
  if (plan::is_elementwise(op_)) return true;
  if (op_.primitive && op_.primitive->can_fail) return true;
  const Primitive* p = op_.kind == plan::OpKind::method ? op_.member : op_.primitive;
  if (p->algebra == Algebra::product || p->ufunc == "matmul") return true;
  std::int64_t bytes = 0;
  for (const Value* v : operands_) bytes += v->is_array() ? v->array()->bytes() : 0;
  return 4 * result.bytes() <= bytes;
}

Value RecallCall::copied(const Ref<Array>& result) {
  const Ref<Array> out = lane_.result_array(result->dtype(), result->shape(),
                                            result->is_contiguous() ? Dims() : result->strides());
  const double bytes = 2 * static_cast<double>(result->bytes());
  Lane::Step step{&op_, StepKind::value, false, {Value::of(result)}, {result}, out};
  step.keep.push_back(Value::of(out));
  Job job{
      .blocks = 1,
      .body = [from = result.get(), to = out.get()](std::int64_t) { copy_elements(*from, *to); },
      .finish = {},
      .bytes = bytes,
      .flops = 0};
  lane_.perform(std::move(job), std::move(step));
  return Value::of(out);
}

bool RecallCall::can_be_kept(const Value& result) const {
  if (result.is(ValueKind::scalar)) return true;
  if (!result.is_array()) return false;
  const Array& a = *result.array();
  if (!a.in_memory()) return is_inverse(result);
  // What is stored where it was computed belongs to another; what is a view of an
  // operand, or was written over it, is no result of its own.
  const Buffer* own = a.buffer().get();
  return own->owned() && !own->visible() && !a.handle &&
         std::none_of(operands_.begin(), operands_.end(), [&](const Value* v) {
           return any_array(*v, [&](const Array& operand) { return is_in(operand, own); });
         });
}

void RecallCall::note(const Value& result) {
  if (!applies_) return;
  forget();
  if (recall_.last || python_runs_ != lane_.python_runs_ || !can_be_kept(result)) return;
  std::vector<Memo>& memos = lane_.memos_;
  if (memos.size() == most_memos) memos.erase(memos.begin());
  // An inverse stays as it was made, whatever becomes of the one given out.
  Value known = is_inverse(result) ? inverse_again(*result.array()) : result;
  Memo& memo = memos.emplace_back(Memo{key_, recall_.loop, &op_, {}, std::move(known), reports_});
  for (const Value* v : operands_) memo.operands.push_back(*v);
}

void RecallCall::forget() {
  std::erase_if(lane_.memos_, [&](const Memo& m) { return m.key == key_; });
}

// ---- the lane's side -----------------------------------------------------------------

Value Lane::recalled(const plan::Region& r, const plan::Op& op, Frame& frame, Value* regs) {
  static const Value left_out;
  RecallCall::Operands operands;
  for (int a : op.args) operands.push_back(a >= 0 ? &regs[a] : &left_out);
  RecallCall call(*this, r, op, std::move(operands));
  Value result = call.find();
  if (result.bound()) return result;
  result = this->op(op, frame, regs);
  call.note(result);
  return result;
}

void Lane::forget_results_of(const Buffer* buffer) {
  std::erase_if(memos_, [&](const Memo& m) {
    const auto touches = [&](const Array& a) { return is_in(a, buffer); };
    return any_array(m.result, touches) ||
           std::any_of(m.operands.begin(), m.operands.end(),
                       [&](const Value& v) { return any_array(v, touches); });
  });
}

void Lane::forget_results_of_loop(int id) {
  std::erase_if(memos_, [&](const Memo& m) { return m.loop == id; });
}

void Lane::forget_results() {
  memos_.clear();
  ++python_runs_;
}

}  // namespace jetlag::exec
