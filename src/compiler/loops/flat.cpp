#include "compiler/loops/flat.h"

namespace jetlag::loops {

using plan::Op;
using plan::OpKind;
using plan::Statement;
using plan::StatementKind;

namespace {

class Flattener {
 public:
  Flattener(Flat& flat) : flat_(flat) {}

  void run() {
    block(flat_.function->body, -1, -1, 0, -1);
    Node end;
    end.kind = NodeKind::finish;
    end.resumable = false;
    add(std::move(end));
  }

 private:
  struct Open {
    int head;
    std::vector<int> breaks;
  };

  int here() const { return static_cast<int>(flat_.nodes.size()); }

  int add(Node node) {
    node.branches = branches_;
    if (node.yes < 0) node.yes = here() + 1;
    flat_.nodes.push_back(std::move(node));
    return here() - 1;
  }

  Node at_statement(const Statement& s, int where, int base, int at) {
    Node node;
    node.statement = &s;
    node.where = where;
    node.base = base;
    node.at = at;
    return node;
  }

  void move(const Statement& s, int where, int dst, int src) {
    if (dst < 0) return;
    Node node = at_statement(s, where, 0, 0);
    node.kind = NodeKind::move;
    node.dst = dst;
    node.src = src;
    node.resumable = false;
    add(std::move(node));
  }

  // `result` takes the value of the block; -1: nobody reads it.
  void block(const plan::Block& b, int parent, int op, int number, int result) {
    int index = 0;
    for (const Statement& s : b.statements) {
      flat_.wheres.push_back({parent, op, number, index++, &s});
      statement(s, static_cast<int>(flat_.wheres.size()) - 1, result);
    }
  }

  // Gives the register of the region's value, -1 for None.
  int region(const Statement& s, int where) {
    const plan::Region& r = s.region;
    const int base = flat_.variables;
    flat_.base_of[&r] = base;
    flat_.variables += static_cast<int>(r.ops.size());
    for (int k = 0; k < static_cast<int>(r.ops.size()); ++k) operation(s, where, base, k);
    return r.result < 0 ? -1 : base + r.result;
  }

  void operation(const Statement& s, int where, int base, int k) {
    const Op& op = s.region.ops[static_cast<std::size_t>(k)];
    if (op.kind == OpKind::nested) return block(op.blocks[0], where, k, 0, base + k);
    if (op.kind == OpKind::all || op.kind == OpKind::any) return logical(s, where, base, k);
    Node node = at_statement(s, where, base, k);
    node.kind = NodeKind::op;
    node.op = &op;
    node.dst = base + k;
    add(std::move(node));
  }

  void logical(const Statement& s, int where, int base, int k) {
    const Op& op = s.region.ops[static_cast<std::size_t>(k)];
    move(s, where, base + k, base + op.args[0]);
    std::vector<int> decided;
    for (std::size_t j = 0; j < op.blocks.size(); ++j) {
      Node test = at_statement(s, where, base, k);
      test.kind = NodeKind::test;
      test.src = base + k;
      test.resumable = false;
      decided.push_back(add(std::move(test)));
      ++branches_;
      block(op.blocks[j], where, k, static_cast<int>(j), base + k);
      --branches_;
    }
    for (int t : decided) {
      Node& test = flat_.nodes[static_cast<std::size_t>(t)];
      test.no = here();
      if (op.kind == OpKind::any) std::swap(test.yes, test.no);
    }
  }

  int test(const Statement& s, int where, int src) {
    Node node =
        at_statement(s, where, flat_.base_of[&s.region], static_cast<int>(s.region.ops.size()));
    node.kind = NodeKind::test;
    node.src = src;
    return add(std::move(node));
  }

  int jump(const Statement& s, int where, int to) {
    Node node = at_statement(s, where, 0, 0);
    node.resumable = false;
    node.yes = to;
    return add(std::move(node));
  }

  Node& node(int n) { return flat_.nodes[static_cast<std::size_t>(n)]; }

