#include "compiler/physl/node.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>

namespace jetlag::physl {

namespace {

std::shared_ptr<Node> start(NodeKind kind, Place place) {
  auto node = std::make_shared<Node>();
  node->kind = kind;
  // A tag has no sign.
  node->place = {std::max(place.line, 0), std::max(place.column, 0)};
  return node;
}

void check_name(std::string_view name) {
  JETLAG_CHECK(!name.empty() && name.find_first_of("`\n") == std::string_view::npos,
               "a name that PhySL cannot write: {}", quote(name));
}

bool shows_place(NodeKind kind) { return kind == NodeKind::name || kind == NodeKind::call; }

bool same_place(const Node& a, const Node& b) {
  if (!shows_place(a.kind) || !a.place.known() || !b.place.known()) return true;
  return a.place == b.place;
}

// The text of an array is exact: it reads back to the same numbers.
bool same_value(const Value& a, const Value& b) {
  if (a.kind() != b.kind()) return false;
  if (!a.is_array()) return true;
  return a.array()->dtype() == b.array()->dtype() && a.array()->shape() == b.array()->shape() &&
         to_text(a) == to_text(b);
}

// Whether brackets and numbers can say all about an array.
bool is_literal(const Value& value) {
  if (!value.is_array() || value.array()->rank() == 0) return false;
  const DType dtype = value.array()->dtype();
  const Dims& shape = value.array()->shape();
  // An empty row shows neither what it would hold nor how long its rows are.
  if (std::find(shape.begin(), shape.end() - 1, 0) != shape.end() - 1) return false;
  if (shape.back() == 0) return dtype == DType::float64;
  return dtype == DType::int64 || dtype == DType::float64 || dtype == DType::boolean;
}

}  // namespace

NodePtr make_integer(std::int64_t value, Place place) {
  auto node = start(NodeKind::integer, place);
  node->integer = value;
  return node;
}

NodePtr make_big_integer(std::string digits, Place place) {
  const bool negative = digits.starts_with('-');
  // 007 and 7 are one number and get one node.
  const std::size_t first = digits.find_first_not_of('0', negative ? 1 : 0);
  if (first == std::string::npos) return make_integer(0, place);
  digits = format("{}{}", negative ? "-" : "", digits.substr(first));
  std::int64_t value = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, problem] = std::from_chars(digits.data(), end, value);
  JETLAG_CHECK(stop == end, "an integer written {}", quote(digits));
  if (problem == std::errc{}) return make_integer(value, place);
  auto node = start(NodeKind::integer, place);
  node->text = std::move(digits);
  return node;
}

NodePtr make_real(double value, Place place) {
  if (std::isnan(value)) return make_name("nan", place);
  auto node = start(NodeKind::real, place);
  node->real = value;
  return node;
}

NodePtr make_imaginary(double factor, Place place) {
  if (std::isnan(factor)) {
    return make_call("__mul", {make_name("nan", place), make_imaginary(1, place)}, place);
  }
  auto node = start(NodeKind::imaginary, place);
  node->real = factor;
  return node;
}

NodePtr make_boolean(bool value, Place place) {
  auto node = start(NodeKind::boolean, place);
  node->boolean = value;
  return node;
}

NodePtr make_string(std::string text, Place place) {
  auto node = start(NodeKind::string, place);
  node->text = std::move(text);
  return node;
}

NodePtr make_nil(Place place) { return start(NodeKind::nil, place); }

NodePtr make_name(std::string name, Place place, bool quoted) {
  check_name(name);
  if (!quoted && name == "nil") return make_nil(place);
  if (!quoted && (name == "true" || name == "false")) return make_boolean(name == "true", place);
  auto node = start(NodeKind::name, place);
  node->quoted = quoted || !is_identifier(name);
  node->text = std::move(name);
  return node;
}

NodePtr make_call(std::string callee, std::vector<NodePtr> arguments, Place place,
                  std::string attribute, bool quoted) {
  check_name(callee);
  JETLAG_CHECK(attribute.find('}') == std::string::npos, "an attribute that holds a brace: {}",
               quote(attribute));
  auto node = start(NodeKind::call, place);
  node->quoted = quoted || !is_identifier(callee);
  node->text = std::move(callee);
  node->attribute = std::move(attribute);
  node->children = std::move(arguments);
  return node;
}

NodePtr make_list(std::vector<NodePtr> items, Place place) {
  auto node = start(NodeKind::list, place);
  node->children = std::move(items);
  return node;
}

NodePtr make_array(Value value, Place place) {
  JETLAG_CHECK(is_literal(value), "no array literal: {}", describe(value));
  auto node = start(NodeKind::array, place);
  node->value = std::move(value);
  return node;
}

bool is_identifier(std::string_view name) {
  // Not std::isalpha: the grammar must not follow the locale.
  constexpr auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  if (name.empty() || !is_letter(name[0])) return false;
  return std::all_of(name.begin(), name.end(),
                     [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

bool same(const Node& a, const Node& b) {
  // Bits, not ==: 0.0 and -0.0 are different literals.
  const bool payload = a.text == b.text && a.attribute == b.attribute && a.quoted == b.quoted &&
                       a.integer == b.integer && a.boolean == b.boolean &&
                       std::bit_cast<std::uint64_t>(a.real) == std::bit_cast<std::uint64_t>(b.real);
  if (a.kind != b.kind || !payload || !same_place(a, b) || !same_value(a.value, b.value)) {
    return false;
  }
  return std::equal(a.children.begin(), a.children.end(), b.children.begin(), b.children.end(),
                    [](const NodePtr& x, const NodePtr& y) { return same(*x, *y); });
}

}  // namespace jetlag::physl
