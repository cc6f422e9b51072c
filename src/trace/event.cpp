#include "trace/event.h"

#include <array>
#include <bit>
#include <deque>
#include <functional>
#include <mutex>
#include <unordered_map>

namespace jetlag::trace {

namespace {

constexpr std::array<EventKind, event_count> table{{
    {Event::none, "none", "", "nothing: the room of a record that was never written"},
    {Event::create, "create", "the task that made it", "a task was made, at its site"},
    {Event::ready, "ready", "the task that made it so",
     "the last thing that a task waited for is done; the site field holds the bytes that were "
     "handed over, as a float"},
    {Event::begin, "begin", "blocks of the work", "a span begins: of a task, or of the thread"},
    {Event::end, "end", "blocks that were done", "the latest open span of the thread ends"},
    {Event::suspend, "suspend", "", "the task stops for a while; its span stays open"},
    {Event::resume, "resume", "", "the task goes on, perhaps elsewhere"},
    {Event::steal, "steal", "the track that made it ready", "a worker took a task of another"},
    {Event::work, "work", "bytes and flops, two floats", "what the span or the task moved and did"},
    {Event::allocate, "allocate", "bytes", "memory was taken, above the size of the setting"},
    {Event::release, "release", "bytes", "it was given back"},
    {Event::send, "send", "bytes, and the rank", "a message left"},
    {Event::receive, "receive", "bytes, and the rank", "a message came"},
    {Event::sample, "sample", "the value, a double", "a counter had this value; site: the counter"},
    {Event::decide, "decide", "the plan's number", "a plan was chosen"},
    {Event::fire, "fire", "what the policy saw, a double", "a policy acted"},
    {Event::trial, "trial", "the cost, a double", "the tuner tried a candidate"},
    {Event::mark, "mark", "", "a moment that the user named"},
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
