// Counters in a recording: what a sample's site field names.
#pragma once

#include "trace/event.h"

namespace jetlag::trace {

// The counter's number, the same for equal counters of this process, from 1 on; how many there are,
// and copies of them.
SiteId intern(const Counter& counter);
SiteId counter_count();
Counter counter_at(SiteId id);

// Known to the recording before the first sample that names it. Counters and sites are numbered
// apart.
SiteId define(const Counter& counter);

// A fact about the run that is found out while it is recorded.
void add_fact(const std::string& name, const std::string& value);

}  // namespace jetlag::trace
