// Callbacks: a message for each state that a job asked to be told of.
#pragma once

#include <string>

#include "jobs/queue/store.h"

namespace jetlag::jobs {

// `${JOB_ID}`, `${JOB_STATE}`, `${JOB_NAME}`, `${JOB_MACHINE}`, `${JOB_ATTEMPT}` and
// `${JOB_REASON}` of an address, filled in and encoded as addresses want it.
std::string filled_in(const std::string& target, const std::string& body);

// Sends one by the system's curl: a POST of the JSON, or a mail through `relay` (smtp://host:port).
// Throws Error(io) with what went wrong.
void deliver(const Message& message, const std::string& relay);

// When the next try of a message is due, after so many; never again after the last.
constexpr int most_deliveries = 10;
double pause_after(int tries);

}  // namespace jetlag::jobs
