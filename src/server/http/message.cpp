#include "server/http/message.h"

#include <charconv>
#include <nlohmann/json.hpp>

namespace jetlag::http {

namespace {

const std::string* find(const Fields& fields, std::string_view name) {
  for (const auto& [known, value] : fields) {
    if (known == name) return &value;
  }
  return nullptr;
}

}  // namespace

std::string_view Request::header(std::string_view name) const {
  const std::string* found = find(headers, name);
  return found ? std::string_view(*found) : std::string_view();
}

std::string_view Request::parameter(std::string_view name) const {
  const std::string* found = find(query, name);
  return found ? std::string_view(*found) : std::string_view();
}

bool Request::has_parameter(std::string_view name) const { return find(query, name) != nullptr; }

std::int64_t Request::number(std::string_view name, std::int64_t otherwise, std::int64_t least,
                             std::int64_t most) const {
  const std::string* text = find(query, name);
  if (!text) return otherwise;
  std::int64_t value = 0;
  const char* end = text->data() + text->size();
  const auto [at, error] = std::from_chars(text->data(), end, value);
  if (error != std::errc{} || at != end || value < least || value > most)
    throw HttpError(400, "value", format("the parameter {} cannot be {}", name, json_text(*text)),
                    least == INT64_MIN ? "it is a whole number"
                                       : format("it is a number from {} to {}", least, most));
  return value;
}

std::string json_text(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Response problem(const HttpError& error) {
  std::string body = format(R"({{"title":{},"status":{},"detail":{})", json_text(error.kind),
                            error.status, json_text(error.message));
  if (!error.hint.empty()) body += R"(,"hint":)" + json_text(error.hint);
  return {
      error.status, "application/problem+json", body + "}", {{"Cache-Control", "no-store"}}, {}};
}

Response problem(const Error& error) {
  const ErrorKind& kind = describe(error.kind());
  return problem(
      HttpError(kind.http_status, std::string(kind.name), error.message(), error.hint()));
}

Response in_wanted_form(const Request& request, Response answer) {
  constexpr std::string_view form = "application/msgpack";
  if (answer.type != "application/json" || answer.stream) return answer;
  answer.headers.emplace_back("Vary", "Accept");
  if (request.header("accept").find(form) == std::string_view::npos) return answer;
  const auto value = nlohmann::json::parse(answer.body, nullptr, false);
  if (value.is_discarded()) return answer;
  answer.body.clear();
  nlohmann::json::to_msgpack(value, answer.body);
  answer.type = form;
  return answer;
}

Response tagged(const Request& request, const std::string& tag,
                const std::function<Response()>& make, bool immutable) {
  const std::string quoted_tag = format("\"{}\"", tag);
  const std::string keep = immutable ? "private, max-age=31536000, immutable" : "no-cache";
  Response answer =
      request.header("if-none-match").find(quoted_tag) != std::string_view::npos
          ? Response{.status = 304, .type = "", .body = "", .headers = {}, .stream = {}}
          : make();
  return std::move(answer).with("ETag", quoted_tag).with("Cache-Control", keep);
}

std::string event(std::string_view name, std::string_view data) {
  std::string text = format("event: {}\n", name);
  for (std::size_t at = 0; at <= data.size();) {
    const std::size_t end = std::min(data.find('\n', at), data.size());
    text += format("data: {}\n", data.substr(at, end - at));
    at = end + 1;
  }
  return text + "\n";
}

}  // namespace jetlag::http
