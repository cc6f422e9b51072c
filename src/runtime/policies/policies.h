// The policies that come with jetlag. They turn settings that say how work is cut, handed out and
// kept waiting, never what is computed: results have the same bits with any of them.
#pragma once

#include <functional>
#include <span>
#include <string_view>

#include "runtime/tasks/totals.h"
#include "trace/policy/policy.h"

namespace jetlag::policy {

// Where a policy looks. Tests give what is not there.
struct Sources {
  std::function<tasks::Totals()> totals;
  std::function<int()> workers;
  std::function<double()> free_memory;  // the share that is available, 0 to 1
  std::int64_t every_ns;
};
// Those of this machine.
Sources real_sources();

struct Row {
  std::string_view name;
  std::string_view setting;  // that it turns
  std::string_view doc;
  Policy (*make)(const Sources& sources);
};
std::span<const Row> built_in();

// Switches them on and off as the setting `policies` says; what one turned goes back to what it
// was. Throws Error(value) for a name that is none.
void apply_setting(const Sources& sources = real_sources());

// In the child of a fork: a lock may be held by a thread that it lacks.
void built_in_after_fork();

}  // namespace jetlag::policy
