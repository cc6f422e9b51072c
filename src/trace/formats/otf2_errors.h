// What the OTF2 library says is kept, and not printed.
#pragma once

#include <string>

namespace jetlag::trace::otf2 {

// From the first one on the library prints nothing: its messages are kept, each thread its own.
class QuietErrors {
 public:
  QuietErrors();
};

// The first message on this thread since the last QuietErrors was made.
std::string last_error();

}  // namespace jetlag::trace::otf2
