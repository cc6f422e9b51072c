// The strategies: one row each, with the paper it comes from.
#pragma once

#include <span>
#include <string_view>

#include "runtime/tune/search.h"

namespace jetlag::tune {

// Which spaces a strategy can search: all, those without real numbers, or those of numbers and
// flags that always exist.
enum class Suits : std::uint8_t { all, levels, numbers };
std::string_view suits_name(Suits suits);

struct Strategy {
  std::string_view name;
  std::string_view doc;
  std::string_view source;
  Suits suits;
  std::size_t fewest;  // parameters that it can search
  Search (*begin)(Problem problem, std::string_view name);
};

std::span<const Strategy> strategies();
// Throws Error(value), which lists the names, if there is none of that name.
const Strategy& find_strategy(std::string_view name);

// ---- the searches behind the rows

Search exhaustive(Problem problem, std::string_view name);
Search random_search(Problem problem, std::string_view name);
Search hill_climbing(Problem problem, std::string_view name);
Search annealing(Problem problem, std::string_view name);
Search genetic(Problem problem, std::string_view name);
Search parallel_rank_order(Problem problem, std::string_view name);
Search nelder_mead(Problem problem, std::string_view name);
Search nlopt_search(Problem problem, std::string_view name);

}  // namespace jetlag::tune
