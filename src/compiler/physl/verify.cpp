// What the grammar cannot say about a program: forms have the arguments that
// they need, jumps have something to leave, targets can be stored to, and no
// definition hides a primitive.
#include <algorithm>

#include "compiler/physl/node.h"

namespace jetlag::physl {

namespace {

constexpr int any = -1;

// How many arguments a form takes, and whether keywords may be among them.
struct Form {
  std::string_view name;
  int least;
  int most;
  bool keywords = false;
};

constexpr Form forms[] = {
    {"__arg", 2, 2},
    {"__is", 2, 2},
    {"__is_not", 2, 2},
    {"and", 1, any},
    {"attribute", 2, 2},
    {"augment", 3, 3},
    {"block", 0, any},
    {"break", 0, 0},
    {"call_host", 1, any, true},
    {"continue", 0, 0},
    {"define", 2, any, true},
    {"define_global", 2, 2},
    {"del", 1, 1},
    {"for", 4, 4},
    {"for_each", 2, 3},
    {"if", 2, 3},
    {"index", 1, any},
    {"lambda", 1, any, true},
    {"method", 2, any, true},
    {"not", 1, 1},
    {"opaque", 2, 2},
    {"opaque_block", 3, 3},
    {"or", 1, any},
    {"parallel_block", 0, any},
    {"pass", 0, 0},
    {"return", 0, 1},
    {"span", 0, 3},
    {"store", 2, 2},
    {"tuple", 0, any},
    {"unpack", 2, 2},
    {"while", 2, 3},
};

// What reads a part of an array may also stand for it on the left.
constexpr std::string_view part_forms[] = {
    "index", "attribute", "slice", "slice_row", "slice_column", "slice_page", "tuple_slice",
};

const Form* find_form(const Node& node) {
  if (node.kind != NodeKind::call || node.quoted) return nullptr;
  const auto* form = std::find_if(std::begin(forms), std::end(forms),
                                  [&](const Form& f) { return f.name == node.text; });
  return form == std::end(forms) ? nullptr : form;
}

std::string count_text(int count) {
  return count == 1 ? "1 argument" : format("{} arguments", count);
}

std::string arity_text(const Form& form) {
  if (form.most == any) return "at least " + count_text(form.least);
  if (form.least == form.most) return form.most == 0 ? "no arguments" : count_text(form.most);
  const std::string_view word = form.most - form.least == 1 ? "or" : "to";
  return format("{} {} {}", form.least, word, count_text(form.most));
}

// Where a node stands: what break and return would leave.
struct Context {
  bool in_function = false;
  bool in_loop = false;
};

class Verifier {
 public:
  explicit Verifier(const std::function<bool(std::string_view)>& is_primitive)
      : is_primitive_(is_primitive) {}

  void visit(const Node& node, Context context);

 private:
  void visit_all(const Node& node, Context context) {
    for (const NodePtr& child : node.children) visit_argument(*child, context);
  }
  // Defaults and keywords stand in __arg, which nothing else may hold.
  void visit_argument(const Node& node, Context context) {
    visit(node.is_call("__arg") ? *node.children.back() : node, context);
  }
  void visit_function(const Node& node, std::size_t first_parameter);
  void visit_define(const Node& node, Context context);
  void visit_while(const Node& node, Context context);
  void visit_for(const Node& node, Context context);
  void visit_for_each(const Node& node, Context context);

  void check_arity(const Node& node, const Form& form);
  void check_keywords(const Node& node, const Form* form);
  void check_parameters(const Node& node, std::size_t first);
  void check_jump(const Node& node, Context context);
  void check_text(const Node& node, std::size_t argument);
  void check_target(const Node& target, std::string_view verb, const Node& owner);
  void check_free(const Node& name, const Node& owner);

