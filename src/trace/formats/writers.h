// What the rows of formats() name, each in the files of its format.
#pragma once

#include <string>

#include "trace/store/trace.h"

namespace jetlag::trace {

void write_chrome(const Trace& trace, const std::string& path);
void write_csv(const Trace& trace, const std::string& path);
void write_dot(const Trace& trace, const std::string& path);
void write_hatchet(const Trace& trace, const std::string& path);
void write_newick(const Trace& trace, const std::string& path);
// A folder, which must not be there.
void write_otf2(const Trace& trace, const std::string& path);
bool is_otf2(const std::string& path);
void convert_otf2(const std::string& path, const std::string& output);
void convert_phylanx(const std::string& path, const std::string& output);
void write_perfetto(const Trace& trace, const std::string& path);
void write_speedscope(const Trace& trace, const std::string& path);

}  // namespace jetlag::trace
