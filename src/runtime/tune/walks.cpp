// Searches that need no order among the values of a parameter.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "runtime/tune/strategies.h"

namespace jetlag::tune {

namespace {

// How many points a search that learns nothing yields at once.
constexpr std::size_t batch = 16;
// The range of a real number is searched no finer than this share of it.
constexpr double finest = 1e-3;

// The candidates beside one along a parameter: a share of its range up and down, at least one
// level; of choices and flags all others.
Points beside(const Space& space, const Point& here, std::size_t i, double share) {
  Points points;
  if (here[i] == absent) return points;
  const auto add = [&](double coordinate) {
    Point point = here;
    point[i] = coordinate;
    point = space.candidate(std::move(point));
    if (point != here) points.push_back(std::move(point));
  };
  const auto levels = static_cast<double>(space.levels(i));
  if (space.parameter(i).kind == ParameterKind::choice) {
    for (double level = 0; level < levels; ++level) add(level);
  } else {
    const double step = levels > 0 ? std::max(1.0, std::round(share * (levels - 1))) : share;
    // A negative coordinate would be read as an absent one.
    add(std::max(0.0, here[i] - step));
    add(here[i] + step);
  }
  return points;
}

std::vector<std::size_t> shuffled(std::size_t n, Random& random) {
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), 0);
  for (std::size_t i = n; i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  return order;
}

// The share of the range below which all steps are single levels.
double smallest_share(const Space& space) {
  double smallest = 1;
  for (std::size_t i = 0; i < space.size(); ++i) {
    const auto levels = static_cast<double>(space.levels(i));
    smallest = std::min(smallest, levels > 1 ? 1 / levels : levels == 1 ? 1 : finest);
  }
  return smallest;
}

}  // namespace

Search exhaustive(Problem problem, std::string_view) {
  const Space& space = *problem.space;
  std::optional<Point> at = space.first();
  while (at) {
    Points points;
    for (; at && points.size() < batch; at = space.next(std::move(*at))) points.push_back(*at);
    co_yield points;
  }
}

Search random_search(Problem problem, std::string_view) {
  Random random(problem.seed);
  Points points{problem.start};
  for (;;) {
    while (points.size() < batch) points.push_back(problem.draw(random));
    co_yield points;
    points.clear();
  }
}

Search hill_climbing(Problem problem, std::string_view) {
  constexpr double first_share = 0.25;
  const Space& space = *problem.space;
  const double last_share = smallest_share(space);
  Random random(problem.seed);
  for (Point here = problem.start;; here = problem.draw(random)) {
    const Points begin{here};
    Costs costs = co_yield begin;
    double cost = costs[0];
    for (double share = first_share;;) {
      bool moved = false;
      for (const std::size_t i : shuffled(space.size(), random)) {
        const Points points = beside(space, here, i, share);
        if (points.empty()) continue;
        costs = co_yield points;
        const auto best = std::min_element(costs.begin(), costs.end());
        if (*best >= cost) continue;
        cost = *best;
        here = points[static_cast<std::size_t>(best - costs.begin())];
        moved = true;
      }
      if (moved) continue;
      if (share < last_share) break;
      share /= 2;
    }
  }
}

Search annealing(Problem problem, std::string_view) {
  constexpr double cooling = 0.93;
  constexpr double coldest = 0.02;
  const Space& space = *problem.space;
  Random random(problem.seed);
  Point here = problem.start;
  const Points begin{here};
  Costs costs = co_yield begin;
  double cost = costs[0];
  Point best = here;
  double best_cost = cost;
  // What a difference of costs is held against: the mean of those that were met.
  double differences = 0;
  double met = 0;
  for (double temperature = 1;; temperature *= cooling) {
    if (temperature < coldest) {
      temperature = 1;
      here = best;
      cost = best_cost;
    }
    const std::size_t i = random.below(space.size());
    const Points around = beside(space, here, i, temperature * random.uniform());
    if (around.empty()) continue;
    const Points next{around[random.below(around.size())]};
    costs = co_yield next;
    const double worse = costs[0] - cost;
    if (std::isfinite(worse)) {
      differences += std::abs(worse);
      ++met;
    }
    const double scale = met > 0 ? temperature * differences / met : 1;
    // Not "worse < ...": where both are infinite the walk goes on.
    const bool stays = worse > 0 && !(random.uniform() < std::exp(-worse / scale));
    if (stays) continue;
    here = next[0];
    cost = costs[0];
    if (cost < best_cost) {
      best = here;
      best_cost = cost;
    }
  }
}

namespace {

struct Individual {
  Point point;
  double cost;
};

// The better of two drawn at random.
const Point& parent(const std::vector<Individual>& population, Random& random) {
  const Individual& a = population[random.below(population.size())];
  const Individual& b = population[random.below(population.size())];
  return a.cost <= b.cost ? a.point : b.point;
}

// Each coordinate is that of one parent; about one of them moves by chance.
Point child(const Problem& problem, const Point& a, const Point& b, Random& random) {
  const Space& space = *problem.space;
  Point point(space.size());
  for (std::size_t i = 0; i < point.size(); ++i) {
    const bool first = random.uniform() < 0.5;
    point[i] = first ? a[i] : b[i];
    if (point[i] == absent) point[i] = first ? b[i] : a[i];
  }
  point = space.candidate(std::move(point));
  for (std::size_t i = 0; i < point.size(); ++i) {
    if (random.uniform() * static_cast<double>(point.size()) >= 1) continue;
    const Points moved = beside(space, point, i, 0.5 * random.uniform() * random.uniform());
    if (!moved.empty()) point = moved[random.below(moved.size())];
  }
  return point;
}

}  // namespace

Search genetic(Problem problem, std::string_view) {
  constexpr std::size_t population_size = 8;
  constexpr std::size_t children = 4;
  Random random(problem.seed);
  std::vector<Individual> population;
  Points points{problem.start};
  while (points.size() < population_size) points.push_back(problem.draw(random));
  for (;;) {
    const Costs costs = co_yield points;
    for (std::size_t i = 0; i < points.size(); ++i) population.push_back({points[i], costs[i]});
    std::stable_sort(population.begin(), population.end(),
                     [](const Individual& a, const Individual& b) { return a.cost < b.cost; });
    if (population.size() > population_size) population.resize(population_size);
    points.clear();
    while (points.size() + 1 < children) {
      const Point& a = parent(population, random);
      points.push_back(child(problem, a, parent(population, random), random));
    }
    // Fresh blood: where all are alike, crossing finds nothing new.
    points.push_back(problem.draw(random));
  }
}

}  // namespace jetlag::tune
