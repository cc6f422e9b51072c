// A search is a coroutine: it yields points, is resumed with their costs, and
// ends when it knows no more. So it reads as its paper does, while whoever
// runs it decides when and where the costs are measured.
//
//   Search halving(Problem problem) {
//     const Points both = ...;
//     const Costs costs = co_yield both;
//   }
#pragma once

#include <coroutine>
#include <cstdint>
#include <exception>
#include <functional>
#include <random>
#include <utility>
#include <vector>

#include "runtime/tune/space.h"

namespace jetlag::tune {

using Points = std::vector<Point>;
// One for each point, in the same order; infinite for one that failed or is not allowed.
using Costs = std::vector<double>;

// The same numbers everywhere for a seed: the distributions of the standard
// library are not specified, its generator is.
class Random {
 public:
  explicit Random(std::uint64_t seed) : generator_(seed) {}
  double uniform() { return static_cast<double>(generator_() >> 11) * 0x1p-53; }  // in [0, 1)
  std::size_t below(std::size_t n) {
    return static_cast<std::size_t>(uniform() * static_cast<double>(n));
  }

 private:
  std::mt19937_64 generator_;
};

// What a search is given. The space outlives the search.
struct Problem {
  const Space* space;
  Point start;
  std::uint64_t seed;
  // The cost of a candidate that was measured; infinite if it failed or is not allowed.
  std::function<std::optional<double>(const Point&)> known;

  // A random candidate, one that may be tried if such are not very rare.
  Point draw(Random& random) const;
};

class Search {
 public:
  struct promise_type;
  using Handle = std::coroutine_handle<promise_type>;

  struct Answer {
    promise_type* promise;
    bool await_ready() const noexcept { return false; }
    void await_suspend(Handle) const noexcept {}
    Costs await_resume() const noexcept { return std::move(promise->costs); }
  };

  struct promise_type {
    Points wanted;
    Costs costs;
    std::exception_ptr error;

    Search get_return_object() { return Search(Handle::from_promise(*this)); }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    std::suspend_always final_suspend() const noexcept { return {}; }
    Answer yield_value(Points points) {
      wanted = std::move(points);
      return {this};
    }
    void return_void() const noexcept {}
    void unhandled_exception() { error = std::current_exception(); }
  };

  Search(Search&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Search& operator=(Search&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Search() {
    if (handle_) handle_.destroy();
  }

  // The points that it wants the costs of, which are at least one; none once it has ended.
  // `costs` are those of the points that it wanted last.
  Points resume(Costs costs) {
    promise_type& promise = handle_.promise();
    if (handle_.done()) return {};
    promise.costs = std::move(costs);
    promise.wanted.clear();
    handle_.resume();
    if (promise.error) std::rethrow_exception(promise.error);
    return promise.wanted;
  }

 private:
  explicit Search(Handle handle) : handle_(handle) {}
  Handle handle_;
};

}  // namespace jetlag::tune
