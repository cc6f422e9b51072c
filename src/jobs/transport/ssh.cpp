// The system's own ssh: the user's configuration, agent and known hosts hold, and no key passes
// through us. One connection for each machine stays open and carries all commands
// (ControlMaster); where it breaks, it is made anew, with growing pauses between the attempts.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <mutex>
#include <thread>

#include "base/clock.h"
#include "base/crypto/digest.h"
#include "base/error.h"
#include "jobs/transport/quote.h"
#include "jobs/transport/transport.h"

namespace jetlag::jobs {

namespace {

constexpr int no_connection = 255;  // ssh's exit code for what is its own failure
constexpr double connect_seconds = 30;
constexpr double idle_seconds = 60;  // of a transfer
constexpr int tries = 3;
constexpr std::size_t piece = 1 << 20;

// The digest of a file there (crypto::FileDigest): leaves are computed by threads beside the
// transfer.
constexpr const char* hasher = R"(
import hashlib, os, sys
from concurrent.futures import ThreadPoolExecutor
PIECE, AHEAD = 4 << 20, 4
threads = ThreadPoolExecutor(2)
root = hashlib.sha256(b"\1")
waiting = []
def leaf(piece):
    digest = hashlib.sha256(b"\0")
    digest.update(piece)
    return digest.digest()
def settle(most):
    while len(waiting) > most:
        root.update(waiting.pop(0).result())
def pieces(read, at=0):
    while True:
        piece, n = memoryview(bytearray(PIECE)), 0
        while n < PIECE and (more := read(piece[n:])):
            n += more
            yield piece[n - more:n]
        if n:
            waiting.append(threads.submit(leaf, piece[:n]))
        settle(AHEAD)
        if n < PIECE:
            return
)";

// Takes a file in: what is there already, then what comes; the digest of all.
constexpr const char* receiver = R"(
path, at = sys.argv[1], int(sys.argv[2])
def read(buffer):
    n = file.readinto(buffer[:max(at - file.tell(), 0)]) if file.tell() < at else 0
    if n:
        return n
    n = sys.stdin.buffer.raw.readinto(buffer)
    rest = buffer[:n]
    while rest:
        rest = rest[file.write(rest):]
    return n
with open(path, "r+b" if at else "wb", buffering=0) as file:
    file.truncate(at)
    for piece in pieces(read):
        pass
settle(0)
print(root.hexdigest())
)";

// Gives a file out from some byte on; the digest of all of it goes to stderr.
constexpr const char* sender = R"(
path, at = sys.argv[1], int(sys.argv[2])
out = sys.stdout.buffer.raw
done = 0
with open(path, "rb", buffering=0) as file:
    for piece in pieces(file.readinto):
        rest = piece[max(0, min(len(piece), at - done)):]
        while rest:
            rest = rest[out.write(rest):]
        done += len(piece)
settle(0)
print(root.hexdigest(), file=sys.stderr)
)";

std::int64_t size_of(const std::string& path) {
  struct stat found{};
  return stat(path.c_str(), &found) == 0 ? found.st_size : 0;
}

std::string last_word(std::string text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.pop_back();
  return text.substr(text.find_last_of(" \n") == std::string::npos ? 0
                                                                   : text.find_last_of(" \n") + 1);
}

class Ssh : public Transport {
 public:
  explicit Ssh(Address address) : address_(std::move(address)) {
    const std::string& host = address_.ssh;
    if (host.empty() || host.front() == '-' ||
        host.find_first_of(" \t\n\r'\"`$;&|<>()\\") != std::string::npos) {
      throw Error(Kind::value, format("'{}' is no address for ssh", host),
                  "write user@host, or a name of your ssh configuration");
    }
    mkdir(address_.control.c_str(), 0700);
    std::string all;
    for (const std::string& option : address_.options) all += option + '\0';
    socket_ = format("{}/{}-%C", address_.control, crypto::sha256(all).substr(0, 6));
  }
  ~Ssh() override { close(); }

  Ran run(const std::vector<std::string>& argv, std::string_view input, double seconds) override {
    connect();
    Ran ran = run_program(remote(argv), input, seconds);
    if (ran.code == no_connection && !ran.timed_out) lose(ran);
    return ran;
  }

  void put(const std::string& from, const std::string& to, const std::string& digest) override {
    const std::string part = to + ".part";
    std::string came;
    for (int i = 0; i < tries; ++i) {
      const std::int64_t size = size_of(from);
      Ran asked =
          run({"sh", "-c", "mkdir -p \"$(dirname \"$1\")\" && wc -c < \"$2\" 2>/dev/null || echo 0",
               "sh", to, part},
              "", connect_seconds);
      std::int64_t at = std::atoll(last_word(asked.out).c_str());
      if (at > size) at = 0;
      try {
        came = send(from, part, at);
      } catch (const Error&) {
        if (i + 1 == tries) throw;
        continue;
      }
      if (came == digest) return expect(run({"mv", "-f", "--", part, to}, "", connect_seconds), to);
      run({"rm", "-f", "--", part}, "", connect_seconds);
    }
    throw Error(Kind::io, format("{} did not arrive whole at {}: its digest is {}, not {}", from,
                                 address_.ssh, came, digest));
  }

