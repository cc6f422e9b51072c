// What can happen: the kinds of events, and the sites that they come from.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace jetlag::trace {

// A task is known by its number, from 1 on; 0 is no task.
using TaskId = std::uint64_t;
// Sites are numbered from 1 on in the order in which they were first seen; 0 is unknown.
using SiteId = std::uint32_t;

enum class Event : std::uint8_t {
  none,
  create,
  ready,
  begin,
  end,
  suspend,
  resume,
  steal,
  work,
  allocate,
  release,
  send,
  receive,
  sample,
  decide,
  fire,
  trial,
  mark,
};
constexpr std::size_t event_count = static_cast<std::size_t>(Event::mark) + 1;

// How the 64 bits of a record's argument are read.
enum class ArgumentForm : std::uint8_t {
  nothing,
  whole,  // a whole number
  real,   // a double
  bytes,  // a whole number of bytes
  pair,   // two floats (pack)
};

struct EventKind {
  Event event;
  std::string_view name;
  ArgumentForm form;
  std::string_view argument;  // what the record's argument says
  std::string_view doc;
};
std::span<const EventKind> event_kinds();
const EventKind& describe(Event event);
// The figure that an event says; of a pair the first. 0 where it says none.
double value_of(Event event, std::uint64_t argument);
// The rank at the other end of a message; -1 of any other event.
std::int64_t rank_of(Event event, std::uint64_t argument);

// One record, as it lies in a ring. What the fields mean is said by event_kinds():
//
//   0        8        16         24     28    29        32
//   | ticks  | task   | argument | site | event | spare |
struct Record {
  std::uint64_t ticks = 0;
  TaskId task = 0;
  std::uint64_t argument = 0;
  SiteId site = 0;
  Event event = Event::none;
  std::uint8_t spare[3] = {};
};
static_assert(sizeof(Record) == 32);

// What a span is about; its colour family in a viewer, and how a profile groups it.
enum class Category : std::uint8_t { call, step, task, compile, opaque, wait, user, runtime };
constexpr std::size_t category_count = static_cast<std::size_t>(Category::runtime) + 1;
std::string_view category_name(Category category);
// Runtime if there is none of that name.
Category category_named(std::string_view name);

// Where spans come from: a place in the user's text and what stands there.
struct Site {
  std::string name;  // "numpy.exp", "stream", a span's name
  Category category = Category::user;
  std::string function = {};  // of the program
  std::string file = {};
  std::int32_t line = 0;  // from 1 on; 0 is unknown
  std::int32_t column = 0;
  std::int32_t node = -1;  // the operation's number in the plan
  std::string text = {};   // the PhySL of the node
  bool operator==(const Site&) const = default;
};

// The site's number, the same for equal sites of this process. Any thread may ask.
SiteId intern(const Site& site);
// How many there are, and copies of those from `first` on.
SiteId site_count();
Site site_at(SiteId id);

// How a counter's values go together: a quantity at the moment; one that only grows; an average, or
// a growth a second, over the time since the sample before.
enum class CounterKind : std::uint8_t { gauge, monotone, average, rate };
std::string_view kind_name(CounterKind kind);
// Gauge if there is none of that name.
CounterKind counter_kind_named(std::string_view name);

// A measured quantity over time.
struct Counter {
  std::string name;  // "/object{rank/instance}/name"
  std::string unit;
  CounterKind kind = CounterKind::gauge;
  std::string doc;
  bool operator==(const Counter&) const = default;
};

// Two figures in one argument, as single-precision numbers: bytes and flops of `work`.
std::uint64_t pack(double bytes, double flops);
double first_of(std::uint64_t packed);
double second_of(std::uint64_t packed);

}  // namespace jetlag::trace
