// Whom the commands about jobs ask: the daemon of a folder, or the server of the settings.
#pragma once

#include <cstdint>
#include <string>

#include "server/http/client.h"

namespace jetlag::cli {

// Whether the setting jobs_server names a server that keeps the jobs; a folder that the user has
// named comes first.
bool jobs_are_far(const std::string& folder);

// That server, or the daemon, which is started if it is not there.
http::Peer jobs_peer(const std::string& folder);

// The answer, if it is a yes; throws what was refused.
http::Response accepted(http::Response response);

// Asks with a body of JSON, or none.
http::Response ask_jobs(const std::string& folder, const std::string& method,
                        const std::string& path, const std::string& body = {});

// A time as people read it, or "-".
std::string clock_text(double seconds);

// Text of others on a terminal: control characters stay visible, and do nothing.
std::string shown(const std::string& text);

// A duration that the user wrote, in seconds; throws Error(value).
std::int64_t seconds_of(const std::string& time);

}  // namespace jetlag::cli
