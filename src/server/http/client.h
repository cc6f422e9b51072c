// The other end: asks a server on this machine.
#pragma once

#include <string>
#include <string_view>

#include "server/http/message.h"

namespace jetlag::http {

// Asks the server behind a Unix socket, and waits so many seconds at most. Throws Error(io) if
// nobody listens there or no answer comes.
Response ask(const std::string& socket, const std::string& method, const std::string& path,
             const std::string& body, int seconds);

// Asks it what somebody asked here, and gives what it answers; bodies pass in pieces.
Response forward(const std::string& socket, const Request& request);

// Whether somebody listens there.
bool listens(const std::string& socket);

// A part of an address.
std::string encoded(std::string_view text);

}  // namespace jetlag::http
