// The formats that a trace is written in and read from. One file and one row for each.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "trace/store/trace.h"

namespace jetlag::trace {

struct Format {
  std::string_view name;
  std::string_view readers;  // what opens it
  std::string_view doc;
  // Makes the file or folder, over a file that is there. Throws Error(io).
  void (*write)(const Trace& trace, const std::string& path);
  // Null: it is only written. Else whether the path is one of this format, and what makes a file
  // of ours from it. Throws Error(io), or Error(value) if it is damaged.
  bool (*recognises)(const std::string& path) = nullptr;
  void (*convert)(const std::string& path, const std::string& output) = nullptr;
};
std::span<const Format> formats();

// Throws Error(value) that lists the formats.
const Format& format_named(std::string_view name);

// A trace of any format that is read: each recognises its own, and what none does is jetlag's.
// Throws what the format's reader does.
Trace open(const std::string& path);
// Several are the ranks of one run (trace/store/ranks.h).
Trace open(const std::vector<std::string>& paths);

// Whether a file, or a folder, is what Phylanx and tools of its time leave of one run
// (phylanx_read.cpp).
bool is_phylanx(const std::string& path);
// Of the files of such a run that have one name the one that stands for all; else the path itself.
std::string leading_piece(const std::string& path);

// Makes a file of ours from a trace of another format. Throws the same, and Error(value) if it is
// none of another format.
void import_trace(const std::string& path, const std::string& output);

}  // namespace jetlag::trace
