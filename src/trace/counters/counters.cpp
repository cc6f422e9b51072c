#include "trace/counters/counters.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <mutex>
#include <shared_mutex>

#include "base/clock.h"
#include "base/error.h"
#include "trace/counters/hardware.h"
#include "trace/counters/proc.h"
#include "trace/counters/sampler.h"
#include "trace/counters/sensors.h"
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

  Registry() {
    sources.push_back(tally_source());
    sources.push_back(user_source());
    for (const ProcFile& file : proc_files()) sources.push_back(proc_source(file));
    sources.push_back(hardware_source());
    sources.push_back(power_source());
    sources.push_back(sensor_source());
  }
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

// "/tasks/executed" means the total; "/tasks/*" may mean it, too.
std::vector<std::string> forms_of(std::string_view pattern) {
  std::vector<std::string> forms{std::string(pattern)};
  const std::size_t slash = pattern.rfind('/');
  if (pattern.find('{') != pattern.npos || slash == pattern.npos || slash == 0) return forms;
  forms.emplace_back(pattern).insert(slash, of_process);
  if (pattern.find_first_of("*?") == pattern.npos) forms.erase(forms.begin());
  return forms;
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

bool fits_one(const std::vector<std::string>& patterns, std::string_view name) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const std::string& p) { return fits(p, name); });
}

bool may_fit_one(const std::vector<std::string>& patterns, std::string_view prefix) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const std::string& p) { return may_fit(p, prefix); });
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
  return fits_one(forms_of(pattern), name);
}

std::vector<ListedCounter> list_counters(std::string_view pattern) {
  const std::vector<std::string> forms = forms_of(pattern);
  std::vector<ListedCounter> found;
  for (CounterSource* source : sources()) {
    if (!may_fit_one(forms, source->prefix())) continue;
    for (ListedCounter& c : source->list()) {
      if (fits_one(forms, c.counter.name)) found.push_back(std::move(c));
    }
  }
  return found;
}

double read_counter(std::string_view name) {
  const std::string full = forms_of(name).back();
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
  explicit Part(CounterSource* of) : source(of) {}

  CounterSource* source;
  std::size_t listed = 0;           // how many of its counters were looked at
  std::vector<std::size_t> places;  // in the source
  std::vector<std::size_t> rows;    // in counters_
  std::vector<Reading> now;
  std::vector<Reading> before;
  std::vector<std::int64_t> since;  // when it was read before; 0: never
};

CounterReader::CounterReader(std::vector<std::string> patterns) {
  for (const std::string& p : patterns) {
    const std::string_view plain =
        std::string_view(p).substr(0, p.size() - (p.ends_with(rate_mark) ? rate_mark.size() : 0));
    if (plain.empty() || std::string_view("/*?").find(plain[0]) == std::string_view::npos)
      throw Error(Kind::value,
                  format("'{}' is no name of counters: those begin with '/', as in "
                         "/tasks{{0/total}}/executed",
                         p),
                  "`jetlag counters list` and jl.counters() show those there are");
    for (std::string& form : forms_of(p)) patterns_.push_back(std::move(form));
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
    if (!may_fit_one(patterns_, source->prefix())) continue;
    auto at = std::find_if(parts_.begin(), parts_.end(),
                           [&](const auto& p) { return p->source == source; });
    if (at == parts_.end()) {
      parts_.push_back(std::make_unique<Part>(source));
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
      if (fits_one(patterns_, c.counter.name)) take(c.counter);
      const std::string rate = c.counter.name + std::string(rate_mark);
      // "*" means no rates, though it fits their names.
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
  user_counters_after_fork();
  sampling_after_fork();
  hardware_after_fork();
}

}  // namespace jetlag::trace
