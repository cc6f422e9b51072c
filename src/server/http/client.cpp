#include "server/http/client.h"

#include <httplib.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <fstream>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "base/error.h"

namespace jetlag::http {

namespace {

constexpr int seconds_to_connect = 5;
constexpr int seconds_to_answer = 120;
constexpr std::size_t most_at_once = 1 << 20;  // bytes

httplib::Client client_of(const std::string& socket, int seconds) {
  httplib::Client client(socket, 80);
  client.set_address_family(AF_UNIX);
  client.set_default_headers({{"Host", "localhost"}});
  client.set_connection_timeout(seconds_to_connect);
  client.set_read_timeout(seconds);
  return client;
}

httplib::Client client_of(const Peer& peer, int seconds) {
  if (!peer.socket.empty()) return client_of(peer.socket, seconds);
  httplib::Client client(peer.address);
  client.set_default_headers({{"Authorization", "Bearer " + peer.token}});
  client.set_connection_timeout(seconds_to_connect);
  client.set_read_timeout(seconds);
  return client;
}

Response response_of(const Peer& peer, const httplib::Result& got) {
  if (!got)
    throw Error(Kind::io,
                format("no answer from {}: {}", peer.socket.empty() ? peer.address : peer.socket,
                       httplib::to_string(got.error())));
  Response response;
  response.status = got->status;
  response.type = got->get_header_value("Content-Type");
  response.body = got->body;
  return response;
}

}  // namespace

Peer peer_at(std::string_view text) {
  const std::size_t scheme = text.find("://");
  const std::size_t end = scheme == text.npos ? text.npos : text.find_first_of("/?", scheme + 3);
  const std::string_view address = text.substr(0, end);
  const std::string_view rest = end == text.npos ? std::string_view() : text.substr(end);
  constexpr std::string_view mark = "?token=";
  const std::size_t at = rest.find(mark);
  if ((!address.starts_with("http://") && !address.starts_with("https://")) || at > 1)
    throw Error(Kind::value, "the address of a server of jobs is http://HOST:PORT/?token=TOKEN",
                "`jetlag token make` prints it");
  return {"", std::string(address), std::string(rest.substr(at + mark.size()))};
}

Response ask(const Peer& peer, const std::string& method, const std::string& path,
             const std::string& body, int seconds) {
  httplib::Client client = client_of(peer, seconds);
  return response_of(peer, method == "GET"      ? client.Get(path)
                           : method == "DELETE" ? client.Delete(path)
                                                : client.Post(path, body, "application/json"));
}

Response send_file(const Peer& peer, const std::string& path, const std::string& file) {
  std::ifstream in(file, std::ios::binary | std::ios::ate);
  if (!in) throw Error(Kind::io, format("cannot read {}: {}", file, std::strerror(errno)));
  const auto bytes = static_cast<std::size_t>(in.tellg());
  httplib::Client client = client_of(peer, seconds_to_answer);
  return response_of(peer, client.Put(
                               path, bytes,
                               [&](std::size_t at, std::size_t left, httplib::DataSink& sink) {
                                 std::string piece(std::min(left, most_at_once), '\0');
                                 in.seekg(static_cast<std::streamoff>(at));
                                 in.read(piece.data(), static_cast<std::streamsize>(piece.size()));
                                 return in && sink.write(piece.data(), piece.size());
                               },
                               "application/octet-stream"));
}

Response fetch_file(const Peer& peer, const std::string& path, const std::string& file) {
  std::ofstream out;
  std::string said;
  httplib::Client client = client_of(peer, seconds_to_answer);
  Response response = response_of(peer, client.Get(
                                            path,
                                            [&](const httplib::Response& head) {
                                              if (head.status == 200)
                                                out.open(file, std::ios::binary);
                                              return true;
                                            },
                                            [&](const char* data, std::size_t size) {
                                              if (!out.is_open())
                                                return said.append(data, size), true;
                                              out.write(data, static_cast<std::streamsize>(size));
                                              return static_cast<bool>(out);
                                            }));
  response.body = said;
  out.close();
  if (response.status == 200 && !out)
    throw Error(Kind::io, format("cannot write {}: {}", file, std::strerror(errno)));
  return response;
}

namespace {

// The path and query of a request, as they came.
std::string target_of(const Request& request) {
  std::string target;
  for (const char c : request.path) target += c == '/' ? "/" : encoded({&c, 1});
  char before = '?';
  for (const auto& [name, value] : request.query) {
    if (name == "token") continue;  // ours
    target += format("{}{}={}", before, encoded(name), encoded(value));
    before = '&';
  }
  return target;
}

// An answer that comes while it is handed on: a thread reads it, a piece ahead.
class Answer {
 public:
  Answer(const std::string& socket, std::string target) : line_(std::make_shared<Line>()) {
    std::thread([line = line_, client = client_of(socket, seconds_to_answer),
                 target = std::move(target)]() mutable {
      line->read(client, target);
    }).detach();
  }
  ~Answer() { line_->end(); }
  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;

