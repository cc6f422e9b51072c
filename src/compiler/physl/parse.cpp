// The parser of PhySL:
//
//   program := (expr ';'?)*
//   expr    := unary (binop unary)*           by precedence, to the left
//   unary   := ('+' | '-' | '!')* primary
//   primary := number | string | array | name | call | "'(" items ")" | '(' expr ')'
//   call    := name attribute? '(' items ')'
//
// What is open (parentheses, left operands) waits on a stack of its own instead
// of the machine's, so that no text can overflow it.
#include <algorithm>
#include <cstdlib>
#include <utility>

#include "compiler/physl/array_literal.h"
#include "compiler/physl/lexer.h"
#include "compiler/physl/node.h"
#include "compiler/physl/symbols.h"

namespace jetlag::physl {

namespace {

// Whoever walks a tree recurses once for each level. This bound is far above
// what people write and far below what a stack of 8 MB can take.
constexpr int deepest = 2000;

// A tree and how many levels it has: a long sum is deep without any nesting.
struct Parsed {
  NodePtr node;
  int height = 1;
};

// An operator that still lacks what stands to its right. A prefix has no left
// operand.
struct Waiting {
  Parsed left;
  const Symbol* symbol;
  Place place;
};

enum class Opening : std::uint8_t { program, parenthesis, call, list };

// A construct that is not closed yet, with the expression being read in it.
struct Open {
  Opening kind = Opening::program;
  Token token = {};            // the name of a call, else what opened it
  std::string attribute = {};  // of a call
  Place around = {};           // the nearest tag outside of it
  std::vector<NodePtr> items = {};
  int height = 0;  // of the highest item
  std::vector<Waiting> waiting = {};
};

class Parser {
 public:
  explicit Parser(std::string_view text) : lexer_(text), token_(lexer_.next()) {
    open_.push_back({.kind = Opening::program});
  }

  std::vector<NodePtr> program() {
    while (true) {
      while (open_.size() == 1 && at_start() && token_.is(";")) advance();
      if (open_.size() == 1 && at_start() && token_.kind == TokenKind::end) {
        return std::move(open_.front().items);
      }
      read_operand();
    }
  }

 private:
  // Between expressions: no operator waits for an operand.
  bool at_start() const { return open_.back().waiting.empty(); }
  bool at_first_item() const { return open_.back().items.empty() && at_start(); }

  void read_operand();
  void have_operand(Parsed operand);
  bool closes(Parsed& expression);
  Parsed close();
  void open(Opening kind, Token token, std::string attribute = {});
  void read_name();
  Parsed read_number();
  Parsed reduce(Parsed right);
  [[noreturn]] void expected(std::string_view what) const;
  std::string expected_behind_item() const;
  Parsed checked(NodePtr node, int height, Place place) const;

