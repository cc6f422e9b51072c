#include "jobs/queue/resident.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <sstream>

#include "base/error.h"
#include "jobs/transport/process.h"

namespace jetlag::jobs {

Resident::Resident(const std::string& python, const std::string& log,
                   std::function<void(const News&)> tell) {
  line_->tell = std::move(tell);
  int in[2], out[2];
  if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
    throw Error(Kind::io, format("cannot make a pipe: {}", std::strerror(errno)));
  const int complaints = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  to_ = in[1];
  line_->from = out[0];
  try {
    line_->pid = begin_program({python, "-m", "jetlag.runner", "--resident"}, in[0], out[1],
                               complaints < 0 ? 2 : complaints);
  } catch (...) {
    for (const int end : {in[0], in[1], out[0], out[1], complaints})
      if (end >= 0) close(end);
    throw;
  }
  close(in[0]);
  close(out[1]);
  if (complaints >= 0) close(complaints);
  std::thread([line = line_] { listen(line); }).detach();
}

Resident::~Resident() {
  {
    std::scoped_lock lock(line_->mutex);
    line_->tell = nullptr;
  }
  // The end of its input is the sign for it to end, once its jobs have.
  std::scoped_lock lock(mutex_);
  close(to_);
}

bool Resident::begin(const std::string& line) {
  std::scoped_lock lock(mutex_);
  if (!line_->lives) return false;
  std::string_view rest = line;
  while (!rest.empty()) {
    const ssize_t n = write_to_pipe(to_, rest);
    if (n < 0 && errno != EINTR) return false;
    if (n > 0) rest.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

void Resident::listen(const std::shared_ptr<Line>& line) {
  std::string text;
  char buffer[4096];
  while (true) {
    const ssize_t n = read(line->from, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    text.append(buffer, static_cast<std::size_t>(n));
    std::size_t end;
    while ((end = text.find('\n')) != std::string::npos) {
      std::istringstream words(text.substr(0, end));
      text.erase(0, end + 1);
      std::string word;
      News news;
      if (!(words >> word >> news.id >> news.attempt >> news.value) || word == "ready") continue;
      news.began = word == "started";
      std::scoped_lock lock(line->mutex);
      if (line->tell) line->tell(news);
    }
  }
  line->lives = false;
  close(line->from);
  waitpid(line->pid, nullptr, 0);
}

}  // namespace jetlag::jobs
