#include "runtime/tune/space.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace jetlag::tune {

namespace {

// Beyond it not every integer is a double.
constexpr double largest_integer = 9007199254740992.0;  // 2^53

[[noreturn]] void refuse(const Parameter& p, std::string_view why) {
  throw Error(Kind::value, format("parameter '{}' {}", p.name, why));
}

void check_range(const Parameter& p) {
  if (!std::isfinite(p.low) || !std::isfinite(p.high)) refuse(p, "has a range that is not finite");
  if (p.low > p.high) refuse(p, format("has an empty range: {} is above {}", p.low, p.high));
  if (p.log && p.low <= 0) refuse(p, format("has logarithmic steps, but begins at {}", p.low));
}

void check_integer(const Parameter& p) {
  if (std::abs(p.low) > largest_integer || std::abs(p.high) > largest_integer)
    refuse(p, "has a range beyond 2**53");
  if (p.log && !(p.step > 1)) refuse(p, format("has factor {}, which is not above 1", p.step));
  if (!p.log && (!(p.step >= 1) || p.step != std::floor(p.step)))
    refuse(p, format("has step {}, which is no positive integer", p.step));
  if (p.low != std::floor(p.low) || p.high != std::floor(p.high))
    refuse(p, format("has a range from {} to {}, which are not integers", p.low, p.high));
}

void check_choices(const Parameter& p) {
  if (p.choices.empty()) refuse(p, "has no choices");
  std::vector<std::string> sorted = p.choices;
  std::sort(sorted.begin(), sorted.end());
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  if (twice != sorted.end()) refuse(p, format("has the choice {} twice", *twice));
}

// low, low * step, ..., each at least one above the last.
std::vector<std::int64_t> logarithmic_steps(const Parameter& p) {
  std::vector<std::int64_t> steps;
  double exact = p.low;
  for (std::int64_t at = std::llround(p.low); static_cast<double>(at) <= p.high;) {
    steps.push_back(at);
    exact = std::max(exact * p.step, static_cast<double>(at + 1));
    at = std::llround(exact);
  }
  return steps;
}

}  // namespace

Space::Space(std::vector<Parameter> parameters)
    : parameters_(std::move(parameters)),
      levels_(parameters_.size()),
      steps_(parameters_.size()),
      conditions_(parameters_.size()) {
  if (parameters_.empty())
    throw Error(Kind::value, "the space is empty", "name at least one parameter");
  for (std::size_t i = 0; i < size(); ++i) check(i);
}

void Space::check(std::size_t i) {
  const Parameter& p = parameters_[i];
  if (p.name.empty()) throw Error(Kind::value, format("parameter {} has no name", i + 1));
  for (std::size_t j = 0; j < i; ++j) {
    if (parameters_[j].name == p.name) refuse(p, "is there twice");
  }
  switch (p.kind) {
    case ParameterKind::integer:
      check_range(p);
      check_integer(p);
      if (p.log) steps_[i] = logarithmic_steps(p);
      levels_[i] = p.log ? static_cast<std::int64_t>(steps_[i].size())
                         : static_cast<std::int64_t>((p.high - p.low) / p.step) + 1;
      break;
    case ParameterKind::real:
      check_range(p);
      levels_[i] = p.low == p.high ? 1 : 0;
      break;
    case ParameterKind::choice:
      check_choices(p);
      levels_[i] = static_cast<std::int64_t>(p.choices.size());
      break;
    case ParameterKind::flag: levels_[i] = 2; break;
  }
  if (!p.parent.empty()) resolve_condition(i);
}

void Space::resolve_condition(std::size_t i) {
  const Parameter& p = parameters_[i];
  std::size_t parent = 0;
  while (parent < i && parameters_[parent].name != p.parent) ++parent;
  if (parent == i) refuse(p, format("depends on '{}', which is no parameter before it", p.parent));
  if (levels_[parent] == 0) refuse(p, format("depends on '{}', which is a real number", p.parent));
  if (p.parent_values.empty()) refuse(p, format("exists for no value of '{}'", p.parent));
  Condition condition{parent, {}};
  for (const std::string& wanted : p.parent_values) {
    std::int64_t level = 0;
    while (level < levels_[parent] && text(value_at(parent, static_cast<double>(level))) != wanted)
      ++level;
    if (level == levels_[parent])
      refuse(p, format("depends on '{}' being {}, which it never is", p.parent, wanted));
    condition.levels.push_back(static_cast<double>(level));
  }
  conditions_[i] = std::move(condition);
}

std::string Space::why_not_numeric() const {
  for (std::size_t i = 0; i < size(); ++i) {
    if (conditions_[i]) return format("'{}' does not always exist", parameters_[i].name);
    if (parameters_[i].kind == ParameterKind::choice)
      return format("'{}' is a choice, which has no order", parameters_[i].name);
  }
  return {};
}

std::string Space::why_not_levels() const {
  for (std::size_t i = 0; i < size(); ++i) {
    if (levels_[i] == 0) return format("'{}' is a real number", parameters_[i].name);
  }
  return {};
}

bool Space::exists(const Point& point, std::size_t i) const {
  const auto& condition = conditions_[i];
  if (!condition) return true;
  const auto& levels = condition->levels;
  return std::find(levels.begin(), levels.end(), point[condition->parent]) != levels.end();
}

double Space::middle(std::size_t i) const {
  return levels_[i] ? static_cast<double>((levels_[i] - 1) / 2) : 0.5;
}

