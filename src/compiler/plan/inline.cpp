#include "compiler/plan/inline.h"

#include <algorithm>
#include <set>

#include "compiler/plan/build.h"
#include "compiler/plan/rules.h"
#include "primitives/primitive.h"

namespace jetlag::plan {

using physl::Node;
using physl::NodeKind;
using physl::NodePtr;

namespace {

constexpr int most_nodes = 200;
constexpr int too_large = most_nodes + 1;
constexpr int most_inlined_nodes = 4000;  // in a program

// One body, from its first statement to its return.
class Body {
 public:
  template <class F>
  Body(const Node& function, const F& size_of) : size_of_(size_of) {
    const auto& children = function.children;
    for (std::size_t i = 1; i + 1 < children.size(); ++i) {
      const Node& p = *children[i];
      bound_.insert(p.is_call("__arg") ? p.children[0]->text : p.text);
    }
    find_locals(*children.back());
    statement(*children.back());
  }

  // Nodes, with those of the calls inside.
  int size() const { return returned_ ? std::min(size_, too_large) : too_large; }

 private:
  void refuse() { size_ = too_large; }

  static bool is_assignment(const Node& n) {
    return (n.is_call("define") || n.is_call("store")) && n.children.size() == 2 &&
           n.attribute.empty() && n.children[0]->kind == NodeKind::name;
  }

  void find_locals(const Node& n) {
    if (is_assignment(n)) locals_.insert(n.children[0]->text);
    if (n.is_call("block")) {
      for (const NodePtr& child : n.children) find_locals(*child);
    }
  }

  void statement(const Node& n) {
    if (size_ >= too_large || returned_) return refuse();
    if (n.is_call("block")) {
      for (const NodePtr& child : n.children) statement(*child);
    } else if (is_assignment(n)) {
      expression(*n.children[1]);
      bound_.insert(n.children[0]->text);
    } else if (n.is_call("return") && n.children.size() == 1) {
      expression(*n.children[0]);
      returned_ = true;
    } else {
      refuse();
    }
  }

  void expression(const Node& n) {
    if (++size_ >= too_large) return;
    switch (n.kind) {
      case NodeKind::name:
        // A variable that has no value yet is an error to be raised where it stands.
        if (locals_.contains(n.text) && !bound_.contains(n.text)) refuse();
        return;
      case NodeKind::list: return all(n.children);
      case NodeKind::call: return call(n);
      default: return;
    }
  }

  void call(const Node& n) {
    const Primitive* p = n.quoted ? nullptr : find_primitive(n.text);
    if (!p) {
      const bool is_variable = bound_.contains(n.text) || locals_.contains(n.text);
      size_ += is_variable ? too_large : size_of_(n.text);
    } else if (p->form != Form::none && !is_plain(p->form)) {
      return refuse();
    }
    all(n.children);
  }

  // Computes one value, from those of its parts.
  static bool is_plain(Form form) {
    return form == Form::tuple || form == Form::list || form == Form::span || form == Form::index ||
           form == Form::attribute || form == Form::method;
  }

  void all(const std::vector<NodePtr>& nodes) {
    for (const NodePtr& n : nodes) expression(n->is_call("__arg") ? *n->children[1] : *n);
  }

  std::function<int(const std::string&)> size_of_;
  std::set<std::string> bound_, locals_;
  int size_ = 0;
  bool returned_ = false;
};

}  // namespace

bool Inlining::suits(const std::string& function) { return measured(function) <= most_nodes; }

int Inlining::measured(const std::string& function) {
  // While its own body is looked at, a function does not suit: it calls itself.
  const auto [known, is_new] = sizes_.try_emplace(function, too_large);
  const auto at = functions_.find(function);
  if (!is_new || at == functions_.end()) return known->second;
  const int size = Body(*at->second, [this](const std::string& f) { return measured(f); }).size();
  return sizes_[function] = size;
}

// ---- the builder's part -------------------------------------------------------

namespace {

// Python may know of the value, which then lives as long as the call, like its variable.
bool may_be_known(const Op& op) {
  switch (op.kind) {
    case OpKind::constant:
    case OpKind::variable:
    case OpKind::capture:
    case OpKind::call:
    case OpKind::span: return false;
    default: return true;
  }
}

}  // namespace

// f(a) + b → g(a) + b, f(x) being g(x). Errors and conditions are told as of the call:
// Op::within says which it is. -1: it stays a call.
int Builder::inlined_call(Context& context, const Op& op, const Callee& callee, Writer& writer) {
  const NodePtr& node = op.node;
  const bool is_complete =
      std::all_of(op.args.begin(), op.args.end(), [](int a) { return a >= 0; });
  if (!is_on("inline-calls") || !is_complete || !inlining.suits(node->text)) return -1;
  const int size = inlining.size(node->text);
  if (inlined_nodes + size > most_inlined_nodes) return -1;
  if (!context.within) inlined_nodes += size;

  program.inlined.push_back(
      std::make_unique<Inlined>(Inlined{callee.function, node->place, context.within}));
  Context inside;
  inside.function = callee.function;
  inside.captures = callee.captures;
  inside.within = program.inlined.back().get();
  const auto params = inner(definitions.at(node->text), 1);
  for (std::size_t i = 0; i < params.size(); ++i) {
    const Node& p = *params[i];
    inside.registers[p.is_call("__arg") ? p.children[0]->text : p.text] = op.args[i];
  }
  const Inlined* around = writer.stand_within(inside.within);
  const int result = inlined_body(inside, definitions.at(node->text)->children.back(), writer);
  const auto hold = [&](int reg) {
    if (!may_be_known(writer.op(reg))) return;
    Op held;
    held.kind = OpKind::assign;
    held.args = {reg};
    writer.emit(std::move(held));
  };
  for (const auto& [_, reg] : inside.registers) hold(reg);
  writer.stand_within(around);
  return result;
}

int Builder::inlined_body(Context& inside, const NodePtr& node, Writer& writer) {
  if (node->is_call("return")) return expression(inside, node->children[0], writer);
  if (!node->is_call("block")) return expression(inside, node, writer);
  int last = -1;
  for (const NodePtr& child : node->children) last = inlined_body(inside, child, writer);
  return last;
}

}  // namespace jetlag::plan
