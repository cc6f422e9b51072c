// What users should hear once: that there is no machine code, and why.
#pragma once

#include <optional>
#include <string>

namespace jetlag::jit {

// Only the first reason of a process is kept.
void note_no_code(const std::string& why);

// The words, the first time that somebody asks after the reason came up.
std::optional<std::string> take_notice();

}  // namespace jetlag::jit
