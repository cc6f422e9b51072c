// The sources that this room has itself.
#pragma once

#include <memory>

#include "trace/counters/counters.h"

namespace jetlag::trace {

std::unique_ptr<CounterSource> tally_source();
void tallies_after_fork();
std::unique_ptr<CounterSource> user_source();
void user_counters_after_fork();
std::unique_ptr<CounterSource> hardware_source();

}  // namespace jetlag::trace
