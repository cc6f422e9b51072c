// Malformed requests against a server in the same process: mutated ones, cut off ones, and clients
// that read slowly. jetlag_fuzz_server [REQUESTS] [SEED]; it is meant to be built with sanitizers
// (tools/fuzz_server.sh).
//
// Every answer has to be one of HTTP, none may say that the server failed, and a good request has
// to be answered at the end.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <map>
#include <mutex>
#include <random>
#include <thread>

#include "server/http/server.h"
#include "server/routes/route.h"
#include "server/routes/traces.h"
#include "trace/chunk/writer.h"

namespace {

namespace fs = std::filesystem;
using namespace jetlag;

constexpr int clients = 16;
constexpr int slow_clients = 3;
constexpr std::string_view token = "the token";

void write_trace(const fs::path& path) {
  trace::Writer writer(path);
  writer.define(R"({"def": "clock", "ticks": 0, "ns": 0})");
  writer.define(R"({"def": "site", "id": 1, "name": "<b>step</b>", "category": "step"})");
  writer.define(R"({"def": "thread", "track": 1, "id": 0, "name": "main"})");
  writer.define(R"({"def": "counter", "id": 2, "name": "/a", "kind": "gauge"})");
  std::vector<trace::Record> records;
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    const std::uint64_t task = i % 500 + 1;
    records.push_back({i * 15, task, task / 2, 1, trace::Event::create});
    records.push_back({i * 15, task, task > 3 ? task - 3 : 0, 0, trace::Event::ready});
    records.push_back({i * 15 + 1, task, 0, 1, trace::Event::begin});
    records.push_back({i * 15 + 9, task, 0, 1, trace::Event::end});
    records.push_back({i * 15 + 9, 0, i, 2, trace::Event::sample});
  }
  writer.add_columns(records, 1, 0);
  writer.close();
}

class Requests {
 public:
  Requests(std::uint64_t seed, std::string trace) : random_(seed), trace_(std::move(trace)) {}

  std::string next() {
    std::string text = good();
    for (auto n = number(5); n > 0; --n) mutate(text);
    return text;
  }

 private:
  std::uint64_t number(std::uint64_t below) { return random_() % below; }
  template <class List>
  auto pick(const List& list) {
    return list[number(std::size(list))];
  }

  std::string value() {
    static constexpr const char* odd[] = {"0",
                                          "-1",
                                          "1",
                                          "5",
                                          "99999999999999999999",
                                          "1e9",
                                          "nan",
                                          "%00",
                                          "%zz",
                                          "%",
                                          "..%2f..%2fetc%2fpasswd",
                                          "",
                                          "9223372036854775807",
                                          "-9223372036854775808",
                                          "%f0%9f%9a%80",
                                          "<script>",
                                          "slack",
                                          "x.jlt",
                                          "2147483647"};
    return pick(odd);
  }

  std::string good() {
    const routes::Route& route = pick(routes::routes());
    std::string path;
    for (std::size_t i = 0; i < route.path.size(); ++i) {
      if (route.path[i] != '{') {
        path += route.path[i];
        continue;
      }
      path += path.ends_with("traces/") && number(8) > 0 ? trace_ : value();
      i = route.path.find('}', i);
    }
    static constexpr const char* names[] = {"begin",   "end",  "bins", "sites", "tree",
                                            "limit",   "rev",  "name", "most",  "distance",
                                            "measure", "wait", "token"};
    for (auto n = number(4); n > 0; --n)
      path += format("{}{}={}", path.find('?') == path.npos ? "?" : "&", pick(names), value());
    std::string body;
    if (route.body.most > 0) {
      static constexpr const char* bodies[] = {"",
                                               "{}",
                                               "SELECT * FROM spans LIMIT 5",
                                               "[[[[[[[[",
                                               "SELECT x'00', zeroblob(99), 1/0 FROM tasks",
                                               "JLTRACE\n\1\0\0\0",
                                               "{\"a\": \"\\ud800\"}"};
      body = pick(bodies);
    }
    std::string text = format("{} {} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {}\r\n",
                              route.method, path, token);
    if (number(4) == 0) text += "Accept: application/msgpack\r\n";
    if (number(6) == 0) text += format("Range: bytes={}-{}\r\n", value(), value());
    if (number(6) == 0) text += "If-None-Match: " + value() + "\r\n";
    if (number(6) == 0) text += "Content-Type: multipart/form-data; boundary=" + value() + "\r\n";
    if (number(8) == 0 && !body.empty()) {
      text +=
          format("Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{}\r\n0\r\n\r\n", body.size(), body);
      return text;
    }
    const auto length = number(8) == 0 ? value() : std::to_string(body.size());
    if (route.body.most > 0 || number(8) == 0) text += format("Content-Length: {}\r\n", length);
    return text + "\r\n" + body;
  }

