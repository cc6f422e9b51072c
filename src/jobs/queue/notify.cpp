#include "jobs/queue/notify.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "jobs/transport/process.h"

namespace jetlag::jobs {

namespace {

using nlohmann::json;

constexpr double longest = 30;  // seconds, for one message

std::string encoded(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const bool plain =
        std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.' || c == '~';
    out += plain ? std::string(1, c) : format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

// One line of a header, whatever a job is called.
std::string line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return text;
}

std::string mail(const std::string& to, const json& body) {
  const std::string subject =
      format("job {} {}", body.value("name", body.value("job", "")), body.value("state", ""));
  return format(
      "From: jetlag <jetlag@localhost>\r\nTo: {}\r\nSubject: {}\r\nContent-Type: text/plain; "
      "charset=utf-8\r\nMIME-Version: 1.0\r\n\r\n{} on {}: {}\r\n{}\r\n\r\n{}\r\n",
      line(to), line(subject), line(body.value("name", "")), line(body.value("machine", "")),
      body.value("state", ""), body.value("reason", ""), body.dump(2));
}

}  // namespace

std::string filled_in(const std::string& target, const std::string& text) {
  const json body = json::parse(text, nullptr, false);
  std::string filled = target;
  constexpr std::pair<const char*, const char*> names[] = {
      {"${JOB_ID}", "job"},          {"${JOB_STATE}", "state"},     {"${JOB_NAME}", "name"},
      {"${JOB_MACHINE}", "machine"}, {"${JOB_ATTEMPT}", "attempt"}, {"${JOB_REASON}", "reason"},
  };
  for (const auto& [mark, name] : names) {
    if (!body.contains(name)) continue;
    const std::string value =
        encoded(body[name].is_string() ? body[name].get<std::string>() : body[name].dump());
    for (std::size_t at = 0; (at = filled.find(mark, at)) != std::string::npos; at += value.size())
      filled.replace(at, std::string_view(mark).size(), value);
  }
  return filled;
}

void deliver(const Message& message, const std::string& relay) {
  std::vector<std::string> argv = {"curl",         "--silent",
                                   "--show-error", "--fail",
                                   "--max-time",   std::to_string(static_cast<int>(longest))};
  std::string input = message.body;
  if (message.target.starts_with("mailto:")) {
    if (relay.empty())
      throw Error(Kind::value, "no mail relay is set",
                  "start jetlag serve with --relay smtp://host:25");
    const std::string to = message.target.substr(7);
    input = mail(to, json::parse(message.body));
    argv.insert(argv.end(), {"--mail-from", "jetlag@localhost", "--mail-rcpt", to, "--upload-file",
                             "-", "--url", relay});
  } else {
    argv.insert(argv.end(), {"--proto", "=http,https", "--request", "POST", "--header",
                             "Content-Type: application/json", "--data-binary", "@-", "--url",
                             filled_in(message.target, message.body)});
  }
  const Ran ran = run_program(argv, input, longest + 5);
  if (!ran.well()) throw Error(Kind::io, ran.said());
}

double pause_after(int tries) { return std::min(std::pow(2.0, tries), 3600.0); }

}  // namespace jetlag::jobs
