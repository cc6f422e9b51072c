// Slices along one axis that only the same statement reads. They are never stored in a variable, so
// where one begins and how long it is are all that is kept of it.
#include "compiler/loops/specialiser.h"
#include "primitives/product.h"

namespace jetlag::loops {

namespace {

constexpr DType i64 = DType::int64;

}  // namespace

bool Specialiser::selects_a_line(std::size_t first_item) const {
  const auto& args = node().op->args;
  int slices = 0;
  for (std::size_t i = first_item; i < args.size(); ++i) {
    const int item = node().base + args[i];
    slices += state_.kinds[static_cast<std::size_t>(item)].is(ValueKind::span) ? 1 : 0;
  }
  return slices == 1;
}

// Whether all that is selected is `::-1`.
bool Specialiser::is_reversal(std::size_t item) const {
  const auto& args = node().op->args;
  if (args.size() != item + 1) return false;
  const Kind& span = state_.kinds[static_cast<std::size_t>(node().base + args[item])];
  if (!span.is(ValueKind::span)) return false;
  const Node& made = flat_.nodes[static_cast<std::size_t>(span.literal)];
  const auto kind_of_part = [&](std::size_t part) -> const Kind& {
    static const Kind none;
    if (part >= made.op->args.size() || made.op->args[part] < 0) return none;
    return state_.kinds[static_cast<std::size_t>(made.base + made.op->args[part])];
  };
  const auto is_open = [](const Kind& k) { return !k.bound() || k.is(ValueKind::nil); };
  const Kind& step = kind_of_part(2);
  return is_open(kind_of_part(0)) && is_open(kind_of_part(1)) && step.is(ValueKind::integer) &&
         step.known && step.literal == -1;
}

// A bound of a slice: from the end if it is negative, and never outside.
int Specialiser::bound(const Val& v, int size, int least, int most, int otherwise) {
  if (!v.kind.bound() || v.kind.is(ValueKind::nil)) return otherwise;
  const bool whole =
      v.kind.is(ValueKind::integer) || (v.kind.is(ValueKind::scalar) && is_integer(v.kind.dtype));
  if (!whole) decline("a slice in it has a bound that is no int");
  const int i = as_int64(v);
  const int negative = compute(Opcode::less, i64, i, integer(0));
  const int from_end =
      compute(Opcode::select, i64, negative, compute(Opcode::add, i64, i, size), i);
  return compute(Opcode::minimum, i64, compute(Opcode::maximum, i64, from_end, least), most);
}

int Specialiser::stride_of(const Kind& line) {
  const int stride = stride_of(line.array, static_cast<int>(line.literal));
  return line.flipped ? compute(Opcode::subtract, i64, integer(0), stride, -1, true) : stride;
}

// The same line from its end to its beginning.
void Specialiser::take_flipped(int argument, const Val& v) {
  const auto [line, count] = line_of(argument, v);
  Kind k = python_kind(ValueKind::object);
  k.line = true;
  k.dtype = v.kind.dtype;
  k.array = v.kind.array;
  k.flipped = !v.kind.flipped;
  k.literal =
      v.kind.line ? v.kind.literal : out_->arrays[static_cast<std::size_t>(v.kind.array)].rank - 1;
  const int before_last =
      compute(Opcode::maximum, i64, compute(Opcode::subtract, i64, count, integer(1)), integer(0));
  const int moved = compute(Opcode::multiply, i64, before_last, line.stride, -1, true);
  const int dst = node().dst;
  state_.kinds[static_cast<std::size_t>(dst)] = k;
  set(cell(dst, i64, 0), compute(Opcode::add, i64, line.offset, moved, -1, true));
  set(cell(dst, i64, 1), count);
}

void Specialiser::take_line(const Kind& k, int base_var, std::size_t first_item) {
  const auto& args = node().op->args;
  if (!k.is(ValueKind::array)) decline("it takes a slice of something else than an array");
  if (static_cast<int>(args.size() - first_item) != k.rank) decline("a slice has several axes");
  Kind line = python_kind(ValueKind::object);
  line.line = true;
  line.dtype = k.dtype;
  line.array = k.array;
  int offset = is_row(k) ? get(cell(base_var, i64)) : integer(0);
  int count = -1;
  for (int axis = 0; axis < k.rank; ++axis) {
    const Val v = read(node().base + args[first_item + static_cast<std::size_t>(axis)]);
    const int whole_axis = out_->arrays[static_cast<std::size_t>(k.array)].rank - k.rank + axis;
    int at;
    if (v.kind.is(ValueKind::span)) {
      const Node& made = flat_.nodes[static_cast<std::size_t>(v.kind.literal)];
      Val bounds[3];
      for (std::size_t b = 0; b < made.op->args.size() && b < 3; ++b) {
        if (made.op->args[b] >= 0) bounds[b] = read(made.base + made.op->args[b]);
      }
      const Kind& step = bounds[2].kind;
      const bool none = !step.bound() || step.is(ValueKind::nil);
      const bool one = step.is(ValueKind::integer) && step.known && std::abs(step.literal) == 1;
      if (!none && !one) decline("a slice in it has a step");
      line.flipped = one && step.literal < 0;
      const int size = length(k, axis);
      const int last = compute(Opcode::subtract, i64, size, integer(1));
      const int least = integer(line.flipped ? -1 : 0), most = line.flipped ? last : size;
      at = bound(bounds[0], size, least, most, line.flipped ? last : least);
      const int stop = bound(bounds[1], size, least, most, line.flipped ? least : size);
      const int gap = line.flipped ? compute(Opcode::subtract, i64, at, stop)
                                   : compute(Opcode::subtract, i64, stop, at);
      count = compute(Opcode::maximum, i64, gap, integer(0));
      line.literal = whole_axis;
    } else {
      at = index_value(v, k, axis);
    }
    const int moved = compute(Opcode::multiply, i64, at, stride_of(k.array, whole_axis), -1, true);
    offset = compute(Opcode::add, i64, offset, moved, -1, true);
  }
  const int dst = node().dst;
  state_.kinds[static_cast<std::size_t>(dst)] = line;
  set(cell(dst, i64, 0), offset);
  set(cell(dst, i64, 1), count);
}

// A slice, a row or a vector, with its length.
std::pair<Line, int> Specialiser::line_of(int argument, const Val& v) {
  const int variable = node().base + node().op->args[static_cast<std::size_t>(argument)];
  const Kind& k = v.kind;
  if (k.is_pending()) decline("it uses elements that it does not store");
  if (k.line)
    return {{k.array, get(cell(variable, i64, 0)), stride_of(k)}, get(cell(variable, i64, 1))};
  if (!k.is(ValueKind::array) || k.rank != 1)
    decline("it works on something else than numbers and vectors");
  const int last = out_->arrays[static_cast<std::size_t>(k.array)].rank - 1;
  const int offset = is_row(k) ? get(cell(variable, i64)) : integer(0);
  return {{k.array, offset, stride_of(k.array, last)}, length(k, 0)};
}

// Long lines are left to the interpreter, which shares them out.
Val Specialiser::dot(std::span<const Val> args) {
  if (args.size() != 2) decline("it calls dot with more than two arguments");
  const DotLines function = find_dot_lines(args[0].kind.dtype);
  const auto [a, length_a] = line_of(0, args[0]);
  const auto [b, length_b] = line_of(1, args[1]);
  if (args[0].kind.dtype != args[1].kind.dtype || !function)
    decline("it calls dot on other dtypes than float32 or float64");
  leave_if(compute(Opcode::not_equal, i64, length_a, length_b));
  leave_if(compute(Opcode::less, i64, integer(longest_dot_line), length_a));
  emit({.what = Do::poll, .a = length_a, .index = exit_here()});
  out_->dots.push_back({a, b, length_a});
  const DType d = args[0].kind.dtype;
  const int value = emit({.what = Do::dot,
                          .dtype = d,
                          .index = static_cast<int>(out_->dots.size()) - 1,
                          .literal = reinterpret_cast<std::uint64_t>(function)});
  if (request_.wanted != 0) {
    out_->meets_conditions = true;
    out_->conditions.push_back(node().op);
    // What is finite in the end was finite all along.
    if (request_.careful) leave_if(negated(finite(value, d)));
    if (request_.noting)
      emit({.what = Do::note, .dtype = DType::boolean, .a = negated(finite(value, d))});
  }
  return {scalar_kind(d), value};
}

}  // namespace jetlag::loops
