#include "trace/counters/user.h"

#include <algorithm>
#include <bit>
#include <cctype>
#include <cmath>
#include <deque>
#include <mutex>
#include <new>

#include "base/error.h"
#include "trace/counters/sources.h"
#include "trace/record/counter.h"
#include "trace/record/record.h"

namespace jetlag::trace {

namespace {

// Never destroyed: threads may still count while the process ends.
struct State {
  std::mutex mutex;
  std::deque<UserCounter> all;
};
State& state() {
  static State& s = *new State;
  return s;
}

class UserSource : public CounterSource {
 public:
  std::string_view prefix() const override { return "/user"; }
  std::vector<ListedCounter> list() override {
    State& s = state();
    std::scoped_lock lock(s.mutex);
    std::vector<ListedCounter> all;
    for (const UserCounter& c : s.all) all.push_back({c.counter()});
    return all;
  }
  void read(std::span<const std::size_t> places, std::span<Reading> values) override {
    State& s = state();
    std::scoped_lock lock(s.mutex);
    for (std::size_t i = 0; i < places.size(); ++i) values[i] = {s.all[places[i]].value()};
  }
};

std::string full_name(const std::string& name) {
  const auto stands_for_itself = [](unsigned char c) {
    return c > ' ' && c != 0x7f &&
           std::string_view("{}*?@").find(static_cast<char>(c)) == std::string_view::npos;
  };
  if (name.empty() || name.front() == '/' || name.back() == '/' ||
      name.find("//") != std::string::npos ||
      !std::all_of(name.begin(), name.end(), stands_for_itself))
    throw Error(Kind::value, format("'{}' cannot be the name of a counter", name),
                "use words, with '/' between them: letters, digits, anything but spaces and "
                "{}*?@");
  const std::size_t slash = name.rfind('/');
  const std::string object =
      slash == std::string::npos ? "/user" : "/user/" + name.substr(0, slash);
  return counter_name(object, "0/total",
                      slash == std::string::npos ? name : name.substr(slash + 1));
}

}  // namespace

UserCounter::UserCounter(Counter counter) : counter_(std::move(counter)), id_(define(counter_)) {}

void UserCounter::add(double more) {
  if (counter_.kind == CounterKind::monotone && !(more >= 0))
    throw Error(Kind::value, format("{} only grows: {} cannot be added", counter_.name, more),
                "a counter of the kind gauge may shrink");
  record(value_.fetch_add(more, std::memory_order_relaxed) + more);
}

void UserCounter::set(double value) {
  double before = value_.load(std::memory_order_relaxed);
  do {
    if (counter_.kind == CounterKind::monotone && !(value >= before))
      throw Error(
          Kind::value,
          format("{} only grows: it is {} and cannot become {}", counter_.name, before, value),
          "a counter of the kind gauge may shrink");
  } while (!value_.compare_exchange_weak(before, value, std::memory_order_relaxed));
  record(value);
}

void UserCounter::record(double value) const {
  if (recording()) put(Event::sample, id_, current_task(), std::bit_cast<std::uint64_t>(value));
}

UserCounter& user_counter(const std::string& name, const std::string& unit, CounterKind kind,
                          const std::string& doc) {
  const std::string full = full_name(name);
  State& s = state();
  std::unique_lock lock(s.mutex);
  for (UserCounter& c : s.all) {
    if (c.counter().name != full) continue;
    if (c.counter().unit != unit || c.counter().kind != kind)
      throw Error(Kind::value, format("there is a counter '{}' already: a {} in {}", name,
                                      kind_name(c.counter().kind), c.counter().unit));
    return c;
  }
  UserCounter& made = s.all.emplace_back(Counter{full, unit, kind, doc});
  lock.unlock();
  note_new_counters();
  return made;
}

std::unique_ptr<CounterSource> user_source() { return std::make_unique<UserSource>(); }

void user_counters_after_fork() { new (&state().mutex) std::mutex; }

}  // namespace jetlag::trace
