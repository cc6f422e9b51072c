// Policies: what is to be done when something happens, is measured, or is due. They act on a thread
// of their own, never where the event was; each firing is in the trace and in a log.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "trace/event.h"

namespace jetlag::policy {

enum class Trigger : std::uint8_t { event, window, period, user };
std::string_view trigger_name(Trigger trigger);

// Why a policy fires now.
struct Cause {
  Trigger trigger = Trigger::user;
  double value = 0;        // what the last event says, the last of the window, what the user gave
  std::int64_t count = 1;  // events since the policy fired before
  std::string name = {};   // of the last event's site
};

struct Policy {
  std::string name;
  Trigger trigger = Trigger::user;  // the user may fire any policy by its name

  trace::Event event = trace::Event::none;
  std::string of = {};  // only events whose site has this name; empty: all

  std::function<double()> counter = {};                           // of a window: read once a period
  std::size_t window = 1;                                         // so many values
  std::function<bool(std::span<const double> values)> when = {};  // oldest first

  std::int64_t every_ns = 0;

  // What it did, in words. If this throws, or `counter` or `when` does, the policy is off.
  std::function<std::string(const Cause& cause)> act;

  // Where it stands, for the trace.
  std::string file = {};
  std::int32_t line = 0;
};

struct Status {
  std::string name;
  Trigger trigger;
  std::int64_t fired = 0;
  bool on = true;
  std::string trouble = {};  // why it is off
};

struct Firing {
  std::int64_t ns = 0;  // of the monotonic clock
  std::string policy;
  Cause cause;
  std::string did = {};
  std::int64_t took_ns = 0;
  std::string trouble = {};  // the error that it ended with
};

// All may be called by any thread, those of policies too.

// From now on; in the place of one of the same name. Throws Error(value) where its parts do not fit
// together.
void add(Policy policy);
// False if there is none.
bool remove(std::string_view name);
// Throws Error(name) if there is none.
void fire(std::string_view name, double value);
// Waits for what the user fired before, for so long at most; false if it is not done.
bool wait(std::int64_t timeout_ns);

std::vector<Status> list();
constexpr std::size_t most_firings = 1000;  // that are remembered
std::vector<Firing> log();                  // oldest first

// Ends the thread, once the policy that acts is done; adding begins anew.
void stop();
// In the child of a fork there are no policies.
void after_fork();

}  // namespace jetlag::policy
