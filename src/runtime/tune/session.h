// A session hands out candidates and is told their costs: ask and tell. It
// never asks twice for the same candidate, nor for one that is not allowed;
// the strategy is answered from what is known, and where it wants nothing new
// a candidate is drawn. For the same seed and the same
// costs it asks for the same candidates.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "runtime/tune/strategies.h"

namespace jetlag::tune {

struct Candidate {
  std::int64_t id = 0;  // from 1, in the order in which they were asked
  Point point;
};

class Session {
 public:
  // `allows` may be empty; it is asked once for a candidate, and may throw. `start` is asked
  // first, if it is given. Throws Error(value) if the strategy cannot search the space.
  Session(Space space, std::string_view strategy, std::uint64_t seed,
          std::optional<Point> start = {}, std::function<bool(const Point&)> allows = {});
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  const Space& space() const { return space_; }

  // Up to `most` candidates. None if the strategy waits for costs, or if it has finished.
  // Throws Error(value) if no candidate is allowed.
  std::vector<Candidate> ask(std::int64_t most);
  // Nothing will ever be asked again: all candidates were, as far as one can tell.
  bool finished() const { return finished_; }

  // Throws Error(value) for a cost that is not finite, and for a candidate that was not asked or
  // was told before. Gives the candidate.
  Candidate tell(std::int64_t id, double cost);
  // The candidate cannot be used; to the strategy its cost is infinite.
  Candidate fail(std::int64_t id);

  // The candidate of the least cost: the first told, of several.
  const std::optional<Candidate>& best() const { return best_; }
  double best_cost() const { return best_cost_; }

 private:
  // Answers the strategy from what is known until it wants what is not.
  std::optional<Point> next_point();
  // For a strategy that only wants what is known: another candidate, if there is one.
  std::optional<Point> unseen();
  // The cost of what was told or is not allowed; nothing of what one could still ask.
  std::optional<double> known_cost(const Point& point);
  std::optional<double> cost_for_strategy(const Point& point);
  Candidate answer(std::int64_t id, double cost);
  Candidate hand_out(const Point& point);

  Space space_;
  std::function<bool(const Point&)> allows_;
  Random random_;
  Problem problem_;
  Search search_;
  std::exception_ptr error_;  // of allows_, while the strategy runs
  Points wanted_;             // by the strategy, in its order
  std::size_t next_ = 0;      // of the wanted points: those before it are known or handed out
  std::optional<Point> start_;
  std::map<Point, double> known_;             // told, failed or not allowed
  std::set<Point> waiting_;                   // handed out
  std::map<std::int64_t, Point> handed_out_;  // the same by id
  std::optional<std::int64_t> count_;         // of all candidates, if they are few
  std::int64_t rejected_in_a_row_ = 0;
  std::int64_t last_id_ = 0;
  bool finished_ = false;
  std::optional<Candidate> best_;
  double best_cost_ = 0;
};

}  // namespace jetlag::tune
