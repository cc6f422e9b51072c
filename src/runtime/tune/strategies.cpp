#include "runtime/tune/strategies.h"

#include <cmath>

#include "base/error.h"

namespace jetlag::tune {

namespace {

constexpr Strategy table[] = {
    {"exhaustive", "every candidate, in order", "no paper: brute force", Suits::levels, 1,
     exhaustive},
    {"random", "candidates drawn at random, each once",
     "Bergstra and Bengio, Random search for hyper-parameter optimization, 2012", Suits::all, 1,
     random_search},
    {"hill-climbing",
     "along one parameter after another, in steps that halve; then again from elsewhere",
     "Hooke and Jeeves, Direct search solution of numerical and statistical problems, 1961",
     Suits::all, 1, hill_climbing},
    {"annealing", "a walk that accepts what is worse ever more rarely, and is heated again",
     "Kirkpatrick, Gelatt and Vecchi, Optimization by simulated annealing, 1983", Suits::all, 1,
     annealing},
    {"genetic", "a population, whose better half is crossed and changed at random",
     "Holland, Adaptation in natural and artificial systems, 1975", Suits::all, 1, genetic},
    {"parallel-rank-order",
     "a simplex, of which all corners but the best are reflected at once; little upset by noise",
     "Tabatabaee, Tiwari and Hollingsworth, Parallel parameter tuning for applications with "
     "performance variability, 2005",
     Suits::numbers, 1, parallel_rank_order},
    {"nelder-mead", "a simplex, of which the worst corner is moved; begun again when it is small",
     "Nelder and Mead, A simplex method for function minimization, 1965", Suits::numbers, 1,
     nelder_mead},
    {"bobyqa", "a quadratic model within a trust region (NLopt)",
     "Powell, The BOBYQA algorithm for bound constrained optimization without derivatives, 2009",
     Suits::numbers, 2, nlopt_search},
    {"sbplx", "Nelder-Mead on a sequence of subspaces (NLopt)",
     "Rowan, Functional stability analysis of numerical algorithms, 1990", Suits::numbers, 1,
     nlopt_search},
    {"direct-l", "the range is divided into rectangles, the promising ones further (NLopt)",
     "Gablonsky and Kelley, A locally-biased form of the DIRECT algorithm, 2001", Suits::numbers, 1,
     nlopt_search},
    {"crs2", "random simplexes of a population, reflected (NLopt)",
     "Kaelo and Ali, Some variants of the controlled random search algorithm, 2006", Suits::numbers,
     1, nlopt_search},
    {"isres", "an evolution strategy with ranking (NLopt)",
     "Runarsson and Yao, Search biases in constrained evolutionary optimization, 2005",
     Suits::numbers, 1, nlopt_search},
};

}  // namespace

std::string_view suits_name(Suits suits) {
  constexpr std::string_view names[] = {"all", "levels", "numbers"};
  return names[static_cast<std::size_t>(suits)];
}

std::span<const Strategy> strategies() { return table; }

const Strategy& find_strategy(std::string_view name) {
  std::string names;
  for (const Strategy& s : table) {
    if (s.name == name) return s;
    names += format("{}{}", names.empty() ? "" : ", ", s.name);
  }
  throw Error(Kind::value, format("there is no strategy '{}'", name),
              format("there are {}", names));
}

Point Problem::draw(Random& random) const {
  constexpr int tries = 1000;
  Point point(space->size());
  for (int i = 0; i < tries; ++i) {
    for (std::size_t j = 0; j < point.size(); ++j) {
      const std::int64_t levels = space->levels(j);
      point[j] = levels ? static_cast<double>(random.below(static_cast<std::size_t>(levels)))
                        : random.uniform();
    }
    point = space->candidate(std::move(point));
    const std::optional<double> cost = known(point);
    if (!cost || std::isfinite(*cost)) break;
  }
  return point;
}

}  // namespace jetlag::tune
