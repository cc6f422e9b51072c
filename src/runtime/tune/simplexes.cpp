// Searches that move the corners of a simplex through the unit cube.
#include <algorithm>
#include <cmath>

#include "runtime/tune/strategies.h"

namespace jetlag::tune {

namespace {

using Unit = std::vector<double>;

struct Corner {
  Unit at;
  double cost = 0;
};
using Simplex = std::vector<Corner>;

constexpr double radius = 0.25;  // of the first simplex
constexpr double finest = 1e-4;  // of a real number, as a share of its range

// from + share * (to - from), inside the cube.
Unit between(const Unit& from, const Unit& to, double share) {
  Unit point(from.size());
  for (std::size_t i = 0; i < point.size(); ++i)
    point[i] = std::clamp(from[i] + share * (to[i] - from[i]), 0.0, 1.0);
  return point;
}

Unit random_unit(const Problem& problem, Random& random) {
  return problem.space->to_unit(problem.draw(random));
}

// A corner away along each axis, into the cube; with `both`, another on the other side.
std::vector<Unit> around(const Unit& centre, bool both) {
  std::vector<Unit> corners{centre};
  for (std::size_t i = 0; i < centre.size(); ++i) {
    const double inwards = centre[i] > 0.5 ? -radius : radius;
    corners.push_back(centre);
    corners.back()[i] += inwards;
    if (!both) continue;
    corners.push_back(centre);
    corners.back()[i] = std::clamp(centre[i] - inwards, 0.0, 1.0);
  }
  return corners;
}

Points points_of(const Space& space, const std::vector<Unit>& units) {
  Points points;
  for (const Unit& unit : units) points.push_back(space.from_unit(unit));
  return points;
}

Simplex simplex_of(const std::vector<Unit>& units, const Costs& costs) {
  Simplex simplex;
  for (std::size_t i = 0; i < units.size(); ++i) simplex.push_back({units[i], costs[i]});
  return simplex;
}

void best_first(Simplex& simplex) {
  std::stable_sort(simplex.begin(), simplex.end(),
                   [](const Corner& a, const Corner& b) { return a.cost < b.cost; });
}

// All corners mean about the same candidate.
bool is_small(const Space& space, const Simplex& simplex) {
  for (std::size_t i = 0; i < space.size(); ++i) {
    double low = 1;
    double high = 0;
    for (const Corner& corner : simplex) {
      low = std::min(low, corner.at[i]);
      high = std::max(high, corner.at[i]);
    }
    const auto levels = static_cast<double>(space.levels(i));
    if (high - low > (levels > 0 ? 0.5 / std::max(1.0, levels - 1) : finest)) return false;
  }
  return true;
}

std::vector<Unit> moved(const Simplex& simplex, double share) {
  std::vector<Unit> units;
  for (std::size_t i = 1; i < simplex.size(); ++i)
    units.push_back(between(simplex[0].at, simplex[i].at, share));
  return units;
}

void replace_all_but_the_best(Simplex& simplex, const std::vector<Unit>& units,
                              const Costs& costs) {
  for (std::size_t i = 0; i < units.size(); ++i) simplex[i + 1] = {units[i], costs[i]};
}

}  // namespace

// All corners are reflected through the best one, b: r = b + (b - v). If the best r is better
// than b, its expansion b + 2 (b - v) is tried, and all go where that one is better off.
// Otherwise all come half way towards b.
Search parallel_rank_order(Problem problem, std::string_view) {
  const Space& space = *problem.space;
  Random random(problem.seed);
  for (Unit centre = space.to_unit(problem.start);; centre = random_unit(problem, random)) {
    std::vector<Unit> units = around(centre, true);
    Points points = points_of(space, units);
    Costs costs = co_yield points;
    Simplex simplex = simplex_of(units, costs);
    for (best_first(simplex); !is_small(space, simplex); best_first(simplex)) {
      units = moved(simplex, -1);
      points = points_of(space, units);
      costs = co_yield points;
      const auto best =
          static_cast<std::size_t>(std::min_element(costs.begin(), costs.end()) - costs.begin());
      if (costs[best] < simplex[0].cost) {
        const std::vector<Unit> expanded = moved(simplex, -2);
        points = points_of(space, {expanded[best]});
        const Costs trial = co_yield points;
        if (trial[0] < costs[best]) {
          units = expanded;
          points = points_of(space, units);
          costs = co_yield points;
        }
      } else {
        units = moved(simplex, 0.5);
        points = points_of(space, units);
        costs = co_yield points;
      }
      replace_all_but_the_best(simplex, units, costs);
    }
  }
}

Search nelder_mead(Problem problem, std::string_view) {
  const Space& space = *problem.space;
  Random random(problem.seed);
  for (Unit start = space.to_unit(problem.start);; start = random_unit(problem, random)) {
    std::vector<Unit> units = around(start, false);
    Points points = points_of(space, units);
    Costs costs = co_yield points;
    Simplex simplex = simplex_of(units, costs);
    for (best_first(simplex); !is_small(space, simplex); best_first(simplex)) {
      Corner& worst = simplex.back();
      const double second_worst = simplex[simplex.size() - 2].cost;
      Unit centre(space.size(), 0.0);
      for (std::size_t c = 0; c + 1 < simplex.size(); ++c) {
        for (std::size_t i = 0; i < centre.size(); ++i)
          centre[i] += simplex[c].at[i] / static_cast<double>(simplex.size() - 1);
      }
      Corner next{between(centre, worst.at, -1)};
      points = points_of(space, {next.at});
      costs = co_yield points;
      next.cost = costs[0];
      if (next.cost >= simplex[0].cost && next.cost < second_worst) {
        worst = next;
        continue;
      }
      // Further where reflecting was the best so far; else back inside the simplex.
      const bool expands = next.cost < simplex[0].cost;
      const bool outside = next.cost < worst.cost;
      Corner other{between(centre, worst.at, expands ? -2 : outside ? -0.5 : 0.5)};
      points = points_of(space, {other.at});
      costs = co_yield points;
      other.cost = costs[0];
      if (expands) {
        worst = other.cost < next.cost ? other : next;
      } else if (other.cost < std::min(next.cost, worst.cost)) {
        worst = other;
      } else {
        units = moved(simplex, 0.5);
        points = points_of(space, units);
        costs = co_yield points;
        replace_all_but_the_best(simplex, units, costs);
      }
    }
  }
}

}  // namespace jetlag::tune
