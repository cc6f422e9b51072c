// What may be tuned: named parameters with types, ranges and conditions.
//
// A Point has one coordinate for each parameter. Of an integer, a choice and a
// flag it is a level, counted from 0; of a real number a place between 0 (low)
// and 1 (high). A parameter that does not exist, because another has not the
// value it wants, has the coordinate `absent`. So two points are the same
// candidate exactly when they are equal.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace jetlag::tune {

enum class ParameterKind : std::uint8_t { integer, real, choice, flag };

struct Parameter {
  std::string name;
  ParameterKind kind = ParameterKind::integer;
  double low = 0;   // of numbers, and so is high
  double high = 0;  // the last integer, if the steps meet it
  double step = 1;  // between integers: added, or multiplied with if `log`
  bool log = false;
  std::vector<std::string> choices = {};

  // If not empty: exists only while this earlier parameter has one of the
  // values, which are written as Space::text writes them.
  std::string parent = {};
  std::vector<std::string> parent_values = {};
};

constexpr double absent = -1;
using Point = std::vector<double>;
using Value = std::variant<bool, std::int64_t, double, std::string>;

class Space {
 public:
  // Throws Error(value), or Error(name) for a name that is not one, with what
  // is wrong in the parameters.
  explicit Space(std::vector<Parameter> parameters);

  std::size_t size() const { return parameters_.size(); }
  const Parameter& parameter(std::size_t i) const { return parameters_[i]; }
  // How many values a parameter has; 0 if it is real, and its range more than a number.
  std::int64_t levels(std::size_t i) const { return levels_[i]; }
  // Why it is not one of numbers and flags that always exist; empty if it is.
  std::string why_not_numeric() const;
  // Why its candidates cannot be counted; empty if they can.
  std::string why_not_levels() const;

  // The candidate that a point means: coordinates inside their ranges, on
  // levels, absent where the parameter does not exist. What comes to exist
  // begins in the middle of its range.
  Point candidate(Point point) const;
  Point middle() const;
  // The candidate with these values by name; what is not named begins in the middle of its
  // range. Throws Error(value) for a name or a value that the space has not.
  Point with(const std::vector<std::pair<std::string, Value>>& values) const;
  // A point from the unit cube, and back, for searches over numbers.
  Point from_unit(const std::vector<double>& unit) const;
  std::vector<double> to_unit(const Point& point) const;

  // All candidates in order, if no parameter is real: the first, and the one
  // after another; nothing after the last.
  Point first() const;
  std::optional<Point> next(Point candidate) const;
  // How many there are; nothing if a parameter is real or there are more than `most`.
  std::optional<std::int64_t> count(std::int64_t most) const;

  // Nothing if the parameter does not exist in the candidate.
  std::optional<Value> value(const Point& candidate, std::size_t i) const;
  // The coordinate at which a parameter has the value; nothing if it never has.
  std::optional<double> coordinate(std::size_t i, const Value& value) const;
  // "tile=8 order=rows"
  std::string text(const Point& candidate) const;
  static std::string text(const Value& value);

 private:
  void check(std::size_t i);
  void resolve_condition(std::size_t i);
  bool exists(const Point& point, std::size_t i) const;
  Value value_at(std::size_t i, double coordinate) const;
  double middle(std::size_t i) const;

  struct Condition {
    std::size_t parent;
    std::vector<double> levels;
  };

  std::vector<Parameter> parameters_;
  std::vector<std::int64_t> levels_;
  std::vector<std::vector<std::int64_t>> steps_;      // of integers with logarithmic steps
  std::vector<std::optional<Condition>> conditions_;  // a parent stands before its children
};

}  // namespace jetlag::tune
