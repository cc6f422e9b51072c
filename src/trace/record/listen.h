// Hearing what happens while it happens: for those who act on it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "trace/event.h"

namespace jetlag::trace {

// Given the records of one thread, in their order. Never called by two threads at once, but by any
// that records: it must be quick, and must not record, listen, begin or end a recording.
using Listener = std::function<void(std::uint32_t track, std::span<const Record> records)>;

// From now on it hears what is recorded, a few milliseconds later. Where no trace is being
// recorded, events pass through memory only. Null ends it; then nobody is called any more once
// this returns. Throws Error(io) if there is no memory for it.
void listen(std::shared_ptr<const Listener> listener);

}  // namespace jetlag::trace
