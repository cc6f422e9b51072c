// PhySL text as tokens, one at a time.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace jetlag::physl {

enum class TokenKind : std::uint8_t {
  end,
  name,  // with its tag, if any
  integer,
  real,
  imaginary,  // text is without the j
  string,
  attribute,  // {…}: text is what stands inside
  list_open,  // '(
  symbol,     // an operator or one of ( ) [ ] , ;
  unknown,    // what no rule of the grammar begins with
};

struct Token {
  TokenKind kind = TokenKind::end;
  std::string text;
  Place place;          // in this text
  Place tag;            // $line$column behind a name
  bool quoted = false;  // a name in backquotes
  bool is(std::string_view symbol) const { return kind == TokenKind::symbol && text == symbol; }
};

// How a message calls a token: "the name x", "the end of the text".
std::string describe(const Token& token);

// Throws Error(syntax): "expected … but found …".
[[noreturn]] void fail(Place place, std::string_view expected, std::string_view found,
                       std::string hint = {});

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}
  Token next();

 private:
  bool at_end() const { return at_ == text_.size(); }
  char peek(std::size_t ahead = 0) const;
  bool sees(std::string_view word) const { return text_.substr(at_).starts_with(word); }
  char advance();
  std::string advance(std::size_t bytes);
  std::string take_digits();
  std::string found() const;

  void skip_blanks();
  void skip_comment();
  Token name();
  Token quoted_name();
  Token number();
  Token string();
  Token attribute();
  char escape();
  char hexadecimal();
  Place tag();
  std::int32_t tag_number(std::string_view what);

  std::string_view text_;
  std::size_t at_ = 0;
  Place place_{1, 1};
};

}  // namespace jetlag::physl
