// What the rows of formats() name: each in the file of its format.
#pragma once

#include <string>

#include "trace/store/trace.h"

namespace jetlag::trace {

void write_chrome(const Trace& trace, const std::string& path);
void write_csv(const Trace& trace, const std::string& path);
void write_dot(const Trace& trace, const std::string& path);
void write_hatchet(const Trace& trace, const std::string& path);
void write_newick(const Trace& trace, const std::string& path);
void write_speedscope(const Trace& trace, const std::string& path);

}  // namespace jetlag::trace
