// Tables in answers: a JSON array for each column.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <utility>

namespace jetlag::routes {

// The columns of the rows, named: columns(rows, std::pair{"begin", &SpanRow::begin}, …). A field is
// a member, or a function of a row. Columns are there also where there are no rows.
template <class Rows, class... Fields>
nlohmann::json columns(const Rows& rows, const std::pair<const char*, Fields>&... fields) {
  nlohmann::json table = nlohmann::json::object();
  ((table[fields.first] = nlohmann::json::array()), ...);
  for (const auto& row : rows)
    (table[fields.first].push_back(std::invoke(fields.second, row)), ...);
  return table;
}

}  // namespace jetlag::routes