  // What is known before the body.
  Response head() {
    std::unique_lock lock(line_->mutex);
    line_->changed.wait(lock, [&] { return line_->begun || line_->ended; });
    if (!line_->begun) throw Error(Kind::io, format("no answer: {}", line_->said));
    return line_->head;
  }

  // Writes what has come; false when all has.
  bool pass(const Sink& sink) {
    std::unique_lock lock(line_->mutex);
    constexpr std::chrono::milliseconds moment{900};
    line_->changed.wait_for(lock, moment, [&] { return !line_->piece.empty() || line_->ended; });
    const std::string piece = std::exchange(line_->piece, {});
    const bool more = !line_->ended;
    lock.unlock();
    line_->changed.notify_all();
    return (piece.empty() || sink(piece)) && more;
  }

 private:
  struct Line {
    std::mutex mutex;
    std::condition_variable changed;
    Response head;
    std::string piece;
    std::string said;
    bool begun = false;
    bool ended = false;

    void read(httplib::Client& client, const std::string& target) {
      const httplib::Result got = client.Get(
          target,
          [&](const httplib::Response& r) {
            const std::scoped_lock lock(mutex);
            head.status = r.status;
            head.type = r.get_header_value("Content-Type");
            begun = true;
            changed.notify_all();
            return !ended;
          },
          [&](const char* data, std::size_t size) {
            std::unique_lock lock(mutex);
            changed.wait(lock, [&] { return piece.empty() || ended; });
            piece.assign(data, size);
            changed.notify_all();
            return !ended;
          });
      {
        std::unique_lock lock(mutex);
        if (!got) said = httplib::to_string(got.error());
      }
      end();
    }

    void end() {
      const std::scoped_lock lock(mutex);
      ended = true;
      changed.notify_all();
    }
  };

  std::shared_ptr<Line> line_;
};

Response read_in_pieces(const std::string& socket, const Request& request) {
  const auto answer = std::make_shared<Answer>(socket, target_of(request));
  Response response = answer->head();
  response.stream = [answer](const Sink& sink) { return answer->pass(sink); };
  return response;
}

}  // namespace

Response forward(const std::string& socket, const Request& request) {
  if (request.method == "GET" || request.method == "HEAD") return read_in_pieces(socket, request);
  if (!request.receive)
    return ask({socket, "", ""}, request.method, target_of(request), request.body,
               seconds_to_answer);
  httplib::Client client = client_of(socket, seconds_to_answer);
  const httplib::Result got = client.Put(
      target_of(request),
      [&](std::size_t, httplib::DataSink& sink) {
        const bool whole = request.receive(
            [&](std::string_view piece) { return sink.write(piece.data(), piece.size()); });
        if (whole) sink.done();
        return whole;
      },
      "application/octet-stream");
  if (!got) throw Error(Kind::io, format("no answer: {}", httplib::to_string(got.error())));
  Response response;
  response.status = got->status;
  response.type = got->get_header_value("Content-Type");
  response.body = got->body;
  return response;
}

bool listens(const std::string& socket) {
  httplib::Client client = client_of(socket, seconds_to_connect);
  return static_cast<bool>(client.Get("/v1/routes"));
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
