// Recursive descent over the grammar of docs/physl.md:
//
//   program := (expr ';'?)*
//   expr    := unary (binop unary)*           by precedence, to the left
//   unary   := ('+' | '-' | '!')* primary
//   primary := number | string | array | name | call | "'(" items ")" | '(' expr ')'
//   call    := name attribute? '(' items ')'
#include <algorithm>
#include <cstdlib>
#include <utility>

#include "compiler/physl/array_literal.h"
#include "compiler/physl/lexer.h"
#include "compiler/physl/node.h"
#include "compiler/physl/symbols.h"

namespace jetlag::physl {

namespace {

// Walking a tree recurses once for each level. This bound is far above what
// people write and far below what a stack of 8 MB can take.
constexpr int deepest = 2000;

// A tree and how many levels it has: a long sum is deep without any nesting.
struct Parsed {
  NodePtr node;
  int height = 1;
};

class Parser {
 public:
  explicit Parser(std::string_view text) : lexer_(text), token_(lexer_.next()) {}

  std::vector<NodePtr> program() {
    std::vector<NodePtr> expressions;
    while (true) {
      while (token_.is(";")) advance();
      if (token_.kind == TokenKind::end) return expressions;
      expressions.push_back(expression().node);
    }
  }

 private:
  // Counts open parentheses while it lives. A printed tree never has more of
  // them around a node than it has levels, so what is printed can be parsed.
  class Level {
   public:
    explicit Level(Parser& parser) : parser_(parser) {
      parser_.check_depth(++parser_.level_, parser_.token_.place);
    }
    ~Level() { --parser_.level_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    Parser& parser_;
  };

  Parsed expression(int lowest_precedence = 1);
  Parsed unary();
  Parsed primary();
  Parsed number(bool negative);
  Parsed name_or_call();
  Parsed call(const Token& name, std::string attribute);
  Parsed list();
  Parsed parenthesised();
  int items(std::string_view callee, std::vector<NodePtr>& nodes);
  Parsed operation(const Symbol& symbol, Place place, Parsed left, Parsed right = {});
  [[noreturn]] void expected(std::string_view what) const;
  void check_depth(int depth, Place place) const;

  Token advance() { return std::exchange(token_, lexer_.next()); }
  bool sees_number() const {
    return token_.kind == TokenKind::integer || token_.kind == TokenKind::real ||
           token_.kind == TokenKind::imaginary;
  }

  // Places in a text that was printed with tags would mislead: what has no tag
  // there belongs to the nearest tagged call.
  Place place_of(Place in_text) const { return around_.known() ? around_ : in_text; }

