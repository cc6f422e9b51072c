// Checks made once before the rounds of an innermost loop: an int that is a sum of products of
// the loop's variable and of what does not change in it is largest and smallest at the ends.
#include "compiler/loops/specialiser.h"

namespace jetlag::loops {

namespace {

constexpr DType i64 = DType::int64;

}  // namespace

int Specialiser::symbol(Symbol s) {
  const auto [at, fresh] = symbol_numbers_.try_emplace(s, static_cast<int>(symbols_.size()));
  if (fresh) symbols_.push_back(s);
  return at->second;
}

int Specialiser::symbol_of(const Val& v) {
  if (!v.kind.is(ValueKind::integer)) return -1;
  if (v.kind.known) return symbol({Symbol::Form::constant, v.kind.literal, 0, false});
  return v.kind.symbol;
}

void Specialiser::require(int symbol, int array, int axis) {
  checks_[static_cast<std::size_t>(state_.check)].requirements.insert({symbol, array, axis});
}

Val Specialiser::symbolic(Opcode opcode, const Val& a, const Val& b) {
  if (state_.mode != Mode::checked_before) return {};
  const int x = symbol_of(a), y = symbol_of(b);
  if (x < 0 || y < 0) return {};
  const bool varies_a = symbols_[static_cast<std::size_t>(x)].varies;
  const bool varies_b = symbols_[static_cast<std::size_t>(y)].varies;
  if (opcode == Opcode::multiply && varies_a && varies_b) return {};
  const auto form = opcode == Opcode::add        ? Symbol::Form::add
                    : opcode == Opcode::subtract ? Symbol::Form::subtract
                                                 : Symbol::Form::multiply;
  Kind k = python_kind(ValueKind::integer);
  k.symbol = symbol({form, x, y, varies_a || varies_b});
  require(k.symbol);
  return {k, compute(opcode, i64, a.value, b.value, -1, true)};
}

// The symbol at one end; ok becomes false where something overflows on the way.
int Specialiser::evaluate_symbol(const State& state, int number, int loop_value, int& ok) {
  const Symbol s = symbols_[static_cast<std::size_t>(number)];
  switch (s.form) {
    case Symbol::Form::constant: return integer(s.a);
    case Symbol::Form::variable: return get(cell(static_cast<int>(s.a), i64));
    case Symbol::Form::loop: return loop_value;
    default: break;
  }
  const int a = evaluate_symbol(state, static_cast<int>(s.a), loop_value, ok);
  const int b = evaluate_symbol(state, static_cast<int>(s.b), loop_value, ok);
  const Opcode o = s.form == Symbol::Form::add        ? Opcode::add
                   : s.form == Symbol::Form::subtract ? Opcode::subtract
                                                      : Opcode::multiply;
  const int over = emit({.what = Do::overflows, .opcode = o, .dtype = i64, .a = a, .b = b});
  ok = both(ok, negated(over));
  return compute(o, i64, a, b);
}

void Specialiser::close_check(const Check& check) {
  block_ = check.block;
  const int start = get(loop_cell(check.loop, 0)), by = get(loop_cell(check.loop, 1));
  const auto at = [&](int position) {
    return compute(Opcode::add, i64, start, compute(Opcode::multiply, i64, position, by));
  };
  const int position = get(loop_cell(check.loop, 3)), count = get(loop_cell(check.loop, 2));
  const int ends[] = {at(position), at(compute(Opcode::subtract, i64, count, integer(1)))};
  int ok = literal(DType::boolean, 1);
  // Requirements of one symbol stand together. The shortest axis that it indexes stands for all:
  // that does not change in the loops around.
  for (auto r = check.requirements.begin(); r != check.requirements.end();) {
    const int number = r->symbol;
    int shortest = -1;
    for (; r != check.requirements.end() && r->symbol == number; ++r) {
      if (r->array < 0) continue;
      const int size = emit({.what = Do::length, .dtype = i64, .index = r->array, .axis = r->axis});
      shortest = shortest < 0 ? size : compute(Opcode::minimum, i64, shortest, size);
    }
    for (int end : ends) {
      const int value = evaluate_symbol(check.state, number, end, ok);
      if (shortest >= 0) ok = both(ok, compute(Opcode::less, DType::uint64, value, shortest));
      if (!symbols_[static_cast<std::size_t>(number)].varies) break;
    }
  }
  end_branch(ok, check.part, check.no, Odds::yes);
}

}  // namespace jetlag::loops
