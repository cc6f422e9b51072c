// A Python that has imported what function jobs need and waits: a job is a process that it forks,
// so that the imports are paid once.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace jetlag::jobs {

class Resident {
 public:
  // What it tells of a job that it has begun, or that ended.
  struct News {
    std::string id;
    int attempt = 0;
    bool began = false;
    int value = 0;  // the process; or its exit code
  };

  // Begins `python -m jetlag.runner --resident`; `tell` is called by a thread of
  // this object. What it complains of goes to the file `log`.
  Resident(const std::string& python, const std::string& log,
           std::function<void(const News&)> tell);
  // Jobs that it began go on.
  ~Resident();
  Resident(const Resident&) = delete;
  Resident& operator=(const Resident&) = delete;

  bool lives() const { return line_->lives; }
  // Hands over a job as a line of JSON; false if it has died.
  bool begin(const std::string& line);

 private:
  // What outlives this object: the process may go on for as long as its jobs do,
  // and its listener with it.
  struct Line {
    int pid = -1;
    int from = -1;
    std::atomic<bool> lives{true};
    std::mutex mutex;
    std::function<void(const News&)> tell;
  };
  static void listen(const std::shared_ptr<Line>& line);

  int to_ = -1;
  std::mutex mutex_;
  std::shared_ptr<Line> line_ = std::make_shared<Line>();
};

}  // namespace jetlag::jobs
