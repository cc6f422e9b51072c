// Machines: what a user says of one, and what one look at it found.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/container/container.h"
#include "jobs/job.h"
#include "jobs/transport/transport.h"

namespace jetlag::jobs {

struct Machine {
  std::string name;
  std::string ssh;                   // empty: this one
  std::vector<std::string> options;  // of ssh
  std::string scheduler = "fork";
  std::string root;  // the folder for jobs there
  std::string python = "python3";
  std::vector<std::string> setup;  // lines of shell at the head of each script
  std::string account;             // where a request names none
  std::string partition;
  std::string reservation;
  std::vector<std::string>
      runners;  // of images, by name: the one that is asked for, or those found
  std::vector<std::string> runner_options;
  std::string image;               // in which jobs run whose request does not name one
  std::string home;                // as was found
  std::int64_t slots = 0;          // jobs at once without a scheduler; 0: one for each processor
  std::int64_t most_in_array = 0;  // elements of a scheduler's array, as was found; 0: no arrays
  std::string text;                // all of it, as JSON, with what was found
};

// Reads a definition; throws Error(value) with the field that is wrong.
Machine read_machine(std::string_view json);

// What a request leaves open is the machine's word.
void fill_in(Request& request, const Machine& machine);

// The program for the image of a request that was filled in; null if it wants none. Throws
// Error(value) if nothing there runs this image.
const Runner* runner_of(const Request& request, const Machine& machine);

// Names of those programs that run images and are on this machine's path.
std::vector<std::string> runners_here();

// Looks at a machine, once: fills in what the user left open (scheduler, root, Python) and adds
// "found", "missing" and "hint" to its text. Throws Error(io) if it cannot be reached.
Machine look_at(const Machine& machine, Transport& transport);

// What the look printed, as JSON; apart from look_at() for tests.
std::string read_look(std::string_view text, double now, double took);

}  // namespace jetlag::jobs
