// Ways to a machine: a program is run there, files go there and come back.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/transport/process.h"

namespace jetlag::jobs {

// How a machine is reached; what the user wrote.
struct Address {
  std::string ssh;                   // user@host, or a name of the user's ssh config; empty: here
  std::vector<std::string> options;  // more of ssh's own
  std::string control;               // the folder for the socket of the connection
  std::string python = "python3";    // of the machine, for the transfer of large files
};

class Transport {
 public:
  virtual ~Transport() = default;

  // Runs a program there. Throws Error(io) if the machine cannot be reached,
  // with the reason; how the program ended is for the caller to judge.
  virtual Ran run(const std::vector<std::string>& argv, std::string_view input, double seconds) = 0;

  // Brings a file there under a name that appears when all of it has arrived
  // and has the digest. What a broken connection left is gone on with.
  virtual void put(const std::string& from, const std::string& to, const std::string& digest) = 0;

  // The other way; gives the digest of what came, which the other side has
  // computed as well.
  virtual std::string get(const std::string& from, const std::string& to) = 0;

  // Whether files there are files here.
  virtual bool is_here() const = 0;

  // Ends what stays open between calls.
  virtual void close() {}
};

std::unique_ptr<Transport> open_local();
std::unique_ptr<Transport> open_ssh(const Address& address);
std::unique_ptr<Transport> open_transport(const Address& address);

// What ssh says when it fails, as a sentence with what to do about it.
std::string explain_ssh(std::string_view host, const Ran& ran, std::string& hint);

}  // namespace jetlag::jobs