  void mutate(std::string& text) {
    if (text.empty()) return;
    const std::size_t at = number(text.size());
    switch (number(8)) {
      case 0: text[at] = static_cast<char>(random_()); return;
      case 1: text.insert(at, 1, static_cast<char>(random_())); return;
      case 2: text.erase(at, number(20)); return;
      case 3: text.resize(at); return;
      case 4: text.insert(at, text.substr(number(text.size()), number(200))); return;
      case 5:
        text.insert(at, std::string(number(20'000), static_cast<char>('a' + number(26))));
        return;
      case 6: text.insert(at, "\r\n"); return;
      default: text.insert(at, value()); return;
    }
  }

  std::mt19937_64 random_;
  std::string trace_;
};

void set_patience(int s, std::chrono::milliseconds time) {
  const timeval t{time.count() / 1000, time.count() % 1000 * 1000};
  setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
}

int connected(int port) {
  const int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  set_patience(s, std::chrono::seconds(30));
  if (connect(s, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return s;
  close(s);
  return -1;
}

// What comes back in that time, up to `most` bytes. The server waits for the rest of what is cut
// off.
std::string asked(int port, const std::string& text, std::size_t most,
                  std::chrono::milliseconds time) {
  const int s = connected(port);
  if (s < 0) return "no connection";
  set_patience(s, time);
  for (std::size_t sent = 0; sent < text.size();) {
    const ssize_t n = send(s, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) break;
    sent += static_cast<std::size_t>(n);
  }
  std::string answer;
  std::array<char, 16384> bytes;
  for (ssize_t n; answer.size() < most && (n = recv(s, bytes.data(), bytes.size(), 0)) > 0;)
    answer.append(bytes.data(), static_cast<std::size_t>(n)), set_patience(s, time / 10);
  close(s);
  return answer;
}

class Judge {
 public:
  void look(const std::string& request, const std::string& answer) {
    const bool is_http = answer.starts_with("HTTP/1.1 ") && answer.size() > 12;
    const std::string status = answer.empty() ? "nothing" : is_http ? answer.substr(9, 3) : "odd";
    const std::scoped_lock lock(mutex_);
    ++counts_[status];
    if (status != "odd" && status != "500") return;
    if (failures_++ < 5)
      std::cerr << "fuzz: " << status << " for\n" << request << "\n---\n" << answer << "\n===\n";
  }
  int tell() const {
    for (const auto& [status, count] : counts_) std::cout << status << ' ' << count << '\n';
    return failures_;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, int> counts_;
  int failures_ = 0;
};

// Takes a few bytes at a time of answers that are long or do not end.
void read_slowly(int port, const std::string& trace, const std::atomic<bool>& done) {
  while (!done) {
    const int s = connected(port);
    if (s < 0) return;
    const int small = 4096;
    setsockopt(s, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    const std::string text = format(
        "GET /v1/traces/{}/rows?bins=16000 HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        "Authorization: Bearer {}\r\n\r\n",
        trace, token);
    send(s, text.data(), text.size(), MSG_NOSIGNAL);
    std::array<char, 100> bytes;
    for (int i = 0; i < 100 && !done && recv(s, bytes.data(), bytes.size(), 0) > 0; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    close(s);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const int requests = argc > 1 ? std::atoi(argv[1]) : 10'000;
  const std::uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  std::signal(SIGPIPE, SIG_IGN);
  const fs::path folder = fs::temp_directory_path() / format("fuzz-server-{}", getpid());
  fs::create_directories(folder);
  write_trace(folder / "run.jlt");
  routes::Traces traces({folder});
  const std::string trace = routes::Traces::id_of(folder / "run.jlt");
  routes::App app{http::Gate(std::string(token), {}), "fuzz", &traces};
  routes::Router router(app);
  http::Server server({}, router);
  std::thread running([&] { server.run(); });

  Judge judge;
  std::atomic<int> next = 0;
  std::atomic<bool> done = false;
  std::vector<std::thread> slow, threads;
  for (int i = 0; i < slow_clients; ++i)
    slow.emplace_back([&] { read_slowly(server.port(), trace, done); });
  for (int i = 0; i < clients; ++i) {
    threads.emplace_back([&] {
      for (int n; (n = next++) < requests;) {
        const std::string text =
            Requests(seed * 1'000'003 + static_cast<unsigned>(n), trace).next();
        judge.look(text, asked(server.port(), text, n % 3 == 0 ? 100 : 4096,
                               std::chrono::milliseconds(300)));
      }
    });
  }
  for (std::thread& t : threads) t.join();
  done = true;
  for (std::thread& t : slow) t.join();
  const std::string last =
      asked(server.port(), "GET /v1 HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", 4096,
            std::chrono::seconds(30));
  server.stop();
  running.join();
  fs::remove_all(folder);
  int failures = judge.tell();
  if (!last.starts_with("HTTP/1.1 200")) {
    std::cerr << "fuzz: the server no longer answers: " << last << '\n';
    ++failures;
  }
  return failures == 0 ? 0 : 1;
}
