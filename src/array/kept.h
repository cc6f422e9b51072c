// Memory that is kept for the next arrays.
#pragma once

namespace jetlag::memory {

// Gives it back to the system.
void drop_kept();

}  // namespace jetlag::memory
