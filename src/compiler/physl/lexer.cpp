#include "compiler/physl/lexer.h"

#include <algorithm>
#include <charconv>

#include "array/value.h"
#include "compiler/physl/symbols.h"

namespace jetlag::physl {

namespace {

// Not the functions of <cctype>: the grammar must not follow the locale.
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }
bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

constexpr std::string_view punctuation = "()[],;";
constexpr std::size_t longest_quotation = 30;

std::string shortened(std::string text) {
  if (text.size() <= longest_quotation) return text;
  std::size_t end = longest_quotation;
  while (end > 0 && continues_character(text[end])) --end;
  return text.substr(0, end) + "…";
}

std::string begins_at(std::string_view what, Place place) {
  return format("the {} begins at {}:{}", what, place.line, place.column);
}

}  // namespace

std::string describe(const Token& token) {
  switch (token.kind) {
    case TokenKind::end: return "the end of the text";
    case TokenKind::name: {
      const std::string name = shortened(token.text);
      return token.quoted ? format("the name `{}`", name) : format("the name {}", name);
    }
    case TokenKind::integer:
    case TokenKind::real: return format("the number {}", shortened(token.text));
    case TokenKind::imaginary: return format("the number {}j", shortened(token.text));
    case TokenKind::string: return format("the string {}", quote(shortened(token.text)));
    case TokenKind::attribute: return format("{{{}}}", shortened(token.text));
    case TokenKind::list_open: return "'(";
    default: return token.text;
  }
}

void fail(Place place, std::string_view expected, std::string_view found, std::string hint) {
  throw Error(Kind::syntax, place, format("expected {} but found {}", expected, found),
              std::move(hint));
}

char Lexer::peek(std::size_t ahead) const {
  return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
}

// Columns count characters, not bytes.
char Lexer::advance() {
  const char c = text_[at_++];
  if (c == '\n') {
    ++place_.line;
    place_.column = 1;
  } else if (at_ == text_.size() || !continues_character(text_[at_])) {
    ++place_.column;
  }
  return c;
}

std::string Lexer::advance(std::size_t bytes) {
  std::string taken;
  for (std::size_t i = 0; i < bytes; ++i) taken += advance();
  return taken;
}

std::string Lexer::take_digits() {
  std::string digits;
  while (is_digit(peek())) digits += advance();
  return digits;
}

// How a message calls the next character.
std::string Lexer::found() const {
  if (at_end()) return "the end of the text";
  if (peek() == '\n') return "the end of the line";
  std::size_t bytes = 1;
  while (at_ + bytes < text_.size() && continues_character(peek(bytes))) ++bytes;
  // Bytes that nobody can read are shown escaped.
  if (static_cast<unsigned char>(peek()) < 0x20) return quote(text_.substr(at_, 1));
  return std::string(text_.substr(at_, bytes));
}

void Lexer::skip_blanks() {
  while (!at_end()) {
    if (is_blank(peek())) advance();
    else if (peek() == '#' || sees("//") || sees("/*")) skip_comment();
    else return;
  }
}

void Lexer::skip_comment() {
  if (!sees("/*")) {
    while (!at_end() && peek() != '\n') advance();
    return;
  }
  const Place begin = place_;
  advance(2);
  while (!sees("*/")) {
    if (at_end()) fail(place_, "*/", found(), begins_at("comment", begin));
    advance();
  }
  advance(2);
}

Token Lexer::next() {
  skip_blanks();
  Token token;
  token.place = place_;
  if (at_end()) return token;
  if (is_letter(peek())) return name();
  if (peek() == '`') return quoted_name();
  if (is_digit(peek()) || (peek() == '.' && is_digit(peek(1)))) return number();
  if (peek() == '"') return string();
  if (peek() == '{') return attribute();
  if (sees("'(")) {
    token.kind = TokenKind::list_open;
    token.text = advance(2);
    return token;
  }
  token.kind = TokenKind::symbol;
  for (const Symbol& symbol : binary_symbols) {
    if (!sees(symbol.text)) continue;
    token.text = advance(symbol.text.size());
    return token;
  }
  if (peek() == '!' || punctuation.find(peek()) != std::string_view::npos) {
    token.text = advance(1);
    return token;
  }
  token.kind = TokenKind::unknown;
  token.text = found();
  return token;
}

