// Elements of arrays: offsets in bytes, negative indices, bounds.
#include <algorithm>
#include <array>
#include <limits>
#include <span>

#include "compiler/loops/specialiser.h"

namespace jetlag::loops {

namespace {

constexpr DType i64 = DType::int64, f64 = DType::float64;
constexpr int offset_part = 2;  // of an element's cells: where it lies in its array

}  // namespace

int Specialiser::length(const Kind& k, int axis) {
  const int whole = out_->arrays[static_cast<std::size_t>(k.array)].rank;
  return emit({.what = Do::length, .dtype = i64, .index = k.array, .axis = whole - k.rank + axis});
}

int Specialiser::stride_of(int array, int axis) {
  const ArrayOperand& operand = out_->arrays[static_cast<std::size_t>(array)];
  if (operand.contiguous_last && axis == operand.rank - 1) return integer(size_of(operand.dtype));
  return emit({.what = Do::stride, .dtype = i64, .index = array, .axis = axis});
}

int Specialiser::index_value(const Val& v, const Kind& array, int axis) {
  const bool whole =
      v.kind.is(ValueKind::integer) || (v.kind.is(ValueKind::scalar) && is_integer(v.kind.dtype));
  if (!whole) decline("a subscript in it is no int");
  const int size = length(array, axis);
  if (v.kind.known) {
    if (v.kind.literal >= 0) {
      leave_if(compute(Opcode::less_equal, i64, size, v.value));
      return v.value;
    }
    const int from_end = compute(Opcode::add, i64, size, v.value, -1, true);
    leave_if(compute(Opcode::less, i64, from_end, integer(0)));
    return from_end;
  }
  const bool in_checked_rounds = state_.mode == Mode::checked_before;
  if (in_checked_rounds && v.kind.is(ValueKind::integer)) {
    if (const int s = symbol_of(v); s >= 0) {
      require(s, array.array,
              out_->arrays[static_cast<std::size_t>(array.array)].rank - array.rank + axis);
      return v.value;
    }
  }
  const int i = as_int64(v);
  const bool is_signed = v.kind.is(ValueKind::integer) || kind_of(v.kind.dtype) == 'i';
  int at = i;
  if (is_signed && (in_checked_rounds || v.kind.is(ValueKind::scalar))) {
    // Taken from an array of indices, or computed from numbers of the round: seldom negative, and
    // who computes with both cases alike would have the element wait for it.
    const int found = fresh_cell(i64), rare = new_block(), on = new_block();
    set(found, i);
    end_branch(compute(Opcode::less, DType::uint64, i, size), on, rare, Odds::yes);
    block_ = rare;
    const int from_end = compute(Opcode::add, i64, i, size);
    leave_if(negated(compute(Opcode::less, DType::uint64, from_end, size)));
    set(found, from_end);
    end_jump(on);
    block_ = on;
    return get(found);
  }
  if (is_signed) {
    const int negative = compute(Opcode::less, i64, i, integer(0));
    at = compute(Opcode::select, i64, negative, compute(Opcode::add, i64, i, size), i);
  }
  // One comparison sees both ends.
  leave_if(negated(compute(Opcode::less, DType::uint64, at, size)));
  return at;
}

Specialiser::Element Specialiser::locate(const Kind& k, int base_var, std::size_t first_item) {
  const auto& args = node().op->args;
  if (!k.is(ValueKind::array)) decline("it subscripts something else than an array");
  const int items = static_cast<int>(args.size() - first_item);
  if (items > k.rank || items == 0) decline("a subscript in it selects no element");
  const ArrayOperand& operand = out_->arrays[static_cast<std::size_t>(k.array)];
  Element e{k, -1, k.rank - items};
  if (is_row(k)) e.offset = get(cell(base_var, i64));
  for (int axis = 0; axis < items; ++axis) {
    const Val v = read(node().base + args[first_item + static_cast<std::size_t>(axis)]);
    const int at = index_value(v, k, axis);
    const int whole_axis = operand.rank - k.rank + axis;
    const int stride = stride_of(k.array, whole_axis);
    const int moved = compute(Opcode::multiply, i64, at, stride, -1, true);
    e.offset = e.offset < 0 ? moved : compute(Opcode::add, i64, e.offset, moved, -1, true);
  }
  return e;
}

void Specialiser::index() {
  const Node& n = node();
  const int base_var = n.base + n.op->args[0];
  const Kind k = state_.kinds[static_cast<std::size_t>(base_var)];
  if (k.is(ValueKind::tuple) && k.array >= 0 && n.op->args.size() == 2) {
    const Val at = argument(1);
    const std::int64_t axis = at.kind.literal < 0 ? at.kind.literal + k.rank : at.kind.literal;
    if (!at.kind.known || axis < 0 || axis >= k.rank)
      decline("it subscripts a shape by a variable");
    return result({python_kind(ValueKind::integer), length(k, static_cast<int>(axis))});
  }
  if (k.line && is_reversal(1)) return take_flipped(0, argument(0));
  if (selects_a_line(1)) return take_line(k, base_var, 1);
  const Element e = locate(k, base_var, 1);
  if (e.axes > 0) {
    Kind row = k;
    row.rank = static_cast<std::int16_t>(e.axes);
    row.known = false;
    state_.kinds[static_cast<std::size_t>(n.dst)] = row;
    return set(cell(n.dst, i64), e.offset);
  }
  const auto load = [&](DType d, int offset) {
    return emit({.what = Do::load, .dtype = d, .a = offset, .index = k.array});
  };
  if (k.dtype == DType::complex64) decline("it reads complex numbers of 64 bits");
  if (is_complex(k.dtype))
    result({scalar_kind(k.dtype), load(f64, e.offset), load(f64, imaginary_offset(e.offset))});
  else result({scalar_kind(k.dtype), load(k.dtype, e.offset)});
  found_[n.dst] = n.op;
  set(cell(n.dst, i64, offset_part), e.offset);
}

int Specialiser::imaginary_offset(int offset) {
  return compute(Opcode::add, i64, offset, integer(sizeof(double)), -1, true);
}

// As an assignment to an element converts: Python's ints must fit, NumPy's wrap.
int Specialiser::stored_as(const Val& v, DType to) {
  if (!v.kind.is_number()) decline("it stores something else than a number");
  const DType from = held_as(v.kind);
  if (is_complex(from)) decline("it stores complex numbers as real ones");
  if (to == DType::boolean) return from == to ? v.value : truth(v);
  if (is_float(from) && is_integer(to)) {
    // Only what fits well; the rest may warn.
    if (size_of(to) < 4 || kind_of(to) == 'u') decline("it stores floats as integers");
    const int whole = truncated(cast(v.value, from, DType::float64));
    const int made = cast(whole, i64, to);
    if (to != i64) leave_if(compute(Opcode::not_equal, i64, cast(made, to, i64), whole));
    return made;
  }
  return converted(v, to, v.kind.is_python_number());
}

// Where an operation in place stores: its element was found when it was read.
std::optional<int> Specialiser::found_before(std::size_t first_item) const {
  const plan::Op& op = *node().op;
  if (op.kind != plan::OpKind::augment_index) return {};
  const int old = node().base + op.args[0];
  const auto at = found_.find(old);
  const std::span target = std::span(op.args).subspan(first_item - 1);
  if (at == found_.end() || !std::ranges::equal(at->second->args, target)) return {};
  return old;
}

void Specialiser::store(const Kind& k, int base_var, std::size_t first_item, const Val& value) {
  const auto old = found_before(first_item);
  const Element e =
      old ? Element{k, get(cell(*old, i64, offset_part)), 0} : locate(k, base_var, first_item);
  if (e.axes > 0) decline("it stores to a row");
  if (is_function_) decline("a function stores to an array");
  ArrayOperand& operand = out_->arrays[static_cast<std::size_t>(k.array)];
  if (!operand.written) decline("it stores to an array that is not known to be written");
  const auto put = [&](DType d, int offset, int v) {
    emit({.what = Do::store, .dtype = d, .a = offset, .b = v, .index = k.array});
  };
  if (k.dtype == DType::complex64) decline("it stores complex numbers of 64 bits");
  if (is_complex(k.dtype)) {
    if (!value.kind.is_number()) decline("it stores something else than a number");
    const Parts parts = parts_of(value);
    put(f64, e.offset, parts.re);
    put(f64, imaginary_offset(e.offset), parts.im);
  } else {
    put(k.dtype, e.offset, stored_as(value, k.dtype));
  }
  if (node().op->kind == plan::OpKind::store_index) result(value);
}

void Specialiser::store_index() {
  const int base = node().base + node().op->args[1];
  const Kind array = state_.kinds[static_cast<std::size_t>(base)];
  if (stores_a_line(array, 2)) return store_line(array, base, 2);
  store(array, base, 2, argument(0));
}

void Specialiser::augment() {
  const Node& n = node();
  const Val old = argument(0), value = argument(1);
  if (is_on_lines(std::array{old})) return augment_line(old, value);
  if (!old.kind.is_number() || !value.kind.is_number())
    decline("an operation in place works on something else than numbers");
  const Val made = binary(*n.op->primitive, old, value);
  if (n.op->kind == plan::OpKind::augment_index) {
    const int base = n.base + n.op->args[2];
    store(state_.kinds[static_cast<std::size_t>(base)], base, 3, made);
  }
  result(made);
}

}  // namespace jetlag::loops