  const std::function<bool(std::string_view)>& is_primitive_;
};

// A literal may have no place of its own.
Place place_of(const Node& node, const Node& owner) {
  return node.place.known() ? node.place : owner.place;
}

void Verifier::visit(const Node& node, Context context) {
  if (node.kind == NodeKind::list) {
    check_keywords(node, nullptr);
    return visit_all(node, context);
  }
  if (node.kind != NodeKind::call) return;
  const Form* form = find_form(node);
  if (form != nullptr) check_arity(node, *form);
  check_keywords(node, form);
  if (form == nullptr) return visit_all(node, context);

  if (node.text == "__arg") {
    throw Error(Kind::syntax, node.place, "__arg stands outside the arguments of a call");
  }
  if (node.text == "define") return visit_define(node, context);
  if (node.text == "lambda") return visit_function(node, 0);
  if (node.text == "while") return visit_while(node, context);
  if (node.text == "for") return visit_for(node, context);
  if (node.text == "for_each") return visit_for_each(node, context);

  check_jump(node, context);
  if (node.text == "store" || node.text == "augment" || node.text == "unpack") {
    check_target(*node.children[0], "assign to", node);
  } else if (node.text == "del") {
    check_target(*node.children[0], "delete", node);
  } else if (node.text == "define_global") {
    check_target(*node.children[0], "define", node);
  } else if (node.text == "attribute" || node.text == "method") {
    check_text(node, 1);
  } else if (node.text == "opaque" || node.text == "opaque_block") {
    check_text(node, 0);
  }
  visit_all(node, context);
}

void Verifier::visit_define(const Node& node, Context context) {
  const Node& name = *node.children[0];
  if (name.kind != NodeKind::name) {
    throw Error(Kind::syntax, place_of(name, node), "the first argument of define must be a name");
  }
  check_free(name, node);
  // A function lowered from Python may have no parameters; otherwise two
  // arguments define a variable.
  if (node.attribute == "python" || node.children.size() > 2) return visit_function(node, 1);
  visit_argument(*node.children[1], context);
}

void Verifier::visit_function(const Node& node, std::size_t first_parameter) {
  check_parameters(node, first_parameter);
  visit(*node.children.back(), {.in_function = true, .in_loop = false});
}

void Verifier::visit_while(const Node& node, Context context) {
  visit(*node.children[0], context);
  visit(*node.children[1], {context.in_function, true});
  // The else branch has left the loop already.
  if (node.children.size() == 3) visit(*node.children[2], context);
}

void Verifier::visit_for(const Node& node, Context context) {
  for (std::size_t i = 0; i < 3; ++i) visit(*node.children[i], context);
  visit(*node.children[3], {context.in_function, true});
}

// The lambda of a loop is its body, not a function: return leaves the function
// around it.
void Verifier::visit_for_each(const Node& node, Context context) {
  const Node& body = *node.children[0];
  if (body.is_call("lambda") && !body.children.empty()) {
    check_parameters(body, 0);
    visit(*body.children.back(), {context.in_function, true});
  } else {
    visit(body, context);
  }
  visit(*node.children[1], context);
  if (node.children.size() == 3) visit(*node.children[2], context);
}

void Verifier::check_arity(const Node& node, const Form& form) {
  const int given = static_cast<int>(node.children.size());
  if (given >= form.least && (form.most == any || given <= form.most)) return;
  throw Error(Kind::type, node.place,
              format("{} takes {} but {} {} given", form.name, arity_text(form), given,
                     given == 1 ? "was" : "were"));
}

// Keywords of a call, or parameters with defaults.
void Verifier::check_keywords(const Node& node, const Form* form) {
  const bool defines = form != nullptr && (form->name == "define" || form->name == "lambda");
  const std::size_t count = node.children.size() - (defines ? 1 : 0);
  std::vector<std::string_view> seen;
  for (std::size_t i = 0; i < node.children.size(); ++i) {
    const Node& child = *node.children[i];
    if (!child.is_call("__arg")) {
      if (seen.empty() || i >= count) continue;
      throw Error(Kind::syntax, place_of(child, node),
                  defines ? "non-default argument follows default argument"
                          : "positional argument follows keyword argument");
    }
    check_arity(child, *find_form(child));
    const bool allowed = node.kind == NodeKind::call && (form == nullptr || form->keywords);
    if (!allowed || i >= count) {
      throw Error(Kind::syntax, child.place, "__arg stands outside the arguments of a call");
    }
    const Node& name = *child.children[0];
    if (name.kind != NodeKind::name) {
      throw Error(Kind::syntax, place_of(name, child),
                  "the first argument of __arg must be a name");
    }
    if (!defines && std::find(seen.begin(), seen.end(), name.text) != seen.end()) {
      throw Error(Kind::syntax, child.place, format("keyword argument repeated: {}", name.text));
    }
    seen.push_back(name.text);
  }
}

void Verifier::check_parameters(const Node& node, std::size_t first) {
  check_arity(node, *find_form(node));
  check_keywords(node, find_form(node));
  std::vector<std::string_view> seen;
  for (std::size_t i = first; i + 1 < node.children.size(); ++i) {
    const Node& child = *node.children[i];
    const bool has_default = child.is_call("__arg");
    const Node& name = has_default ? *child.children[0] : child;
    if (name.kind != NodeKind::name) {
      throw Error(Kind::syntax, place_of(child, node), "a parameter must be a name",
                  "a default is written __arg(name, value)");
    }
    if (std::find(seen.begin(), seen.end(), name.text) != seen.end()) {
      throw Error(Kind::syntax, place_of(name, node),
                  format("duplicate argument '{}' in function definition", name.text));
    }
    seen.push_back(name.text);
    check_free(name, node);
    // A default is evaluated outside of the function and of any loop in it.
    if (has_default) visit(*child.children[1], {});
  }
}

void Verifier::check_jump(const Node& node, Context context) {
  if (node.text == "break" && !context.in_loop) {
    throw Error(Kind::syntax, node.place, "'break' outside loop");
  }
  if (node.text == "continue" && !context.in_loop) {
    throw Error(Kind::syntax, node.place, "'continue' not properly in loop");
  }
  if (node.text == "return" && !context.in_function) {
    throw Error(Kind::syntax, node.place, "'return' outside function");
  }
}

void Verifier::check_text(const Node& node, std::size_t argument) {
  if (node.children[argument]->kind == NodeKind::string) return;
  throw Error(Kind::type, place_of(*node.children[argument], node),
              format("argument {} of {} must be a string", argument + 1, node.text));
}

void Verifier::check_target(const Node& target, std::string_view verb, const Node& owner) {
  if (target.kind == NodeKind::name) return check_free(target, owner);
  const bool is_part =
      target.kind == NodeKind::call && !target.quoted &&
      std::find(std::begin(part_forms), std::end(part_forms), target.text) != std::end(part_forms);
  if (is_part) return;
  // unpack('(a, '(b, c)), e)
  if (target.kind == NodeKind::list && owner.is_call("unpack")) {
    for (const NodePtr& item : target.children) check_target(*item, verb, owner);
    return;
  }
  const std::string_view what = target.kind == NodeKind::call   ? "function call"
                                : target.kind == NodeKind::list ? "list"
                                                                : "literal";
  throw Error(Kind::syntax, place_of(target, owner), format("cannot {} {}", verb, what),
              "a target is a name, a slice, index(…) or attribute(…)");
}

void Verifier::check_free(const Node& name, const Node& owner) {
  if (name.quoted || !is_primitive_ || !is_primitive_(name.text)) return;
  throw Error(Kind::name, place_of(name, owner),
              format("{} is already the name of a primitive", name.text),
              format("in backquotes the name is yours: `{}`", name.text));
}

}  // namespace

void verify(const std::vector<NodePtr>& program,
            const std::function<bool(std::string_view)>& is_primitive) {
  Verifier verifier(is_primitive);
  for (const NodePtr& node : program) verifier.visit(*node, {});
}

}  // namespace jetlag::physl