Token Lexer::name() {
  Token token{.kind = TokenKind::name, .text = {}, .place = place_, .tag = {}};
  while (is_letter(peek()) || is_digit(peek())) token.text += advance();
  token.tag = tag();
  return token;
}

Token Lexer::quoted_name() {
  Token token{.kind = TokenKind::name, .text = {}, .place = place_, .tag = {}, .quoted = true};
  advance();
  while (at_end() || peek() != '`') {
    if (at_end() || peek() == '\n') fail(place_, "`", found(), begins_at("name", token.place));
    token.text += advance();
  }
  if (token.text.empty()) fail(place_, "a name", "`");
  advance();
  token.tag = tag();
  return token;
}

// $line or $line$column
Place Lexer::tag() {
  Place tag;
  if (peek() != '$') return tag;
  tag.line = tag_number("line");
  if (peek() == '$') tag.column = tag_number("column");
  return tag;
}

std::int32_t Lexer::tag_number(std::string_view what) {
  advance();
  const Place begin = place_;
  if (!is_digit(peek())) fail(place_, format("a {} number behind $", what), found());
  const std::string digits = take_digits();
  std::int32_t value = 0;
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (problem != std::errc{}) {
    fail(begin, format("a {} number below 2147483648", what), shortened(digits));
  }
  return value;
}

// An exponent or a point makes it real; j makes either imaginary.
Token Lexer::number() {
  Token token{.kind = TokenKind::integer, .text = take_digits(), .place = place_, .tag = {}};
  token.place.column -= static_cast<std::int32_t>(token.text.size());
  if (peek() == '.') {
    token.kind = TokenKind::real;
    token.text += advance();
    token.text += take_digits();
  }
  const std::size_t sign = peek(1) == '+' || peek(1) == '-' ? 1 : 0;
  if ((peek() == 'e' || peek() == 'E') && is_digit(peek(1 + sign))) {
    token.kind = TokenKind::real;
    token.text += advance(1 + sign);
    token.text += take_digits();
  }
  if (peek() == 'j') {
    token.kind = TokenKind::imaginary;
    advance();
  }
  if (is_letter(peek()) || is_digit(peek()) || peek() == '.') {
    fail(place_, format("the end of {}", describe(token)), found());
  }
  return token;
}

Token Lexer::string() {
  Token token{.kind = TokenKind::string, .text = {}, .place = place_, .tag = {}};
  advance();
  while (at_end() || peek() != '"') {
    if (at_end()) fail(place_, "\"", found(), begins_at("string", token.place));
    const char c = advance();
    token.text += c == '\\' ? escape() : c;
  }
  advance();
  return token;
}

char Lexer::escape() {
  constexpr std::string_view letters = "abfnrtv\\'\"";
  constexpr std::string_view meanings = "\a\b\f\n\r\t\v\\'\"";
  if (peek() == 'x') {
    advance();
    return hexadecimal();
  }
  const std::size_t at = at_end() ? std::string_view::npos : letters.find(peek());
  if (at == std::string_view::npos) {
    fail(place_, "one of a b f n r t v x \\ ' \" behind \\", found(),
         "a backslash itself is written \\\\");
  }
  advance();
  return meanings[at];
}

char Lexer::hexadecimal() {
  unsigned code = 0;
  for (int i = 0; i < 2; ++i) {
    const char digit[] = {peek()};
    unsigned value = 0;
    const auto [end, problem] = std::from_chars(digit, digit + 1, value, 16);
    if (problem != std::errc{}) fail(place_, "two hexadecimal digits behind \\x", found());
    code = code * 16 + value;
    advance();
  }
  return static_cast<char>(code);
}

// Whatever stands between the braces: its meaning belongs to who reads the node.
Token Lexer::attribute() {
  Token token{.kind = TokenKind::attribute, .text = {}, .place = place_, .tag = {}};
  advance();
  while (at_end() || peek() != '}') {
    if (at_end()) fail(place_, "}", found(), begins_at("attribute", token.place));
    token.text += advance();
  }
  advance();
  return token;
}

}  // namespace jetlag::physl
