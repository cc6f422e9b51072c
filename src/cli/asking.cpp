#include "cli/asking.h"

#include <ctime>
#include <nlohmann/json.hpp>

#include "base/settings.h"
#include "cli/daemon.h"
#include "jobs/scheduler/scheduler.h"

namespace jetlag::cli {

using nlohmann::json;

namespace {

constexpr int patience = 120;  // seconds for one answer

}  // namespace

bool jobs_are_far(const std::string& folder) {
  return folder.empty() && setting("jobs_server") != "none";
}

http::Peer jobs_peer(const std::string& named) {
  if (jobs_are_far(named)) return http::peer_at(setting("jobs_server"));
  const std::string folder = jobs_folder(named);
  serve_in_background(folder);
  return {jobs::daemon_socket(folder), "", ""};
}

http::Response accepted(http::Response response) {
  if (response.status < 300) return response;
  const json answer = json::parse(response.body, nullptr, false);
  const bool told = answer.is_object() && answer.contains("detail");
  throw Error(response.status == 404 ? Kind::key : Kind::value,
              told ? answer["detail"].get<std::string>() : response.body,
              told ? answer.value("hint", "") : "");
}

http::Response ask_jobs(const std::string& folder, const std::string& method,
                        const std::string& path, const std::string& body) {
  for (int tries = 3;; --tries) {
    try {
      return accepted(http::ask(jobs_peer(folder), method, path, body, patience));
    } catch (const Error& error) {
      // The daemon may end, or be killed, while it is asked: the next one answers.
      if (error.kind() != Kind::io || jobs_are_far(folder) || tries == 1) throw;
    }
  }
}

std::string clock_text(double seconds) {
  if (seconds <= 0) return "-";
  const auto when = static_cast<std::time_t>(seconds);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", std::localtime(&when));
  return text;
}

std::string shown(const std::string& text) {
  std::string out;
  for (const char c : text)
    out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? std::string("?") : std::string(1, c);
  return out;
}

std::int64_t seconds_of(const std::string& time) {
  const std::int64_t seconds = jobs::read_duration(time);
  if (seconds < 0)
    throw Error(Kind::value, format("'{}' is no duration", time),
                "write [days-]hours:minutes:seconds");
  return seconds;
}

}  // namespace jetlag::cli
