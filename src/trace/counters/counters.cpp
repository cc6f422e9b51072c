#include "trace/counters/counters.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <mutex>
#include <shared_mutex>

#include "base/clock.h"
#include "base/error.h"
#include "trace/counters/sources.h"

namespace jetlag::trace {

namespace {

constexpr std::string_view rate_mark = "@rate";
constexpr std::string_view of_process = "{0/total}";

// Rows that functions read.
class RowSource : public CounterSource {
 public:
  explicit RowSource(std::span<const CounterRow> rows) : rows_(rows) {}
  std::string_view prefix() const override { return "/"; }
  std::vector<ListedCounter> list() override {
    std::vector<ListedCounter> all;
    for (const CounterRow& r : rows_)
      all.push_back({{counter_name(r.object, "0/total", r.name), std::string(r.unit), r.kind,
                      std::string(r.doc)}});
    return all;
  }
  void read(std::span<const std::size_t> places, std::span<Reading> values) override {
    for (std::size_t i = 0; i < places.size(); ++i) values[i] = rows_[places[i]].read();
  }

 private:
  std::span<const CounterRow> rows_;
};

// Never destroyed: somebody may read while the process ends.
struct Registry {
  std::mutex mutex;
  std::vector<std::unique_ptr<CounterSource>> sources;
  std::atomic<std::uint64_t> generation{1};

