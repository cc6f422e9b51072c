// The counters of the engine.
#pragma once

namespace jetlag::exec {

// Puts the counters of memory and workers into the registry, once.
void add_counters();

}  // namespace jetlag::exec