  void statement(const Statement& s, int where, int result) {
    switch (s.kind) {
      case StatementKind::region: return move(s, where, result, region(s, where));
      case StatementKind::branch: return branch(s, where, result);
      case StatementKind::loop:
      case StatementKind::for_each: return loop(s, where, result);
      case StatementKind::leave: {
        const int value = region(s, where);
        Node leave =
            at_statement(s, where, flat_.base_of[&s.region], static_cast<int>(s.region.ops.size()));
        leave.kind = NodeKind::leave;
        leave.src = value;
        add(std::move(leave));
        return;
      }
      case StatementKind::break_: open_.back().breaks.push_back(jump(s, where, -2)); return;
      case StatementKind::continue_: jump(s, where, open_.back().head); return;
      case StatementKind::opaque_block: {
        Node other = at_statement(s, where, 0, 0);
        other.kind = NodeKind::other;
        const int n = add(std::move(other));
        if (open_.empty()) return;
        // It may go to the next round of the loop around it, or to its end: for liveness only.
        Node way = at_statement(s, where, 0, 0);
        way.kind = NodeKind::test;
        way.resumable = false;
        way.yes = open_.back().head;
        way.no = -2;
        const int w = add(std::move(way));
        open_.back().breaks.push_back(w);
        node(n).no = w;
        node(n).yes = here();
        return;
      }
    }
  }

  void branch(const Statement& s, int where, int result) {
    const int value = region(s, where);
    const int test_node = test(s, where, value);
    ++branches_;
    if (result >= 0) move(s, where, result, -1);
    block(s.blocks[0], where, -1, 0, result);
    const int over = jump(s, where, -2);
    node(test_node).no = here();
    if (result >= 0) move(s, where, result, -1);
    if (s.blocks.size() > 1) block(s.blocks[1], where, -1, 1, result);
    node(over).yes = here();
    --branches_;
  }

  void loop(const Statement& s, int where, int result) {
    const int number = static_cast<int>(flat_.loops.size());
    const int outside = std::exchange(branches_, 0);
    flat_.loop_of[&s] = number;
    LoopSpan span;
    span.statement = &s;
    span.parent = current_;
    span.first = here();
    span.counted = s.kind == StatementKind::for_each;
    span.variable = span.counted ? s.variable.slot : -1;
    for (int outer = current_; outer >= 0;
         outer = flat_.loops[static_cast<std::size_t>(outer)].parent)
      flat_.loops[static_cast<std::size_t>(outer)].inner = false;
    flat_.loops.push_back(std::move(span));
    const int around = std::exchange(current_, number);

    int control;
    int head = here();
    if (s.kind == StatementKind::for_each) {
      const int value = region(s, where);
      Node begin =
          at_statement(s, where, flat_.base_of[&s.region], static_cast<int>(s.region.ops.size()));
      begin.kind = NodeKind::begin;
      begin.src = value;
      begin.loop = number;
      add(std::move(begin));
      head = here();
      Node next = at_statement(s, where, 0, -1);
      next.kind = NodeKind::next;
      next.loop = number;
      control = add(std::move(next));
    } else {
      const int value = region(s, where);
      control = test(s, where, value);
    }
    open_.push_back({head, {}});
    block(s.blocks[0], where, -1, 0, -1);
    jump(s, where, head);
    node(control).no = here();
    const std::vector<int> breaks = std::move(open_.back().breaks);
    open_.pop_back();
    current_ = around;
    if (s.blocks.size() > 1) block(s.blocks[1], where, -1, 1, -1);
    for (int b : breaks) (node(b).no == -2 ? node(b).no : node(b).yes) = here();
    LoopSpan& done = flat_.loops[static_cast<std::size_t>(number)];
    done.head = head;
    done.last = here();
    branches_ = outside;
    move(s, where, result, -1);
  }

