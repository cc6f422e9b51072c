// The registry: the families of the table, seen as one, and found by name.
#include "primitives/primitive.h"

#include <charconv>
#include <unordered_map>
#include <vector>

#include "primitives/families.h"

namespace jetlag {

namespace {

std::vector<const Primitive*> collect() {
  std::vector<const Primitive*> all;
  for (std::span<const Primitive> family :
       {operator_primitives(), builtin_primitives(), math_primitives(), arithmetic_primitives(),
        comparison_primitives(), transcendental_primitives(), creation_primitives(),
        reduce_primitives(), shape_primitives(), linalg_primitives(), list_primitives(),
        control_primitives()}) {
    for (const Primitive& p : family) all.push_back(&p);
  }
  return all;
}

using Index = std::unordered_map<std::string_view, const Primitive*>;

// Of several rows with one Python twin (remainder, mod) the first is found.
Index index_by(std::string_view Primitive::* key) {
  Index index;
  for (const Primitive* p : primitives()) {
    if (!(p->*key).empty()) index.emplace(p->*key, p);
  }
  return index;
}

const Primitive* find(const Index& index, std::string_view key) {
  const auto found = index.find(key);
  return found == index.end() ? nullptr : found->second;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

template <class T>
std::optional<T> number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Value parse_default(std::string_view text) {
  // The row tells itself whether the argument was given.
  if (text == "?") return {};
  if (text == "nil") return Value::nil();
  if (text == "true" || text == "false") return Value::of(text == "true");
  if (text.size() >= 2 && text.front() == '\'' && text.back() == '\'') {
    return Value::of(std::string(text.substr(1, text.size() - 2)));
  }
  if (const auto i = number<std::int64_t>(text)) return Value::of(*i);
  const auto d = number<double>(text);
  JETLAG_CHECK(d.has_value(), "a default must be a literal, not {}", text);
  return Value::of(*d);
}

Parameter parse_parameter(std::string_view text) {
  if (text.starts_with('*')) return {.name = text.substr(1), .rest = true, .otherwise = {}};
  const auto equals = text.find('=');
  if (equals == text.npos) return {.name = text, .otherwise = {}};
  return {.name = trim(text.substr(0, equals)),
          .optional = true,
          .otherwise = parse_default(trim(text.substr(equals + 1)))};
}

std::vector<Parameter> parse_parameters(std::string_view text) {
  std::vector<Parameter> all;
  while (!trim(text).empty()) {
    const auto comma = std::min(text.find(','), text.size());
    all.push_back(parse_parameter(trim(text.substr(0, comma))));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return all;
}

}  // namespace

std::span<const Primitive* const> primitives() {
  static const std::vector<const Primitive*> all = collect();
  return all;
}

const Primitive* find_primitive(std::string_view name) {
  static const Index index = index_by(&Primitive::name);
  return find(index, name);
}

const Primitive* find_python(std::string_view dotted) {
  static const Index index = index_by(&Primitive::python);
  return find(index, dotted);
}

const Primitive* find_method(std::string_view method) {
  static const Index index = index_by(&Primitive::method);
  return find(index, method);
}

const Primitive* find_attribute(std::string_view attribute) {
  static const Index index = index_by(&Primitive::attribute);
  return find(index, attribute);
}

std::span<const Parameter> parameters(const Primitive& p) {
  using Parsed = std::unordered_map<const Primitive*, std::vector<Parameter>>;
  static const Parsed parsed = [] {
    Parsed all;
    for (const Primitive* row : primitives()) all.emplace(row, parse_parameters(row->params));
    return all;
  }();
  return parsed.at(&p);
}

}  // namespace jetlag
