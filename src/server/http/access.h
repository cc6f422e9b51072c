// Who may ask: the owner and users, by tokens in a header, cookie or address; and no other site's
// pages.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "server/http/message.h"

namespace jetlag::http {

// What a route asks of its caller.
enum class Access : std::uint8_t {
  anyone,  // still only from this machine's own pages
  token,   // the owner, and users, who see what is theirs
  owner,
};
std::string_view access_name(Access access);

// 256 random bits, as text. Throws Error(io) if the system has none.
std::string random_token();

// Compares in a time that depends on the lengths alone.
bool same_secret(std::string_view a, std::string_view b);

// The user whose token that is; throws HttpError(401) that says why it is nobody's.
using FindUser = std::function<std::string(std::string_view token)>;

class Gate {
 public:
  // An empty token: the connection itself says who asks (a socket that only its owner can open).
  // `hosts`: names, besides loopback ones, under which a proxy may hand requests over.
  Gate(std::string token, std::vector<std::string> hosts)
      : token_(std::move(token)), hosts_(std::move(hosts)) {}

  // Who asks: a user, or the owner (empty). Throws HttpError: 421 for a Host that is not ours (a
  // name that an attacker let point here), 403 for another site's page, and for a user where only
  // the owner may ask, 401 without a token.
  std::string check(const Request& request, Access access) const;

  // The Set-Cookie that keeps a token which came in the address, so that the address need not;
  // empty if none did. Cookies are shared by the ports of a host, so its name tells the port.
  std::string cookie_for(const Request& request) const;

  const std::string& token() const { return token_; }
  // Lets users in, beside the owner.
  void set_users(FindUser find) { find_user_ = std::move(find); }
  void set_port(int port) { cookie_ = format("jetlag_{}", port); }

 private:
  bool is_known(std::string_view host) const;
  std::string user_of(const Request& request) const;

  std::string token_;
  std::vector<std::string> hosts_;
  FindUser find_user_;
  std::string cookie_ = "jetlag";
};

}  // namespace jetlag::http
