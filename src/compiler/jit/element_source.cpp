#include "compiler/jit/element_source.h"

#include <algorithm>

#include "compiler/jit/code.h"
#include "primitives/expr.h"
#include "primitives/loops.h"

namespace jetlag::jit {

namespace {

bool is_inexact(DType d) { return is_float(d) || is_complex(d); }

bool is_in_line(Opcode opcode, DType operand) {
  switch (opcode) {
    case Opcode::divide:
    case Opcode::absolute:
    case Opcode::sqrt: return !is_complex(operand);
    case Opcode::floor_divide:
    case Opcode::modulo:
    case Opcode::fmod:
    case Opcode::nextafter:
    case Opcode::ldexp:
    case Opcode::gcd: return false;
    default: return opcode < Opcode::pow;
  }
}

// A loop of the interpreter: kernels give it a few elements at a time.
ElementCall loop_call(Opcode opcode, DType operand) {
  const Loop loop = find_loop(opcode, operand);
  JETLAG_CHECK(loop != nullptr, "no loop for {} of {}", info(opcode).name, info(operand).name);
  return {ElementCall::How::loop,
          format("jetlag_loop_{}_{}", info(opcode).name, info(operand).name),
          reinterpret_cast<void*>(loop)};
}

ElementCall call_of(const Code& code, const Operation& o) {
  const DType operand = code.operand_dtype(o);
  if (is_in_line(o.opcode, operand)) return {};
  if (const char* name = find_vector_function(o.opcode, operand)) {
    return {ElementCall::How::vector_function, name, nullptr};
  }
  return loop_call(o.opcode, operand);
}

std::vector<bool> needed_by_outputs(const ElementProgram& program) {
  const Code& code = program.code();
  std::vector<bool> needed(static_cast<std::size_t>(code.size()));
  for (int value : program.output_values()) needed[static_cast<std::size_t>(value)] = true;
  for (int value = code.size() - 1; value >= 0; --value) {
    if (!needed[static_cast<std::size_t>(value)]) continue;
    for (int k = 0; k < info(code[value].opcode).arity; ++k) {
      needed[static_cast<std::size_t>(code[value].operands[k])] = true;
    }
  }
  return needed;
}

// Whether a result hangs on every operand, whatever their values are.
bool reads_all(const ElementCall& call, const Code& code, const Operation& o) {
  if (call.how != ElementCall::How::in_line) return true;
  switch (o.opcode) {
    case Opcode::add:
    case Opcode::subtract:
    case Opcode::multiply:
    case Opcode::divide:
    case Opcode::negate:
    case Opcode::absolute:
    case Opcode::sqrt: return true;
    case Opcode::cast: return is_inexact(o.dtype) && !is_complex(code.operand_dtype(o));
    default: return false;
  }
}

bool may_meet_conditions(const ElementCall& call, const Code& code, const Operation& o) {
  const bool arithmetic = o.opcode == Opcode::cast || o.opcode == Opcode::add ||
                          o.opcode == Opcode::subtract || o.opcode == Opcode::multiply ||
                          o.opcode == Opcode::divide || o.opcode == Opcode::sqrt;
  return arithmetic && call.how == ElementCall::How::in_line && is_inexact(o.dtype) &&
         is_inexact(code.operand_dtype(o));
}

// What a compiler might find out: integers that cancel each other (x - x), and what is made of such
// numbers and constants alone.
std::vector<bool> foreseeable_values(const Code& code) {
  std::vector<bool> foreseeable(static_cast<std::size_t>(code.size()));
  for (int value = 0; value < code.size(); ++value) {
    const Operation& o = code[value];
    bool all = true;
    for (int k = 0; k < info(o.opcode).arity; ++k)
      all = all && foreseeable[static_cast<std::size_t>(o.operands[k])];
    foreseeable[static_cast<std::size_t>(value)] =
        o.opcode != Opcode::input && (all || !is_inexact(o.dtype));
  }
  return foreseeable;
}

std::vector<bool> held_values(const ElementProgram& program, const ElementSource& source) {
  const Code& code = program.code();
  const std::vector<bool> foreseeable = foreseeable_values(code);
  std::vector<bool> read(static_cast<std::size_t>(code.size())), held = read;
  for (int value : program.output_values()) read[static_cast<std::size_t>(value)] = true;
  for (int value = code.size() - 1; value >= 0; --value) {
    const auto i = static_cast<std::size_t>(value);
    const Operation& o = code[value];
    held[i] = source.needed[i] && (!read[i] || foreseeable[i]) &&
              may_meet_conditions(source.calls[i], code, o);
    // What is held is computed, and so what it is made of.
    if (!(read[i] || held[i]) || !reads_all(source.calls[i], code, o)) continue;
    for (int k = 0; k < info(o.opcode).arity; ++k)
      read[static_cast<std::size_t>(o.operands[k])] = true;
  }
  return held;
}

// Made of constants and operands that are repeated along the row.
bool is_uniform(const Code& code, KernelLayout layout, int value) {
  const Operation& o = code[value];
  if (o.opcode == Opcode::input) return lie_of(layout, o.index) == Lie::repeated;
  for (int k = 0; k < info(o.opcode).arity; ++k) {
    if (!is_uniform(code, layout, o.operands[k])) return false;
  }
  return true;
}

bool is_left_to_interpreter(const Code& code, KernelLayout layout, const Operation& o) {
  if (o.opcode == Opcode::pow) return is_integer(o.dtype);
  return o.opcode == Opcode::select && is_uniform(code, layout, o.operands[0]);
}

// What folds repeats the program in the code, once for each sum or element side by side.
bool suits_fold(const ElementProgram& program, const ElementSource& source) {
  constexpr int most_operations = 24, most_across = 200;
  const LineFold how = fold_of(source.layout);
  const DType d = program.output_dtype(0);
  const std::int64_t item = size_of(d);
  if (program.outputs() != 1 || is_complex(d) || (item != 4 && item != 8)) return false;
  if (how.rows == RowFold::product && !is_float(d)) return false;
  if (source.vector_bytes / source.widest < sum_register_bytes / item) return false;
  return how.rows == RowFold::across ? source.operations * how.length <= most_across
                                     : source.operations <= most_operations;
}

std::string key_of(const ElementProgram& program, const ElementSource& source) {
  std::string key = format("elements {:x} {}", source.layout, source.vector_bytes);
  for (int value : program.output_values()) key += format(" %{}", value);
  for (int value = 0; value < program.code().size(); ++value) {
    if (program.is_loud(value)) key += format(" !{}", value);
    if (program.is_fast(value)) key += format(" ~{}", value);
    if (source.held[static_cast<std::size_t>(value)]) key += format(" +{}", value);
  }
  // One line: lists show the first one only.
  std::string text = to_text(program.code());
  for (char& c : text) {
    if (c == '\n') c = ';';
  }
  return key + ": " + text;
}

}  // namespace

std::optional<ElementSource> element_source(const ElementProgram& program, KernelLayout layout) {
  // A compiler would drop what nobody reads, and its conditions with it.
  if (program.computes_unread()) return std::nullopt;
  const Code& code = program.code();
  ElementSource source{.program = &program,
                       .layout = layout,
                       .vector_bytes = vector_bytes(),
                       .key = {},
                       .calls = {},
                       .needed = needed_by_outputs(program),
                       .held = {}};
  source.calls.resize(static_cast<std::size_t>(code.size()));
  for (int value = 0; value < code.size(); ++value) {
    const auto i = static_cast<std::size_t>(value);
    if (!source.needed[i]) continue;
    if (is_left_to_interpreter(code, layout, code[value])) return std::nullopt;
    source.calls[i] = call_of(code, code[value]);
    source.operations += code[value].opcode != Opcode::constant;
    source.widest = std::max(source.widest, size_of(real_dtype(code[value].dtype)));
  }
  if (fold_of(layout).rows != RowFold::none && !suits_fold(program, source)) return std::nullopt;
  source.held = held_values(program, source);
  source.key = key_of(program, source);
  return source;
}

void* compile_elements(const ElementSource& source, std::string& why) {
  CodeWanted wanted{.key = source.key, .symbol = element_symbol, .externals = {}, .make = {}};
  for (const ElementCall& call : source.calls) {
    if (call.how == ElementCall::How::loop)
      wanted.externals.emplace_back(call.symbol, call.address);
  }
  wanted.make = [&](const Api& compiler, std::string& object, std::string& problem) {
    return compiler.elements(source, object, problem);
  };
  return find_code(wanted, why);
}

}  // namespace jetlag::jit
