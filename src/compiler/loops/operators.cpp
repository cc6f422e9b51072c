// Calls of primitives, and arithmetic with an operand of NumPy's. What the interpreter would
// raise or warn of leaves at the operation.
#include <bit>
#include <cmath>
#include <limits>

#include "compiler/loops/specialiser.h"
#include "primitives/element.h"
#include "primitives/loop_rules.h"
#include "primitives/loops.h"
#include "primitives/scalars.h"

namespace jetlag::loops {

using plan::OpKind;

namespace {

constexpr DType i64 = DType::int64, f64 = DType::float64, b1 = DType::boolean;

Kind int_kind() { return python_kind(ValueKind::integer); }
Kind real_kind() { return python_kind(ValueKind::real); }
Kind bool_kind() { return python_kind(ValueKind::boolean); }

Operand operand_of(const Kind& k) {
  if (k.is(ValueKind::scalar)) return {k.dtype, false};
  return {held_as(k), true};
}

// Whether it may meet a condition that NumPy tells: those that only choose or round meet none.
bool may_meet(Opcode o) {
  return o == Opcode::add || o == Opcode::subtract || o == Opcode::multiply ||
         o == Opcode::divide || o == Opcode::sqrt;
}

// Those that the back end emits itself; all others go through the primitives' own loops.
bool is_simple(Opcode o, DType d) {
  switch (o) {
    case Opcode::add:
    case Opcode::subtract:
    case Opcode::multiply:
    case Opcode::negate:
    case Opcode::absolute:
    case Opcode::maximum:
    case Opcode::minimum:
    case Opcode::bit_and:
    case Opcode::bit_or:
    case Opcode::bit_xor:
    case Opcode::bit_not:
    case Opcode::equal:
    case Opcode::not_equal:
    case Opcode::less:
    case Opcode::less_equal:
    case Opcode::select: return true;
    case Opcode::divide:
    case Opcode::sqrt:
    case Opcode::floor:
    case Opcode::ceil:
    case Opcode::trunc:
    case Opcode::rint:
    case Opcode::copysign: return is_float(d);
    case Opcode::floor_divide:
    case Opcode::modulo: return is_integer(d);
    default: return false;
  }
}

}  // namespace

std::vector<Val> Specialiser::arguments() {
  std::vector<Val> values;
  for (std::size_t k = 0; k < node().op->args.size(); ++k) {
    values.push_back(node().op->args[k] < 0 ? Val{} : argument(static_cast<int>(k)));
  }
  return values;
}

void Specialiser::call() {
  const Primitive& p = *node().op->primitive;
  const std::string_view n = p.name;
  if (n == "range") return result(make_range());
  const std::vector<Val> args = arguments();
  const auto all_numbers = [&] {
    for (const Val& v : args) {
      if (!v.kind.is_number()) return false;
    }
    return !args.empty();
  };
  const auto all_numbers_or_none = [&] {
    return !args.empty() && args[0].kind.is_number() &&
           (args.size() < 2 || args[1].kind.is_number() || !args[1].kind.bound());
  };
  if (n == "__min" || n == "__max") {
    const Kind& k = args[0].kind;
    if (!k.is(ValueKind::tuple) || k.array >= 0) decline(format("it calls {}", n.substr(2)));
    const Node& made = flat_.nodes[static_cast<std::size_t>(k.literal)];
    std::vector<Val> values;
    for (int a : made.op->args) values.push_back(read(made.base + a));
    return result(extremum(n == "__max", values));
  }
  if ((n == "len" || n == "__len") &&
      (args[0].kind.is(ValueKind::array) ||
       (args[0].kind.is(ValueKind::tuple) && args[0].kind.array >= 0))) {
    if (args[0].kind.is(ValueKind::array) && args[0].kind.rank > 0)
      return result({int_kind(), length(args[0].kind, 0)});
    return result({int_kind(), integer(args[0].kind.rank)});
  }
  if (n == "not" && args[0].kind.is_number()) return result({bool_kind(), negated(truth(args[0]))});
  if (n == "__int" && all_numbers()) return result(to_int(args[0]));
  if (n == "__complex" && all_numbers_or_none()) return result(make_complex(args));
  if (n == "__float" && all_numbers()) return result({real_kind(), as_real(args[0])});
  if (n == "__bool" && all_numbers()) return result({bool_kind(), truth(args[0])});
  if (p.python.starts_with("math.") && all_numbers()) return result(math(p, args));
  if (n == "dot") return result(dot(args));
  if (n == "flip" && is_on_lines(args)) {
    if (args.size() > 1 && args[1].kind.bound() && !args[1].kind.is(ValueKind::nil))
      decline("it calls flip with an axis");
    return take_flipped(0, args[0]);
  }
  if (is_on_lines(args)) return work_on_lines(p, args);
  if (!all_numbers()) decline(format("it calls {} on something else than numbers", n));
  if (p.formula) {
    if (p.value || p.keeps_arrays || args.size() != static_cast<std::size_t>(p.formula.arity))
      decline(format("it calls {}", n));
    return result(ufunc(p, args, false));
  }
  if (!p.ufunc.empty() && args.size() == 2) return result(binary(p, args[0], args[1]));
  if (!p.ufunc.empty() && args.size() == 1) {
    if (args[0].kind.is_python_number()) return result(python_unary(n, args[0]));
    return result(ufunc(*find_primitive(p.ufunc), args, true));
  }
  decline(format("it calls {}", n));
}

Val Specialiser::make_range() {
  const std::vector<Val> args = arguments();
  std::int64_t by = 1;
  const bool two = args.size() > 1 && args[1].kind.bound();
  if (args.size() > 2 && args[2].kind.bound()) {
    if (!args[2].kind.known || !args[2].kind.is(ValueKind::integer) || args[2].kind.literal == 0)
      decline("the step of a range in it is no constant");
    by = args[2].kind.literal;
  }
  const auto bound = [&](const Val& v) {
    if (!v.kind.is_whole() && !(v.kind.is(ValueKind::scalar) && is_integer(v.kind.dtype)))
      decline("a range in it has a bound that is no int");
    return as_int64(v);
  };
  const int start = two ? bound(args[0]) : integer(0);
  const int stop = bound(two ? args[1] : args[0]);
  Kind k = python_kind(ValueKind::range);
  k.literal = by;
  set(cell(node().dst, i64, 0), start);
  set(cell(node().dst, i64, 1), stop);
  return {k, -1};
}

// ---- conversions ------------------------------------------------------------------------

// Of an int, a bool or a NumPy integer: leaves where 64 bits do not hold it.
int Specialiser::as_int64(const Val& v) {
  const DType d = held_as(v.kind);
  if (d == DType::uint64) leave_if(compute(Opcode::less, i64, cast(v.value, d, i64), integer(0)));
  return cast(v.value, d, i64);
}

int Specialiser::as_real(const Val& v) { return cast(v.value, held_as(v.kind), f64); }

Val Specialiser::to_int(const Val& v) {
  const DType d = held_as(v.kind);
  if (!is_float(d)) return {int_kind(), as_int64(v)};
  return {int_kind(), truncated(as_real(v))};
}

int Specialiser::finite(int value, DType d) {
  const std::uint64_t inf =
      d == f64 ? std::bit_cast<std::uint64_t>(std::numeric_limits<double>::infinity())
               : std::bit_cast<std::uint32_t>(std::numeric_limits<float>::infinity());
  return compute(Opcode::less, d, compute(Opcode::absolute, d, value), literal(d, inf));
}

// An operand as NumPy's loop takes it. A Python number has to fit.
int Specialiser::converted(const Val& v, DType to, bool weak) {
  const DType from = held_as(v.kind);
  if (from == to) return v.value;
  if (weak && is_integer(to) && v.kind.is_whole() && from == i64) {
    const int narrow = cast(v.value, i64, to);
    int fits = compute(Opcode::equal, i64, cast(narrow, to, i64), v.value);
    if (to == DType::uint64) fits = compute(Opcode::less_equal, i64, integer(0), v.value);
    leave_if(negated(fits));
    return narrow;
  }
  // Python's ints become floats first; NumPy's are rounded once.
  if (to == DType::float32 && (from == f64 || (weak && from == i64))) {
    const int wide = cast(v.value, from, f64);
    const int narrow = cast(wide, f64, to);
    leave_if(both(negated(finite(narrow, to)), finite(wide, f64)));
    return narrow;
  }
  if (is_integer(to) && is_float(from)) decline("it converts a float to an integer dtype");
  return cast(v.value, from, to);
}

// ---- NumPy's -------------------------------------------------------------------------------

// Where careful: the interpreter looks again at what gave an infinity or a NaN.
void Specialiser::check_conditions(std::span<const int> results, DType d,
                                   std::span<const int> operands) {
  if (!is_float(d) || request_.wanted == 0) return;
  out_->meets_conditions = true;
  out_->conditions.push_back(node().op);
  if (!request_.careful && !request_.noting) return;
  // What is finite meets nothing: the rest is seldom run.
  const auto all_finite = [&](std::span<const int> values) {
    int all = -1;
    for (int v : values) all = all < 0 ? finite(v, d) : both(all, finite(v, d));
    return all;
  };
  const auto some_nan = [&](std::span<const int> values) {
    int some = -1;
    for (int v : values) {
      const int nan = compute(Opcode::not_equal, d, v, v);
      some = some < 0 ? nan : either(some, nan);
    }
    return some;
  };
  const int plain = all_finite(results);
  if (request_.noting) {
    emit({.what = Do::note, .dtype = b1, .a = negated(plain)});
    return;
  }
  const int rare = new_block(), on = new_block();
  end_branch(plain, on, rare, Odds::yes);
  block_ = rare;
  const int new_nan = both(some_nan(results), negated(some_nan(operands)));
  const int new_inf = both(negated(plain), all_finite(operands));
  leave_if(either(new_nan, new_inf));
  end_jump(on);
  block_ = on;
}

void Specialiser::check_integer_division(DType d, int a, int b) {
  leave_if(compute(Opcode::equal, d, b, literal(d, 0)));
  if (kind_of(d) != 'i') return;
  const std::int64_t least = std::numeric_limits<std::int64_t>::min() >> (64 - 8 * size_of(d));
  const int lowest = compute(Opcode::equal, d, a, literal(d, static_cast<std::uint64_t>(least)));
  const int minus = compute(Opcode::equal, d, b, literal(d, ~std::uint64_t{0}));
  leave_if(both(lowest, minus));
}

// The operators of NumPy's integers tell when they wrap.
Val Specialiser::wrapping(const Primitive& p, std::span<const Val> args, DType d) {
  const auto of = [&](std::size_t i) {
    return converted(args[i], d, args[i].kind.is_python_number());
  };
  const int a = of(0);
  constexpr unsigned over = 2;
  const bool told = (request_.wanted & over) != 0;
  if (args.size() == 1) {
    if (p.name == "absolute" && kind_of(d) == 'u') return {scalar_kind(d), a};
    if (told) {
      const std::int64_t least = std::numeric_limits<std::int64_t>::min() >> (64 - 8 * size_of(d));
      leave_if(kind_of(d) == 'u'
                   ? compute(Opcode::not_equal, d, a, literal(d, 0))
                   : compute(Opcode::equal, d, a, literal(d, static_cast<std::uint64_t>(least))));
    }
    return {scalar_kind(d),
            compute(p.name == "absolute" ? Opcode::absolute : Opcode::negate, d, a)};
  }
  const Opcode o = p.name == "add"        ? Opcode::add
                   : p.name == "subtract" ? Opcode::subtract
                                          : Opcode::multiply;
  const int b = of(1);
  return {scalar_kind(d), told ? checked(o, d, a, b) : compute(o, d, a, b)};
}

Val Specialiser::ufunc(const Primitive& p, std::span<const Val> args, bool operator_form) {
  std::vector<Operand> operands;
  for (const Val& v : args) operands.push_back(operand_of(v.kind));
  std::optional<std::vector<DType>> loop;
  try {
    loop = choose_loop(p, operands);
  } catch (const Error&) {
    decline(format("{} fails for these dtypes", p.name));
  }
  if (!loop) decline(format("{} has no native form for these dtypes", p.name));
  for (DType d : *loop) {
    if (d == DType::complex64) decline("complex numbers of 64 bits are not compiled");
  }
  const DType d = loop->front();
  const bool wraps = p.name == "add" || p.name == "subtract" || p.name == "multiply" ||
                     p.name == "negative" || p.name == "absolute";
  if (operator_form && is_integer(d) && wraps) return wrapping(p, args, d);
  const bool by_name = !operator_form && (p.name == "power" || p.name == "pow");
  if (by_name && is_float(d) && args[0].kind.dtype == d && constant(args[1].value) == 0.5)
    return evaluate(*find_primitive("__power_half"), args.first(1));
  return evaluate(p, args);
}

// What a value is in every run, if that is plain to see.
std::optional<double> Specialiser::constant(int value) const {
  Instr i = out_->instructions[static_cast<std::size_t>(value)];
  if (i.what == Do::cast) i = out_->instructions[static_cast<std::size_t>(i.a)];
  if (i.what != Do::literal || i.dtype == DType::float32) return {};
  return i.dtype == f64 ? std::bit_cast<double>(i.literal)
                        : static_cast<double>(static_cast<std::int64_t>(i.literal));
}

// The exponents that the primitives' own loop treats apart.
int Specialiser::plain_power(const Operation& o, DType d, int x, int y) {
  if (o.opcode != Opcode::pow || !is_float(d)) return -1;
  const auto exponent = constant(y);
  if (exponent == 2) return compute(Opcode::multiply, d, x, x);
  if (exponent == 0.5) {
    // The power of -0.0 is 0, and that of minus infinity is infinite: roots are neither.
    const double infinity = std::numeric_limits<double>::infinity();
    const int lowest = compute(Opcode::equal, d, x, cast(real(-infinity), f64, d));
    const int base = compute(Opcode::add, d, x, cast(real(0), f64, d));
    const int above = compute(Opcode::select, d, lowest, cast(real(infinity), f64, d), base);
    return compute(Opcode::sqrt, d, above);
  }
  if (exponent == -1) return compute(Opcode::divide, d, cast(real(1), f64, d), x);
  return -1;
}

// The primitives' own loop on one element.
int Specialiser::by_loop(const Primitive& p, Opcode opcode, DType d, DType to,
                         const std::array<int, 3>& operands) {
  const Loop loop = find_loop(opcode, d);
  if (!loop) decline(format("{} has no loop", p.name));
  Instr call{.what = Do::kernel,
             .opcode = opcode,
             .dtype = d,
             .a = operands[0],
             .b = operands[1],
             .c = operands[2]};
  call.index = static_cast<int>(to);
  call.literal = reinterpret_cast<std::uint64_t>(loop);
  if (const char* name = find_vector_function(opcode, d)) {
    call.what = Do::vectors;
    call.name = name;
    call.axis = vector_bytes() / static_cast<int>(size_of(d));
  }
  return emit(call);
}

Val Specialiser::evaluate(const Primitive& p, std::span<const Val> args) {
  std::vector<Operand> operands;
  for (const Val& v : args) operands.push_back(operand_of(v.kind));
  const auto program = program_for(p, operands);
  if (!program) decline(format("{} has no native form for these dtypes", p.name));
  const Code& code = program->code();
  const Arithmetic arithmetic(*this, is_arithmetic(p));
  const int output = program->output_values()[0];
  std::vector<bool> needed(static_cast<std::size_t>(code.size()));
  needed[static_cast<std::size_t>(output)] = true;
  for (int i = code.size(); i-- > 0;) {
    if (!needed[static_cast<std::size_t>(i)]) continue;
    for (int o : code[i].operands) {
      if (o >= 0) needed[static_cast<std::size_t>(o)] = true;
    }
  }
  std::vector<Parts> inputs;
  for (std::size_t i = 0; i < args.size(); ++i) {
    const DType d = program->input_dtype(static_cast<int>(i));
    inputs.push_back(is_complex(d) ? parts_of(args[i])
                                   : Parts{converted(args[i], d, args[i].kind.is_python_number())});
  }
  const bool divides = p.name == "floor_divide" || p.name == "remainder" || p.name == "fmod";
  std::vector<Parts> values(static_cast<std::size_t>(code.size()));
  bool by_kernel = false;
  for (int i = 0; i < code.size(); ++i) {
    const Operation& o = code[i];
    if (!needed[static_cast<std::size_t>(i)]) continue;
    const auto parts = [&](int k) {
      return o.operands[k] < 0 ? Parts{} : values[static_cast<std::size_t>(o.operands[k])];
    };
    const auto operand = [&](int k) { return parts(k).re; };
    int& v = values[static_cast<std::size_t>(i)].re;
    const DType d = code.operand_dtype(o);
    const bool complex = is_complex(o.dtype) || is_complex(d);
    if (o.opcode == Opcode::input)
      values[static_cast<std::size_t>(i)] = inputs[static_cast<std::size_t>(o.index)];
    else if (complex && o.opcode != Opcode::absolute)
      values[static_cast<std::size_t>(i)] =
          complex_operation(code, o, std::array{parts(0), parts(1), parts(2)});
    else if (o.opcode == Opcode::constant) v = literal(o.dtype, o.literal[0]);
    else if (o.opcode == Opcode::cast && is_float(code[o.operands[0]].dtype) && is_integer(o.dtype))
      decline(format("{} converts floats to integers", p.name));
    else if (o.opcode == Opcode::cast) v = cast(operand(0), code[o.operands[0]].dtype, o.dtype);
    else if (const int power = plain_power(o, d, operand(0), operand(1)); power >= 0) v = power;
    else if (!complex && is_simple(o.opcode, d)) {
      if (is_integer(d) && (o.opcode == Opcode::floor_divide || o.opcode == Opcode::modulo))
        check_integer_division(d, operand(0), operand(1));
      v = compute(o.opcode, d, operand(0), operand(1), operand(2));
    } else {
      if (o.opcode == Opcode::pow && is_integer(d)) decline("it raises integers to a power");
      if (is_integer(d) && o.opcode == Opcode::fmod)
        check_integer_division(d, operand(0), operand(1));
      by_kernel = true;
      // The magnitude of a complex number is made of its parts.
      if (complex) v = by_loop(p, Opcode::hypot, f64, o.dtype, {operand(0), parts(0).im, -1});
      else v = by_loop(p, o.opcode, d, o.dtype, {operand(0), operand(1), operand(2)});
    }
    if (is_float(d) && (may_meet(o.opcode) || o.opcode == Opcode::pow)) watched_.push_back(v);
    if (is_complex(d) && (may_meet(o.opcode) || o.opcode == Opcode::pow)) {
      for (int part : {v, values[static_cast<std::size_t>(i)].im}) watched_.push_back(part);
    }
    if (divides && is_float(d) && o.opcode == Opcode::fmod)
      leave_if(compute(Opcode::equal, d, operand(1), literal(d, 0)));
  }
  // Vector mathematics raises flags that mean nothing: the values tell.
  const DType d = code[output].dtype;
  const bool comparison = d == b1;
  if (by_kernel && request_.wanted != 0 && !request_.careful && !request_.noting)
    throw NeedsNotes{};
  const Parts made = values[static_cast<std::size_t>(output)];
  std::vector<int> results{made.re};
  if (is_complex(d)) results.push_back(made.im);
  if (!comparison) {
    const DType part = is_complex(d) ? f64 : d;
    std::vector<int> same;
    for (std::size_t i = 0; i < args.size(); ++i) {
      const DType in = program->input_dtype(static_cast<int>(i));
      if (is_complex(in)) same.insert(same.end(), {inputs[i].re, inputs[i].im});
      else same.push_back(is_float(part) ? cast(inputs[i].re, in, part) : inputs[i].re);
    }
    check_conditions(results, part, same);
  }
  return {scalar_kind(d), made.re, made.im};
}

Val Specialiser::binary(const Primitive& p, const Val& a, const Val& b) {
  // np.float64 is a float to a complex number that stands on its left.
  const bool beside = a.kind.is(ValueKind::complex) && b.kind.is(ValueKind::scalar) &&
                      b.kind.dtype == f64 && p.name != "__pow";
  const bool own = a.kind.is_python_number() && b.kind.is_python_number();
  if (own || beside) return python_binary(p, a, b);
  const Primitive* u = find_primitive(p.ufunc);
  if (!u || !u->formula) decline(format("it calls {}", p.name));
  const Val args[] = {a, b};
  const Operand operands[] = {operand_of(a.kind), operand_of(b.kind)};
  const Primitive* order = order_of_scalars(p, operands);
  return ufunc(order ? *order : *u, args, true);
}

// min and max give the first of the best, the object itself.
Val Specialiser::extremum(bool largest, std::span<const Val> args) {
  if (args.size() < 2) decline("it calls min or max of a sequence");
  const Primitive& less = *find_primitive("__lt");
  Val best = args[0];
  for (const Val& v : args.subspan(1)) {
    if (!v.kind.is_number() || held_as(v.kind) != held_as(best.kind) ||
        v.kind.kind != best.kind.kind)
      decline("it calls min or max of numbers of different kinds");
    const Val better = largest ? binary(less, best, v) : binary(less, v, best);
    const DType d = held_as(best.kind);
    best = {best.kind, compute(Opcode::select, d, better.value, v.value, best.value)};
    best.kind.known = false;
    best.kind.literal = 0;
    best.kind.symbol = -1;
  }
  return best;
}

}  // namespace jetlag::loops
