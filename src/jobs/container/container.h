// Programs that run a command in an image, as text: an argument vector in, an argument vector out.
// Nothing here runs anything, and nothing is quoted: words become a line where scripts are made.
//
// A job's command sees the folder in which the machine keeps jobs at `inside_root`, its own files
// as its working folder, and of variables those of the job and its scheduler. What is above the
// job's folder comes along because jetlag itself, and environments, are kept there. The folder is
// named from the job's files on, in whose folder the program is called: so no name of a path, with
// whatever it holds, must pass through what these programs take for separators.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jetlag::jobs {

constexpr std::string_view inside_root = "/mnt";

// A command and where it runs. `folder` is the job's, at the machine.
struct Boxed {
  std::string image;
  std::vector<std::string> options;  // more for the program that runs it
  std::string folder;
  std::vector<std::pair<std::string, std::string>> environment;
  std::vector<std::string> command;
};

struct Runner {
  std::string_view name;
  std::string_view program;  // what is called, and looked for
  std::string_view images;   // what it takes, for people
  bool (*takes)(std::string_view image);
  std::vector<std::string> (*enter)(const Boxed& boxed);
  // It may end with exit code 0 when it is told to end, whatever becomes of the command.
  bool hides_signals = false;
};

// In the order in which they are preferred.
std::span<const Runner> runners();

// Throws Error(value) with the names there are.
const Runner& runner_named(std::string_view name);

// The one for an image, of those that a machine has (by name). Throws Error(value) if none is.
const Runner& runner_for(std::string_view image, const std::vector<std::string>& there);

// The job's folder as its command sees it.
std::string folder_inside(std::string_view folder);

// Fails, and says why, if the image cannot be entered or lacks the program of the command.
std::vector<std::string> trial(const Runner& runner, const Boxed& boxed);

}  // namespace jetlag::jobs