  Token advance() { return std::exchange(token_, lexer_.next()); }
  const Symbol* sees(const auto& symbols) const {
    return token_.kind == TokenKind::symbol ? find_symbol(symbols, token_.text) : nullptr;
  }
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
  std::vector<Open> open_;
};

[[noreturn]] void too_deep(Place place) {
  fail(place, format("at most {} levels of nesting", deepest), "more",
       "give parts a name: define(part, …)");
}

Parsed Parser::checked(NodePtr node, int height, Place place) const {
  if (height > deepest) too_deep(place);
  return {std::move(node), height};
}

void Parser::expected(std::string_view what) const {
  std::string hint;
  if (token_.kind == TokenKind::unknown) {
    if (token_.text == "=") hint = "assign with store(name, value), compare with ==";
    else if (token_.text == "'") hint = "strings stand in double quotes, lists in '( )";
    else if (token_.text == "&" || token_.text == "|") hint = "the operators are && and ||";
    else if (static_cast<unsigned char>(token_.text[0]) >= 0x80) {
      hint = "a name with other letters than A to Z stands in backquotes";
    }
  }
  fail(token_.place, what, describe(token_), std::move(hint));
}

// Reads on to the next operand, or opens the construct that will become it.
void Parser::read_operand() {
  if (const Symbol* prefix = sees(unary_symbols)) {
    const Place place = advance().place;
    open_.back().waiting.push_back({.left = {}, .symbol = prefix, .place = place});
    return;
  }
  if (token_.kind == TokenKind::name) return read_name();
  if (sees_number()) return have_operand(read_number());
  const Place place = place_of(token_.place);
  if (token_.kind == TokenKind::string) return have_operand({make_string(advance().text, place)});
  if (token_.is("[")) return have_operand({make_array(read_array(lexer_, token_), place)});
  if (token_.is("(")) return open(Opening::parenthesis, advance());
  if (token_.kind == TokenKind::list_open) return open(Opening::list, advance());
  const bool may_end =
      at_first_item() && (open_.back().kind == Opening::call || open_.back().kind == Opening::list);
  if (may_end && token_.is(")")) return have_operand(close());
  expected("an expression");
}

void Parser::open(Opening kind, Token token, std::string attribute) {
  // A printed tree never has more parentheses around a node than it has levels
  // above it, so what is printed can be parsed.
  if (open_.size() > deepest) too_deep(token.place);
  open_.push_back({.kind = kind,
                   .token = std::move(token),
                   .attribute = std::move(attribute),
                   .around = around_});
  if (open_.back().token.tag.known()) around_ = open_.back().token.tag;
}

// A name, or with arguments behind it a call.
void Parser::read_name() {
  Token name = advance();
  std::string attribute;
  if (token_.kind == TokenKind::attribute) {
    attribute = advance().text;
    if (!token_.is("(")) expected(format("( behind {}{{{}}}", name.text, attribute));
  }
  if (token_.is("(")) {
    advance();
    return open(Opening::call, std::move(name), std::move(attribute));
  }
  const Place place = name.tag.known() ? name.tag : place_of(name.place);
  have_operand({make_name(name.text, place, name.quoted)});
}

// -5 is a literal, -(5) a call.
Parsed Parser::read_number() {
  std::vector<Waiting>& waiting = open_.back().waiting;
  const bool is_negative = !waiting.empty() && waiting.back().symbol->name == "__minus";
  if (is_negative) waiting.pop_back();
  const Token token = advance();
  const Place place = place_of(token.place);
  const std::string text = (is_negative ? "-" : "") + token.text;
  if (token.kind == TokenKind::integer) return {make_big_integer(text, place)};
  const double value = std::strtod(text.c_str(), nullptr);
  return {token.kind == TokenKind::real ? make_real(value, place) : make_imaginary(value, place)};
}

// Operators that bind tighter than the one that follows get their operand. If
// none follows, the expression ends, and may end a construct that is an operand
// in turn.
void Parser::have_operand(Parsed operand) {
  do {
    const Symbol* next = sees(binary_symbols);
    const int precedence = next == nullptr ? 0 : next->precedence;
    std::vector<Waiting>& waiting = open_.back().waiting;
    while (!waiting.empty() && waiting.back().symbol->precedence >= precedence) {
      operand = reduce(std::move(operand));
    }
    if (next != nullptr) {
      waiting.push_back({.left = std::move(operand), .symbol = next, .place = advance().place});
      return;
    }
  } while (closes(operand));
}

// The last waiting operator with its operands.
Parsed Parser::reduce(Parsed right) {
  Waiting last = std::move(open_.back().waiting.back());
  open_.back().waiting.pop_back();
  const int height = std::max(last.left.height, right.height) + 1;
  std::vector<NodePtr> operands;
  if (last.left.node) operands.push_back(std::move(last.left.node));
  operands.push_back(std::move(right.node));
  const Place place = place_of(last.place);
  return checked(make_call(std::string(last.symbol->name), std::move(operands), place), height,
                 last.place);
}

// Gives the expression to what is open. If that ends with it, it takes the
// expression's place.
bool Parser::closes(Parsed& expression) {
  Open& inner = open_.back();
  inner.height = std::max(inner.height, expression.height);
  inner.items.push_back(std::move(expression.node));
  if (inner.kind == Opening::program) return false;
  if (token_.is(")")) {
    expression = close();
    return true;
  }
  if (inner.kind == Opening::parenthesis || !token_.is(",")) expected(expected_behind_item());
  advance();
  return false;
}

std::string Parser::expected_behind_item() const {
  const Open& inner = open_.back();
  if (inner.kind == Opening::parenthesis) return ")";
  if (inner.kind == Opening::list) return ") or , behind an item of the list";
  return format(") or , behind an argument of {}", inner.token.text);
}

// Takes the closing parenthesis.
Parsed Parser::close() {
  Open inner = std::move(open_.back());
  open_.pop_back();
  around_ = inner.around;
  advance();
  if (inner.kind == Opening::parenthesis) return {std::move(inner.items.front()), inner.height};
  const Token& token = inner.token;
  const Place place = token.tag.known() ? token.tag : place_of(token.place);
  NodePtr node = inner.kind == Opening::list ? make_list(std::move(inner.items), place)
                                             : make_call(token.text, std::move(inner.items), place,
                                                         std::move(inner.attribute), token.quoted);
  return checked(std::move(node), inner.height + 1, token.place);
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
