// What is to be seen of running jobs, and what follows from it. Nothing here runs anything.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/queue/store.h"
#include "jobs/scheduler/scheduler.h"

namespace jetlag::jobs {

// The files of a job that grow while it runs, in the order in which they are asked for.
constexpr const char* followed[] = {"stdout", "stderr", "progress"};
constexpr int followed_count = 3;
constexpr std::int64_t follow_piece = 64 << 10;

// What is asked about one job: its folder there, and how much of each file is here.
struct Asked {
  std::string folder;
  std::int64_t offsets[followed_count] = {};
};

// One command that asks the scheduler about all jobs, and each folder for news.
std::vector<std::string> poll_command(const Scheduler& scheduler, const std::vector<Asked>& jobs);

// News of one job.
struct News {
  bool answered = false;
  std::string status;                  // the lines of its file
  std::string script_log;              // the end of what its script itself said
  std::string pieces[followed_count];  // what its files have grown by
};

struct Answer {
  bool scheduler_answered = false;
  std::string scheduler_said;  // where it did not: why
  std::map<std::string, Seen> seen;
  std::vector<News> jobs;
  double now = 0;  // the clock there
};

Answer read_poll_answer(const Scheduler& scheduler, std::string_view text, std::size_t jobs);

// What happened to a job, if anything did.
struct Verdict {
  std::optional<Event> event;
  Detail detail;
  bool suspicious = false;  // it seems to be lost: look again before you believe it
};

// `seen`: what the scheduler says of it; null if it does not know the job; `known` is false where
// the scheduler could not be asked. `patience`: whether it was suspicious for long enough.
Verdict judge(const Job& job, const Request& request, const Status& status, const Seen* seen,
              bool known, bool patience, const std::string& script_log);

}  // namespace jetlag::jobs
