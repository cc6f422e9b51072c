// The border to the shell: the only place where arguments become a command line.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace jetlag::jobs {

// One argument as a word of a POSIX shell. Throws Error(value) for a null
// character, which no argument can hold.
std::string shell_word(std::string_view argument);

// A whole command line.
std::string command_line(std::span<const std::string> arguments);

}  // namespace jetlag::jobs
