#include "compiler/physl/array_literal.h"

#include <charconv>
#include <cstdlib>
#include <limits>

namespace jetlag::physl {

namespace {

// As many as NumPy 1 had; nobody types more brackets.
constexpr std::int64_t most_axes = 32;

class Reader {
 public:
  Reader(Lexer& lexer, Token& token) : lexer_(lexer), token_(token) {}

  Value read() {
    axis(0);
    const DType dtype = has_booleans_           ? DType::boolean
                        : has_reals_ || empty() ? DType::float64
                                                : DType::int64;
    Ref<Array> result = new_array(dtype, shape_);
    for (std::size_t i = 0; i < reals_.size(); ++i) {
      if (dtype == DType::float64) result->as<double>()[i] = reals_[i];
      else if (dtype == DType::int64) result->as<std::int64_t>()[i] = integers_[i];
      else result->as<bool>()[i] = integers_[i] != 0;
    }
    return Value::of(std::move(result));
  }

 private:
  bool empty() const { return reals_.empty(); }
  void advance() { token_ = lexer_.next(); }
  void axis(std::int64_t level);
  void check_length(std::int64_t level, std::int64_t length);
  void element();
  void number(bool negative);
  void add(std::int64_t integer, double real);
  [[noreturn]] void refuse() const;

  Lexer& lexer_;
  Token& token_;
  Dims shape_;               // -1 until the first row of an axis has ended
  bool rank_known_ = false;  // from the first element or the first empty row
  bool has_booleans_ = false;
  bool has_reals_ = false;
  // Both readings of each element: [1, 2.5] is real from its first element on.
  std::vector<std::int64_t> integers_;
  std::vector<double> reals_;
};

void Reader::axis(std::int64_t level) {
  if (level == most_axes) fail(token_.place, format("at most {} axes", most_axes), "more");
  if (level == shape_.size()) shape_.push_back(-1);
  advance();
  std::int64_t length = 0;
  while (!token_.is("]")) {
    const bool inner = level + 1 < shape_.size() || (!rank_known_ && token_.is("["));
    if (inner && !token_.is("[")) {
      fail(token_.place, "[, as in the row before,", describe(token_));
    }
    if (inner) axis(level + 1);
    else element();
    ++length;
    if (token_.is("]")) break;
    if (!token_.is(",")) fail(token_.place, "] or , behind an element", describe(token_));
    advance();
    if (token_.is("]")) fail(token_.place, "an element behind ,", "]");
  }
  // An empty row ends the axes as an element does.
  rank_known_ = true;
  check_length(level, length);
  advance();
}

void Reader::check_length(std::int64_t level, std::int64_t length) {
  if (shape_[level] < 0) shape_[level] = length;
  if (level + 1 < shape_.size() && length == 0) {
    fail(token_.place, "[, as in the row before,", "]");
  }
  if (shape_[level] == length) return;
  fail(token_.place, format("a row of length {}, as the first,", shape_[level]),
       format("one of length {}", length));
}

void Reader::element() {
  rank_known_ = true;
  const bool minus = token_.is("-");
  const bool is_signed = minus || token_.is("+");
  if (is_signed) advance();
  if (token_.kind == TokenKind::integer || token_.kind == TokenKind::real) return number(minus);
  // nan and inf stand for numbers that have no digits.
  if (token_.kind == TokenKind::name && (token_.text == "nan" || token_.text == "inf")) {
    const double value = std::strtod(token_.text.c_str(), nullptr);
    if (has_booleans_) refuse();
    has_reals_ = true;
    return add(0, minus ? -value : value);
  }
  const bool is_boolean =
      token_.kind == TokenKind::name && (token_.text == "true" || token_.text == "false");
  if (!is_boolean || is_signed) refuse();
  if (!empty() && !has_booleans_) {
    fail(token_.place, "a number, as before in this array,", describe(token_));
  }
  has_booleans_ = true;
  add(token_.text == "true" ? 1 : 0, 0);
}

void Reader::number(bool negative) {
  const std::string text = (negative ? "-" : "") + token_.text;
  if (token_.kind == TokenKind::real) {
    has_reals_ = true;
    return add(0, std::strtod(text.c_str(), nullptr));
  }
  std::int64_t integer = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), integer);
  if (problem != std::errc{}) {
    fail(token_.place, "an integer of 64 bits", describe(token_),
         "with a decimal point the array holds real numbers");
  }
  add(integer, static_cast<double>(integer));
}

void Reader::add(std::int64_t integer, double real) {
  if (has_booleans_ && token_.kind != TokenKind::name) {
    fail(token_.place, "true or false, as before in this array,", describe(token_));
  }
  integers_.push_back(integer);
  reals_.push_back(real);
  advance();
}

void Reader::refuse() const {
  fail(token_.place, "a number, true or false in an array", describe(token_),
       "brackets hold literals only; '( ) makes a list of expressions");
}

}  // namespace

Value read_array(Lexer& lexer, Token& token) { return Reader(lexer, token).read(); }

}  // namespace jetlag::physl
