// Primitives meet values: the first meaning of a row that takes them is used;
// what none takes is asked of the host, visibly.
#include <algorithm>
#include <cstring>

#include "primitives/arguments.h"
#include "primitives/index.h"
#include "primitives/kept_order.h"
#include "primitives/loop_rules.h"
#include "primitives/loops.h"
#include "primitives/scalars.h"
#include "runtime/exec/lane.h"
#include "runtime/exec/powers.h"
#include "runtime/exec/reuse.h"

namespace jetlag::exec {

namespace {

bool all_numeric(const std::vector<Value>& args) {
  return std::all_of(args.begin(), args.end(), [](const Value& v) { return v.is_numeric(); });
}

bool any_array(const std::vector<Value>& args) {
  return std::any_of(args.begin(), args.end(), [](const Value& v) { return v.is_array(); });
}

std::vector<Operand> operands_of(const std::vector<Value>& args) {
  std::vector<Operand> operands;
  for (const Value& v : args) operands.push_back(operand_of(v));
  return operands;
}

// NumPy's scalars have arithmetic of their own where one of them, and no bool,
// has the dtype of the result: int64 with a Python float is left to the ufunc.
bool scalar_arithmetic(const std::vector<Value>& args) {
  if (args[0].is(ValueKind::scalar) && args[0].dtype() == DType::boolean) return false;
  const DType common = common_dtype(operands_of(args));
  return std::any_of(args.begin(), args.end(), [&](const Value& v) {
    return v.is(ValueKind::scalar) && v.dtype() != DType::boolean && v.dtype() == common;
  });
}

// What compares NumPy's complex scalars, if the operands are such.
const Primitive* own_order(const Primitive& row, const std::vector<Value>& args) {
  if (row.ufunc.empty() || !all_numeric(args) || any_array(args)) return nullptr;
  return order_of_scalars(row, operands_of(args));
}

bool all_python(const std::vector<Value>& args) {
  return std::all_of(args.begin(), args.end(), [](const Value& v) { return v.is_python_scalar(); });
}

void fill_defaults(const Primitive& p, std::vector<Value>& args) {
  const auto params = parameters(p);
  args.resize(params.size());
  for (std::size_t i = 0; i < params.size(); ++i) {
    if (args[i].bound()) continue;
    args[i] = params[i].rest ? Value::tuple({}) : params[i].otherwise;
  }
}

// The arguments in the order of the row's parameters, defaults filled in;
// nothing if they do not fit.
std::optional<std::vector<Value>> bind_values(const Primitive& p, const std::vector<Value>& args,
                                              const std::vector<std::string>& keywords) {
  const auto params = parameters(p);
  const std::size_t positional = args.size() - keywords.size();
  std::vector<Value> bound(params.size());
  for (std::size_t i = 0; i < positional; ++i) {
    if (i >= params.size()) return std::nullopt;
    if (params[i].rest) {
      bound[i] = Value::tuple({args.begin() + static_cast<std::ptrdiff_t>(i),
                               args.begin() + static_cast<std::ptrdiff_t>(positional)});
      break;
    }
    bound[i] = args[i];
  }
  for (std::size_t k = 0; k < keywords.size(); ++k) {
    const auto at = std::find_if(params.begin(), params.end(),
                                 [&](const Parameter& q) { return q.name == keywords[k]; });
    if (at == params.end()) return std::nullopt;
    Value& slot = bound[static_cast<std::size_t>(at - params.begin())];
    if (slot.bound()) return std::nullopt;
    slot = args[positional + k];
  }
  for (std::size_t i = 0; i < params.size(); ++i) {
    if (!bound[i].bound() && !params[i].optional && !params[i].rest) return std::nullopt;
  }
  fill_defaults(p, bound);
  return bound;
}

// NumPy's error names the shapes of all operands.
Dims common_shape(const std::vector<Value>& args) {
  Dims shape;
  try {
    for (const Value& v : args) {
      if (v.is_array()) shape = broadcast_shapes(shape, v.array()->shape());
    }
  } catch (const Error& error) {
    std::string shapes;
    for (const Value& v : args) {
      shapes += tight_shape(v.is_array() ? v.array()->shape() : Dims());
      shapes += ' ';
    }
    throw Error(error.kind(),
                format("operands could not be broadcast together with shapes {}", shapes),
                error.hint());
  }
  return shape;
}

// Integers that wrap.
bool wraps(const Primitive& ufunc, const std::vector<Value>& args, const Array& out) {
  __extension__ typedef __int128 Wide;
  const auto wide = [](const Value& v) -> Wide {
    if (v.is(ValueKind::integer)) return v.integer();
    if (v.is(ValueKind::boolean)) return v.boolean();
    if (v.is(ValueKind::scalar) && v.dtype() == DType::uint64) {
      std::uint64_t u;
      std::memcpy(&u, v.scalar_bytes(), sizeof u);
      return u;
    }
    return as_index(v).value_or(0);
  };
  const Wide a = wide(args[0]);
  const Wide b = args.size() > 1 ? wide(args[1]) : 0;
  Wide exact;
  if (ufunc.name == "add") exact = a + b;
  else if (ufunc.name == "subtract") exact = a - b;
  else if (ufunc.name == "multiply") exact = a * b;
  else if (ufunc.name == "negative") exact = -a;
  else if (ufunc.name == "absolute") exact = a < 0 ? -a : a;
  else return false;
  return exact != wide(element(out));
}

std::complex<double> number_of(const Value& v) {
  if (const std::optional<double> real = as_real(v)) return *real;
  if (!v.is(ValueKind::scalar)) return v.complex();
  if (v.dtype() == DType::complex64) {
    std::complex<float> narrow;
    std::memcpy(&narrow, v.scalar_bytes(), sizeof narrow);
    return narrow;
  }
  std::complex<double> number;
  std::memcpy(&number, v.scalar_bytes(), sizeof number);
  return number;
}

// NumPy multiplies the parts of complex scalars one by one; products of its arrays are fused, and
// a NaN in one part hides what the other meets.
template <class Real>
unsigned met_by_parts(const std::vector<Value>& args) {
  volatile Real parts[2][2];
  for (std::size_t i = 0; i < 2; ++i) {
    const std::complex<double> number = number_of(args[i]);
    parts[i][0] = static_cast<Real>(number.real());
    parts[i][1] = static_cast<Real>(number.imag());
  }
  clear_flags();
  // Volatile: neither found out before or after, nor fused.
  const volatile Real ac = parts[0][0] * parts[1][0], bd = parts[0][1] * parts[1][1],
                      ad = parts[0][0] * parts[1][1], bc = parts[0][1] * parts[1][0];
  [[maybe_unused]] const volatile Real re = ac - bd, im = ad + bc;
  return read_flags();
}

// What NumPy's scalars tell of, and its arrays do not.
unsigned met_by_scalars(const Primitive& ufunc, const std::vector<Value>& args, const Array& out) {
  if (is_integer(out.dtype())) return wraps(ufunc, args, out) ? overflow : 0u;
  if (!is_complex(out.dtype()) || ufunc.name != "multiply") return 0;
  return out.dtype() == DType::complex64 ? met_by_parts<float>(args) : met_by_parts<double>(args);
}

}  // namespace

const Primitive* power_of_constant(const Primitive& row, const Operand& base,
                                   const Value& exponent) {
  if (!is_power(row) || !exponent.is_numeric() || exponent.is_array() ||
      exponent.is(ValueKind::boolean))
    return nullptr;
  const std::optional<double> number = as_real(exponent);
  const bool inexact = is_float(base.dtype) || is_complex(base.dtype);
  if (row.ufunc != "power" || !exponent.is_python_scalar()) {
    const Operand both[] = {base, operand_of(exponent)};
    const bool root = number == 0.5 && is_float(base.dtype) && common_dtype(both) == base.dtype;
    return root ? find_primitive("__power_half") : nullptr;
  }
  if (number == 0.5 && inexact) return find_primitive("sqrt");
  if (is_float(base.dtype)) {
    // A library's power costs many times as much, and is no closer than 4 ulp by promise.
    if (number == 3) return find_primitive("__power_3");
    if (number == 1.5) return find_primitive("__power_3_halves");
    if (number == -0.5) return find_primitive("__power_minus_half");
    if (number == -1.5) return find_primitive("__power_minus_3_halves");
  }
  // x ** 2.0 is a power by its name, whatever is computed.
  if (!exponent.is(ValueKind::integer)) return nullptr;
  if (number == 2) return find_primitive("square");
  if (number == -1 && inexact) return find_primitive("reciprocal");
  if (number == 1 && inexact) return find_primitive("positive");
  return nullptr;
}

Value Lane::primitive(const plan::Op& op, const Primitive& p, std::vector<Value> args) {
  fill_defaults(p, args);
  if (std::optional<Value> result = native(op, p, args)) return std::move(*result);
  return fall_back(op, p, args);
}

std::optional<Value> Lane::native(const plan::Op& op, const Primitive& p,
                                  std::vector<Value>& args) {
  // Ufuncs take scalars that still compute; all else wants their values.
  if (!p.formula && p.ufunc.empty()) {
    for (Value& v : args) settle_scalars(v);
  }
  if (p.value) {
    Value result = p.value(args);
    if (result.bound()) {
      if (profile_) describe(op, StepKind::value, result);
      return result;
    }
  }
  if (auto result = structured(op, p, args)) return result;
  if (p.formula || !p.ufunc.empty()) {
    const Primitive* ufunc = p.formula ? &p : find_primitive(p.ufunc);
    if (ufunc && ufunc->formula) {
      // NumPy's scalars have a power of their own.
      const bool of_array = args.size() == 2 && args[0].is_array() && !args[0].array()->is_scalar;
      const bool of_number = args.size() == 2 && args[0].is_numeric() && p.formula;
      const Primitive* exact =
          of_array || of_number ? power_of_constant(p, operand_of(args[0]), args[1]) : nullptr;
      if (exact) {
        args.resize(1);
        auto result = elementwise(op, *exact, *ufunc, args);
        if (profile_ && result) profile_->apply(op.id, "power-of-constant");
        return result;
      }
      if (const Primitive* order = own_order(p, args)) return elementwise(op, *order, *order, args);
      if (p.formula || !all_python(args)) {
        return elementwise(op, *ufunc, *ufunc, args);
      }
      return std::nullopt;
    }
    if (ufunc) return native(op, *ufunc, args);
  }
  if (p.view) {
    if (Ref<Array> view = p.view(args)) {
      Value result = Value::of(view);
      if (profile_) describe(op, StepKind::view, result);
      return result;
    }
  }
  if (p.kernel) return kernel(op, p, args);
  return std::nullopt;
}

std::optional<Value> Lane::elementwise(const plan::Op& op, const Primitive& ufunc,
                                       const Primitive& named, std::vector<Value>& args) {
  if (!all_numeric(args)) return std::nullopt;
  if (Value result = run_again(op, ufunc, args); result.bound()) return result;
  const std::vector<Operand> operands = operands_of(args);
  const bool scalars = !any_array(args) && !op.primitive->ufunc.empty() && scalar_arithmetic(args);
  const bool scalar_power = scalars && ufunc.name == "power";
  const auto program =
      program_for(scalar_power ? *find_primitive("__scalar_power") : ufunc, operands);
  if (!program) return std::nullopt;

  const Dims shape = common_shape(args);
  KeptOrder order(shape);
  for (const Value& v : args) order.add(v);
  const DType dtype = program->output_dtype(0);
  const Dims strides = order.strides(size_of(dtype));
  if (op.read_by_elements && strides.empty()) {
    if (auto result = left_to_readers(op, ufunc, program, args, shape)) return result;
  }
  Ref<Array> out;
  if (op.kind == plan::OpKind::call && strides.empty())
    out = dying_operand(op, op.args, args, dtype, shape);
  const bool over = static_cast<bool>(out);
  if (!over) out = element_result(dtype, shape, strides);
  std::vector<Value> inputs = lent(args);
  const Ref<Array> target = lent(out);
  auto run = std::make_shared<ElementRun>(program, inputs, std::vector<Ref<Array>>{target});
  // The row that computes names the condition: numpy.mod reports as remainder.
  const Primitive& computes = program->applications() > 0 ? program->application(0) : named;
  FpReport report = report_at(op, reported_name(computes, scalars));
  const std::string_view rule = over ? "last-use" : "";
  const bool may_come_again = !over && strides.empty() && !op.read_by_elements && !scalars;
  std::shared_ptr<ElementRun> kept = may_come_again ? run : nullptr;
  run_elements(
      op, std::move(run), std::move(inputs), target, [report](int) { return report; },
      StepKind::call, rule);
  if (kept) keep_lone(op, ufunc, args, std::move(kept), *out);
  if (const unsigned met = scalars ? met_by_scalars(ufunc, args, *out) & fp().wanted : 0u) {
    report.anomalies = met;
    flight_->report(sequence_, report);
    tell_if_at_once(sequence_);
  }
  Value result = result_value(out, shape.empty() && !ufunc.keeps_arrays);
  if (profile_) describe(op, StepKind::call, result, rule);
  return result;
}

// ---- what is not native -------------------------------------------------------

Value Lane::fall_back(const plan::Op& op, const Primitive& p, const std::vector<Value>& given) {
  std::vector<Value> args = given;
  settle(args);
  barrier_for_host(op);
  if (p.python.empty()) {
    std::string kinds;
    for (const Value& v : args) kinds += (kinds.empty() ? "" : ", ") + jetlag::describe(v);
    throw Error(Kind::type, op.place, format("{} is not defined for ({})", p.name, kinds));
  }
  // Python's own arithmetic on its own objects is not worth a warning.
  if (any_array(args)) {
    host_.opaque_notice(site_of(op), format("{} has no native form for these operands", p.python));
  }
  // Trailing arguments that only hold the row's defaults are not passed on.
  const auto params = parameters(p);
  std::vector<std::string> keywords;
  std::vector<Value> passed;
  for (std::size_t i = 0; i < args.size(); ++i) {
    if (params[i].rest) {
      for (const Value& v : args[i].items()) passed.push_back(v);
      continue;
    }
    const bool was_given = i < op.args.size() ? op.args[i] >= 0 : false;
    if (params[i].optional && op.kind == plan::OpKind::call && !was_given) continue;
    if (!args[i].bound()) continue;
    // Python's own functions take theirs by position only.
    if (params[i].optional && p.python.starts_with("numpy.")) {
      keywords.emplace_back(params[i].name);
    }
    passed.push_back(args[i]);
  }
  Value result;
  profiled(op.id, StepKind::opaque, [&] { result = host_.call_named(p.python, passed, keywords); });
  host_ran();
  describe(op, StepKind::opaque, result);
  return result;
}

Value Lane::host_call(const plan::Op& op, Value* regs) {
  std::vector<Value> args = operands(op, regs);
  settle(args);
  barrier_for_host(op);
  const Site site = site_of(op);
  Value result;
  if (!op.name.empty()) {
    host_.opaque_notice(site,
                        format("{} is called with arguments that have no native form", op.name));
    profiled(op.id, StepKind::opaque,
             [&] { result = host_.call_named(op.name, args, op.keywords); });
  } else {
    const Value callee = args.front();
    args.erase(args.begin());
    if (!op.lane) {
      host_.opaque_notice(site,
                          format("{} is no function that jetlag knows", host_.name_of(callee)));
    }
    profiled(op.id, op.lane ? StepKind::lane : StepKind::opaque,
             [&] { result = host_.call(callee, args, op.keywords); });
  }
  host_ran();
  describe(op, op.lane ? StepKind::lane : StepKind::opaque, result);
  return result;
}

// ---- methods and attributes ------------------------------------------------------

// a.fill(x) with a number is a[...] = x, but for its words about a read-only array.
bool Lane::fill(const plan::Op& op, const std::vector<Value>& args) {
  if (op.name != "fill" || args.size() != 2 || !op.keywords.empty()) return false;
  const Value& number = args[1];
  if (!number.is_python_scalar() && !number.is(ValueKind::scalar)) return false;
  const Ref<Array>& a = args[0].array();
  return a->writable() && store_native(op, a, {Value::ellipsis()}, number);
}

// Those of a call or a method in the order of the row's parameters, defaults
// filled in; nothing if they do not fit.
std::optional<std::vector<Value>> Lane::arguments_of(const plan::Op& op, const Primitive& p,
                                                     Value* regs) {
  std::vector<Value> args = operands(op, regs);
  if (op.kind == plan::OpKind::method) return bind_values(p, args, op.keywords);
  fill_defaults(p, args);
  return args;
}

Value Lane::method(const plan::Op& op, Value* regs) {
  std::vector<Value> args = operands(op, regs);
  if (args.front().is_array()) {
    const bool of_scalar = args.front().array()->is_scalar;
    const Primitive* p = op.member;
    auto bound = p ? arguments_of(op, *p, regs) : std::nullopt;
    if (bound) {
      if (auto result = native(op, *p, *bound)) {
        // What a method of a number gives without axes is a number.
        if (of_scalar && result->is_array() && result->array()->rank() == 0)
          result->array()->is_scalar = true;
        return std::move(*result);
      }
    }
    if (fill(op, args)) return Value::nil();
  }
  settle(args);
  barrier_for_host(op);
  const Value self = args.front();
  const Value callee = host_.attribute(self, op.name);
  args.erase(args.begin());
  const bool lane = op.lane || host_.is_lane_object(self);
  const Site site = site_of(op);
  if (!lane) {
    host_.opaque_notice(site, format("the method {} has no native form", op.name));
  }
  const StepKind kind = lane ? StepKind::lane : StepKind::opaque;
  Value result;
  profiled(op.id, kind, [&] { result = host_.call(callee, args, op.keywords); });
  host_ran();
  describe(op, kind, result);
  return result;
}

Value Lane::attribute(const plan::Op& op, Value* regs) {
  std::vector<Value> args = operands(op, regs);
  if (args.front().is_array() && !args.front().array()->is_scalar) {
    if (const Primitive* p = op.member) {
      fill_defaults(*p, args);
      if (auto result = native(op, *p, args)) return std::move(*result);
    }
  }
  Value self = operands(op, regs).front();
  settle(self);
  barrier_for_host(op);
  Value result;
  profiled(op.id, StepKind::lane, [&] { result = host_.attribute(self, op.name); });
  host_ran();
  describe(op, StepKind::lane, result);
  return result;
}

}  // namespace jetlag::exec