  std::string get(const std::string& from, const std::string& to) override {
    const std::string part = to + ".part";
    for (int i = 0; i < tries; ++i) {
      crypto::FileDigest digest;
      const std::int64_t at = take_in(part, digest);
      std::ofstream out(part, std::ios::binary | std::ios::app);
      bool full = false;
      Streams streams;
      streams.sink = [&](std::string_view bytes) {
        digest.update(bytes);
        if (!out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()))) full = true;
      };
      connect();
      const Ran ran = run_program(
          remote({address_.python, "-c", std::string(hasher) + sender, from, std::to_string(at)}),
          "", idle_seconds, streams);
      out.close();
      if (full || !out)
        throw Error(Kind::io, format("cannot write {}: {}", part, std::strerror(errno)),
                    "make room on that disk, then ask again");
      if (ran.well()) {
        const std::string ours = digest.finish();
        if (ours == last_word(ran.err)) {
          rename(part.c_str(), to.c_str());
          return ours;
        }
      } else if (ran.code != no_connection && !ran.timed_out) {
        throw Error(Kind::io, format("cannot read {} on {}: {}", from, address_.ssh, ran.said()));
      }
      // What came is kept if the connection broke, and thrown away if it is wrong.
      if (ran.well()) unlink(part.c_str());
    }
    throw Error(Kind::io, format("{} did not come whole from {}", from, address_.ssh),
                "the connection broke three times; what came is kept, and the next try goes on "
                "with it");
  }

  bool is_here() const override { return false; }

  void close() override {
    std::scoped_lock lock(mutex_);
    // One that the user opened by hand is the user's to close.
    if (!connected_ || is_of_user()) return;
    std::vector<std::string> argv = ssh();
    argv.insert(argv.end(), {"-O", "exit", "--", address_.ssh});
    try {
      run_program(argv, "", 5);
    } catch (const Error&) {
      // Without a connection there is nothing to end.
    }
    connected_ = false;
  }

 private:
  std::vector<std::string> ssh() const {
    std::vector<std::string> argv = {"ssh"};
    argv.insert(argv.end(), address_.options.begin(), address_.options.end());
    // BatchMode: nobody is here to type a password.
    for (const char* option :
         {"BatchMode=yes", "ConnectTimeout=10", "ServerAliveInterval=5", "ServerAliveCountMax=3"})
      argv.insert(argv.end(), {"-o", option});
    argv.insert(argv.end(), {"-o", "ControlPath=" + socket_});
    return argv;
  }

  bool is_of_user() const {
    return std::any_of(address_.options.begin(), address_.options.end(), [](const auto& option) {
      return option.find("ControlPath") != std::string::npos;
    });
  }

  std::vector<std::string> remote(const std::vector<std::string>& command) const {
    std::vector<std::string> argv = ssh();
    argv.insert(argv.end(), {"-o", "ControlMaster=no", "--", address_.ssh, command_line(command)});
    return argv;
  }

  // The connection that the others share. It is a process of its own, which
  // must not hold the pipes of the program that asked for it.
  void connect() {
    std::scoped_lock lock(mutex_);
    if (connected_) return;
    if (now_ns() < not_before_) throw Error(Kind::io, trouble_, hint_);
    std::vector<std::string> argv = ssh();
    const std::string log = address_.control + "/" + crypto::random_hex(6) + ".log";
    // One that an earlier daemon has left is as good.
    std::vector<std::string> check = argv;
    check.insert(check.end(), {"-O", "check", "--", address_.ssh});
    if (run_program(check, "", 5).well()) {
      connected_ = true;
      return;
    }
    argv.insert(argv.end(), {"-o", "ControlMaster=yes", "-o", "ControlPersist=300", "-E", log, "--",
                             address_.ssh, "true"});
    argv.insert(argv.begin(), {"sh", "-c", "exec \"$@\" </dev/null >/dev/null 2>&1", "sh"});
    Ran ran = run_program(argv, "", connect_seconds);
    std::ifstream in(log);
    ran.err.assign(std::istreambuf_iterator<char>(in), {});
    unlink(log.c_str());
    if (ran.well()) {
      connected_ = true;
      pause_ns_ = first_pause;
      return;
    }
    pause_ns_ = std::min(pause_ns_ * 2, longest_pause);
    not_before_ = now_ns() + pause_ns_;
    trouble_ = explain_ssh(address_.ssh, ran, hint_);
    throw Error(Kind::io, trouble_, hint_);
  }

  // Exit code 255 may be the program's own; the connection says whether it lives.
  void lose(const Ran& ran) {
    std::vector<std::string> argv = ssh();
    argv.insert(argv.end(), {"-O", "check", "--", address_.ssh});
    if (run_program(argv, "", 5).well()) return;
    {
      std::scoped_lock lock(mutex_);
      connected_ = false;
      trouble_ = explain_ssh(address_.ssh, ran, hint_);
    }
    throw Error(Kind::io, trouble_, hint_);
  }

  void expect(const Ran& ran, const std::string& what) const {
    if (!ran.well())
      throw Error(Kind::io, format("cannot write {} on {}: {}", what, address_.ssh, ran.said()));
  }

  std::string send(const std::string& from, const std::string& part, std::int64_t at) {
    std::ifstream in(from, std::ios::binary);
    in.seekg(at);
    std::string buffer(piece, '\0');
    Streams streams;
    streams.source = [&]() -> std::string_view {
      in.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
      return {buffer.data(), static_cast<std::size_t>(in.gcount())};
    };
    connect();
    const Ran ran = run_program(
        remote({address_.python, "-c", std::string(hasher) + receiver, part, std::to_string(at)}),
        "", idle_seconds, streams);
    if (ran.code == no_connection) lose(ran);
    expect(ran, part);
    return last_word(ran.out);
  }

  // What an earlier try has brought.
  static std::int64_t take_in(const std::string& part, crypto::FileDigest& digest) {
    std::ifstream in(part, std::ios::binary);
    std::string buffer(piece, '\0');
    std::int64_t size = 0;
    while (in) {
      in.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
      digest.update({buffer.data(), static_cast<std::size_t>(in.gcount())});
      size += in.gcount();
    }
    return size;
  }

  static constexpr std::int64_t first_pause = 500'000'000;
  static constexpr std::int64_t longest_pause = 60'000'000'000;

  Address address_;
  // %C is short whatever the names are: paths of sockets are limited to 100 bytes. Other options
  // may mean another key or another host, and must not go through this connection.
  std::string socket_;
  std::mutex mutex_;
  bool connected_ = false;
  std::int64_t pause_ns_ = first_pause;
  std::int64_t not_before_ = 0;
  std::string trouble_;
  std::string hint_;
};