Point Space::candidate(Point point) const {
  for (std::size_t i = 0; i < size(); ++i) {
    if (!exists(point, i)) {
      point[i] = absent;
    } else if (point[i] == absent || std::isnan(point[i])) {
      point[i] = middle(i);
    } else if (levels_[i]) {
      point[i] = std::clamp(std::round(point[i]), 0.0, static_cast<double>(levels_[i] - 1));
    } else {
      point[i] = std::clamp(point[i], 0.0, 1.0);
    }
  }
  return point;
}

Point Space::middle() const { return candidate(Point(size(), absent)); }

Point Space::with(const std::vector<std::pair<std::string, Value>>& values) const {
  Point point(size(), absent);
  for (const auto& [name, value] : values) {
    const auto named = std::find_if(parameters_.begin(), parameters_.end(),
                                    [&](const Parameter& p) { return p.name == name; });
    if (named == parameters_.end()) {
      throw Error(Kind::value, format("the space has no parameter '{}'", name));
    }
    const auto i = static_cast<std::size_t>(named - parameters_.begin());
    const std::optional<double> at = coordinate(i, value);
    if (!at) throw Error(Kind::value, format("'{}' is never {}", name, text(value)));
    point[i] = *at;
  }
  return candidate(std::move(point));
}

Point Space::from_unit(const std::vector<double>& unit) const {
  Point point(size());
  for (std::size_t i = 0; i < size(); ++i) {
    const double inside = std::clamp(unit[i], 0.0, 1.0);
    point[i] = levels_[i] ? inside * static_cast<double>(levels_[i] - 1) : inside;
  }
  return candidate(std::move(point));
}

std::vector<double> Space::to_unit(const Point& point) const {
  std::vector<double> unit(size());
  for (std::size_t i = 0; i < size(); ++i) {
    const double most =
        levels_[i] ? static_cast<double>(std::max<std::int64_t>(1, levels_[i] - 1)) : 1.0;
    unit[i] = std::max(point[i], 0.0) / most;
  }
  return unit;
}

Point Space::first() const {
  Point point(size(), 0);
  for (std::size_t i = 0; i < size(); ++i) point[i] = exists(point, i) ? 0 : absent;
  return point;
}

std::optional<Point> Space::next(Point candidate) const {
  for (std::size_t i = size(); i-- > 0;) {
    if (candidate[i] == absent || candidate[i] + 1 >= static_cast<double>(levels_[i])) continue;
    candidate[i] += 1;
    for (std::size_t j = i + 1; j < size(); ++j) candidate[j] = exists(candidate, j) ? 0 : absent;
    return candidate;
  }
  return {};
}

std::optional<std::int64_t> Space::count(std::int64_t most) const {
  if (!why_not_levels().empty()) return {};
  std::int64_t counted = 0;
  for (std::optional<Point> at = first(); at; at = next(std::move(*at))) {
    if (++counted > most) return {};
  }
  return counted;
}

Value Space::value_at(std::size_t i, double coordinate) const {
  const Parameter& p = parameters_[i];
  const auto level = static_cast<std::size_t>(coordinate);
  switch (p.kind) {
    case ParameterKind::choice: return p.choices[level];
    case ParameterKind::flag: return level == 1;
    case ParameterKind::integer:
      return p.log ? steps_[i][level] : std::llround(p.low) + std::llround(p.step * coordinate);
    case ParameterKind::real: break;
  }
  // The ends are met exactly, whatever rounding does between them.
  if (coordinate >= 1) return p.high;
  if (coordinate <= 0) return p.low;
  return p.log ? p.low * std::pow(p.high / p.low, coordinate)
               : p.low + coordinate * (p.high - p.low);
}

std::optional<Value> Space::value(const Point& candidate, std::size_t i) const {
  if (candidate[i] == absent) return {};
  return value_at(i, candidate[i]);
}

std::optional<double> Space::coordinate(std::size_t i, const Value& value) const {
  const Parameter& p = parameters_[i];
  if (p.kind == ParameterKind::real) {
    const double* number = std::get_if<double>(&value);
    const auto* integer = std::get_if<std::int64_t>(&value);
    if (!number && !integer) return {};
    const double x = number ? *number : static_cast<double>(*integer);
    if (!(x >= p.low && x <= p.high)) return {};
    if (p.low == p.high) return 0.0;
    return p.log ? std::log(x / p.low) / std::log(p.high / p.low) : (x - p.low) / (p.high - p.low);
  }
  if (p.kind == ParameterKind::integer && !p.log) {
    const auto* integer = std::get_if<std::int64_t>(&value);
    if (!integer) return {};
    const double level = (static_cast<double>(*integer) - p.low) / p.step;
    const bool is_level =
        level == std::floor(level) && level >= 0 && level < static_cast<double>(levels_[i]);
    return is_level ? std::optional(level) : std::nullopt;
  }
  for (std::int64_t level = 0; level < levels_[i]; ++level) {
    if (value_at(i, static_cast<double>(level)) == value) return static_cast<double>(level);
  }
  return {};
}

std::string Space::text(const Value& value) {
  if (const bool* flag = std::get_if<bool>(&value)) return *flag ? "True" : "False";
  return std::visit([](const auto& v) { return format("{}", v); }, value);
}

std::string Space::text(const Point& candidate) const {
  std::string words;
  for (std::size_t i = 0; i < size(); ++i) {
    const std::optional<Value> v = value(candidate, i);
    if (!v) continue;
    words += format("{}{}={}", words.empty() ? "" : " ", parameters_[i].name, text(*v));
  }
  return words;
}

}  // namespace jetlag::tune
