// The operators that PhySL writes between or before their operands.
#pragma once

#include <string_view>

namespace jetlag::physl {

struct Symbol {
  std::string_view text;  // "+"
  std::string_view name;  // "__add"
  int precedence;         // higher binds tighter
};

// Longer texts come first, so that the lexer never takes < for <=.
inline constexpr Symbol binary_symbols[] = {
    {"||", "__or", 1}, {"&&", "__and", 2}, {"==", "__eq", 3}, {"!=", "__ne", 3}, {"<=", "__le", 4},
    {">=", "__ge", 4}, {"<", "__lt", 4},   {">", "__gt", 4},  {"+", "__add", 5}, {"-", "__sub", 5},
    {"*", "__mul", 6}, {"/", "__div", 6},  {"%", "__mod", 6},
};

inline constexpr Symbol unary_symbols[] = {
    {"-", "__minus", 7},
    {"+", "__plus", 7},
    {"!", "__not", 7},
};

constexpr const Symbol* find_symbol(const auto& table, std::string_view text) {
  for (const Symbol& symbol : table) {
    if (symbol.text == text) return &symbol;
  }
  return nullptr;
}

constexpr const Symbol* find_name(const auto& table, std::string_view name) {
  for (const Symbol& symbol : table) {
    if (symbol.name == name) return &symbol;
  }
  return nullptr;
}

}  // namespace jetlag::physl
