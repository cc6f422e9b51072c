// What is asked and answered over HTTP, as plain values.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace jetlag::http {

using Fields = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method;
  std::string path;                // decoded; begins with '/'
  Fields query;                    // decoded
  Fields headers;                  // names in lower case
  std::string user;                // whose token it has; empty: the owner of this server asks
  std::vector<std::string> parts;  // what the route's {names} stand for
  std::string body;                // empty if the route reads it in pieces
  // Hands the body over in pieces, as it arrives; false if it broke off, grew too long, or the
  // receiver said false. Empty where the body was read.
  std::function<bool(const std::function<bool(std::string_view)>&)> receive;

  // The first of that name, or nothing.
  std::string_view header(std::string_view name) const;
  std::string_view parameter(std::string_view name) const;
  bool has_parameter(std::string_view name) const;
  // Throws HttpError(400) that names the parameter if it is no number, or out of the range.
  std::int64_t number(std::string_view name, std::int64_t otherwise, std::int64_t least = INT64_MIN,
                      std::int64_t most = INT64_MAX) const;
  std::string_view part(std::size_t i) const { return parts.at(i); }
};

// Where a stream writes to. False: the client has gone, or the server stops.
using Sink = std::function<bool(std::string_view)>;

struct Response {
  int status = 200;
  std::string type = "application/json";
  std::string body;
  Fields headers;
  // If there is one, it makes the body: called again and again until it returns false, which ends
  // the answer. It may wait, a second at most, so that the server can stop.
  std::function<bool(const Sink&)> stream;

  static Response json(std::string text) {
    return {200, "application/json", std::move(text), {}, {}};
  }
  static Response html(std::string text) {
    return {200, "text/html; charset=utf-8", std::move(text), {}, {}};
  }
  static Response bytes(std::string data) {
    return {200, "application/octet-stream", std::move(data), {}, {}};
  }
  Response&& with(std::string name, std::string value) && {
    headers.emplace_back(std::move(name), std::move(value));
    return std::move(*this);
  }
};

// A "no" with its status; what else is thrown has the status of its kind (base/error.h).
class HttpError : public std::exception {
 public:
  HttpError(int status, std::string kind, std::string message, std::string hint = {})
      : status(status), kind(std::move(kind)), message(std::move(message)), hint(std::move(hint)) {}
  const char* what() const noexcept override { return message.c_str(); }

  int status;
  std::string kind;
  std::string message;
  std::string hint;
};

// As RFC 9457 says: {"title": kind, "status": …, "detail": message, "hint": what to do}.
Response problem(const HttpError& error);
Response problem(const Error& error);

// The text with what JSON has no place for replaced: names may hold any bytes.
std::string json_text(std::string_view text);

// The answer as MessagePack, if it is JSON and the request accepts that.
Response in_wanted_form(const Request& request, Response answer);

// The answer, or 304 without a body if the client has it: `tag` changes whenever the body would.
// `make` is called only if the body is wanted.
Response tagged(const Request& request, const std::string& tag,
                const std::function<Response()>& make, bool immutable = false);

// One server-sent event. Data may have several lines.
std::string event(std::string_view name, std::string_view data);

}  // namespace jetlag::http