  Lexer lexer_;
  Token token_;
  Place around_;
  int level_ = 0;
};

void Parser::check_depth(int depth, Place place) const {
  if (depth <= deepest) return;
  fail(place, format("at most {} levels of nesting", deepest), "more",
       "give parts a name: define(part, …)");
}

void Parser::expected(std::string_view what) const {
  std::string hint;
  if (token_.is("[")) hint = "an element is written slice(a, i)";
  if (token_.kind == TokenKind::unknown) {
    if (token_.text == "=") hint = "assign with store(name, value), compare with ==";
    else if (token_.text == "'") hint = "strings stand in double quotes, lists in '( )";
    else if (token_.text == "&" || token_.text == "|") hint = "the operators are && and ||";
    else if (static_cast<unsigned char>(token_.text[0]) >= 0x80) {
      hint = "a name of other letters than A to Z stands in backquotes";
    }
  }
  fail(token_.place, what, describe(token_), std::move(hint));
}

Parsed Parser::operation(const Symbol& symbol, Place place, Parsed left, Parsed right) {
  const int height = std::max(left.height, right.height) + 1;
  check_depth(height, place);
  std::vector<NodePtr> operands{std::move(left.node)};
  if (right.node) operands.push_back(std::move(right.node));
  return {make_call(std::string(symbol.name), std::move(operands), place_of(place)), height};
}

Parsed Parser::expression(int lowest_precedence) {
  Parsed left = unary();
  while (token_.kind == TokenKind::symbol) {
    const Symbol* symbol = find_symbol(binary_symbols, token_.text);
    if (symbol == nullptr || symbol->precedence < lowest_precedence) break;
    const Place place = advance().place;
    Parsed right = expression(symbol->precedence + 1);
    left = operation(*symbol, place, std::move(left), std::move(right));
  }
  return left;
}

// Operators in front of a primary; the last one binds first.
Parsed Parser::unary() {
  std::vector<std::pair<const Symbol*, Place>> operators;
  while (token_.kind == TokenKind::symbol) {
    const Symbol* symbol = find_symbol(unary_symbols, token_.text);
    if (symbol == nullptr) break;
    operators.emplace_back(symbol, advance().place);
  }
  // -5 is a literal, -(5) a call.
  const bool is_negative =
      sees_number() && !operators.empty() && operators.back().first->text == "-";
  if (is_negative) operators.pop_back();
  Parsed result = is_negative ? number(true) : primary();
  for (; !operators.empty(); operators.pop_back()) {
    const auto [symbol, place] = operators.back();
    result = operation(*symbol, place, std::move(result));
  }
  return result;
}

Parsed Parser::primary() {
  switch (token_.kind) {
    case TokenKind::integer:
    case TokenKind::real:
    case TokenKind::imaginary: return number(false);
    case TokenKind::name: return name_or_call();
    case TokenKind::list_open: return list();
    case TokenKind::string: {
      Token token = advance();
      return {make_string(std::move(token.text), place_of(token.place))};
    }
    default: break;
  }
  if (token_.is("(")) return parenthesised();
  if (token_.is("[")) {
    const Place place = place_of(token_.place);
    return {make_array(read_array(lexer_, token_), place)};
  }
  expected("an expression");
}

Parsed Parser::number(bool negative) {
  Token token = advance();
  const Place place = place_of(token.place);
  const std::string text = (negative ? "-" : "") + token.text;
  if (token.kind == TokenKind::integer) return {make_big_integer(text, place)};
  const double value = std::strtod(text.c_str(), nullptr);
  return {token.kind == TokenKind::real ? make_real(value, place) : make_imaginary(value, place)};
}

Parsed Parser::name_or_call() {
  const Token name = advance();
  std::string attribute;
  if (token_.kind == TokenKind::attribute) {
    attribute = advance().text;
    if (!token_.is("(")) expected(format("( behind {}{{{}}}", name.text, attribute));
  }
  if (token_.is("(")) return call(name, std::move(attribute));
  const Place place = name.tag.known() ? name.tag : place_of(name.place);
  return {make_name(name.text, place, name.quoted)};
}

Parsed Parser::call(const Token& name, std::string attribute) {
  advance();
  const Place place = name.tag.known() ? name.tag : place_of(name.place);
  const Place outside = around_;
  if (name.tag.known()) around_ = name.tag;
  std::vector<NodePtr> arguments;
  const int height = items(name.text, arguments) + 1;
  around_ = outside;
  check_depth(height, name.place);
  return {make_call(name.text, std::move(arguments), place, std::move(attribute), name.quoted),
          height};
}

Parsed Parser::list() {
  const Place place = advance().place;
  std::vector<NodePtr> nodes;
  const int height = items({}, nodes) + 1;
  check_depth(height, place);
  return {make_list(std::move(nodes), place_of(place)), height};
}

Parsed Parser::parenthesised() {
  const Level level(*this);
  advance();
  Parsed inside = expression();
  if (!token_.is(")")) expected(")");
  advance();
  return inside;
}

// What stands behind an opening parenthesis, up to the closing one: arguments,
// or without a callee the items of a list. Returns the height of the highest.
int Parser::items(std::string_view callee, std::vector<NodePtr>& nodes) {
  const Level level(*this);
  int height = 0;
  if (token_.is(")")) {
    advance();
    return height;
  }
  while (true) {
    Parsed item = expression();
    height = std::max(height, item.height);
    nodes.push_back(std::move(item.node));
    if (!token_.is(",") && !token_.is(")")) {
      expected(callee.empty() ? std::string(") or , behind an item of the list")
                              : format(") or , behind an argument of {}", callee));
    }
    if (advance().text == ")") return height;
  }
}

}  // namespace

std::vector<NodePtr> parse(std::string_view text, std::string_view file) {
  try {
    return Parser(text).program();
  } catch (Error& error) {
    error.locate_file(file);
    throw;
  }
}

}  // namespace jetlag::physl
