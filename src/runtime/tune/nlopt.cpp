// NLopt's strategies. NLopt calls for costs, and does not let go of its caller between them. So
// each further point is found by running it from the start again on the costs that are known:
// for the same seed and costs it asks for the same points.
#include <nlopt.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>

#include "base/error.h"
#include "runtime/tune/strategies.h"

namespace jetlag::tune {

namespace {

using Unit = std::vector<double>;

struct Row {
  std::string_view name;
  nlopt_algorithm algorithm;
};
constexpr Row rows[] = {
    {"bobyqa", NLOPT_LN_BOBYQA}, {"sbplx", NLOPT_LN_SBPLX}, {"direct-l", NLOPT_GN_DIRECT_L},
    {"crs2", NLOPT_GN_CRS2_LM},  {"isres", NLOPT_GN_ISRES},
};

nlopt_algorithm algorithm_of(std::string_view name) {
  const auto* row =
      std::find_if(std::begin(rows), std::end(rows), [&](const Row& r) { return r.name == name; });
  JETLAG_CHECK(row != std::end(rows), "NLopt has no row {}", name);
  return row->algorithm;
}

// What stands for the cost of a failure: models of the costs need a number, and one that does
// not hide the differences between the others.
double finite(double cost, const Costs& met) {
  if (std::isfinite(cost)) return cost;
  if (met.empty()) return 1e12;
  const auto [least, most] = std::minmax_element(met.begin(), met.end());
  return *most + (*most - *least);
}

// One run from the start: over the costs that it met before, on over those that are known
// anyway, until a point whose cost is not.
struct Replay {
  const Problem* problem;
  Costs* met;
  nlopt_opt options;
  std::size_t asked = 0;
  std::optional<Point> beyond = {};
};

double cost_of(unsigned n, const double* x, double*, void* data) {
  Replay& replay = *static_cast<Replay*>(data);
  if (replay.asked == replay.met->size() && !replay.beyond) {
    Point point = replay.problem->space->from_unit(Unit(x, x + n));
    if (const auto cost = replay.problem->known(point)) {
      replay.met->push_back(finite(*cost, *replay.met));
    } else {
      replay.beyond = std::move(point);
      nlopt_force_stop(replay.options);
    }
  }
  if (replay.beyond) return std::numeric_limits<double>::max();
  return (*replay.met)[replay.asked++];
}

// The next point that NLopt asks for; nothing once the run has ended.
std::optional<Point> next_point(const Problem& problem, nlopt_algorithm algorithm,
                                const Unit& start, std::uint64_t seed, Costs& met) {
  constexpr int most_points = 400;  // of one run, so that running it again stays cheap
  constexpr double finest = 1e-4;
  const auto n = static_cast<unsigned>(start.size());
  const std::unique_ptr<nlopt_opt_s, decltype(&nlopt_destroy)> options(nlopt_create(algorithm, n),
                                                                       &nlopt_destroy);
  if (!options) throw std::bad_alloc();
  Replay replay{&problem, &met, options.get()};
  nlopt_set_lower_bounds1(options.get(), 0);
  nlopt_set_upper_bounds1(options.get(), 1);
  nlopt_set_min_objective(options.get(), cost_of, &replay);
  nlopt_set_xtol_abs1(options.get(), finest);
  nlopt_set_initial_step1(options.get(), 0.25);
  // Its own are several times larger: too many where each point is a run of a program.
  nlopt_set_population(options.get(), 5 * (n + 1));
  nlopt_set_maxeval(options.get(), most_points);
  // NLopt's generator of random numbers is the thread's own.
  nlopt_srand(static_cast<unsigned long>(seed));
  Unit x = start;
  double least = 0;
  nlopt_optimize(options.get(), x.data(), &least);
  return replay.beyond;
}

}  // namespace

Search nlopt_search(Problem problem, std::string_view name) {
  const Space& space = *problem.space;
  const nlopt_algorithm algorithm = algorithm_of(name);
  Random random(problem.seed);
  // A run that has ended is followed by one from elsewhere.
  for (Point start = problem.start;; start = problem.draw(random)) {
    // A run may meet nothing new, and a search that never yields cannot be ended.
    const Points begin{start};
    co_yield begin;
    const Unit unit = space.to_unit(start);
    const auto seed = static_cast<std::uint64_t>(random.uniform() * 0x1p32);
    Costs met;
    while (const auto point = next_point(problem, algorithm, unit, seed, met)) {
      const Points points{*point};
      co_yield points;
    }
    JETLAG_CHECK(!met.empty(), "NLopt refuses to run {}", name);
  }
}

}  // namespace jetlag::tune
