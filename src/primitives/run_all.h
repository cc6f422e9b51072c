// A job that is done where it stands.
#pragma once

#include "primitives/primitive.h"

namespace jetlag {

// Its blocks one after another, and what comes after them, on this thread.
inline void run_all(const Job& job) {
  for (std::int64_t block = 0; block < job.blocks; ++block) job.body(block);
  if (job.finish) job.finish();
}

}  // namespace jetlag
