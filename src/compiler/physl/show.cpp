// Trees for other eyes: Newick, DOT, and one node a line.
#include "compiler/physl/show.h"

namespace jetlag::physl {

namespace {

// What is inside is told by shape and place, not by text.
constexpr std::size_t longest_label = 60;

std::string plain_label(const Node& node) {
  switch (node.kind) {
    case NodeKind::list: return "list";
    case NodeKind::array: return describe(node.value);
    case NodeKind::call: break;
    // Literals and names read as they are written.
    default: return print(node, {.tags = false});
  }
  std::string_view name = node.text;
  if (!node.quoted && name.starts_with("__")) name.remove_prefix(2);
  return node.attribute.empty() ? std::string(name) : format("{}{{{}}}", name, node.attribute);
}

}  // namespace

std::string label(const Node& node) {
  std::string text = plain_label(node);
  if (text.size() > longest_label) {
    std::size_t end = longest_label;
    // Not within a character of UTF-8.
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
    text = text.substr(0, end) + "…";
  }
  const bool has_place = node.kind == NodeKind::call || node.kind == NodeKind::name;
  if (!has_place || !node.place.known()) return text;
  return format("{}({}, {})", text, node.place.line, node.place.column);
}

namespace {

// Newick keeps ( ) , : ; [ ] and blanks for itself: such labels stand between
// single quotes, and a quote inside is doubled.
std::string newick_label(const Node& node) {
  const std::string text = label(node);
  if (text.find_first_of("()[]{}:;,' \"\\\n\t") == std::string::npos) return text;
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("''") : std::string(1, c);
  return quoted + "'";
}

void append_newick(const Node& node, std::string& text) {
  if (!node.children.empty()) {
    const char* opening = "(";
    for (const NodePtr& child : node.children) {
      text += opening;
      append_newick(*child, text);
      opening = ",";
    }
    text += ")";
  }
  text += newick_label(node);
}

std::string dot_text(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

// Children get the numbers behind their parent's, in the order of the text.
int append_dot(const Node& node, int number, std::string& text) {
  text += format("  n{} [label={}];\n", number, dot_text(label(node)));
  int next = number + 1;
  for (const NodePtr& child : node.children) {
    text += format("  n{} -> n{};\n", number, next);
    next = append_dot(*child, next, text);
  }
  return next;
}

void append_tree(const Node& node, std::size_t level, std::string& text) {
  text += std::string(2 * level, ' ') + label(node) + "\n";
  for (const NodePtr& child : node.children) append_tree(*child, level + 1, text);
}

}  // namespace

// Several expressions hang below a root of their own.
std::string to_newick(const std::vector<NodePtr>& program) {
  std::string text;
  if (program.size() == 1) {
    append_newick(*program.front(), text);
    return text + ";";
  }
  for (const NodePtr& node : program) {
    text += text.empty() ? "(" : ",";
    append_newick(*node, text);
  }
  return text + (text.empty() ? "program;" : ")program;");
}

std::string to_dot(const std::vector<NodePtr>& program, std::string_view title) {
  std::string text = format("digraph {} {{\n", dot_text(title));
  int next = 0;
  for (const NodePtr& node : program) next = append_dot(*node, next, text);
  return text + "}\n";
}

std::string to_tree_text(const std::vector<NodePtr>& program) {
  std::string text;
  for (const NodePtr& node : program) append_tree(*node, 0, text);
  return text;
}

}  // namespace jetlag::physl