  Flat& flat_;
  std::vector<Open> open_;
  int current_ = -1;
  int branches_ = 0;
};

// ---- what is read later -----------------------------------------------------------

int variable_of(const plan::Variable& v) { return v.depth == 0 ? v.slot : -1; }

void uses_and_definition(const Flat& f, const Node& n, std::vector<int>& uses, int& defined) {
  defined = -1;
  switch (n.kind) {
    case NodeKind::move: uses.push_back(n.src), defined = n.dst; return;
    case NodeKind::test:
    case NodeKind::begin:
    case NodeKind::leave: uses.push_back(n.src); return;
    case NodeKind::other:
      for (const plan::Variable& v : n.statement->inputs) uses.push_back(variable_of(v));
      return;
    case NodeKind::op: break;
    default: return;
  }
  const Op& op = *n.op;
  for (int a : op.args) uses.push_back(a < 0 ? -1 : n.base + a);
  if (op.kind == OpKind::variable || op.kind == OpKind::unbind)
    uses.push_back(variable_of(op.variable));
  if (op.kind == OpKind::capture) uses.push_back(f.capture(op.index));
  defined = n.dst;
}

void find_live(Flat& f) {
  const std::size_t count = f.nodes.size();
  f.live.assign(count + 1, std::vector<bool>(static_cast<std::size_t>(f.variables)));
  std::vector<int> uses;
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t i = count; i-- > 0;) {
      const Node& n = f.nodes[i];
      std::vector<bool> live(static_cast<std::size_t>(f.variables));
      const auto join = [&](int to) {
        if (to < 0) return;
        const auto& other = f.live[static_cast<std::size_t>(to)];
        for (std::size_t v = 0; v < live.size(); ++v) live[v] = live[v] || other[v];
      };
      if (n.kind != NodeKind::leave && n.kind != NodeKind::finish) join(n.yes), join(n.no);
      uses.clear();
      int defined;
      uses_and_definition(f, n, uses, defined);
      const auto kill = [&](int v) {
        if (v >= 0) live[static_cast<std::size_t>(v)] = false;
      };
      kill(defined);
      if (n.kind == NodeKind::op && n.op->kind == OpKind::assign) kill(variable_of(n.op->variable));
      // The loop's variable is bound on the way into the body only; without a
      // round it keeps its value.
      if (n.kind == NodeKind::next) {
        const int v = f.loops[static_cast<std::size_t>(n.loop)].variable;
        kill(v);
        if (f.live[static_cast<std::size_t>(n.no)][static_cast<std::size_t>(v)])
          live[static_cast<std::size_t>(v)] = true;
      }
      for (int u : uses) {
        if (u >= 0) live[static_cast<std::size_t>(u)] = true;
      }
      if (live != f.live[i]) f.live[i] = std::move(live), changed = true;
    }
  }
}

void find_assigned(Flat& f) {
  for (LoopSpan& loop : f.loops) {
    loop.assigned.assign(static_cast<std::size_t>(f.slots), false);
    for (int i = loop.first; i < loop.last; ++i) {
      const Node& n = f.nodes[static_cast<std::size_t>(i)];
      int v = -1;
      if (n.kind == NodeKind::next) v = f.loops[static_cast<std::size_t>(n.loop)].variable;
      if (n.kind == NodeKind::op && (n.op->kind == OpKind::assign || n.op->kind == OpKind::unbind))
        v = variable_of(n.op->variable);
      if (n.kind == NodeKind::other) {
        for (const plan::Variable& out : n.statement->outputs) {
          if (out.depth == 0) loop.assigned[static_cast<std::size_t>(out.slot)] = true;
        }
      }
      if (v >= 0) loop.assigned[static_cast<std::size_t>(v)] = true;
    }
  }
}

}  // namespace

int Flat::enclosing(int node) const {
  int found = -1;
  for (std::size_t i = 0; i < loops.size(); ++i) {
    if (loops[i].first <= node && node < loops[i].last) found = static_cast<int>(i);
  }
  return found;
}

std::shared_ptr<const Flat> flatten(const plan::Program& program, const plan::Function& function) {
  auto flat = std::make_shared<Flat>();
  flat->function = &function;
  flat->slots = static_cast<int>(function.slots.size());
  flat->captures = static_cast<int>(program.captures.size());
  flat->variables = flat->slots + flat->captures;
  flat->usable = function.python && !function.needs_frame;
  if (!flat->usable) return flat;
  Flattener(*flat).run();
  find_assigned(*flat);
  find_live(*flat);
  return flat;
}

}  // namespace jetlag::loops
