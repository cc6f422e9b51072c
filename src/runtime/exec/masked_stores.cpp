// Rule masked-select: c[m] = 0 and c[m] *= 2 → where(m, …, c), written into c.
//
// To look for the places where a mask is true takes longer than to choose between the old element
// and the new one everywhere, unless the mask is true for very few. What is not chosen is computed
// of ones, so that no condition is met there.
#include <cfloat>
#include <cmath>
#include <utility>

#include "compiler/plan/rules.h"
#include "primitives/index.h"
#include "primitives/masked.h"
#include "primitives/moves.h"
#include "primitives/storing.h"
#include "runtime/exec/lane.h"
#include "runtime/exec/reuse.h"
#include "runtime/exec/stores.h"
#include "runtime/exec/stretches.h"

namespace jetlag::exec {

namespace {

constexpr std::int64_t least_elements = 8192;

const plan::Rule& rule() {
  static const plan::Rule& row = *plan::find_rule("masked-select");
  return row;
}

// As far as a look at some stretches of it tells.
bool is_sparse(const Array& mask) {
  constexpr std::int64_t stretches = 64, length = 64, few = 32;
  const auto* truths = mask.as<std::uint8_t>();
  std::int64_t seen = 0;
  for (std::int64_t i = 0; i < stretches; ++i) {
    const std::uint8_t* from = truths + (mask.size() - length) / stretches * i;
    for (std::int64_t k = 0; k < length; ++k) seen += from[k] != 0;
  }
  return seen * few < stretches * length;
}

bool holds(DType d, std::int64_t number) {
  return visit(d, [&]<class T>(Tag<T>) {
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>)
      return std::in_range<T>(number);
    else return false;
  });
}

// A number that becomes one of the dtype without a word.
bool converts_quietly(const Value& number, DType to) {
  if (number.is_array() || !number.is_numeric()) return false;
  if (number.is(ValueKind::boolean)) return true;
  if (number.is(ValueKind::integer)) return !is_integer(to) || holds(to, number.integer());
  if (number.is(ValueKind::scalar)) return number.dtype() == to;
  if (!number.is(ValueKind::real) || !is_float(to)) return false;
  const double magnitude = std::abs(number.real());
  const bool fits = magnitude <= FLT_MAX && (magnitude >= FLT_MIN || magnitude == 0);
  return to == DType::float64 || fits || !std::isfinite(magnitude);
}

bool may_select(const Primitive& ufunc) {
  constexpr std::string_view names[] = {"add",         "subtract",   "multiply",   "divide",
                                        "bitwise_and", "bitwise_or", "bitwise_xor"};
  return std::find(std::begin(names), std::end(names), ufunc.name) != std::end(names);
}

// Its operands: the mask, the array, the number, and one as each of the latter.
std::shared_ptr<FusedProgram> build(const Primitive& ufunc, DType dtype, Operand number,
                                    bool fastmath) {
  const auto loop = choose_loop(ufunc, std::vector<Operand>{{dtype, false}, number});
  if (!loop) return nullptr;
  const Primitive& where = *find_primitive("where");
  ElementBuilder builder(fastmath);
  const DType given = number.weak ? (*loop)[1] : number.dtype;
  const int mask = builder.input(DType::boolean), old = builder.input(dtype);
  const int other = builder.input(given), one = builder.input(dtype);
  const int other_one = builder.input(given);
  const auto choose = [&](int yes, int no) {
    const DType d = builder.dtype(no);
    return builder.apply(where, std::vector<int>{mask, yes, no},
                         std::vector<DType>{DType::boolean, d, d});
  };
  const std::vector<int> operands{choose(old, one), choose(other, other_one)};
  const int result = builder.apply(ufunc, operands, *loop);
  if (builder.dtype(result) != dtype) return nullptr;
  builder.output(choose(result, old));
  auto made = std::make_shared<FusedProgram>();
  made->program = builder.build();
  return made;
}

}  // namespace

bool Lane::suits_select(const Array& a, const std::vector<Value>& items, const Value& number) {
  if (!plan::is_on(rule()) || holding_ || (fp().wanted && fp().at_once)) return false;
  if (items.size() != 1 || !items[0].is_array() || !a.in_memory() || !a.writable()) return false;
  const Array& mask = *items[0].array();
  if (mask.dtype() != DType::boolean || !mask.in_memory() || !(mask.shape() == a.shape()) ||
      mask.size() < least_elements || !mask.is_contiguous() || !lies_in_rows(a))
    return false;
  if (number.bound() && !converts_quietly(number, a.dtype())) return false;
  if (may_overlap(a, mask) && !is_same_view(a, mask)) return false;
  ready(mask);
  return !is_sparse(mask);
}

void Lane::run_select(const plan::Op& op, std::shared_ptr<const ElementProgram> program,
                      std::vector<Value> inputs, const Ref<Array>& to, std::string_view ufunc) {
  const FpReport report = report_at(op, std::string(ufunc));
  inputs = lent(inputs);
  const Ref<Array> place = lent(to);
  auto run =
      std::make_shared<ElementRun>(std::move(program), inputs, std::vector<Ref<Array>>{place});
  run_elements(
      op, std::move(run), std::move(inputs), place, [report](int) { return report; },
      StepKind::fused, rule().name);
  if (profile_) describe(op, StepKind::fused, Value::of(to), rule().name);
}

bool Lane::store_select(const plan::Op& op, const Ref<Array>& a, const std::vector<Value>& items,
                        const Value& value) {
  if (value.is_array() || !suits_select(*a, items, value)) return false;
  const std::vector<Operand> operands{
      {DType::boolean, false}, operand_of(value), {a->dtype(), false}};
  const auto program = program_for(*find_primitive("where"), operands);
  if (!program || program->output_dtype(0) != a->dtype()) return false;
  run_select(op, program, {items[0], value, Value::of(a)}, a, "where");
  return true;
}

// What the mask takes is there for who asks for it, which should be nobody.
Value Lane::masked_for_augment(const plan::Op& op, const Ref<Array>& a,
                               const std::vector<Value>& items) {
  if (op.recall || !suits_select(*a, items, Value())) return {};
  ready(*a);
  Ref<Masked> taken = Masked::of(a, items[0].array());
  if (!taken) return {};
  const Dims shape = taken->shape(), strides = contiguous_strides(shape, size_of(a->dtype()));
  Value result = Value::of(make<Array>(std::move(taken), a->dtype(), shape, strides));
  if (profile_) describe(op, StepKind::value, result);
  return result;
}

bool Lane::augment_select(const plan::Op& op, const Value& old, const Ref<Array>& a,
                          const std::vector<Value>& items, const Value& value) {
  if (!old.is_array() || !dynamic_cast<const Masked*>(old.array()->structure())) return false;
  const Primitive* ufunc = find_primitive(op.primitive->ufunc);
  if (!ufunc || !may_select(*ufunc) || !converts_quietly(value, a->dtype())) return false;
  const Operand number = operand_of(value);
  const std::string key = format("select {} {} {}{}", ufunc->name, info(a->dtype()).name,
                                 info(number.dtype).name, number.weak ? " weak" : "");
  auto made = caches_.find(key);
  if (!made) {
    made = build(*ufunc, a->dtype(), number, program_.fastmath);
    if (!made) return false;
    caches_.add(key, made);
  }
  const Value one = Value::of(std::int64_t{1});
  const std::string_view python = ufunc->python;
  run_select(op, made->program, {items[0], Value::of(a), value, one, one}, a,
             python.substr(python.rfind('.') + 1));
  return true;
}

}  // namespace jetlag::exec
