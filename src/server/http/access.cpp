#include "server/http/access.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <exception>

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
  return access == Access::anyone ? "anyone" : access == Access::token ? "token" : "owner";
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

std::string Gate::user_of(const Request& request) const {
  constexpr std::string_view scheme = "Bearer ";
  const std::string_view header = request.header("authorization");
  const std::string_view given[] = {
      header.starts_with(scheme) ? header.substr(scheme.size()) : std::string_view(),
      request.parameter("token"), cookie(request.header("cookie"), cookie_)};
  for (const std::string_view token : given)
    if (same_secret(token, token_)) return {};
  // An address may be newer than a cookie, so the first that opens counts; what is said is said
  // of the first that was given.
  std::exception_ptr refused;
  for (const std::string_view token : given) {
    if (token.empty() || !find_user_) continue;
    try {
      return find_user_(token);
    } catch (const HttpError&) {
      if (!refused) refused = std::current_exception();
    }
  }
  if (refused) std::rethrow_exception(refused);
  throw HttpError(401, "token", "the token is missing or wrong",
                  find_user_ ? "send the token that the owner of this server gave you"
                             : "open the address that jetlag serve printed: it ends in ?token=…");
}

std::string Gate::check(const Request& request, Access access) const {
  if (token_.empty()) return {};
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
  if (access == Access::anyone) return {};
  std::string user = user_of(request);
  if (access == Access::owner && !user.empty())
    throw HttpError(403, "access", "only the owner of this server may do that");
  return user;
}

std::string Gate::cookie_for(const Request& request) const {
  const std::string_view token = request.parameter("token");
  if (token_.empty() || token.empty()) return {};
  if (!same_secret(token, token_)) {
    if (!find_user_) return {};
    try {
      find_user_(token);
    } catch (const HttpError&) {
      return {};
    }
  }
  return format("{}={}; HttpOnly; SameSite=Strict; Path=/", cookie_, token);
}

}  // namespace jetlag::http
