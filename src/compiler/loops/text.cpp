// A program as text: for tests, and as the name of what is compiled from it.
#include <algorithm>

#include "compiler/loops/program.h"

namespace jetlag::loops {

namespace {

constexpr std::string_view names[] = {
    "literal",  "get",       "set",   "compute", "cast",   "truncate", "checked", "overflows",
    "leave_if", "load",      "store", "length",  "stride", "library",  "kernel",  "vectors",
    "invoke",   "imaginary", "dot",   "work",    "note",   "poll"};

std::string kind_text(const Kind& k) {
  if (k.is(ValueKind::scalar)) return std::string(info(k.dtype).letter);
  if (k.is(ValueKind::array)) return format("array{}/{}", k.array, k.rank);
  return format("kind{}", static_cast<int>(k.kind));
}

std::string instruction(const Instr& i, int number) {
  std::string text = format("  %{} = {}", number, names[static_cast<int>(i.what)]);
  if (i.what == Do::compute || i.what == Do::checked || i.what == Do::overflows ||
      i.what == Do::kernel)
    text += format(" {}", info(i.opcode).name);
  text += format(" {}", info(i.dtype).letter);
  for (int v : {i.a, i.b, i.c}) {
    if (v >= 0) text += format(" %{}", v);
  }
  if (i.index >= 0) text += format(" #{}", i.index);
  if (i.axis != 0) text += format(" axis {}", i.axis);
  if (i.what == Do::literal) text += format(" {:x}", i.literal);
  if (i.name) text += format(" {}", i.name);
  if (i.steady) text += " steady";
  if (i.fast) text += " fast";
  return text + "\n";
}

std::string saved_text(const std::vector<Saved>& variables) {
  std::string text;
  for (const Saved& s : variables)
    text += format(" v{}:{}@{},{}", s.variable, kind_text(s.kind), s.cell, s.more);
  return text;
}

}  // namespace

std::string to_text(const Program& p) {
  std::string text = format("disjoint {} careful {} noting {}\n", p.disjoint, p.careful, p.noting);
  for (const ArrayOperand& a : p.arrays) {
    text += format("array {}[{}]{}{}\n", info(a.dtype).letter, a.rank,
                   a.contiguous_last ? " contiguous" : "", a.written ? " written" : "");
  }
  for (DType d : p.cells) text += format("cell {}\n", info(d).letter);
  text += format("in{}", saved_text(p.live_in));
  for (int c : p.loop_live_in) text += format(" loop@{}", c);
  text += "\n";
  for (std::size_t i = 0; i < p.blocks.size(); ++i) {
    const Block& b = p.blocks[i];
    text += format("block {}\n", i);
    for (int n : b.instructions)
      text += instruction(p.instructions[static_cast<std::size_t>(n)], n);
    text += format("  end {} %{} %{} {} {} exit {} odds {}\n", static_cast<int>(b.end), b.value,
                   b.imaginary, b.yes, b.no, b.exit, static_cast<int>(b.odds));
  }
  for (std::size_t i = 0; i < p.exits.size(); ++i) {
    const Exit& e = p.exits[i];
    text += format("exit {} node {}{}", i, e.node, saved_text(e.variables));
    for (int c : e.loop_cells) text += format(" @{}", c);
    text += "\n";
  }
  for (const Call& c : p.calls) {
    text += format("call f{}", c.function);
    for (int a : c.arguments) text += format(" %{}", a);
    text += "\n";
  }
  for (const Dot& d : p.dots) {
    for (const Line& l : {d.a, d.b})
      text += format("line of array {} from %{} by %{} ", l.array, l.offset, l.stride);
    text += format("length %{}\n", d.length);
  }
  for (const LineWork& w : p.works) {
    text += format("work {:x} wanted {} length %{}", w.code, w.wanted, w.length);
    text += format(" to array {} from %{} by %{}", w.to.array, w.to.offset, w.to.stride);
    for (const LineWork::Operand& o : w.operands)
      text += format(" array {} from %{} by %{} or %{}", o.line.array, o.line.offset, o.line.stride,
                     o.number);
    text += "\n";
  }
  if (p.is_function) text += format("gives {}\n", kind_text(p.result));
  for (std::size_t i = 0; i < p.functions.size(); ++i)
    text += format("function f{}\n{}", i, to_text(*p.functions[i]));
  return text;
}

}  // namespace jetlag::loops
