#include "server/http/server.h"

#include <httplib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cctype>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <thread>

#include "server/http/packing.h"

namespace jetlag::http {

namespace {

constexpr std::size_t most_connections = 256;
constexpr int seconds_idle = 5;      // a connection between two requests
constexpr int seconds_reading = 10;  // a client that sends nothing
constexpr int seconds_writing = 10;  // a client that reads nothing

// A thread for each connection, kept for the next one. Streams hold theirs as long as they last,
// so a pool of a fixed size would be used up by a few.
class Connections : public httplib::TaskQueue {
 public:
  void enqueue(std::function<void()> work) override {
    const std::scoped_lock lock(mutex_);
    waiting_.push_back(std::move(work));
    if (idle_ < waiting_.size() && threads_.size() < most_connections)
      threads_.emplace_back([this] { serve(); });
    wake_.notify_one();
  }

  void shutdown() override {
    {
      const std::scoped_lock lock(mutex_);
      ends_ = true;
      wake_.notify_all();
    }
    for (std::thread& t : threads_) t.join();
  }

 private:
  void serve() {
    for (;;) {
      std::unique_lock lock(mutex_);
      ++idle_;
      wake_.wait(lock, [&] { return ends_ || !waiting_.empty(); });
      --idle_;
      if (waiting_.empty()) return;
      const std::function<void()> work = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      work();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> waiting_;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;
  bool ends_ = false;
};

// The library would pack answers itself, with Brotli at its slowest: a megabyte a second. It does
// what the request accepts, which only we are to know from here on; its request is not constant,
// but those who answer see it so.
Request head_of(const httplib::Request& from) {
  Request r;
  r.method = from.method;
  r.path = from.path;
  for (const auto& [name, value] : from.params) r.query.emplace_back(name, value);
  for (const auto& [name, value] : from.headers) {
    std::string lower = name;
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    r.headers.emplace_back(std::move(lower), value);
  }
  const_cast<httplib::Request&>(from).headers.erase("Accept-Encoding");
  return r;
}

bool has_body(const std::string& method) {
  return method == "POST" || method == "PUT" || method == "PATCH" || method == "DELETE";
}

// The body of a request that comes in pieces.
struct Arriving {
  using Take = std::function<bool(std::string_view)>;
  static constexpr std::uint64_t most_ignored = 64 << 20;  // bytes

  const httplib::ContentReader& read;
  const std::atomic<bool>& stops;
  std::uint64_t most = 0;
  bool is_expected = false;  // the request is let through
  bool was_read = false;
  bool whole = false;  // nothing of it is left on the connection
  std::uint64_t got = 0;

  // Hands it over. What nobody wants any more is still read, up to a limit: the answer would not
  // arrive before.
  bool all(const Take& take) {
    was_read = true;
    bool wanted = true;
    std::uint64_t ignored = 0;
    std::exception_ptr thrown;
    whole = read([&](const char* data, std::size_t bytes) {
      got += bytes;
      try {
        wanted = wanted && got <= most && !stops && take({data, bytes});
      } catch (...) {
        wanted = false;
        thrown = std::current_exception();
      }
      if (!wanted) ignored += bytes;
      return ignored <= most_ignored && !stops;
    });
    if (thrown) std::rethrow_exception(thrown);
    return whole && wanted;
  }
};

// What listens on a socket's path, if anybody does.
bool is_alive(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  const int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool alive =
      s >= 0 && connect(s, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  if (s >= 0) close(s);
  return alive;
}

void make_room(const std::string& path) {
  if (path.size() >= sizeof(sockaddr_un::sun_path))
    throw Error(Kind::io, format("the path of a socket is too long: {}", path),
                format("it may have {} bytes", sizeof(sockaddr_un::sun_path) - 1));
  struct stat status{};
  if (lstat(path.c_str(), &status) != 0) return;
  if (!S_ISSOCK(status.st_mode))
    throw Error(Kind::io, format("{} is there and no socket", path), "name another path");
  if (is_alive(path)) throw Error(Kind::io, format("another server listens at {}", path));
  unlink(path.c_str());
}

}  // namespace

struct Server::Parts {
  Parts(Place p, Service& s) : place(std::move(p)), service(s) {}

  void listen() {
    http.new_task_queue = [] { return new Connections; };
    http.set_keep_alive_max_count(100'000);
    http.set_keep_alive_timeout(seconds_idle);
    http.set_read_timeout(seconds_reading);
    http.set_write_timeout(seconds_writing);
    http.set_tcp_nodelay(place.socket.empty());
    http.set_pre_routing_handler([this](const httplib::Request& from, httplib::Response& to) {
      if (has_body(from.method)) return httplib::Server::HandlerResponse::Unhandled;
      without_body(from, to);
      return httplib::Server::HandlerResponse::Handled;
    });
    const auto receive = [this](const httplib::Request& from, httplib::Response& to,
                                const httplib::ContentReader& read) { with_body(from, to, read); };
    constexpr const char* any_path = R"([\s\S]*)";
    http.Post(any_path, receive).Put(any_path, receive);
    http.Patch(any_path, receive).Delete(any_path, receive);
    // What the library refuses by itself has no body yet.
    http.set_error_handler([](const httplib::Request&, httplib::Response& to) {
      if (to.body.empty() && to.content_length_ == 0 && to.status >= 400) {
        const Response p =
            problem(HttpError(to.status, "request", "the request is malformed or too long"));
        to.set_content(p.body, p.type);
      }
    });
    if (place.socket.empty()) {
      port = place.port;
      if (port == 0) port = http.bind_to_any_port(place.address);
      else if (!http.bind_to_port(place.address, port)) port = -1;
      if (port <= 0)
        throw Error(Kind::io,
                    format("cannot listen on port {} of {}: {}", place.port, place.address,
                           std::strerror(errno)),
                    "name another port with --port, or none for a free one");
      return;
    }
    make_room(place.socket);
    http.set_address_family(AF_UNIX);
    // A mask for new files would be that of all threads, and of what they begin.
    http.set_socket_options([](socket_t s) { fchmod(s, 0600); });
    if (!http.bind_to_port(place.socket, 80))
      throw Error(Kind::io, format("cannot listen at {}: {}", place.socket, std::strerror(errno)));
    made_socket = true;
  }

  void without_body(const httplib::Request& from, httplib::Response& to) {
    const Request request = head_of(from);
    write(guarded([&] {
            service.expect(request);
            return packed(request, service.answer(request));
          }),
          to, true);
  }

  void with_body(const httplib::Request& from, httplib::Response& to,
                 const httplib::ContentReader& read) {
    Request request = head_of(from);
    Arriving arriving{read, stops};
    const Response answer = guarded([&] {
      if (from.is_multipart_form_data())
        throw HttpError(415, "type", "forms are not read here", "send the content as the body");
      const Body expected = service.expect(request);
      arriving.most = expected.most;
      arriving.is_expected = true;
      const auto pieces = [&](const Arriving::Take& take) { return arriving.all(take); };
      if (expected.in_pieces) {
        request.receive = pieces;
      } else if (!pieces([&](std::string_view piece) { return request.body += piece, true; })) {
        if (arriving.got > expected.most)
          throw HttpError(413, "size", format("the body is longer than {} bytes", expected.most));
        throw HttpError(400, "request", "the body broke off");
      }
      return packed(request, service.answer(request));
    });
    // Most clients read no answer before they have sent all.
    if (arriving.is_expected && !arriving.was_read)
      arriving.all([](std::string_view) { return false; });
    const bool whole = arriving.whole;
    write(answer, to, whole);
  }

  template <class F>
  static Response guarded(const F& answer) {
    try {
      return answer();
    } catch (const HttpError& error) {
      return problem(error);
    } catch (const Error& error) {
      return problem(error);
    } catch (const std::bad_alloc&) {
      return problem(Error(Kind::memory, "the server is out of memory"));
    } catch (const std::exception& error) {
      return problem(Error(Kind::internal, error.what()));
    }
  }

  // A connection whose request was not read to the end cannot be used again: what remains would
  // be taken for the next request.
  void write(const Response& answer, httplib::Response& to, bool reusable) {
    to.status = answer.status;
    for (const auto& [name, value] : answer.headers) to.set_header(name, value);
    to.set_header("X-Content-Type-Options", "nosniff");
    to.set_header("Referrer-Policy", "no-referrer");
    if (answer.stream) {
      to.set_chunked_content_provider(
          answer.type, [this, stream = answer.stream](std::size_t, httplib::DataSink& sink) {
            const Sink out = [&](std::string_view text) {
              return !stops && sink.is_writable() && sink.write(text.data(), text.size());
            };
            if (stops || !sink.is_writable()) return false;
            if (!stream(out)) sink.done();
            return true;
          });
    } else if (!reusable) {
      to.set_header("Connection", "close");
      to.set_content_provider(
          answer.body.size(), answer.type,
          [body = answer.body](std::size_t, std::size_t, httplib::DataSink& sink) {
            sink.write(body.data(), body.size());
            return false;
          });
    } else if (!answer.type.empty()) {
      to.set_content(answer.body, answer.type);
    }
  }

  Place place;
  Service& service;
  httplib::Server http;
  int port = 0;
  bool made_socket = false;
  std::atomic<bool> stops = false;
  std::atomic<bool> entered = false;
  std::atomic<bool> ended = false;
};

Server::Server(const Place& place, Service& service)
    : parts_(std::make_unique<Parts>(place, service)) {
  parts_->listen();
}

Server::~Server() {
  if (parts_->made_socket) unlink(parts_->place.socket.c_str());
}

int Server::port() const { return parts_->port; }

void Server::run() {
  parts_->entered = true;
  if (!parts_->stops) parts_->http.listen_after_bind();
  parts_->ended = true;
}

// The library forgets a stop that comes before it listens.
void Server::stop() {
  if (parts_->stops.exchange(true) || !parts_->entered) return;
  while (!parts_->http.is_running() && !parts_->ended)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  parts_->http.stop();
}

}  // namespace jetlag::http
