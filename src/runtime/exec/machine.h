// What this machine was measured to reach: the limits that explain compares
// steps with.
#pragma once

#include <string>

namespace jetlag::exec {

struct Machine {
  int workers = 1;
  double read_bytes_per_s = 0;        // from memory, all workers together
  double read_bytes_per_s_alone = 0;  // one worker
  double flops_per_s = 0;             // multiply-adds of doubles, all workers
  double flops_per_s_alone = 0;
};

// Takes a few tenths of a second, and memory beyond what caches hold.
Machine measure_machine();

// Measured once for each number of workers: kept in the process, and in a file
// of the folder if there is one (empty: none). What is wrong with the file only
// means that the machine is measured again.
Machine known_machine(const std::string& folder);

}  // namespace jetlag::exec
