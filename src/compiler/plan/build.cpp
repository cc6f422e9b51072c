// From PhySL to the plan: names are resolved, expressions become operations in
// the order of their evaluation, control becomes statements around regions.
#include "compiler/plan/build.h"

#include <algorithm>
#include <charconv>

#include "primitives/constants.h"

namespace jetlag::plan {

using physl::Node;
using physl::NodeKind;
using physl::NodePtr;

Region& Writer::region() {
  if (!open_) {
    Statement s;
    s.kind = StatementKind::region;
    s.id = builder_.program.ids++;
    out_.statements.push_back(std::move(s));
    open_ = true;
  }
  return out_.statements.back().region;
}

int Writer::emit(Op op) {
  op.id = builder_.program.ids++;
  op.within = within_;
  Region& r = region();
  r.ops.push_back(std::move(op));
  return static_cast<int>(r.ops.size()) - 1;
}

void Writer::set_result(int reg) { region().result = reg; }

Statement& Writer::statement(StatementKind kind, const NodePtr& node) {
  close();
  Statement s;
  s.kind = kind;
  s.id = builder_.program.ids++;
  s.node = node;
  s.place = node->place;
  out_.statements.push_back(std::move(s));
  return out_.statements.back();
}

void Writer::leave(int reg, const NodePtr& node) {
  set_result(reg);
  Statement& s = out_.statements.back();
  s.kind = StatementKind::leave;
  s.node = node;
  s.place = node->place;
  close();
}

int Writer::known(int slot) const {
  auto at = known_.find(slot);
  return at == known_.end() ? -1 : at->second;
}

void Writer::know(int slot, int reg) { known_[slot] = reg; }

namespace {

Op make_op(OpKind kind, const NodePtr& node, std::vector<int> args = {}) {
  Op op;
  op.kind = kind;
  op.node = node;
  op.place = node->place;
  op.args = std::move(args);
  return op;
}

Op constant_op(const NodePtr& node, Value value) {
  Op op = make_op(OpKind::constant, node);
  op.constant = std::move(value);
  return op;
}

// The name that an argument of the form __arg(name, value) gives a value for.
const std::string* keyword_of(const Node& argument) {
  return argument.is_call("__arg") ? &argument.children[0]->text : nullptr;
}

}  // namespace

Region Builder::separate(Context& context, const NodePtr& node) {
  Block block;
  Writer writer(*this, block);
  const int reg = expression(context, node, writer);
  writer.set_result(reg);
  return std::move(block.statements.front().region);
}

Block Builder::body(Context& context, const NodePtr& node) {
  Block block;
  Writer writer(*this, block);
  statement(context, node, writer);
  return block;
}

// ---- names ----------------------------------------------------------------

int Builder::read(Context& context, const NodePtr& node, Writer& writer) {
  const std::string& name = node->text;
  int depth = 0;
  for (Context* c = &context; c; c = c->outer, ++depth) {
    if (const auto at = c->registers.find(name); at != c->registers.end()) return at->second;
    const int slot = c->find(name);
    if (slot >= 0) return read_variable(node, {depth, slot}, writer);
  }
  if (!node->quoted) {
    if (auto constant = find_constant(name)) return writer.emit(constant_op(node, *constant));
  }
  for (Context* c = &context; c; c = c->outer) {
    if (std::find(c->captures.begin(), c->captures.end(), name) != c->captures.end()) {
      return read_capture(c->function, node, writer);
    }
  }
  if (!node->quoted && (name == "int" || name == "float" || name == "bool")) {
    const DType dtype = name == "int"     ? DType::int64
                        : name == "float" ? DType::float64
                                          : DType::boolean;
    return writer.emit(constant_op(node, Value::of(dtype)));
  }
  throw Error(Kind::name, node->place, format("name '{}' is not defined", name));
}

int Builder::read_variable(const NodePtr& node, Variable variable, Writer& writer) {
  if (variable.depth == 0) {
    if (const int reg = writer.known(variable.slot); reg >= 0) return reg;
  }
  Op op = make_op(OpKind::variable, node);
  op.variable = variable;
  op.name = node->text;
  const int reg = writer.emit(std::move(op));
  if (variable.depth == 0) writer.know(variable.slot, reg);
  return reg;
}

int Builder::read_capture(const Function* function, const NodePtr& node, Writer& writer) {
  auto& captures = program.captures;
  auto at = std::find_if(captures.begin(), captures.end(), [&](const Capture& c) {
    return c.function == function && c.name == node->text;
  });
  if (at == captures.end()) at = captures.insert(captures.end(), {function, node->text});
  Op op = make_op(OpKind::capture, node);
  op.index = static_cast<int>(at - captures.begin());
  op.name = node->text;
  return writer.emit(std::move(op));
}

int Builder::assign(Context& context, const NodePtr& target, int value, Writer& writer,
                    bool fresh) {
  Variable variable{0, -1};
  if (context.within) {
    context.registers[target->text] = value;
  } else if (fresh) {
    variable.slot = context.declare(target->text);
  } else {
    for (Context* c = &context; c && variable.slot < 0; c = c->outer) {
      variable.slot = c->find(target->text);
      if (variable.slot < 0) ++variable.depth;
    }
    if (variable.slot < 0) {
      throw Error(Kind::name, target->place, format("name '{}' is not defined", target->text),
                  "define it first: define(" + target->text + ", value)");
    }
  }
  Op op = make_op(OpKind::assign, target, {value});
  op.variable = variable;
  op.name = target->text;
  writer.emit(std::move(op));
  if (variable.depth == 0 && variable.slot >= 0) writer.know(variable.slot, value);
  return value;
}

// ---- functions ------------------------------------------------------------

Function* Builder::function(Context* outer, const NodePtr& node, std::string name,
                            const std::vector<NodePtr>& params, const NodePtr& body_node,
                            bool python) {
  program.functions.push_back(std::make_unique<Function>());
  Function* f = program.functions.back().get();
  f->id = program.ids++;
  f->name = std::move(name);
  f->file = outer ? outer->function->file : program.file;
  f->place = node->place;
  f->python = python;
  f->returns_last = !python;
  f->depth = outer ? outer->function->depth + 1 : 0;
  f->node = node;
  for (Context* c = outer; c; c = c->outer) c->function->needs_frame = true;
  fill(*f, outer, params, body_node, {});
  return f;
}

void Builder::fill(Function& f, Context* outer, const std::vector<NodePtr>& params,
                   const NodePtr& body_node, std::vector<std::string> captures) {
  Context context;
  context.function = &f;
  context.outer = outer;
  context.captures = std::move(captures);
  for (const NodePtr& node : params) {
    Param p;
    const bool has_default = node->is_call("__arg");
    p.name = has_default ? node->children[0]->text : node->text;
    p.optional = has_default;
    if (has_default) p.otherwise = separate(outer ? *outer : context, node->children[1]);
    p.slot = context.declare(p.name);
    f.params.push_back(std::move(p));
  }
  if (f.python) declare_locals(context, *body_node);
  f.body = body(context, body_node);
}

std::vector<NodePtr> Builder::inner(const NodePtr& node, std::size_t first) {
  return {node->children.begin() + static_cast<std::ptrdiff_t>(first), node->children.end() - 1};
}

// ---- calls ----------------------------------------------------------------

int Builder::call(Context& context, const NodePtr& node, Writer& writer) {
  const Primitive* p = node->quoted ? nullptr : find_primitive(node->text);
  if (p && p->form != Form::none) return form(context, node, *p, writer);
  if (p) return primitive(context, node, *p, writer);

  auto known = functions.find(node->text);
  bool shadowed = false;
  for (Context* c = &context; c; c = c->outer) shadowed = shadowed || c->find(node->text) >= 0;
  if (known != functions.end() && !shadowed)
    return function_call(context, node, known->second, writer);

  const auto callee = physl::make_name(node->text, node->place, node->quoted);
  Op op = make_op(OpKind::value_call, node, {read(context, callee, writer)});
  arguments(context, node, 0, op, writer);
  writer.forget();
  return writer.emit(std::move(op));
}

void Builder::arguments(Context& context, const NodePtr& node, std::size_t first, Op& op,
                        Writer& writer) {
  for (std::size_t i = first; i < node->children.size(); ++i) {
    const Node& argument = *node->children[i];
    if (const std::string* name = keyword_of(argument)) {
      op.keywords.push_back(*name);
      op.args.push_back(expression(context, argument.children[1], writer));
    } else {
      op.args.push_back(expression(context, node->children[i], writer));
    }
  }
}

int Builder::function_call(Context& context, const NodePtr& node, const Callee& callee,
                           Writer& writer) {
  Op op = make_op(OpKind::function_call, node);
  op.function = callee.function;
  arguments(context, node, 0, op, writer);
  bind_keywords(op, *callee.function);
  const int result = inlined_call(context, op, callee, writer);
  return result >= 0 ? result : writer.emit(std::move(op));
}

void Builder::bind_keywords(Op& op, const Function& f) {
  const std::size_t positional = op.args.size() - op.keywords.size();
  std::vector<int> bound(f.params.size(), -1);
  if (positional > bound.size()) {
    throw Error(Kind::type, op.place,
                format("{}() takes {} positional arguments but {} were given", f.name, bound.size(),
                       positional));
  }
  std::copy_n(op.args.begin(), positional, bound.begin());
  for (std::size_t k = 0; k < op.keywords.size(); ++k) {
    auto at = std::find_if(f.params.begin(), f.params.end(),
                           [&](const Param& p) { return p.name == op.keywords[k]; });
    if (at == f.params.end()) {
      throw Error(Kind::type, op.place,
                  format("{}() got an unexpected keyword argument '{}'", f.name, op.keywords[k]));
    }
    bound[static_cast<std::size_t>(at - f.params.begin())] = op.args[positional + k];
  }
  op.args = std::move(bound);
  op.keywords.clear();
}

int Builder::primitive(Context& context, const NodePtr& node, const Primitive& p, Writer& writer) {
  Op op = make_op(OpKind::call, node);
  op.primitive = &p;
  arguments(context, node, 0, op, writer);
  std::string misfit = bind(op, p, node, writer);
  if (misfit.empty()) return writer.emit(std::move(op));
  if (!context.function->python || p.python.empty()) throw Error(Kind::type, node->place, misfit);
  // NumPy may well take what the row does not: it is asked.
  op.kind = OpKind::host_call;
  op.name = p.python;
  return writer.emit(std::move(op));
}

// Puts the arguments into the order of the row's parameters. Says what does
// not fit, leaving the operation as it was.
std::string Builder::bind(Op& op, const Primitive& p, const NodePtr& node, Writer& writer) {
  const auto params = parameters(p);
  const std::size_t positional = op.args.size() - op.keywords.size();
  std::vector<int> bound(params.size(), -1);
  for (std::size_t i = 0; i < positional; ++i) {
    if (i < params.size() && params[i].rest) {
      std::vector<int> rest(op.args.begin() + static_cast<std::ptrdiff_t>(i),
                            op.args.begin() + static_cast<std::ptrdiff_t>(positional));
      bound[i] = writer.emit(make_op(OpKind::tuple, node, rest));
      break;
    }
    if (i >= params.size()) {
      return format("{}() takes at most {} arguments ({} given)", p.name, params.size(),
                    positional);
    }
    bound[i] = op.args[i];
  }
  for (std::size_t k = 0; k < op.keywords.size(); ++k) {
    auto at = std::find_if(params.begin(), params.end(),
                           [&](const Parameter& q) { return q.name == op.keywords[k]; });
    if (at == params.end()) {
      return format("{}() got an unexpected keyword argument '{}'", p.name, op.keywords[k]);
    }
    auto& slot = bound[static_cast<std::size_t>(at - params.begin())];
    if (slot >= 0)
      return format("{}() got multiple values for argument '{}'", p.name, op.keywords[k]);
    slot = op.args[positional + k];
  }
  for (std::size_t i = 0; i < params.size(); ++i) {
    if (bound[i] < 0 && !params[i].optional && !params[i].rest) {
      return format("{}() missing required argument '{}'", p.name, params[i].name);
    }
  }
  op.args = std::move(bound);
  op.keywords.clear();
  return {};
}

// ---- expressions ----------------------------------------------------------

int Builder::expression(Context& context, const NodePtr& node, Writer& writer) {
  switch (node->kind) {
    case NodeKind::integer: return writer.emit(constant_op(node, integer_value(*node)));
    case NodeKind::real: return writer.emit(constant_op(node, Value::of(node->real)));
    case NodeKind::imaginary:
      return writer.emit(constant_op(node, Value::of(std::complex<double>(0, node->real))));
    case NodeKind::boolean: return writer.emit(constant_op(node, Value::of(node->boolean)));
    case NodeKind::string: return writer.emit(constant_op(node, Value::of(node->text)));
    case NodeKind::nil: return writer.emit(constant_op(node, Value::nil()));
    case NodeKind::array: {
      // Each evaluation gives an array of its own: a store may change it.
      Op op = make_op(OpKind::call, node, {writer.emit(constant_op(node, node->value))});
      op.primitive = find_primitive("copy");
      op.args.resize(parameters(*op.primitive).size(), -1);
      return writer.emit(std::move(op));
    }
    case NodeKind::name: return read(context, node, writer);
    case NodeKind::list: return collect(context, node, OpKind::list, writer);
    case NodeKind::call: return call(context, node, writer);
  }
  throw Error(Kind::internal, node->place, "unknown kind of node");
}

Value Builder::integer_value(const Node& node) {
  if (node.text.empty()) return Value::of(node.integer);
  if (big_integer) return big_integer(node.text);
  throw Error(Kind::overflow, node.place, "the integer " + node.text + " needs more than 64 bits",
              "integers of any size are Python's: run the program from Python");
}

int Builder::collect(Context& context, const NodePtr& node, OpKind kind, Writer& writer) {
  Op op = make_op(kind, node);
  for (const NodePtr& child : node->children) op.args.push_back(expression(context, child, writer));
  return writer.emit(std::move(op));
}

// ---- the two ways in ------------------------------------------------------

void Builder::finish() {
  for (auto& f : program.functions) {
    for (const Pass& pass : passes()) pass.run(program, *f);
  }
}

std::unique_ptr<Program> build(const std::vector<Source>& sources, const BigInteger& big_integer) {
  auto program = std::make_unique<Program>();
  Builder builder{*program, big_integer};
  for (const Source& source : sources) {
    auto f = std::make_unique<Function>();
    f->id = program->ids++;
    f->name = source.name;
    f->file = source.file;
    f->place = source.node->place;
    f->python = source.node->attribute == "python";
    f->returns_last = !f->python;
    f->node = source.node;
    builder.functions[source.node->children[0]->text] = {f.get(), source.captures};
    builder.definitions[source.node->children[0]->text] = source.node;
    program->functions.push_back(std::move(f));
    program->nodes.push_back(source.node);
  }
  program->file = sources.front().file;
  // Parameters first: a call binds keywords against them.
  for (std::size_t i = 0; i < sources.size(); ++i) {
    Function& f = *program->functions[i];
    for (const NodePtr& p : Builder::inner(sources[i].node, 1)) {
      Param param;
      param.name = p->is_call("__arg") ? p->children[0]->text : p->text;
      f.params.push_back(std::move(param));
    }
  }
  for (std::size_t i = 0; i < sources.size(); ++i) {
    Function& f = *program->functions[i];
    f.params.clear();
    try {
      builder.fill(f, nullptr, Builder::inner(sources[i].node, 1), sources[i].node->children.back(),
                   sources[i].captures);
    } catch (Error& error) {
      error.locate_file(sources[i].file);
      throw;
    }
  }
  builder.finish();
  return program;
}

std::unique_ptr<Program> build(const std::vector<NodePtr>& text, std::string file,
                               const std::vector<std::string>& inputs) {
  auto program = std::make_unique<Program>();
  program->file = std::move(file);
  program->nodes = text;
  Builder builder{*program, {}};
  std::vector<NodePtr> params;
  for (const std::string& name : inputs) params.push_back(physl::make_name(name));
  try {
    builder.function(nullptr, physl::make_nil(), "main", params, physl::make_call("block", text),
                     false);
  } catch (Error& error) {
    error.locate_file(program->file);
    throw;
  }
  builder.finish();
  return program;
}

}  // namespace jetlag::plan
