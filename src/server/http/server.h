// Connections: listens, reads requests within limits, writes answers. Knows no routes.
#pragma once

#include <memory>
#include <string>

#include "server/http/message.h"

namespace jetlag::http {

// What a request may bring, known from its head.
struct Body {
  std::uint64_t most = 0;  // bytes
  bool in_pieces = false;  // the route reads it by Request::receive
};

// Who answers. Called by many threads at the same time; what it throws becomes a problem.
class Service {
 public:
  virtual ~Service() = default;
  // Also where a request is refused before its body is read: throws HttpError.
  virtual Body expect(const Request& head) = 0;
  virtual Response answer(const Request& request) = 0;
};

struct Place {
  int port = 0;        // 0: one that is free
  std::string socket;  // a socket of mode 0600 here instead, if it is not empty
  std::string address = "127.0.0.1";
};

class Server {
 public:
  // Throws Error(io) if nobody can listen there. A socket that no server listens to any more is
  // replaced.
  Server(const Place& place, Service& service);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  int port() const;  // 0 for a socket
  // Answers until somebody calls stop().
  void run();
  // From any thread; answers that are being written are finished, streams end.
  void stop();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace jetlag::http
