// Who may ask: one token for all, told by header, cookie or address; and no other site's pages.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/http/message.h"

namespace jetlag::http {

// What a route asks of its caller.
enum class Access : std::uint8_t {
  anyone,  // still only from this machine's own pages
  token,
};
std::string_view access_name(Access access);

// 256 random bits, as text. Throws Error(io) if the system has none.
std::string random_token();

// Compares in a time that depends on the lengths alone.
bool same_secret(std::string_view a, std::string_view b);

class Gate {
 public:
  // An empty token: the connection itself says who asks (a socket that only its owner can open).
  // `hosts`: names, besides loopback ones, under which a proxy may hand requests over.
  Gate(std::string token, std::vector<std::string> hosts)
      : token_(std::move(token)), hosts_(std::move(hosts)) {}

  // Throws HttpError: 421 for a Host that is not ours (a name that an attacker let point here), 403
  // for another site's page, 401 without the token.
  void check(const Request& request, Access access) const;

  // The Set-Cookie that keeps a token which came in the address, so that the address need not;
  // empty if none did. Cookies are shared by the ports of a host, so its name tells the port.
  std::string cookie_for(const Request& request) const;

  const std::string& token() const { return token_; }
  void set_port(int port) { cookie_ = format("jetlag_{}", port); }

 private:
  bool is_known(std::string_view host) const;
  bool has_token(const Request& request) const;

  std::string token_;
  std::vector<std::string> hosts_;
  std::string cookie_ = "jetlag";
};

}  // namespace jetlag::http
