#include "trace/formats/otf2_child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

namespace jetlag::trace::otf2 {

namespace {

using nlohmann::json;

constexpr std::size_t most_words = 4096;

// In the child. What else is printed goes into the pipe too: the parent knows it by its form.
[[noreturn]] void run(const std::function<void(Line&)>& work, int pipe) {
  dup2(pipe, STDERR_FILENO);
  Line line(pipe);
  try {
    work(line);
  } catch (const Error& e) {
    line.fail(e);
    _exit(1);
  } catch (const std::exception& e) {
    line.fail(Error(Kind::value, e.what()));
    _exit(1);
  }
  _exit(0);
}

void hear(const std::string& text, Outcome& outcome) {
  const json said = text.starts_with('{') ? json::parse(text, nullptr, false) : json();
  if (!said.is_object()) {
    if (!text.empty() && outcome.end.size() < most_words) outcome.end += text + '\n';
  } else if (said.contains("begin")) {
    outcome.open.insert(said["begin"].get<std::uint64_t>());
  } else if (said.contains("end")) {
    outcome.open.erase(said["end"].get<std::uint64_t>());
  } else if (said.contains("error")) {
    outcome.error.emplace(static_cast<Kind>(said["kind"].get<int>()), said["error"], said["hint"]);
  }
}

// Listens until the other end is closed; false if nothing was said for too long.
bool listen(int pipe, std::chrono::milliseconds patience, Outcome& outcome) {
  std::string text;
  char buffer[4096];
  for (;;) {
    pollfd ready{pipe, POLLIN, 0};
    const int n = poll(&ready, 1, static_cast<int>(patience.count()));
    if (n == 0) return false;
    if (n < 0 && errno != EINTR) return false;
    if (n < 0) continue;
    const ssize_t got = read(pipe, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    text.append(buffer, static_cast<std::size_t>(got));
    for (std::size_t end; (end = text.find('\n')) != std::string::npos; text.erase(0, end + 1))
      hear(text.substr(0, end), outcome);
  }
  hear(text, outcome);
  return true;
}

}  // namespace

void Line::say(const std::string& text) {
  std::scoped_lock lock(mutex_);
  std::string_view rest = text;
  while (!rest.empty()) {
    const ssize_t n = write(pipe_, rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    rest.remove_prefix(static_cast<std::size_t>(n));
  }
}

void Line::beat() { say("{}\n"); }
void Line::begin(std::uint64_t part) { say(format("{{\"begin\":{}}}\n", part)); }
void Line::end(std::uint64_t part) { say(format("{{\"end\":{}}}\n", part)); }

void Line::fail(const Error& error) {
  const json said = {
      {"error", error.message()}, {"kind", static_cast<int>(error.kind())}, {"hint", error.hint()}};
  say(said.dump(-1, ' ', false, json::error_handler_t::replace) + '\n');
}

Outcome run_in_child(const std::function<void(Line&)>& work, std::chrono::milliseconds patience) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    throw Error(Kind::io, format("no pipe could be made: {}", std::strerror(errno)));
  const pid_t child = fork();
  if (child == 0) run(work, ends[1]);
  close(ends[1]);
  if (child < 0) {
    close(ends[0]);
    throw Error(Kind::io, format("no process could be made: {}", std::strerror(errno)));
  }
  Outcome outcome;
  const bool heard = listen(ends[0], patience, outcome);
  if (!heard) kill(child, SIGKILL);
  close(ends[0]);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  outcome.done = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  const std::string words = outcome.end.substr(0, outcome.end.find_last_not_of('\n') + 1);
  std::string how =
      !heard ? format("said nothing for {} s", static_cast<double>(patience.count()) / 1000)
      : WIFSIGNALED(status) ? format("stopped with signal {}", WTERMSIG(status))
                            : format("stopped with exit code {}", WEXITSTATUS(status));
  outcome.end = words.empty() ? how : how + ": " + words;
  return outcome;
}

}  // namespace jetlag::trace::otf2
