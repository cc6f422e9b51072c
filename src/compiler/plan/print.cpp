// The plan as text: one operation a line, registers as %n.
#include "base/text.h"
#include "compiler/plan/plan.h"

namespace jetlag::plan {

std::string_view name_of(OpKind kind) {
  constexpr std::string_view names[] = {
      "constant",  "variable",   "capture", "call",   "function", "apply", "host",
      "method",    "attribute",  "opaque",  "print",  "tuple",    "list",  "span",
      "index",     "closure",    "block",   "and",    "or",       "fmap",  "filter",
      "fold_left", "fold_right", "apply",   "assign", "store",    "store", "augment",
      "augment",   "augment",    "unpack",  "item",   "unbind"};
  return names[static_cast<std::size_t>(kind)];
}

namespace {

class Printer {
 public:
  std::string text;

  void function(const Function& f) {
    std::string params;
    for (const Param& p : f.params) params += (params.empty() ? "" : ", ") + p.name;
    line(format("function {}({})", f.name, params), f.place);
    indented([&] { block(f.body); });
  }

 private:
  template <class F>
  void indented(const F& f) {
    ++depth_;
    f();
    --depth_;
  }

  void line(const std::string& what, Place place = {}) {
    text += std::string(static_cast<std::size_t>(2 * depth_), ' ') + what;
    if (place.known()) text += format("  # line {}", place.line);
    text += '\n';
  }

  void block(const Block& b) {
    for (const Statement& s : b.statements) statement(s);
  }

  void statement(const Statement& s) {
    constexpr std::string_view heads[] = {"region", "if",    "while",    "for_each",
                                          "return", "break", "continue", "opaque_block"};
    line(std::string(heads[static_cast<std::size_t>(s.kind)]), s.place);
    indented([&] {
      region(s.region);
      for (std::size_t i = 0; i < s.blocks.size(); ++i) {
        line(i == 0 ? "then" : "else");
        indented([&] { block(s.blocks[i]); });
      }
    });
  }

  void region(const Region& r) {
    for (std::size_t k = 0; k < r.ops.size(); ++k) op(r, static_cast<int>(k));
    if (r.result >= 0 && !r.ops.empty()) line(format("value %{}", r.result));
  }

  void op(const Region& r, int k) {
    const Op& op = r.ops[static_cast<std::size_t>(k)];
    if (op.kind == OpKind::assign && op.variable.slot < 0) return;
    std::string what = format("%{} = {}", k, label(op));
    if (op.group >= 0) what += format("  [fused {}]", op.group);
    if (op.recall && op.recall->first != k) what += format("  [as %{}]", op.recall->first);
    if (op.recall && op.recall->loop >= 0) what += "  [kept for rounds]";
    line(what, op.place);
    for (const Block& b : op.blocks) indented([&] { block(b); });
  }

  static std::string label(const Op& op) {
    std::string name(op.primitive ? op.primitive->name : name_of(op.kind));
    if (op.function) name = op.function->name;
    if (!op.name.empty() && op.name != name) name += " " + op.name;
    if (op.kind == OpKind::constant) return describe(op.constant);
    std::string args;
    for (int a : op.args) {
      if (a >= 0) args += (args.empty() ? "%" : ", %") + std::to_string(a);
    }
    return name + "(" + args + ")";
  }

  int depth_ = 0;
};

}  // namespace

std::string print(const Program& program) {
  Printer printer;
  for (const auto& f : program.functions) printer.function(*f);
  return printer.text;
}

}  // namespace jetlag::plan
