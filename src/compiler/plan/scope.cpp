#include "compiler/plan/scope.h"

namespace jetlag::plan {

int Context::declare(const std::string& name) {
  auto [at, added] = scopes.back().try_emplace(name, -1);
  if (added) {
    at->second = static_cast<int>(function->slots.size());
    function->slots.push_back(name);
  }
  return at->second;
}

int Context::find(const std::string& name) const {
  for (auto scope = scopes.rbegin(); scope != scopes.rend(); ++scope) {
    if (auto at = scope->find(name); at != scope->end()) return at->second;
  }
  return -1;
}

namespace {

void declare_target(Context& context, const physl::Node& target) {
  if (target.kind == physl::NodeKind::name) context.declare(target.text);
  if (target.kind == physl::NodeKind::list || target.is_call("list") || target.is_call("tuple")) {
    for (const auto& item : target.children) declare_target(context, *item);
  }
}

}  // namespace

void declare_locals(Context& context, const physl::Node& node) {
  if (node.kind != physl::NodeKind::call && node.kind != physl::NodeKind::list) return;
  const auto& children = node.children;
  if (!node.quoted && !children.empty()) {
    if (node.text == "define") {
      // A nested function is a variable here; its own variables are its own.
      declare_target(context, *children[0]);
      if (children.size() != 2 || !node.attribute.empty()) return;
    } else if (node.text == "store" || node.text == "augment" || node.text == "unpack" ||
               node.text == "del") {
      declare_target(context, *children[0]);
    } else if (node.text == "for_each" && children[0]->is_call("lambda")) {
      declare_target(context, *children[0]->children[0]);
    } else if (node.text == "opaque_block" && children.size() == 3) {
      for (const auto& output : children[2]->children) declare_target(context, *output);
    }
  }
  for (const auto& child : children) declare_locals(context, *child);
}

}  // namespace jetlag::plan
