// Elementwise work on slices, rows and vectors, stored into one: `y[:k] += a * x[:k]`. Nothing is
// computed until it is stored, so no array is made; one call of the primitives does it all.
#include "primitives/line_work.h"

#include <algorithm>
#include <array>

#include "compiler/loops/specialiser.h"
#include "compiler/plan/independent.h"

namespace jetlag::loops {

namespace {

constexpr DType i64 = DType::int64;

struct LineOperation {
  std::string_view ufunc;
  Opcode opcode;
};
constexpr LineOperation operations[] = {
    {"add", Opcode::add},       {"subtract", Opcode::subtract}, {"multiply", Opcode::multiply},
    {"divide", Opcode::divide}, {"negative", Opcode::negate},   {"absolute", Opcode::absolute},
    {"sqrt", Opcode::sqrt},
};

const LineOperation* find_operation(const Primitive& p) {
  const std::string_view name = p.ufunc.empty() ? std::string_view(p.name) : p.ufunc;
  const auto* at = std::find_if(std::begin(operations), std::end(operations),
                                [&](const LineOperation& o) { return o.ufunc == name; });
  return at == std::end(operations) ? nullptr : at;
}

bool is_vector(const Kind& k) { return k.line || (k.is(ValueKind::array) && k.rank == 1); }

}  // namespace

bool Specialiser::is_on_lines(std::span<const Val> args) {
  return std::any_of(args.begin(), args.end(), [](const Val& v) { return is_vector(v.kind); });
}

// An operand: its length is -1 if it is a number.
Pending Specialiser::elements(int argument, const Val& v, DType dtype) {
  if (v.kind.is_pending()) return pending_[static_cast<std::size_t>(v.kind.literal)];
  Pending one{.first = node_, .dtype = dtype, .operands = {}, .code = {}, .length = -1};
  if (is_vector(v.kind)) {
    const auto [line, length] = line_of(argument, v);
    one.operands.push_back({line, -1});
    one.code.push_back(static_cast<std::uint8_t>(LineStep::line));
    one.length = length;
    return one;
  }
  if (!v.kind.is_number()) decline("it works on something else than numbers and vectors");
  if (!v.kind.is_python_number() && v.kind.dtype != dtype)
    decline("it works on numbers and vectors of different dtypes");
  one.operands.push_back({{}, converted(v, dtype, v.kind.is_python_number())});
  one.code.push_back(static_cast<std::uint8_t>(LineStep::number));
  return one;
}

Pending Specialiser::combined(const Primitive& p, std::span<const Val> args,
                              std::span<const int> numbers) {
  const LineOperation* operation = find_operation(p);
  if (!operation || static_cast<int>(args.size()) != info(operation->opcode).arity)
    decline(format("it calls {} on vectors", p.name));
  const auto vector =
      std::find_if(args.begin(), args.end(), [](const Val& v) { return is_vector(v.kind); });
  const DType dtype = vector->kind.dtype;
  if (!find_line_work(dtype))
    decline("it works on vectors of other dtypes than float32 or float64");
  Pending made{.first = node_, .dtype = dtype, .operands = {}, .code = {}, .length = -1};
  for (std::size_t k = 0; k < args.size(); ++k) {
    if (is_vector(args[k].kind) && args[k].kind.dtype != dtype)
      decline("it works on vectors of different dtypes");
    const Pending part = elements(numbers[k], args[k], dtype);
    made.first = std::min(made.first, part.first);
    made.operands.insert(made.operands.end(), part.operands.begin(), part.operands.end());
    made.code.insert(made.code.end(), part.code.begin(), part.code.end());
    // Others are broadcast, or an error.
    if (made.length >= 0 && part.length >= 0)
      leave_if(compute(Opcode::not_equal, i64, made.length, part.length));
    if (made.length < 0) made.length = part.length;
  }
  made.code.push_back(line_step(operation->opcode));
  if (made.code.size() > most_line_steps) decline("an expression of vectors in it is long");
  return made;
}

void Specialiser::work_on_lines(const Primitive& p, std::span<const Val> args) {
  constexpr std::array numbers{0, 1, 2};
  pending_.push_back(
      combined(p, args, std::span(numbers).first(std::min<std::size_t>(args.size(), 3))));
  Kind k = python_kind(ValueKind::object);
  k.line = true;
  k.dtype = pending_.back().dtype;
  k.literal = static_cast<std::int64_t>(pending_.size()) - 1;
  state_.kinds[static_cast<std::size_t>(node().dst)] = k;
}

bool Specialiser::stores_a_line(const Kind& k, std::size_t first_item) const {
  if (!k.is(ValueKind::array)) return false;
  const auto items = static_cast<int>(node().op->args.size() - first_item);
  return selects_a_line(first_item) || (k.rank == 2 && items == 1);
}

void Specialiser::store_line(const Kind& k, int base_var, std::size_t first_item) {
  const Val value = argument(0);
  const int dst = node().dst;
  Line to{.array = k.array};
  int count = -1;
  if (selects_a_line(first_item)) {
    take_line(k, base_var, first_item);
    const Kind line = state_.kinds[static_cast<std::size_t>(dst)];
    to.offset = get(cell(dst, i64, 0));
    to.stride = stride_of(line);
    count = get(cell(dst, i64, 1));
  } else {
    to.offset = locate(k, base_var, first_item).offset;
    to.stride = stride_of(k.array, out_->arrays[static_cast<std::size_t>(k.array)].rank - 1);
    count = length(k, k.rank - 1);
  }
  state_.kinds[static_cast<std::size_t>(dst)] = python_kind(ValueKind::object);
  if (!find_line_work(k.dtype))
    decline("it stores to vectors of other dtypes than float32 or float64");
  if (is_vector(value.kind) && value.kind.dtype != k.dtype)
    decline("it stores to vectors of another dtype");
  store_elements(to, k.array, count, elements(0, value, k.dtype));
}

// The line is stored where it was read.
void Specialiser::augment_line(const Val& old, const Val& value) {
  const Node& n = node();
  if (old.kind.is_pending())
    decline("an operation in place works on elements that it does not store");
  const bool names = n.op->kind == plan::OpKind::augment_variable;
  if (names && (old.kind.line || is_row(old.kind))) decline("it changes a row in place");
  const auto [to, count] = line_of(0, old);
  constexpr std::array numbers{0, 1};
  store_elements(to, old.kind.array, count,
                 combined(*n.op->primitive, std::array{old, value}, numbers));
  if (names) return result(old);
  state_.kinds[static_cast<std::size_t>(n.dst)] = python_kind(ValueKind::object);
}

// The next store would compute them anew, from what this one has changed.
bool Specialiser::is_stored_again() const {
  const auto& live = flat_.live[static_cast<std::size_t>(node().yes)];
  for (std::size_t v = 0; v < live.size(); ++v) {
    if (live[v] && state_.kinds[v].is_pending()) return true;
  }
  return false;
}

void Specialiser::store_elements(const Line& to, int array, int length, Pending from) {
  if (is_function_) decline("a function stores to an array");
  if (!out_->arrays[static_cast<std::size_t>(array)].written)
    decline("it stores to an array that is not known to be written");
  // Rounds that run as tasks make better use of the machine.
  const auto& independent = loop_.statement->independent;
  if (independent && independent->why_not.empty()) decline("its rounds store vectors apart");
  const bool computes = from.code.size() > 1;
  if (computes && request_.wanted != 0 && !request_.careful) throw NeedsCare{};
  if (from.length >= 0) leave_if(compute(Opcode::not_equal, i64, length, from.length));
  leave_if(compute(Opcode::less, i64, integer(longest_line_work), length));
  if (is_stored_again()) decline("it stores elements twice");
  const int exit = exit_here();
  emit({.what = Do::poll, .a = length, .index = exit});
  LineWork work{.to = to, .operands = std::move(from.operands), .code = 0, .length = length};
  for (std::size_t k = 0; k < from.code.size(); ++k)
    work.code |= static_cast<std::uint64_t>(from.code[k]) << (8 * k);
  if (computes) work.wanted = request_.wanted;
  out_->works.push_back(std::move(work));
  emit({.what = Do::work,
        .dtype = from.dtype,
        .index = static_cast<int>(out_->works.size()) - 1,
        .axis = exit,
        .literal = reinterpret_cast<std::uint64_t>(find_line_work(from.dtype))});
}

}  // namespace jetlag::loops
