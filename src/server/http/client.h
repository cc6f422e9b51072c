// The other end: asks a server, on this machine or another.
#pragma once

#include <string>
#include <string_view>

#include "server/http/message.h"

namespace jetlag::http {

// Where a server is: behind a Unix socket, or at an address, where a token opens.
struct Peer {
  std::string socket;
  std::string address;  // "http://host:port"
  std::string token;
};

// "http://host:port/?token=…", as jetlag serve and jetlag token print it. Throws Error(value) if it
// is no such address.
Peer peer_at(std::string_view address);

// Asks it, and waits so many seconds at most. Throws Error(io) if nobody listens there or no
// answer comes.
Response ask(const Peer& peer, const std::string& method, const std::string& path,
             const std::string& body, int seconds);

// Sends a file as the body of a PUT.
Response send_file(const Peer& peer, const std::string& path, const std::string& file);
// Writes the answer into a file, if it is a good one.
Response fetch_file(const Peer& peer, const std::string& path, const std::string& file);

// Asks it what somebody asked here, and gives what it answers; bodies pass in pieces.
Response forward(const std::string& socket, const Request& request);

// Whether somebody listens there.
bool listens(const std::string& socket);

// A part of an address.
std::string encoded(std::string_view text);

}  // namespace jetlag::http
