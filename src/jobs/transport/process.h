// Programs of this machine, run with bounds: nothing that is started here can wait for ever.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace jetlag::jobs {

struct Ran {
  int code = 0;  // exit code; 128 + n after signal n
  bool timed_out = false;
  std::string out;
  std::string err;
  bool well() const { return code == 0 && !timed_out; }
  // What it said last, for a message: of stderr, else of stdout, one line.
  std::string said() const;
};

// What goes in and comes out, piece by piece, where it is too big for a string.
struct Streams {
  std::function<std::string_view()> source;    // an empty piece ends it
  std::function<void(std::string_view)> sink;  // what the program writes to stdout
};

// Runs a program and waits for its end, at most so many seconds; with streams,
// so many seconds without a byte. The program has a process group of its own,
// which is killed when the time is over. Throws Error(io) if it cannot be begun.
Ran run_program(const std::vector<std::string>& argv, std::string_view input, double seconds,
                const Streams& streams = {});

// As write(), with EPIPE where nobody reads any more, whatever this process does about SIGPIPE.
ssize_t write_to_pipe(int pipe, std::string_view text);

// Begins a program in a process group of its own, with these descriptors as its
// stdin, stdout and stderr. Throws Error(io) if it cannot be begun.
int begin_program(const std::vector<std::string>& argv, int in, int out, int err);

}  // namespace jetlag::jobs