  Registry() { sources.push_back(tally_source()); }
};
Registry& registry() {
  static Registry& r = *new Registry;
  return r;
}

std::vector<CounterSource*> sources() {
  Registry& r = registry();
  std::scoped_lock lock(r.mutex);
  std::vector<CounterSource*> all;
  for (const auto& s : r.sources) all.push_back(s.get());
  return all;
}

// The text in front of the first star or question mark.
std::string_view literal(std::string_view pattern) {
  return pattern.substr(0, pattern.find_first_of("*?"));
}

bool may_fit(std::string_view pattern, std::string_view prefix) {
  const std::string_view fixed = literal(pattern);
  return fixed.starts_with(prefix) || prefix.starts_with(fixed);
}

// "/tasks/executed" means the total.
std::string in_full(std::string_view pattern) {
  std::string full(pattern);
  const std::size_t slash = full.rfind('/');
  if (full.find_first_of("*?{") == std::string::npos && slash != std::string::npos && slash > 0)
    full.insert(slash, of_process);
  return full;
}

// A star and what follows it is tried at each place.
bool fits(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = std::string_view::npos, from = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      from = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++from;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

double value_of(const Reading& r) { return r.weight == 1 ? r.value : r.value / r.weight; }

}  // namespace

void add_counters(std::unique_ptr<CounterSource> source) {
  Registry& r = registry();
  {
    std::scoped_lock lock(r.mutex);
    r.sources.push_back(std::move(source));
  }
  note_new_counters();
}

void add_counters(std::span<const CounterRow> rows) {
  add_counters(std::make_unique<RowSource>(rows));
}

std::uint64_t counter_generation() { return registry().generation.load(std::memory_order_acquire); }

void note_new_counters() { registry().generation.fetch_add(1, std::memory_order_acq_rel); }

std::string counter_name(std::string_view object, std::string_view instance,
                         std::string_view name) {
  return format("{}{{{}}}/{}", object, instance, name);
}

bool matches_counter(std::string_view pattern, std::string_view name) {
  return fits(in_full(pattern), name);
}

std::vector<ListedCounter> list_counters(std::string_view pattern) {
  const std::string full = in_full(pattern);
  std::vector<ListedCounter> found;
  for (CounterSource* source : sources()) {
    if (!may_fit(full, source->prefix())) continue;
    for (ListedCounter& c : source->list()) {
      if (fits(full, c.counter.name)) found.push_back(std::move(c));
    }
  }
  return found;
}

double read_counter(std::string_view name) {
  const std::string full = in_full(name);
  for (CounterSource* source : sources()) {
    if (!full.starts_with(source->prefix())) continue;
    const std::vector<ListedCounter> all = source->list();
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (all[i].counter.name != full) continue;
      Reading reading{unknown};
      if (all[i].missing.empty()) source->read({&i, 1}, {&reading, 1});
      return value_of(reading);
    }
  }
  throw Error(Kind::key, format("there is no counter '{}'", name),
              "`jetlag counters list` and jl.counters() show those there are");
}

// ---- readers --------------------------------------------------------------------------

struct CounterReader::Part {
  CounterSource* source;
  std::size_t listed = 0;           // how many of its counters were looked at
  std::vector<std::size_t> places;  // in the source
  std::vector<std::size_t> rows;    // in counters_
  std::vector<Reading> now;
  std::vector<Reading> before;
  std::vector<std::int64_t> since;  // when it was read before; 0: never
};

CounterReader::CounterReader(std::vector<std::string> patterns) {
  for (std::string& p : patterns) {
    const bool rate = p.ends_with(rate_mark);
    std::string full = in_full(std::string_view(p).substr(0, p.size() - (rate ? 5 : 0)));
    if (full.empty() || std::string_view("/*?").find(full[0]) == std::string_view::npos)
      throw Error(Kind::value,
                  format("'{}' is no name of counters: those begin with '/', as in "
                         "/tasks{{0/total}}/executed",
                         p),
                  "`jetlag counters list` and jl.counters() show those there are");
    patterns_.push_back(rate ? full + std::string(rate_mark) : std::move(full));
  }
  look();
}

CounterReader::~CounterReader() = default;

bool CounterReader::look() {
  const std::uint64_t generation = counter_generation();
  if (generation == seen_) return false;
  seen_ = generation;
  const std::size_t before = counters_.size();
  for (CounterSource* source : sources()) {
    const auto wanted = [&](const std::string& pattern) {
      return may_fit(pattern, source->prefix());
    };
    if (std::none_of(patterns_.begin(), patterns_.end(), wanted)) continue;
    auto at = std::find_if(parts_.begin(), parts_.end(),
                           [&](const auto& p) { return p->source == source; });
    if (at == parts_.end()) {
      parts_.push_back(std::make_unique<Part>(Part{.source = source}));
      at = parts_.end() - 1;
    }
    Part& part = **at;
    const std::vector<ListedCounter> all = source->list();
    for (; part.listed < all.size(); ++part.listed) {
      const ListedCounter& c = all[part.listed];
      if (!c.missing.empty()) continue;
      const auto take = [&](Counter counter) {
        part.places.push_back(part.listed);
        part.rows.push_back(counters_.size());
        counters_.push_back(std::move(counter));
      };
      const auto fitting = [&](const std::string& name) {
        return std::any_of(patterns_.begin(), patterns_.end(),
                           [&](const std::string& p) { return fits(p, name); });
      };
      if (fitting(c.counter.name)) take(c.counter);
      const std::string rate = c.counter.name + std::string(rate_mark);
      const bool asked = std::any_of(patterns_.begin(), patterns_.end(), [&](const std::string& p) {
        return p.ends_with(rate_mark) && fits(p, rate);
      });
      if (asked && c.counter.kind == CounterKind::monotone)
        take({rate, c.counter.unit + "/s", CounterKind::rate, c.counter.doc});
    }
    part.now.resize(part.places.size());
    part.before.resize(part.places.size());
    part.since.resize(part.places.size());
  }
  values_.resize(counters_.size(), unknown);
  return counters_.size() > before;
}

std::span<const double> CounterReader::read() {
  for (const auto& part : parts_) {
    if (part->places.empty()) continue;
    part->source->read(part->places, part->now);
    const std::int64_t now = now_ns();
    for (std::size_t i = 0; i < part->places.size(); ++i) {
      const CounterKind kind = counters_[part->rows[i]].kind;
      const Reading& r = part->now[i];
      Reading& before = part->before[i];
      std::int64_t& since = part->since[i];
      double& value = values_[part->rows[i]];
      if (kind == CounterKind::average) {
        const double weight = r.weight - before.weight * (since != 0);
        value = weight > 0 ? (r.value - before.value) / weight : unknown;
      } else if (kind == CounterKind::rate) {
        const double s = static_cast<double>(now - since) * 1e-9;
        value = since != 0 && s > 0 ? (r.value - before.value) / s : unknown;
      } else {
        value = r.value;
      }
      before = r;
      since = now;
    }
  }
  return values_;
}

void counters_after_fork() {
  new (&registry().mutex) std::mutex;
  tallies_after_fork();
}

}  // namespace jetlag::trace
