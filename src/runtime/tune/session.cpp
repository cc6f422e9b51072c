#include "runtime/tune/session.h"

#include <cmath>
#include <limits>

#include "base/error.h"

namespace jetlag::tune {

namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();
// Spaces of more candidates are never tried out whole, so nobody counts them.
constexpr std::int64_t countable = 100'000;
// How often a strategy may want what is known before it is helped.
constexpr int most_known = 100;
// How many candidates in a row may be refused before the rest is taken to be as well.
constexpr std::int64_t most_rejected = 100'000;

const Strategy& checked(const Space& space, std::string_view name) {
  const Strategy& strategy = find_strategy(name);
  const std::string unsuited = strategy.suits == Suits::numbers  ? space.why_not_numeric()
                               : strategy.suits == Suits::levels ? space.why_not_levels()
                                                                 : "";
  if (!unsuited.empty()) {
    throw Error(Kind::value, format("{} cannot search this space: {}", name, unsuited),
                "take hill-climbing, annealing, genetic or random");
  }
  if (space.size() < strategy.fewest) {
    throw Error(Kind::value, format("{} needs {} parameters", name, strategy.fewest),
                "take another strategy, such as sbplx");
  }
  return strategy;
}

}  // namespace

Session::Session(Space space, std::string_view strategy, std::uint64_t seed,
                 std::optional<Point> start, std::function<bool(const Point&)> allows)
    : space_(std::move(space)),
      allows_(std::move(allows)),
      random_(seed),
      problem_{&space_, start ? space_.candidate(*start) : space_.middle(), seed,
               [this](const Point& point) { return cost_for_strategy(point); }},
      search_([&] {
        const Strategy& row = checked(space_, strategy);
        return row.begin(problem_, row.name);
      }()),
      count_(space_.count(countable)) {
  if (start) start_ = problem_.start;
}

// An exception must not end the strategy: it is thrown once the strategy has yielded.
std::optional<double> Session::cost_for_strategy(const Point& point) {
  if (error_) return {};
  try {
    return known_cost(point);
  } catch (...) {
    error_ = std::current_exception();
    return {};
  }
}

std::optional<double> Session::known_cost(const Point& point) {
  const auto known = known_.find(point);
  if (known != known_.end()) return known->second;
  if (!allows_ || waiting_.contains(point)) return {};
  if (rejected_in_a_row_ < most_rejected) {
    if (allows_(point)) return {};
    ++rejected_in_a_row_;
    known_.emplace(point, infinite);
  }
  return infinite;
}

std::optional<Point> Session::next_point() {
  for (int rounds = 0; !finished_ && rejected_in_a_row_ < most_rejected; ++rounds) {
    const auto seen = static_cast<std::int64_t>(known_.size() + waiting_.size());
    if (count_ && seen == *count_) break;
    for (; next_ < wanted_.size(); ++next_) {
      const Point& point = wanted_[next_];
      if (!waiting_.contains(point) && !known_cost(point)) return point;
    }
    if (!waiting_.empty()) return {};
    if (rounds == most_known) {
      if (std::optional<Point> another = unseen()) return another;
      break;
    }
    Costs costs;
    for (const Point& point : wanted_) costs.push_back(known_.at(point));
    wanted_ = search_.resume(std::move(costs));
    next_ = 0;
    if (error_) std::rethrow_exception(std::exchange(error_, {}));
    if (wanted_.empty()) break;
  }
  finished_ = waiting_.empty();
  return {};
}

std::optional<Point> Session::unseen() {
  constexpr int tries = 100;
  for (int i = 0; i < tries; ++i) {
    const Point point = problem_.draw(random_);
    if (error_) std::rethrow_exception(std::exchange(error_, {}));
    if (!known_cost(point)) return point;
  }
  if (!count_) return {};
  for (std::optional<Point> at = space_.first(); at; at = space_.next(std::move(*at))) {
    if (!known_cost(*at)) return at;
  }
  return {};
}

Candidate Session::hand_out(const Point& point) {
  const Candidate candidate{++last_id_, point};
  waiting_.insert(point);
  handed_out_.emplace(candidate.id, point);
  rejected_in_a_row_ = 0;
  return candidate;
}

std::vector<Candidate> Session::ask(std::int64_t most) {
  if (most < 1) throw Error(Kind::value, format("cannot ask for {} candidates", most));
  std::vector<Candidate> candidates;
  if (start_) {
    if (!known_cost(*start_)) candidates.push_back(hand_out(*start_));
    start_.reset();
  }
  while (static_cast<std::int64_t>(candidates.size()) < most) {
    const std::optional<Point> point = next_point();
    if (!point) break;
    candidates.push_back(hand_out(*point));
  }
  if (finished_ && last_id_ == 0)
    throw Error(Kind::value, format("no candidate is allowed: {} were tried", known_.size()));
  return candidates;
}

Candidate Session::answer(std::int64_t id, double cost) {
  const auto found = handed_out_.find(id);
  if (found == handed_out_.end()) {
    throw Error(Kind::value, id >= 1 && id <= last_id_ ? format("candidate {} was told already", id)
                                                       : format("there is no candidate {}", id));
  }
  const Candidate candidate{id, found->second};
  known_.emplace(candidate.point, cost);
  waiting_.erase(candidate.point);
  handed_out_.erase(found);
  if (cost < infinite && (!best_ || cost < best_cost_)) {
    best_ = candidate;
    best_cost_ = cost;
  }
  if (count_ && static_cast<std::int64_t>(known_.size()) == *count_) finished_ = true;
  return candidate;
}

Candidate Session::tell(std::int64_t id, double cost) {
  if (!std::isfinite(cost)) {
    throw Error(Kind::value, format("a cost must be a finite number, not {}", cost),
                "tell a failure with fail()");
  }
  return answer(id, cost);
}

Candidate Session::fail(std::int64_t id) { return answer(id, infinite); }

}  // namespace jetlag::tune