struct Saying {
  std::string_view said;
  std::string_view means;
  std::string_view hint;
};

// Servers name what they would have taken, and keys come first where they are among it.
constexpr std::string_view by_password = "it lets nobody in by a key, only by a password or a code";
constexpr std::string_view open_by_hand =
    "jetlag never asks for a password: open a connection by hand with ssh -MNf -o "
    "ControlPath=~/.ssh/jl-%C HOST, and add the machine with options=['-o', "
    "'ControlPath=~/.ssh/jl-%C']";

constexpr Saying sayings[] = {
    {"REMOTE HOST IDENTIFICATION HAS CHANGED", "its host key is not the one that is known",
     "if the machine was set up anew, remove its old key with ssh-keygen -R HOST; if not, somebody "
     "may stand between"},
    {"Host key verification failed", "its host key is unknown, or not the one that is known",
     "log in once with ssh and compare the fingerprint that it shows"},
    {"Permission denied (password", by_password, open_by_hand},
    {"Permission denied (keyboard-interactive", by_password, open_by_hand},
    {"Permission denied", "it does not take any key that ssh offers",
     "jetlag never asks for a password: make a key with ssh-keygen, bring it there with "
     "ssh-copy-id, and add it to ssh-agent"},
    {"Could not resolve hostname", "there is no host of that name", "look at the name"},
    {"Connection refused", "nothing listens there for ssh", "look at the host and its port"},
    {"timed out", "it does not answer", "is it up, and does this network reach it?"},
    {"No route to host", "this network does not reach it", "is a VPN wanted?"},
    {"Too many authentication failures", "ssh offers it too many keys",
     "name the right one with IdentityFile and IdentitiesOnly in ~/.ssh/config"},
};

}  // namespace

std::string explain_ssh(std::string_view host, const Ran& ran, std::string& hint) {
  for (const Saying& saying : sayings) {
    if (ran.err.find(saying.said) == std::string::npos) continue;
    hint = saying.hint;
    return format("cannot reach {} by ssh: {}", host, saying.means);
  }
  hint = format("does `ssh {} true` work?", host);
  return format("cannot reach {} by ssh: {}", host,
                ran.timed_out ? "it does not answer" : ran.said());
}

std::unique_ptr<Transport> open_ssh(const Address& address) {
  return std::make_unique<Ssh>(address);
}

}  // namespace jetlag::jobs
