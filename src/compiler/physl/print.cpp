// Trees as text: on one line where it fits, else broken as a person would. A
// block puts each statement on a line of its own; the calls around it stay
// open on the lines where they began:
//
//   define(f, x, block(
//       store(y, x),
//       y))
#include <algorithm>

#include "compiler/physl/node.h"
#include "compiler/physl/symbols.h"

namespace jetlag::physl {

namespace {

constexpr int indentation = 4;
// Deep trees would walk off to the right: they stop here.
constexpr double widest_indentation = 0.6;  // of the width

// inf has no literal; this reads back to it, and is what Python writes.
std::string real_text(double x) {
  const std::string text = repr(x);
  if (text == "inf") return "1e999";
  return text == "-inf" ? "-1e999" : text;
}

bool is_number(const Node& node) {
  return node.kind == NodeKind::integer || node.kind == NodeKind::real ||
         node.kind == NodeKind::imaginary;
}

bool is_block(const Node& node) { return node.is_call("block") || node.is_call("parallel_block"); }

// A form whose last words are often a block.
bool may_carry_block(const Node& node) {
  constexpr std::string_view forms[] = {"define", "lambda", "for_each", "for", "while", "if"};
  return node.kind == NodeKind::call && !node.quoted &&
         std::find(std::begin(forms), std::end(forms), node.text) != std::end(forms);
}

bool carries_block(const NodePtr& node) {
  if (is_block(*node)) return true;
  return may_carry_block(*node) &&
         std::any_of(node->children.begin(), node->children.end(), carries_block);
}

class Printer {
 public:
  explicit Printer(const PrintOptions& options)
      : tags_(options.tags), infix_(options.infix && !options.tags), width_(options.width) {}

  void expression(const Node& node) { layout(node, 0, 0); }

  std::string& text() { return text_; }

 private:
  // How one node reads on a single line. Writing stops once the limit is
  // passed: what does not fit need not be complete.
  void flat(const Node& node);
  void flat_items(const Node& node);
  void flat_binary(const Node& node, const Symbol& symbol);
  void flat_unary(const Node& node, const Symbol& symbol);
  void flat_operand(const Node& node, bool parenthesised);
  bool try_flat(const Node& node, int behind);

  // Writes the node from here on; broken lines begin at `base` or deeper, and
  // `behind` characters follow without a break.
  void layout(const Node& node, int base, int behind);
  void layout_call(const Node& node, int base, int behind);
  void layout_block(const Node& node, int base, int behind);
  void layout_binary(const Node& node, const Symbol& symbol, int base, int behind);
  void layout_operand(const Node& node, bool parenthesised, int base, int behind);

  const Symbol* binary(const Node& node) const { return symbol_of(node, binary_symbols, 2); }
  const Symbol* unary(const Node& node) const { return symbol_of(node, unary_symbols, 1); }
  const Symbol* symbol_of(const Node& node, const auto& table, std::size_t arity) const;
  std::pair<bool, bool> need_parentheses(const Node& node, const Symbol& symbol) const;
  void head(const Node& node);
  void name(const Node& node);
  int column() const;
  int deeper(int base) const;
  void new_line(int indent);

