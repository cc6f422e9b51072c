// Operations that are no arithmetic: reads, assignments, tuples, attributes; and how instructions
// are written.
#include <bit>

#include "compiler/loops/specialiser.h"

namespace jetlag::loops {

using plan::OpKind;

int Specialiser::cell(int variable, DType dtype, int part) {
  const auto [at, fresh] =
      cells_.try_emplace({variable, dtype, part}, static_cast<int>(out_->cells.size()));
  if (fresh) out_->cells.push_back(dtype);
  return at->second;
}

int Specialiser::fresh_cell(DType dtype) {
  out_->cells.push_back(dtype);
  return static_cast<int>(out_->cells.size()) - 1;
}

int Specialiser::imaginary_cell(int variable, const Kind& k) {
  constexpr int part = 3;  // of what belongs to a variable
  return k.is_complex_number() ? cell(variable, DType::float64, part) : -1;
}

int Specialiser::emit(Instr i) {
  out_->instructions.push_back(i);
  const int number = static_cast<int>(out_->instructions.size()) - 1;
  out_->blocks[static_cast<std::size_t>(block_)].instructions.push_back(number);
  return number;
}

int Specialiser::literal(DType dtype, std::uint64_t bits) {
  return emit({.what = Do::literal, .dtype = dtype, .literal = bits});
}
int Specialiser::integer(std::int64_t v) {
  return literal(DType::int64, static_cast<std::uint64_t>(v));
}
int Specialiser::real(double v) { return literal(DType::float64, std::bit_cast<std::uint64_t>(v)); }
int Specialiser::get(int c) {
  return emit({.what = Do::get, .dtype = out_->cells[static_cast<std::size_t>(c)], .index = c});
}
void Specialiser::set(int c, int value) {
  emit(
      {.what = Do::set, .dtype = out_->cells[static_cast<std::size_t>(c)], .a = value, .index = c});
}
int Specialiser::compute(Opcode opcode, DType dtype, int a, int b, int c, bool steady) {
  if (is_complex(dtype)) decline("it holds an operation on complex numbers");
  const bool arithmetic = opcode == Opcode::add || opcode == Opcode::subtract ||
                          opcode == Opcode::multiply || opcode == Opcode::divide ||
                          opcode == Opcode::negate;
  return emit({.what = Do::compute,
               .opcode = opcode,
               .dtype = dtype,
               .steady = steady,
               .fast = fast_ && arithmetic && is_float(dtype),
               .a = a,
               .b = b,
               .c = c});
}
int Specialiser::cast(int value, DType from, DType to) {
  if (from == to) return value;
  if (is_complex(from) || is_complex(to)) decline("it converts complex numbers");
  return emit({.what = Do::cast, .dtype = to, .a = value, .index = static_cast<int>(from)});
}
int Specialiser::checked(Opcode opcode, DType dtype, int a, int b) {
  return emit({.what = Do::checked,
               .opcode = opcode,
               .dtype = dtype,
               .a = a,
               .b = b,
               .index = exit_here()});
}
int Specialiser::truncated(int value) {
  return emit({.what = Do::truncate, .dtype = DType::int64, .a = value, .index = exit_here()});
}
void Specialiser::leave_if(int condition) {
  emit({.what = Do::leave_if, .dtype = DType::boolean, .a = condition, .index = exit_here()});
}

Val Specialiser::read(int variable) {
  const Kind& k = state_.kinds[static_cast<std::size_t>(variable)];
  if (!k.is_number()) return {k, -1};
  if (k.is_complex_number())
    return {k, get(number_cell(variable, k)), get(imaginary_cell(variable, k))};
  if (k.known) return {k, literal(held_as(k), static_cast<std::uint64_t>(k.literal))};
  return {k, get(cell(variable, held_as(k)))};
}

void Specialiser::write(int variable, const Val& v) {
  state_.kinds[static_cast<std::size_t>(variable)] = v.kind;
  if (!v.kind.is_number()) return;
  set(number_cell(variable, v.kind), v.value);
  if (v.kind.is_complex_number()) set(imaginary_cell(variable, v.kind), v.imaginary);
}

// ---- operations ------------------------------------------------------------------------------

void Specialiser::operation() {
  const Node& n = node();
  const plan::Op& op = *n.op;
  switch (op.kind) {
    case OpKind::constant: {
      const Value& v = op.constant;
      Kind k = python_kind(v.kind());
      k.known = v.is(ValueKind::integer) || v.is(ValueKind::boolean);
      if (v.is(ValueKind::integer))
        return k.literal = v.integer(), result({k, integer(v.integer())});
      if (v.is(ValueKind::boolean))
        return k.literal = v.boolean(), result({k, literal(DType::boolean, v.boolean())});
      if (v.is(ValueKind::real)) {
        k.known = true;
        k.literal = std::bit_cast<std::int64_t>(v.real());
        return result({k, real(v.real())});
      }
      if (v.is(ValueKind::complex))
        return result({k, real(v.complex().real()), real(v.complex().imag())});
      if (v.is_nil()) return result({k, -1});
      decline("it holds a constant that is no number");
    }
    case OpKind::variable:
    case OpKind::capture: {
      const bool captured = op.kind == OpKind::capture;
      if (!captured && op.variable.depth > 0) decline("it reads a variable of another function");
      const int variable = captured ? flat_.capture(op.index) : op.variable.slot;
      Val v = read(variable);
      if (!v.kind.bound()) decline("a variable is not bound");
      if (v.kind.is(ValueKind::object)) decline("a variable is neither a number nor an array");
      if (is_row(v.kind)) set(cell(n.dst, DType::int64), get(cell(variable, DType::int64)));
      if (state_.mode == Mode::checked_before && v.kind.is(ValueKind::integer) &&
          v.kind.symbol < 0 && !v.kind.known) {
        const int loop = checks_[static_cast<std::size_t>(state_.check)].loop;
        const auto& assigned = flat_.loops[static_cast<std::size_t>(loop)].assigned;
        if (captured || !assigned[static_cast<std::size_t>(variable)])
          v.kind.symbol = symbol({Symbol::Form::variable, variable, 0, false});
      }
      return result(v);
    }
    case OpKind::assign: {
      Val v = argument(0);
      const int slot = op.variable.depth == 0 ? op.variable.slot : -1;
      if (op.variable.depth > 0) decline("it writes a variable of another function");
      const int from = n.base + op.args[0];
      if (v.kind.is(ValueKind::tuple) || v.kind.is(ValueKind::range)) {
        if (slot >= 0) decline("it keeps a tuple or a range");
        return;
      }
      if (v.kind.line || v.kind.is(ValueKind::span)) decline("it keeps a slice");
      const bool row = is_row(v.kind);
      // One row in two variables is one object, but its view would be made twice: a row is "known"
      // once a variable has it.
      if (row && v.kind.known) decline("two variables hold one row");
      if (row) state_.kinds[static_cast<std::size_t>(from)].known = true;
      result(v);
      if (row) set(cell(n.dst, DType::int64), get(cell(from, DType::int64)));
      if (slot < 0) return;
      if (row) set(cell(slot, DType::int64), get(cell(from, DType::int64)));
      v.kind.known = row;
      v.kind.literal = 0;
      return write(slot, v);
    }
    case OpKind::tuple: {
      Kind k = python_kind(ValueKind::tuple);
      k.literal = node_;
      return result({k, -1});
    }
    case OpKind::span: {
      Kind k = python_kind(ValueKind::span);
      k.literal = node_;
      return result({k, -1});
    }
    case OpKind::unpack: {
      const Val v = argument(0);
      const bool shape = v.kind.is(ValueKind::tuple) && v.kind.array >= 0;
      if (!v.kind.is(ValueKind::tuple)) decline("it unpacks something else than a tuple");
      const int size =
          shape ? v.kind.rank
                : static_cast<int>(
                      flat_.nodes[static_cast<std::size_t>(v.kind.literal)].op->args.size());
      if (size != op.index) decline("it unpacks a tuple of another length");
      return result(v);
    }
    case OpKind::item: return unpack_item();
    case OpKind::call: return call();
    case OpKind::function_call: return call_function();
    case OpKind::attribute: return attribute();
    case OpKind::index: return index();
    case OpKind::store_index: return store_index();
    case OpKind::augment_variable:
    case OpKind::augment_index: return augment();
    default:
      decline(format("it holds {}", op.kind == OpKind::function_call || op.kind == OpKind::host_call
                                        ? "a call"
                                        : name_of(op.kind)));
  }
}

void Specialiser::unpack_item() {
  const Node& n = node();
  const Val v = argument(0);
  if (v.kind.array >= 0) {
    return result({python_kind(ValueKind::integer), length(v.kind, n.op->index)});
  }
  const Node& made = flat_.nodes[static_cast<std::size_t>(v.kind.literal)];
  const int from = made.base + made.op->args[static_cast<std::size_t>(n.op->index)];
  const Val item = read(from);
  if (!item.kind.is_number() && !item.kind.is(ValueKind::array) && !item.kind.is(ValueKind::nil))
    decline("it unpacks something else than numbers");
  result(item);
  if (is_row(item.kind)) set(cell(n.dst, DType::int64), get(cell(from, DType::int64)));
}

void Specialiser::attribute() {
  const Val v = argument(0);
  const std::string& name = node().op->name;
  if (v.kind.is_number()) return result(number_attribute(v, name));
  if (!v.kind.is(ValueKind::array)) decline(format("it reads .{}", name));
  if (name == "shape") {
    Kind k = v.kind;
    k.kind = ValueKind::tuple;
    return result({k, -1});
  }
  if (name == "ndim") {
    Kind k = python_kind(ValueKind::integer);
    k.known = true;
    k.literal = v.kind.rank;
    return result({k, integer(v.kind.rank)});
  }
  if (name == "size") {
    int size = integer(1);
    for (int axis = 0; axis < v.kind.rank; ++axis)
      size = compute(Opcode::multiply, DType::int64, size, length(v.kind, axis));
    return result({python_kind(ValueKind::integer), size});
  }
  decline(format("it reads .{}", name));
}

}  // namespace jetlag::loops
