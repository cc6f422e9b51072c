#include "server/http/access.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace jetlag::http {

namespace {

// "[::1]:80" is "::1", "localhost:80" is "localhost".
std::string_view without_port(std::string_view host) {
  if (host.starts_with('[')) return host.substr(1, host.find(']') - 1);
  return host.substr(0, host.find(':'));
}

// The value of a cookie, of all that are there.
std::string_view cookie(std::string_view all, std::string_view name) {
  while (!all.empty()) {
    const std::size_t end = std::min(all.find(';'), all.size());
    std::string_view one = all.substr(0, end);
    all.remove_prefix(std::min(end + 1, all.size()));
    while (one.starts_with(' ')) one.remove_prefix(1);
    if (one.starts_with(name) && one.substr(name.size()).starts_with('='))
      return one.substr(name.size() + 1);
  }
  return {};
}

}  // namespace

std::string_view access_name(Access access) {
  return access == Access::anyone ? "anyone" : "token";
}

std::string random_token() {
  std::array<unsigned char, 32> bytes{};
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    throw Error(Kind::io, format("the system gave no random numbers: {}", std::strerror(errno)));
  std::string text;
  for (const unsigned char b : bytes) text += format("{:02x}", b);
  return text;
}

bool same_secret(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned char differs = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    differs = static_cast<unsigned char>(differs | (a[i] ^ b[i]));
  return differs == 0;
}

bool Gate::is_known(std::string_view host) const {
  const std::string_view name = without_port(host);
  constexpr std::string_view loopback[] = {"127.0.0.1", "localhost", "::1"};
  return std::find(std::begin(loopback), std::end(loopback), name) != std::end(loopback) ||
         std::find(hosts_.begin(), hosts_.end(), name) != hosts_.end();
}

bool Gate::has_token(const Request& request) const {
  std::string_view bearer = request.header("authorization");
  if (bearer.starts_with("Bearer ") && same_secret(bearer.substr(7), token_)) return true;
  return same_secret(request.parameter("token"), token_) ||
         same_secret(cookie(request.header("cookie"), cookie_), token_);
}

void Gate::check(const Request& request, Access access) const {
  if (token_.empty()) return;
  const std::string_view host = request.header("host");
  if (!is_known(host))
    throw HttpError(421, "host",
                    format("this server does not answer for the host {}", json_text(host)),
                    "ask for 127.0.0.1, or start it with --allow-host NAME");
  const std::string_view origin = request.header("origin");
  if (!origin.empty()) {
    const std::size_t scheme = origin.find("://");
    const std::string_view from =
        scheme == std::string_view::npos ? origin : origin.substr(scheme + 3);
    if (from != host &&
        !(is_known(from) && !hosts_.empty() &&
          std::find(hosts_.begin(), hosts_.end(), without_port(from)) != hosts_.end()))
      throw HttpError(403, "origin", format("a page of {} may not ask here", json_text(origin)));
  }
  if (access == Access::token && !has_token(request))
    throw HttpError(401, "token", "the token is missing or wrong",
                    "open the address that jetlag serve printed: it ends in ?token=…");
}

std::string Gate::cookie_for(const Request& request) const {
  if (token_.empty() || !same_secret(request.parameter("token"), token_)) return {};
  return format("{}={}; HttpOnly; SameSite=Strict; Path=/", cookie_, token_);
}

}  // namespace jetlag::http
