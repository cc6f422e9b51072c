// The forms: definitions, assignments, control and what is left to the host.
#include <algorithm>

#include "compiler/plan/build.h"

namespace jetlag::plan {

using physl::Node;
using physl::NodeKind;
using physl::NodePtr;

namespace {

Op make_op(OpKind kind, const NodePtr& node, std::vector<int> args = {}) {
  Op op;
  op.kind = kind;
  op.node = node;
  op.place = node->place;
  op.args = std::move(args);
  return op;
}

// Whether the form can stand in an expression as it is; the others are
// statements, and become a block there.
bool is_statement(Form form) {
  switch (form) {
    case Form::block:
    case Form::parallel_block:
    case Form::if_:
    case Form::while_:
    case Form::for_:
    case Form::for_each:
    case Form::return_:
    case Form::break_:
    case Form::continue_: return true;
    default: return false;
  }
}

}  // namespace

int Builder::nested(Context& context, const NodePtr& node, Writer& writer) {
  Op op = make_op(OpKind::nested, node);
  op.blocks.push_back(body(context, node));
  writer.forget();
  return writer.emit(std::move(op));
}

int Builder::form(Context& context, const NodePtr& node, const Primitive& p, Writer& writer) {
  const auto& a = node->children;
  if (is_statement(p.form) || node->text == "opaque_block") return nested(context, node, writer);
  switch (p.form) {
    case Form::define: return define(context, node, writer);
    case Form::lambda: return closure(context, node, "lambda", inner(node, 0), false, writer);
    case Form::store: {
      const int value = expression(context, a[1], writer);
      return store(context, a[0], value, writer, false);
    }
    case Form::augment: return augment(context, node, writer);
    case Form::unpack: return unpack(context, a[0], expression(context, a[1], writer), writer);
    case Form::del: {
      Op op = make_op(OpKind::unbind, node);
      op.variable = variable_of(context, a[0]);
      op.name = a[0]->text;
      writer.forget();
      return writer.emit(std::move(op));
    }
    case Form::and_: return logical(context, node, OpKind::all, writer);
    case Form::or_: return logical(context, node, OpKind::any, writer);
    case Form::tuple: return collect(context, node, OpKind::tuple, writer);
    case Form::list: return collect(context, node, OpKind::list, writer);
    case Form::span: return collect(context, node, OpKind::span, writer);
    case Form::index: return subscript(context, node, false, writer);
    case Form::slice: return subscript(context, node, true, writer);
    case Form::method: return with_name(context, node, OpKind::method, writer);
    case Form::attribute: return with_name(context, node, OpKind::attribute, writer);
    case Form::opaque: return opaque(context, node, writer);
    case Form::print: return print_form(context, node, writer);
    case Form::call_host: return host_call(context, node, writer);
    case Form::fmap: return collect(context, node, OpKind::fmap, writer);
    case Form::filter: return collect(context, node, OpKind::filter, writer);
    case Form::fold_left: return collect(context, node, OpKind::fold_left, writer);
    case Form::fold_right: return collect(context, node, OpKind::fold_right, writer);
    case Form::apply: return collect(context, node, OpKind::apply, writer);
    case Form::pass: return expression(context, physl::make_nil(node->place), writer);
    default: throw Error(Kind::internal, node->place, format("the form {} has no plan", p.name));
  }
}

// ---- definitions and assignments ------------------------------------------

int Builder::define(Context& context, const NodePtr& node, Writer& writer) {
  const auto& a = node->children;
  const bool python = node->attribute == "python";
  if (a.size() == 2 && !python) {
    if (node->text == "define_global") {
      Context* top = &context;
      while (top->outer) top = top->outer;
      if (top->find(a[0]->text) < 0) top->scopes.front()[a[0]->text] = top->declare(a[0]->text);
      const int value = expression(context, a[1], writer);
      return store(context, a[0], value, writer, false);
    }
    const int value = expression(context, a[1], writer);
    return store(context, a[0], value, writer, true);
  }
  // The name comes first: the body may call itself.
  context.declare(a[0]->text);
  const int value = closure(context, node, a[0]->text, inner(node, 1), python, writer);
  return assign(context, a[0], value, writer, true);
}

int Builder::closure(Context& context, const NodePtr& node, std::string name,
                     const std::vector<NodePtr>& params, bool python, Writer& writer) {
  Op op = make_op(OpKind::closure, node);
  op.function = function(&context, node, std::move(name), params, node->children.back(), python);
  return writer.emit(std::move(op));
}

int Builder::store(Context& context, const NodePtr& target, int value, Writer& writer, bool fresh) {
  if (target->kind == NodeKind::name) return assign(context, target, value, writer, fresh);
  if (target->kind == NodeKind::list || target->is_call("list") || target->is_call("tuple")) {
    return unpack(context, target, value, writer);
  }
  Op op = make_op(OpKind::store_index, target, {value});
  op.args.push_back(expression(context, target->children[0], writer));
  if (target->is_call("attribute")) {
    op.kind = OpKind::store_attribute;
    op.name = target->children[1]->text;
  } else if (target->is_call("index") || target->is_call("slice")) {
    for (int item : subscript_items(context, target, target->is_call("slice"), writer))
      op.args.push_back(item);
  } else {
    throw Error(Kind::type, target->place,
                "cannot store to " + physl::print(*target, {.tags = false}),
                "a target is a name, slice(…), index(…) or attribute(…)");
  }
  return writer.emit(std::move(op));
}

int Builder::augment(Context& context, const NodePtr& node, Writer& writer) {
  const NodePtr& target = node->children[0];
  const Primitive* primitive = find_primitive(node->children[1]->text);
  if (!primitive) {
    throw Error(Kind::name, node->place, "no operator named " + node->children[1]->text);
  }
  Op op = make_op(OpKind::augment_variable, node);
  op.primitive = primitive;
  if (target->kind == NodeKind::name) {
    const int old = read(context, target, writer);
    op.args = {old, expression(context, node->children[2], writer)};
    const int value = writer.emit(std::move(op));
    return assign(context, target, value, writer, false);
  }
  const int base = expression(context, target->children[0], writer);
  if (target->is_call("attribute")) {
    Op get = make_op(OpKind::attribute, target, {base});
    get.name = target->children[1]->text;
    get.member = find_attribute(get.name);
    op.name = get.name;
    const int old = writer.emit(std::move(get));
    op.kind = OpKind::augment_attribute;
    op.args = {old, expression(context, node->children[2], writer), base};
    return writer.emit(std::move(op));
  }
  Op get = make_op(OpKind::index, target, {base});
  const std::vector<int> items = subscript_items(context, target, target->is_call("slice"), writer);
  get.args.insert(get.args.end(), items.begin(), items.end());
  const int old = writer.emit(std::move(get));
  op.kind = OpKind::augment_index;
  op.args = {old, expression(context, node->children[2], writer), base};
  op.args.insert(op.args.end(), items.begin(), items.end());
  return writer.emit(std::move(op));
}

int Builder::unpack(Context& context, const NodePtr& targets, int value, Writer& writer) {
  const auto& items = targets->children;
  Op op = make_op(OpKind::unpack, targets, {value});
  op.index = static_cast<int>(items.size());
  const int all = writer.emit(std::move(op));
  for (std::size_t i = 0; i < items.size(); ++i) {
    Op item = make_op(OpKind::item, items[i], {all});
    item.index = static_cast<int>(i);
    const int reg = writer.emit(std::move(item));
    store(context, items[i], reg, writer, true);
  }
  return value;
}

Variable Builder::variable_of(Context& context, const NodePtr& name) {
  Variable v{0, -1};
  for (Context* c = &context; c; c = c->outer, ++v.depth) {
    v.slot = c->find(name->text);
    if (v.slot >= 0) return v;
  }
  throw Error(Kind::name, name->place, format("name '{}' is not defined", name->text));
}

// ---- parts of expressions --------------------------------------------------

int Builder::logical(Context& context, const NodePtr& node, OpKind kind, Writer& writer) {
  const auto& a = node->children;
  Op op = make_op(kind, node, {expression(context, a[0], writer)});
  for (std::size_t i = 1; i < a.size(); ++i) op.blocks.push_back(body(context, a[i]));
  writer.forget();
  return writer.emit(std::move(op));
}

int Builder::subscript(Context& context, const NodePtr& node, bool phylanx, Writer& writer) {
  Op op = make_op(OpKind::index, node, {expression(context, node->children[0], writer)});
  for (int item : subscript_items(context, node, phylanx, writer)) op.args.push_back(item);
  return writer.emit(std::move(op));
}

std::vector<int> Builder::subscript_items(Context& context, const NodePtr& node, bool phylanx,
                                          Writer& writer) {
  std::vector<int> items;
  for (std::size_t i = 1; i < node->children.size(); ++i) {
    const NodePtr& item = node->children[i];
    items.push_back(phylanx ? phylanx_item(context, item, writer)
                            : expression(context, item, writer));
  }
  return items;
}

// In Phylanx's slice a list is start, stop, step, and nil the whole axis.
int Builder::phylanx_item(Context& context, const NodePtr& item, Writer& writer) {
  if (item->kind == NodeKind::nil) {
    const NodePtr nil = physl::make_nil(item->place);
    return collect(context, physl::make_call("span", {nil, nil, nil}, item->place), OpKind::span,
                   writer);
  }
  if (item->kind == NodeKind::list || item->is_call("list")) {
    std::vector<NodePtr> bounds = item->children;
    bounds.resize(std::max<std::size_t>(bounds.size(), 3), physl::make_nil(item->place));
    return collect(context, physl::make_call("span", bounds, item->place), OpKind::span, writer);
  }
  return expression(context, item, writer);
}

int Builder::with_name(Context& context, const NodePtr& node, OpKind kind, Writer& writer) {
  Op op = make_op(kind, node, {expression(context, node->children[0], writer)});
  op.name = node->children[1]->text;
  if (kind == OpKind::method) op.member = find_method(op.name);
  if (kind == OpKind::attribute) op.member = find_attribute(op.name);
  arguments(context, node, 2, op, writer);
  return writer.emit(std::move(op));
}

int Builder::print_form(Context& context, const NodePtr& node, Writer& writer) {
  Op op = make_op(OpKind::print, node);
  op.name = node->text;
  arguments(context, node, 0, op, writer);
  return writer.emit(std::move(op));
}

int Builder::host_call(Context& context, const NodePtr& node, Writer& writer) {
  Op op = make_op(OpKind::host_call, node);
  op.lane = node->attribute == "lane";
  arguments(context, node, 0, op, writer);
  return writer.emit(std::move(op));
}

int Builder::opaque(Context& context, const NodePtr& node, Writer& writer) {
  program.has_opaque = true;
  Op op = make_op(OpKind::opaque, node);
  op.index = std::stoi(node->attribute.empty() ? "-1" : node->attribute);
  op.name = node->children[0]->text;
  // An input may be unbound: the helper sees to it, so it is no plain read.
  for (const NodePtr& input : node->children[1]->children) {
    Op read = make_op(OpKind::variable, input);
    read.variable = variable_of(context, input);
    op.args.push_back(writer.emit(std::move(read)));
  }
  writer.forget();
  return writer.emit(std::move(op));
}

// ---- statements -------------------------------------------------------------

Block Builder::scoped(Context& context, const NodePtr& node) {
  ScopeGuard scope(context);
  return body(context, node);
}

void Builder::statement(Context& context, const NodePtr& node, Writer& writer) {
  const Primitive* p =
      node->kind == NodeKind::call && !node->quoted ? find_primitive(node->text) : nullptr;
  switch (p ? p->form : Form::none) {
    case Form::block:
    case Form::parallel_block: {
      ScopeGuard scope(context);
      for (const NodePtr& child : node->children) statement(context, child, writer);
      return;
    }
    case Form::if_: return branch(context, node, writer);
    case Form::while_: return loop(context, node, writer);
    case Form::for_: return for_loop(context, node, writer);
    case Form::for_each: return for_each(context, node, writer);
    case Form::return_:
    case Form::break_:
    case Form::continue_: return leave(context, node, writer);
    case Form::opaque:
      if (node->text == "opaque_block") return opaque_block(context, node, writer);
      [[fallthrough]];
    default: {
      const int reg = expression(context, node, writer);
      writer.set_result(reg);
    }
  }
}

void Builder::branch(Context& context, const NodePtr& node, Writer& writer) {
  Region condition = separate(context, node->children[0]);
  std::vector<Block> blocks;
  for (std::size_t i = 1; i < node->children.size(); ++i)
    blocks.push_back(scoped(context, node->children[i]));
  Statement& s = writer.statement(StatementKind::branch, node);
  s.region = std::move(condition);
  s.blocks = std::move(blocks);
}

void Builder::loop(Context& context, const NodePtr& node, Writer& writer) {
  Region condition = separate(context, node->children[0]);
  std::vector<Block> blocks;
  for (std::size_t i = 1; i < node->children.size(); ++i)
    blocks.push_back(scoped(context, node->children[i]));
  Statement& s = writer.statement(StatementKind::loop, node);
  s.region = std::move(condition);
  s.blocks = std::move(blocks);
}

// for(init, condition, step, body) is init, then while(condition, block(body, step)).
void Builder::for_loop(Context& context, const NodePtr& node, Writer& writer) {
  ScopeGuard scope(context);
  const auto& a = node->children;
  statement(context, a[0], writer);
  const NodePtr body = physl::make_call("block", {a[3], a[2]}, a[3]->place);
  loop(context, physl::make_call("while", {a[1], body}, node->place), writer);
}

void Builder::for_each(Context& context, const NodePtr& node, Writer& writer) {
  const auto& a = node->children;
  Region sequence = separate(context, a[1]);
  ScopeGuard scope(context);
  std::vector<Block> blocks;
  Variable item;
  if (a[0]->is_call("lambda") && a[0]->children.size() == 2) {
    item.slot = context.declare(a[0]->children[0]->text);
    blocks.push_back(scoped(context, a[0]->children[1]));
  } else {
    // Any function value: it is called with a hidden item.
    const NodePtr hidden = physl::make_name("%item", node->place, true);
    item.slot = context.declare(hidden->text);
    const NodePtr call = physl::make_call("apply", {a[0], physl::make_list({hidden})}, node->place);
    blocks.push_back(body(context, call));
  }
  if (a.size() > 2) blocks.push_back(scoped(context, a[2]));
  Statement& s = writer.statement(StatementKind::for_each, node);
  s.region = std::move(sequence);
  s.blocks = std::move(blocks);
  s.variable = item;
}

void Builder::leave(Context& context, const NodePtr& node, Writer& writer) {
  if (node->text != "return") {
    writer.statement(node->text == "break" ? StatementKind::break_ : StatementKind::continue_,
                     node);
    return;
  }
  const NodePtr value = node->children.empty() ? physl::make_nil(node->place) : node->children[0];
  writer.leave(expression(context, value, writer), node);
}

void Builder::opaque_block(Context& context, const NodePtr& node, Writer& writer) {
  program.has_opaque = true;
  program.may_write = true;
  std::vector<Variable> inputs, outputs;
  std::vector<std::string> names;
  for (const NodePtr& n : node->children[1]->children) inputs.push_back(variable_of(context, n));
  for (const NodePtr& n : node->children[2]->children) {
    outputs.push_back(variable_of(context, n));
    names.push_back(n->text);
  }
  Statement& s = writer.statement(StatementKind::opaque_block, node);
  s.index = std::stoi(node->attribute.empty() ? "-1" : node->attribute);
  s.inputs = std::move(inputs);
  s.outputs = std::move(outputs);
  s.output_names = std::move(names);
}

}  // namespace jetlag::plan
