#include "jobs/transport/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/error.h"

extern char** environ;

namespace jetlag::jobs {

namespace {

constexpr std::size_t piece = 1 << 18;
constexpr std::size_t most_kept = 64 << 20;  // of an output that is kept as text

struct Pipe {
  int read = -1;
  int write = -1;
  Pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
      throw Error(Kind::io, format("cannot make a pipe: {}", std::strerror(errno)));
    read = ends[0];
    write = ends[1];
  }
  ~Pipe() {
    close_end(read);
    close_end(write);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  static void close_end(int& end) {
    if (end >= 0) close(end);
    end = -1;
  }
};

// Moves what goes in and comes out until both outputs are closed.
class Conversation {
 public:
  Conversation(Pipe& in, Pipe& out, Pipe& err, std::string_view input, const Streams& streams)
      : in_(in), out_(out), err_(err), rest_(input), streams_(streams), buffer_(piece, '\0') {
    fcntl(in_.write, F_SETFL, O_NONBLOCK);
    fcntl(out_.read, F_SETFL, O_NONBLOCK);
    fcntl(err_.read, F_SETFL, O_NONBLOCK);
  }

  // False when the time is over.
  bool go_on(std::int64_t patience_ns, Ran& ran) {
    const bool streaming = streams_.source || streams_.sink;
    std::int64_t deadline = now_ns() + patience_ns;
    feed();
    while (out_.read >= 0 || err_.read >= 0) {
      const std::int64_t left = deadline - now_ns();
      if (left <= 0) return false;
      pollfd waits[3] = {{in_.write, POLLOUT, 0}, {out_.read, POLLIN, 0}, {err_.read, POLLIN, 0}};
      const int ready =
          poll(waits, 3, static_cast<int>(std::min<std::int64_t>(left / 1'000'000 + 1, 60'000)));
      if (ready < 0 && errno != EINTR) return false;
      if (ready <= 0) continue;
      if (waits[0].revents) feed();
      if (waits[1].revents)
        drain(out_.read, [&](std::string_view p) {
          if (streams_.sink) return streams_.sink(p);
          keep(ran.out, p);
        });
      if (waits[2].revents) drain(err_.read, [&](std::string_view p) { keep(ran.err, p); });
      if (streaming) deadline = now_ns() + patience_ns;
    }
    return true;
  }

 private:
  static void keep(std::string& text, std::string_view more) {
    if (text.size() < most_kept) text += more;
  }

  void feed() {
    while (in_.write >= 0) {
      if (rest_.empty() && streams_.source) rest_ = streams_.source();
      if (rest_.empty()) return Pipe::close_end(in_.write);
      const ssize_t n = write_to_pipe(in_.write, rest_.substr(0, piece));
      if (n < 0 && errno == EAGAIN) return;
      // It does not want more: how it ends will say why.
      if (n < 0 && errno != EINTR) return Pipe::close_end(in_.write);
      if (n > 0) rest_.remove_prefix(static_cast<std::size_t>(n));
    }
  }

  template <class Take>
  void drain(int& end, Take take) {
    const ssize_t n = read(end, buffer_.data(), buffer_.size());
    if (n > 0) return take(std::string_view(buffer_.data(), static_cast<std::size_t>(n)));
    if (n == 0 || (errno != EAGAIN && errno != EINTR)) Pipe::close_end(end);
  }

  Pipe& in_;
  Pipe& out_;
  Pipe& err_;
  std::string_view rest_;
  const Streams& streams_;
  std::string buffer_;
};

// Both outputs may be closed by a program that goes on: it gets the rest of the time.
int wait_for(pid_t pid, std::int64_t patience_ns, bool& timed_out) {
  const std::int64_t deadline = now_ns() + patience_ns;
  int status = 0;
  while (true) {
    const pid_t ended = waitpid(pid, &status, timed_out ? 0 : WNOHANG);
    if (ended == pid || (ended < 0 && errno != EINTR)) break;
    if (now_ns() > deadline) {
      timed_out = true;
      kill(-pid, SIGKILL);
    }
    std::this_thread::sleep_for(std::chrono::microseconds(300));
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

// SIGPIPE is blocked meanwhile, and taken back if it came: it would end the process.
ssize_t write_to_pipe(int pipe, std::string_view text) {
  sigset_t broken, before, pending;
  sigemptyset(&broken);
  sigaddset(&broken, SIGPIPE);
  sigpending(&pending);
  const bool was_pending = sigismember(&pending, SIGPIPE) == 1;
  pthread_sigmask(SIG_BLOCK, &broken, &before);
  const ssize_t done = write(pipe, text.data(), text.size());
  const int error = errno;
  if (done < 0 && error == EPIPE && !was_pending) {
    constexpr timespec at_once{};
    while (sigtimedwait(&broken, nullptr, &at_once) < 0 && errno == EINTR) {
    }
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return done;
}

std::string Ran::said() const {
  std::string_view text = err.find_first_not_of(" \n\r\t") == std::string::npos ? out : err;
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())))
    text.remove_suffix(1);
  const std::size_t line = text.rfind('\n');
  if (line != std::string_view::npos) text.remove_prefix(line + 1);
  if (text.empty()) return timed_out ? "it did not answer in time" : format("exit code {}", code);
  return std::string(text.substr(0, 500));
}

int begin_program(const std::vector<std::string>& argv, int in, int out, int err) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in, 0);
  posix_spawn_file_actions_adddup2(&actions, out, 1);
  posix_spawn_file_actions_adddup2(&actions, err, 2);
  // A connection to a client that a job held open would look alive when the daemon is not.
  posix_spawn_file_actions_addclosefrom_np(&actions, 3);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t defaults, none;
  sigemptyset(&none);
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  std::vector<char*> words;
  for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  pid_t pid = -1;
  const int failed = posix_spawnp(&pid, words[0], &actions, &attributes, words.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (failed) throw Error(Kind::io, format("cannot run {}: {}", argv[0], std::strerror(failed)));
  return pid;
}

Ran run_program(const std::vector<std::string>& argv, std::string_view input, double seconds,
                const Streams& streams) {
  Ran ran;
  Pipe in, out, err;
  const pid_t pid = begin_program(argv, in.read, out.write, err.write);
  Pipe::close_end(in.read);
  Pipe::close_end(out.write);
  Pipe::close_end(err.write);
  const auto patience = static_cast<std::int64_t>(seconds * 1e9);
  try {
    Conversation conversation(in, out, err, input, streams);
    ran.timed_out = !conversation.go_on(patience, ran);
  } catch (...) {
    kill(-pid, SIGKILL);
    waitpid(pid, nullptr, 0);
    throw;
  }
  if (ran.timed_out) kill(-pid, SIGKILL);
  ran.code = wait_for(pid, patience, ran.timed_out);
  return ran;
}

}  // namespace jetlag::jobs
