// A real server on a real socket, asked in bytes.
#include "server/http/server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <zlib.h>

#include <cstring>
#include <filesystem>
#include <random>
#include <thread>

#include "../error_of.h"

namespace jetlag::http {
namespace {

// Says what was asked.
class Echo : public Service {
 public:
  Body expect(const Request& head) override {
    if (head.path == "/none") throw HttpError(404, "path", "nothing here", "look elsewhere");
    return {head.path == "/large" ? 1'000'000U : 16U, head.path == "/large"};
  }
  Response answer(const Request& r) override {
    if (r.path == "/fails") throw Error(Kind::shape, "it does not fit");
    if (r.path == "/stream") return stream();
    if (r.path == "/endless") return endless();
    if (r.path == "/tagged") return tagged(r, "7", [] { return Response::json("[7]"); }, true);
    if (r.path == "/long") return Response::json(std::string(3000, '7'));
    if (r.path == "/bytes") return Response::bytes(std::string(3000, '7'));
    std::size_t bytes = r.body.size();
    if (r.receive &&
        !r.receive([&](std::string_view piece) { return bytes += piece.size(), true; }))
      throw HttpError(400, "request", "cut off");
    return Response::json(format("{} {} {}", r.method, r.path, bytes));
  }

  static Response endless() {
    Response r;
    r.stream = [piece = std::string(1 << 20, 'x')](const Sink& out) { return out(piece); };
    return r;
  }
  static Response stream() {
    Response r;
    r.type = "text/event-stream";
    r.stream = [n = 0](const Sink& out) mutable {
      return out(event("count", format("{}", n))) && ++n < 3;
    };
    return r;
  }
};

class Running {
 public:
  explicit Running(const Place& place = {})
      : server(place, echo), thread([this] { server.run(); }) {}
  ~Running() {
    server.stop();
    thread.join();
  }
  Echo echo;
  Server server;
  std::thread thread;
};

int connected(int port) {
  const int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(port));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  for (int tries = 0; connect(s, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0 && tries < 100;
       ++tries)
    usleep(1000);
  return s;
}

// What comes back for these bytes until the server closes, or nothing comes for so long.
std::string ask(int port, const std::string& text, int milliseconds = 5000) {
  const int s = connected(port);
  std::string got;
  const timeval patience{milliseconds / 1000, milliseconds % 1000 * 1000};
  setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  (void)!send(s, text.data(), text.size(), MSG_NOSIGNAL);
  char piece[4096];
  for (ssize_t n = 0; (n = recv(s, piece, sizeof piece, 0)) > 0;)
    got.append(piece, static_cast<std::size_t>(n));
  close(s);
  return got;
}

std::string get(const std::string& path, const std::string& more = "") {
  return format("GET {} HTTP/1.1\r\nHost: a\r\n{}Connection: close\r\n\r\n", path, more);
}

int status_of(const std::string& answer) {
  return answer.starts_with("HTTP/1.1 ") ? std::stoi(answer.substr(9, 3)) : 0;
}

// What gzip has packed.
std::string unpacked(const std::string& bytes) {
  std::string text(100'000, '\0');
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, MAX_WBITS + 16), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(text.data());
  stream.avail_out = static_cast<uInt>(text.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  text.resize(stream.total_out);
  inflateEnd(&stream);
  return text;
}

TEST(HttpServer, AnswersAndReportsErrorsAsProblems) {
  const Running running;
  const int port = running.server.port();

  EXPECT_NE(ask(port, get("/a%20b?x=1")).find("GET /a b 0"), std::string::npos);
  const std::string none = ask(port, get("/none"));
  EXPECT_EQ(status_of(none), 404);
  EXPECT_NE(none.find("application/problem+json"), std::string::npos);
  EXPECT_NE(none.find(R"("hint":"look elsewhere")"), std::string::npos);
  const std::string fails = ask(port, get("/fails"));
  EXPECT_EQ(status_of(fails), 400);
  EXPECT_NE(fails.find(R"("title":"shape")"), std::string::npos);
}

TEST(HttpServer, PacksLongTextsByGzipWhereThatIsAccepted) {
  const Running running;
  const auto asked = [&](const std::string& path, const std::string& encodings) {
    return ask(running.server.port(), get(path, "Accept-Encoding: " + encodings + "\r\n"));
  };
  const std::string plain = asked("/long", "identity");
  const std::string packed = asked("/long", "deflate, gzip, br");

  EXPECT_NE(plain.find(std::string(3000, '7')), std::string::npos);
  EXPECT_EQ(plain.find("Content-Encoding"), std::string::npos);
  EXPECT_NE(plain.find("Vary: Accept-Encoding"), std::string::npos);
  EXPECT_NE(packed.find("Content-Encoding: gzip"), std::string::npos);
  EXPECT_LT(packed.size(), 600U);
  EXPECT_EQ(unpacked(packed.substr(packed.find("\r\n\r\n") + 4)), std::string(3000, '7'));
  for (const auto* path : {"/short", "/bytes"})
    EXPECT_EQ(asked(path, "gzip").find("Content-Encoding"), std::string::npos) << path;
  for (const auto* encodings : {"br", "br, gzip;q=0", "gzip; q=0.000", "x-gzip", ""})
    EXPECT_EQ(asked("/long", encodings).find("Content-Encoding"), std::string::npos) << encodings;
  for (const auto* encodings : {"gzip", "br;q=0, gzip;q=0.5", "identity,gzip"})
    EXPECT_NE(asked("/long", encodings).find("Content-Encoding: gzip"), std::string::npos)
        << encodings;
}

TEST(HttpServer, LimitsBodies) {
  const Running running;
  const int port = running.server.port();
  const auto post = [&](const std::string& path, std::size_t bytes) {
    return ask(
        port,
        format("POST {} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{}",
               path, bytes, std::string(bytes, 'x')));
  };

  EXPECT_NE(post("/small", 16).find("POST /small 16"), std::string::npos);
  EXPECT_EQ(status_of(post("/small", 17)), 413);
  EXPECT_NE(post("/large", 100'000).find("POST /large 100000"), std::string::npos);
  EXPECT_EQ(status_of(post("/large", 1'000'001)), 400);
  EXPECT_EQ(status_of(post("/none", 5)), 404);
}

TEST(HttpServer, TakesNoUnreadBodyForTheNextRequest) {
  const Running running;
  const std::string inner = get("/inner");

  const std::string answer =
      ask(running.server.port(),
          format("POST /none HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{}", inner.size(),
                 inner));

  EXPECT_EQ(status_of(answer), 404);
  EXPECT_EQ(answer.find("/inner"), std::string::npos);
}

TEST(HttpServer, SendsEventsAndEnds) {
  const Running running;

  const std::string answer = ask(running.server.port(), get("/stream"));

  EXPECT_NE(answer.find("event: count\ndata: 0\n\n"), std::string::npos);
  EXPECT_NE(answer.find("event: count\ndata: 2\n\n"), std::string::npos);
  EXPECT_EQ(answer.find("data: 3"), std::string::npos);
}

TEST(HttpServer, AnswersOthersWhileAClientReadsNothing) {
  const Running running;
  const std::string endless = get("/endless");
  int lazy[20];
  for (int& s : lazy) {
    s = connected(running.server.port());
    (void)!send(s, endless.data(), endless.size(), MSG_NOSIGNAL);
  }

  EXPECT_EQ(status_of(ask(running.server.port(), get("/a"))), 200);

  for (const int s : lazy) close(s);
}

TEST(HttpServer, SaysThatTheClientHasIt) {
  const Running running;
  const int port = running.server.port();

  const std::string fresh = ask(port, get("/tagged"));
  const std::string known = ask(port, get("/tagged", "If-None-Match: \"7\"\r\n"));

  EXPECT_NE(fresh.find("[7]"), std::string::npos);
  EXPECT_NE(fresh.find("immutable"), std::string::npos);
  EXPECT_EQ(status_of(known), 304);
  EXPECT_EQ(known.find("[7]"), std::string::npos);
}

std::string damaged(const std::string& request, std::mt19937& random) {
  std::string text = request;
  for (unsigned i = 0; i < 1 + random() % 6; ++i) {
    const std::size_t at = random() % (text.size() + 1);
    switch (random() % 4) {
      case 0: text.insert(at, 1, static_cast<char>(random())); break;
      case 1: text.erase(at, random() % 5); break;
      case 2: text.insert(at, std::string(random() % 300, static_cast<char>(random()))); break;
      default: text.insert(at, "\r\n"); break;
    }
  }
  return text;
}

void ask_in_damaged_ways(int port, int times) {
  std::mt19937 random(1);
  const std::string requests[] = {
      get("/a"), get("/tagged"), "POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc",
      "POST /large HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
      "PUT /small HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=x\r\n"
      "Content-Length: 5\r\n\r\n--x--"};
  for (int i = 0; i < times; ++i) ask(port, damaged(requests[i % 5], random), 1);
}

TEST(HttpServer, SurvivesMalformedRequests) {
  const Running running;

  ask_in_damaged_ways(running.server.port(), 300);

  EXPECT_EQ(status_of(ask(running.server.port(), get("/a"))), 200);
}

TEST(HttpServer, SurvivesTenThousandMalformedRequestsSlow) {
  const Running running;

  ask_in_damaged_ways(running.server.port(), 10'000);

  EXPECT_EQ(status_of(ask(running.server.port(), get("/a"))), 200);
}

std::string socket_path() {
  return (std::filesystem::temp_directory_path() / format("jetlag-test-{}", getpid())).string();
}

TEST(HttpServer, MakesASocketForItsOwnerAlone) {
  const std::string path = socket_path();
  {
    const Running running({0, path});
    struct stat status{};
    ASSERT_EQ(stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U);

    Echo other;
    EXPECT_NE(error_of([&] { const Server second({0, path}, other); }).find("another server"),
              std::string::npos);
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(HttpServer, LeavesAFileThatIsNoSocketAlone) {
  const std::string path = socket_path() + ".txt";
  std::fclose(std::fopen(path.c_str(), "w"));
  Echo echo;

  EXPECT_NE(error_of([&] { const Server server({0, path}, echo); }).find("is there and no socket"),
            std::string::npos);

  EXPECT_TRUE(std::filesystem::remove(path));
}

}  // namespace
}  // namespace jetlag::http
