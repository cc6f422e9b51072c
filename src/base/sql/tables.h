// Data that lies in memory, asked in SQL: each table is rows and a function for each column.
// Nothing can be written, and an answer has limits of time, rows and bytes.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace jetlag::sql {

// What a table holds at a place. Text has to live as long as the table.
using Cell = std::variant<std::monostate, std::int64_t, double, std::string_view>;
// The same in an answer.
using Value = std::variant<std::monostate, std::int64_t, double, std::string>;

struct Column {
  std::string_view name;
  std::string_view doc;
  std::function<Cell(std::int64_t row)> cell;
};

struct Table {
  std::string_view name;
  std::string_view doc;
  std::int64_t rows = 0;
  std::vector<Column> columns;
  // Columns that are looked up instead of searched: one that holds the row's number, and one whose
  // whole numbers do not fall from row to row; -1 is none.
  int number = -1;
  int sorted = -1;
};

struct Limits {
  std::chrono::milliseconds time{5000};
  std::size_t rows = 10'000;
  std::size_t bytes = 16 << 20;
};

struct Answer {
  std::vector<std::string> columns;
  std::vector<std::vector<Value>> rows;
  bool more = false;  // there were more rows than the limits let through
};

// Throws Error(value): what SQLite says of the text, that it writes, or that it took too long.
Answer ask(std::span<const Table> tables, std::string_view text, const Limits& limits);

}  // namespace jetlag::sql
