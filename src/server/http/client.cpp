#include "server/http/client.h"

#include <httplib.h>

#include "base/error.h"

namespace jetlag::http {

namespace {

constexpr int seconds_to_connect = 5;

httplib::Client client_of(const std::string& socket, int seconds) {
  httplib::Client client(socket, 80);
  client.set_address_family(AF_UNIX);
  client.set_default_headers({{"Host", "localhost"}});
  client.set_connection_timeout(seconds_to_connect);
  client.set_read_timeout(seconds);
  return client;
}

}  // namespace

Response ask(const std::string& socket, const std::string& method, const std::string& path,
             const std::string& body, int seconds) {
  httplib::Client client = client_of(socket, seconds);
  const httplib::Result got = method == "GET"      ? client.Get(path)
                              : method == "DELETE" ? client.Delete(path)
                                                   : client.Post(path, body, "application/json");
  if (!got)
    throw Error(Kind::io, format("no answer from {}: {}", socket, httplib::to_string(got.error())));
  Response response;
  response.status = got->status;
  response.type = got->get_header_value("Content-Type");
  response.body = got->body;
  return response;
}

bool listens(const std::string& socket) {
  httplib::Client client = client_of(socket, seconds_to_connect);
  return static_cast<bool>(client.Get("/v1/machines?"));
}

std::string encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain =
        std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.' || c == '~';
    out += plain ? std::string(1, c) : format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

}  // namespace jetlag::http