  bool tags_;
  bool infix_;
  int width_;
  std::string text_;
  std::size_t limit_ = std::string::npos;
};

int Printer::column() const {
  const std::size_t line = text_.rfind('\n');
  return static_cast<int>(text_.size() - (line == std::string::npos ? 0 : line + 1));
}

int Printer::deeper(int base) const {
  return std::max(base,
                  std::min(base + indentation, static_cast<int>(width_ * widest_indentation)));
}

void Printer::new_line(int indent) {
  text_ += '\n';
  text_.append(static_cast<std::size_t>(indent), ' ');
}

void Printer::name(const Node& node) {
  if (node.quoted) text_ += "`" + node.text + "`";
  else text_ += node.text;
  if (tags_ && node.place.known()) text_ += format("${}${}", node.place.line, node.place.column);
}

// All of a call or list in front of its items.
void Printer::head(const Node& node) {
  if (node.kind == NodeKind::list) {
    text_ += "'(";
    return;
  }
  name(node);
  if (!node.attribute.empty()) text_ += "{" + node.attribute + "}";
  text_ += "(";
}

const Symbol* Printer::symbol_of(const Node& node, const auto& table, std::size_t arity) const {
  const bool is_plain = infix_ && node.kind == NodeKind::call && !node.quoted &&
                        node.attribute.empty() && node.children.size() == arity;
  return is_plain ? find_name(table, node.text) : nullptr;
}

// Operators of one precedence group to the left: a - (b - c) keeps its parentheses.
std::pair<bool, bool> Printer::need_parentheses(const Node& node, const Symbol& symbol) const {
  const Symbol* left = binary(*node.children[0]);
  const Symbol* right = binary(*node.children[1]);
  return {left != nullptr && left->precedence < symbol.precedence,
          right != nullptr && right->precedence <= symbol.precedence};
}

void Printer::flat(const Node& node) {
  if (text_.size() > limit_) return;
  switch (node.kind) {
    case NodeKind::integer:
      text_ += node.text.empty() ? format("{}", node.integer) : node.text;
      return;
    case NodeKind::real: text_ += real_text(node.real); return;
    case NodeKind::imaginary: text_ += real_text(node.real) + "j"; return;
    case NodeKind::boolean: text_ += node.boolean ? "true" : "false"; return;
    case NodeKind::string: text_ += quote(node.text); return;
    case NodeKind::nil: text_ += "nil"; return;
    case NodeKind::name: name(node); return;
    case NodeKind::array: text_ += to_text(node.value); return;
    default: break;
  }
  if (const Symbol* symbol = binary(node)) return flat_binary(node, *symbol);
  if (const Symbol* symbol = unary(node)) return flat_unary(node, *symbol);
  flat_items(node);
}

void Printer::flat_items(const Node& node) {
  head(node);
  for (std::size_t i = 0; i < node.children.size() && text_.size() <= limit_; ++i) {
    if (i > 0) text_ += ", ";
    flat(*node.children[i]);
  }
  text_ += ")";
}

void Printer::flat_binary(const Node& node, const Symbol& symbol) {
  const auto [left, right] = need_parentheses(node, symbol);
  flat_operand(*node.children[0], left);
  text_ += format(" {} ", symbol.text);
  flat_operand(*node.children[1], right);
}

void Printer::flat_unary(const Node& node, const Symbol& symbol) {
  const Node& operand = *node.children[0];
  text_ += symbol.text;
  // -5 would become a literal, and --x reads badly.
  flat_operand(operand, binary(operand) || unary(operand) || is_number(operand));
}

void Printer::flat_operand(const Node& node, bool parenthesised) {
  if (parenthesised) text_ += "(";
  flat(node);
  if (parenthesised) text_ += ")";
}

bool Printer::try_flat(const Node& node, int behind) {
  const std::size_t before = text_.size();
  limit_ = before + static_cast<std::size_t>(std::max(0, width_ - column() - behind));
  flat(node);
  const bool fits = text_.size() <= limit_;
  limit_ = std::string::npos;
  if (!fits) text_.resize(before);
  return fits;
}

void Printer::layout(const Node& node, int base, int behind) {
  if (try_flat(node, behind)) return;
  if (const Symbol* symbol = binary(node)) return layout_binary(node, *symbol, base, behind);
  if (const Symbol* symbol = unary(node)) {
    const Node& operand = *node.children[0];
    text_ += symbol->text;
    return layout_operand(operand, binary(operand) || unary(operand) || is_number(operand), base,
                          behind);
  }
  if (node.children.empty()) return flat(node);
  if (is_block(node)) layout_block(node, base, behind);
  else layout_call(node, base, behind);
}

void Printer::layout_block(const Node& node, int base, int behind) {
  head(node);
  for (std::size_t i = 0; i < node.children.size(); ++i) {
    const bool is_last = i + 1 == node.children.size();
    new_line(deeper(base));
    layout(*node.children[i], deeper(base), is_last ? behind + 1 : 1);
    text_ += is_last ? ")" : ",";
  }
}

// Arguments stay on the line while they fit. The only one that carries a block
// opens it there; any other that is too long begins a line.
void Printer::layout_call(const Node& node, int base, int behind) {
  head(node);
  const auto blocks = std::count_if(node.children.begin(), node.children.end(), carries_block);
  for (std::size_t i = 0; i < node.children.size(); ++i) {
    const NodePtr& child = node.children[i];
    const bool is_last = i + 1 == node.children.size();
    const int following = is_last ? behind + 1 : 1;
    const bool opens_here = blocks == 1 && carries_block(child);
    if (i > 0 && column() < width_) text_ += ' ';
    if (opens_here) {
      layout(*child, base, following);
    } else if (!try_flat(*child, following)) {
      if (text_.back() == ' ') text_.pop_back();
      new_line(deeper(base));
      layout(*child, deeper(base), following);
    }
    text_ += is_last ? ")" : ",";
  }
}

void Printer::layout_binary(const Node& node, const Symbol& symbol, int base, int behind) {
  const auto [left, right] = need_parentheses(node, symbol);
  layout_operand(*node.children[0], left, base, static_cast<int>(symbol.text.size()) + 1);
  new_line(deeper(base));
  text_ += format("{} ", symbol.text);
  layout_operand(*node.children[1], right, deeper(base), behind);
}

void Printer::layout_operand(const Node& node, bool parenthesised, int base, int behind) {
  if (parenthesised) text_ += "(";
  layout(node, base, behind + (parenthesised ? 1 : 0));
  if (parenthesised) text_ += ")";
}

}  // namespace

std::string print(const Node& node, const PrintOptions& options) {
  Printer printer(options);
  printer.expression(node);
  return std::move(printer.text());
}

// Behind a name ( would begin arguments, and behind any expression + or - would
// continue it: there a ; separates.
std::string print(const std::vector<NodePtr>& program, const PrintOptions& options) {
  std::string text;
  for (const NodePtr& node : program) {
    const std::string part = print(*node, options);
    const bool continues = std::string_view("(+-").find(part[0]) != std::string_view::npos;
    if (!text.empty()) text += continues ? ";\n" : "\n";
    text += part;
  }
  return text;
}

}  // namespace jetlag::physl
