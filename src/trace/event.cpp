#include "trace/event.h"

#include <array>
#include <bit>
#include <cmath>
#include <deque>
#include <functional>
#include <mutex>
#include <unordered_map>

namespace jetlag::trace {

namespace {

constexpr std::array<EventKind, event_count> table{{
    {Event::none, "none", ArgumentForm::nothing, "", "nothing: room that was never written"},
    {Event::create, "create", ArgumentForm::whole, "the task that made it", "a task was made"},
    {Event::ready, "ready", ArgumentForm::whole, "the task that made it so",
     "the last thing that a task waited for is done; the site field holds the bytes that were "
     "handed over, as a float"},
    {Event::begin, "begin", ArgumentForm::whole, "blocks of the work",
     "a span begins: of a task, or of the thread"},
    {Event::end, "end", ArgumentForm::pair, "bytes and flops; none of a task, whose work says them",
     "the latest open span of the thread ends"},
    {Event::suspend, "suspend", ArgumentForm::nothing, "",
     "the task waits for others; its span stays open"},
    {Event::resume, "resume", ArgumentForm::nothing, "", "it goes on"},
    {Event::steal, "steal", ArgumentForm::whole, "the track that made it ready",
     "a worker began a task that another worker made ready"},
    {Event::work, "work", ArgumentForm::pair, "bytes and flops",
     "what the task, or what ran in the span so far, moved and did"},
    {Event::allocate, "allocate", ArgumentForm::bytes, "bytes",
     "array memory was taken, as much as the setting trace_allocations says, or more"},
    {Event::release, "release", ArgumentForm::bytes, "bytes", "it was given back"},
    {Event::send, "send", ArgumentForm::pair, "bytes, and the rank", "a message left"},
    {Event::receive, "receive", ArgumentForm::pair, "bytes, and the rank", "a message came"},
    {Event::sample, "sample", ArgumentForm::real, "the value",
     "a counter had this value; site: the counter"},
    {Event::decide, "decide", ArgumentForm::whole, "how many the program has by now",
     "a plan was chosen for kinds of operands that were new to a step"},
    {Event::fire, "fire", ArgumentForm::real, "what the policy saw", "a policy acted"},
    {Event::trial, "trial", ArgumentForm::real, "the cost",
     "the tuner was told what a candidate costs"},
    {Event::mark, "mark", ArgumentForm::nothing, "", "a moment that the user named"},
}};

constexpr std::string_view categories[] = {"call",   "step", "task", "compile",
                                           "opaque", "wait", "user", "runtime"};
static_assert(std::size(categories) == category_count);

constexpr std::string_view counter_kinds[] = {"gauge", "monotone", "average", "rate"};

struct SiteHash {
  std::size_t operator()(const Site& s) const {
    std::size_t h = std::hash<std::string>{}(s.name);
    for (std::size_t part : {std::hash<std::string>{}(s.file), std::hash<std::string>{}(s.function),
                             std::hash<std::string>{}(s.text), static_cast<std::size_t>(s.line),
                             static_cast<std::size_t>(s.column), static_cast<std::size_t>(s.node),
                             static_cast<std::size_t>(s.category)})
      h = (h ^ part) * 0x9e3779b97f4a7c15u;
    return h;
  }
};

// Never destroyed: threads may still record while the process ends.
struct Sites {
  std::mutex mutex;
  std::deque<Site> all;
  std::unordered_map<Site, SiteId, SiteHash> ids;
};
Sites& sites() {
  static Sites& s = *new Sites;
  return s;
}

}  // namespace

std::span<const EventKind> event_kinds() { return table; }

const EventKind& describe(Event event) { return table[static_cast<std::size_t>(event)]; }

double value_of(Event event, std::uint64_t argument) {
  switch (describe(event).form) {
    case ArgumentForm::nothing: return 0;
    case ArgumentForm::whole:
    case ArgumentForm::bytes: return static_cast<double>(argument);
    case ArgumentForm::real: return std::bit_cast<double>(argument);
    case ArgumentForm::pair: return first_of(argument);
  }
  return 0;
}

std::int64_t rank_of(Event event, std::uint64_t argument) {
  const bool message = event == Event::send || event == Event::receive;
  return message ? std::llround(second_of(argument)) : -1;
}

std::string_view category_name(Category category) {
  return categories[static_cast<std::size_t>(category)];
}

Category category_named(std::string_view name) {
  for (std::size_t i = 0; i < category_count; ++i) {
    if (categories[i] == name) return static_cast<Category>(i);
  }
  return Category::runtime;
}

std::string_view kind_name(CounterKind kind) {
  return counter_kinds[static_cast<std::size_t>(kind)];
}

CounterKind counter_kind_named(std::string_view name) {
  for (std::size_t i = 0; i < std::size(counter_kinds); ++i) {
    if (counter_kinds[i] == name) return static_cast<CounterKind>(i);
  }
  return CounterKind::gauge;
}

SiteId intern(const Site& site) {
  Sites& s = sites();
  std::scoped_lock lock(s.mutex);
  const auto [at, fresh] = s.ids.try_emplace(site, static_cast<SiteId>(s.all.size() + 1));
  if (fresh) s.all.push_back(site);
  return at->second;
}

SiteId site_count() {
  Sites& s = sites();
  std::scoped_lock lock(s.mutex);
  return static_cast<SiteId>(s.all.size());
}

Site site_at(SiteId id) {
  Sites& s = sites();
  std::scoped_lock lock(s.mutex);
  return s.all.at(id - 1);
}

std::uint64_t pack(double bytes, double flops) {
  const auto low = std::bit_cast<std::uint32_t>(static_cast<float>(bytes));
  const auto high = std::bit_cast<std::uint32_t>(static_cast<float>(flops));
  return low | static_cast<std::uint64_t>(high) << 32;
}

double first_of(std::uint64_t packed) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(packed));
}

double second_of(std::uint64_t packed) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(packed >> 32));
}

}  // namespace jetlag::trace
