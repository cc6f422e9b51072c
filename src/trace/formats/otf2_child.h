// Work that may end its process, in a process of its own: the OTF2 library does so on some damaged
// archives, and goes on for ever on others.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "base/error.h"

namespace jetlag::trace::otf2 {

// The child's end of a pipe to its parent. Any thread may speak.
class Line {
 public:
  explicit Line(int pipe) : pipe_(pipe) {}
  void beat();                     // the work goes on
  void begin(std::uint64_t part);  // a part of the work begins
  void end(std::uint64_t part);
  void fail(const Error& error);  // what the user is to see

 private:
  void say(const std::string& text);

  const int pipe_;
  std::mutex mutex_;
};

struct Outcome {
  bool done = false;
  std::optional<Error> error;    // that the work threw
  std::set<std::uint64_t> open;  // parts that had begun and not ended
  std::string end;               // how the process ended, with its last words
};

// Runs the work in a child, and ends that once it has said nothing for so long. Throws Error(io) if
// no process can be made.
Outcome run_in_child(const std::function<void(Line&)>& work, std::chrono::milliseconds patience);

}  // namespace jetlag::trace::otf2
