// Routes that bring a trace and take one away.
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/new_file.h"
#include "server/routes/answers.h"
#include "server/routes/tables.h"
#include "trace/chunk/layout.h"

namespace jetlag::routes {

namespace {

constexpr std::uint64_t most_trace = std::uint64_t{1} << 37;

// Looks at the first bytes that come, and keeps them all.
class Arrival {
 public:
  explicit Arrival(NewFile& file) : file_(file) {}

  bool take(std::string_view bytes) {
    if (head_.size() < sizeof(trace::FileHeader)) {
      head_ += bytes.substr(0, sizeof(trace::FileHeader) - head_.size());
      if (head_.size() == sizeof(trace::FileHeader)) check();
    }
    bytes_ += bytes.size();
    written_ = file_.put(std::as_bytes(std::span(bytes)));
    return written_;
  }
  // Throws HttpError(400) if that is no trace, or one that this program cannot read.
  void check() const {
    trace::FileHeader header{};
    std::memcpy(&header, head_.data(), head_.size());
    if (head_.size() < sizeof header ||
        std::memcmp(header.magic, trace::file_magic, sizeof header.magic) != 0)
      throw http::HttpError(400, "trace", "what came is no trace of jetlag",
                            "jetlag trace import makes one of what other tools wrote");
    if (header.version > trace::format_version)
      throw http::HttpError(
          400, "version",
          format(
              "the trace was written by a later jetlag: its format is {}, this one reads up to {}",
              header.version, trace::format_version),
          "update the server");
  }
  bool written() const { return written_; }
  std::uint64_t bytes() const { return bytes_; }

 private:
  NewFile& file_;
  std::string head_;
  bool written_ = true;
  std::uint64_t bytes_ = 0;
};

http::Response upload(App& app, const http::Request& request) {
  const std::string name(request.parameter("name"));
  const std::string path = app.traces->place_for(name);
  const auto taken = [&] {
    return http::HttpError(409, "name",
                           format("there is a trace {} already", http::json_text(name)),
                           "give it another name, or DELETE that one first");
  };
  std::error_code none;
  if (std::filesystem::exists(path, none)) throw taken();
  NewFile file(path, 0600);
  if (!file.is_open())
    throw http::HttpError(403, "folder", "the server may not write into its folder",
                          "start it with one that it may write into");
  Arrival arrival(file);
  const bool whole = request.receive && request.receive([&](std::string_view bytes) {
    return arrival.take(bytes) && file.has_room(0);
  });
  if (!arrival.written() || !file.has_room(0))
    throw http::HttpError(507, "room", format("there is no room for {}", http::json_text(name)),
                          "make room on the server's disk");
  if (!whole)
    throw http::HttpError(400, "request",
                          format("the trace broke off after {} bytes", arrival.bytes()),
                          "send it again: nothing was kept");
  arrival.check();
  if (!file.finish(false)) {
    if (errno == EEXIST) throw taken();
    throw Error(Kind::io,
                format("cannot keep {}: {}", http::json_text(name), std::strerror(errno)));
  }
  const std::string id = app.traces->id_of(path);
  http::Response answer =
      http::Response::json(nlohmann::json{{"id", id}, {"bytes", arrival.bytes()}}.dump());
  answer.status = 201;
  return std::move(answer).with("Location", "v1/traces/" + id);
}

http::Response remove(App& app, const http::Request& request) {
  app.traces->remove(request.part(0));
  return http::Response::json("{}");
}

constexpr Route table[] = {
    {"POST",
     "/v1/traces",
     "a new trace, the file as the body; parameter name; into the folder served",
     "Arrived",
     http::Access::owner,
     upload,
     {most_trace, true}},
    {"DELETE", "/v1/traces/{trace}", "removes its file, and what was kept of it", "Nothing",
     http::Access::owner, remove},
};

}  // namespace

std::span<const Route> upload_routes() { return table; }

}  // namespace jetlag::routes
