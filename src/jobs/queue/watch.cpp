#include "jobs/queue/watch.h"

#include <sstream>

#include "base/crypto/digest.h"
#include "base/text.h"
#include "jobs/transport/quote.h"

namespace jetlag::jobs {

namespace {

// Lines "q …" are the scheduler's, "x" its exit code, "t" the clock there; "= N" begins a job,
// "s …" are lines of its status, "l" is what its script said, "0 …" to "2 …" pieces of files.
constexpr const char* news = R"sh(
echo "x $code"
date +'t %s'
n=0
while [ $# -gt 3 ]; do
  echo "= $n"
  if cd "$1" 2>/dev/null; then
    echo "f"
    [ -f status ] && sed 's/^/s /' status
    [ -s script.log ] && printf 'l %s\n' "$(tail -c 600 script.log | base64 | tr -d '\n')"
    piece 0 stdout "$2"
    piece 1 stderr "$3"
    piece 2 progress "$4"
  fi
  n=$((n + 1))
  shift 4
done
exit 0
)sh";

constexpr const char* piece = R"sh(
piece() {
  [ -f "$2" ] || return 0
  [ "$(wc -c < "$2")" -gt "$3" ] || return 0
  printf '%s %s\n' "$1" "$(tail -c +$(($3 + 1)) "$2" | head -c LIMIT | base64 | tr -d '\n')"
}
)sh";

// The exit code of the runner that found no room for its files (EX_IOERR).
constexpr int cannot_write = 74;

std::string last_line(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  const std::size_t line = text.rfind('\n');
  return std::string(line == std::string_view::npos ? text : text.substr(line + 1));
}

Detail because(std::string reason) {
  Detail detail;
  detail.reason = std::move(reason);
  return detail;
}

// The scheduler's word, where it ended the job; the script's, where that ended by itself.
Verdict ended(const Job& job, const Request& request, const Status& status, const Seen* seen) {
  Verdict verdict;
  verdict.detail.exit_code = status.code;
  verdict.detail.host = status.host;
  if (status.code == 0) {
    verdict.event = Event::ended_well;
    return verdict;
  }
  verdict.event = Event::ended_badly;
  verdict.detail.reason =
      status.why.empty() ? format("it ended with exit code {}", status.code) : status.why;
  if (job.life.state == State::cancelling) {
    verdict.detail.reason = "it was cancelled";
  } else if (seen && seen->what == Seen::What::stopped) {
    verdict.event = Event::stopped;
    verdict.detail.reason = seen->reason;
  } else if (!status.signal.empty()) {
    const bool late = request.seconds && status.end - status.start >= request.seconds - 1;
    verdict.event = Event::stopped;
    verdict.detail.reason =
        late ? format("it reached its time limit of {}", duration_text(request.seconds))
             : format("it was told to end by SIG{}", status.signal);
  } else if (request.is_function && status.code == cannot_write && status.why.empty()) {
    verdict.detail.reason = "what came of it could not be written: the disk is full, or the quota";
  } else if (status.code > 128) {
    verdict.detail.reason = format("it ended by signal {}", status.code - 128);
  }
  return verdict;
}

}  // namespace

std::vector<std::string> poll_command(const Scheduler& scheduler, const std::vector<Asked>& jobs) {
  std::string helper = piece;
  helper.replace(helper.find("LIMIT"), 5, std::to_string(follow_piece));
  const std::string script =
      helper + "said=$(" + command_line(scheduler.poll()) +
      " 2>&1); code=$?\n[ -n \"$said\" ] && printf '%s\\n' \"$said\" | sed 's/^/q /'\n" + news;
  std::vector<std::string> argv = {"sh", "-c", script, "sh"};
  for (const Asked& job : jobs) {
    argv.push_back(job.folder);
    for (const std::int64_t offset : job.offsets) argv.push_back(std::to_string(offset));
  }
  return argv;
}

Answer read_poll_answer(const Scheduler& scheduler, std::string_view text, std::size_t jobs) {
  Answer answer;
  answer.jobs.resize(jobs);
  std::string queue;
  News* job = nullptr;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    const std::string value = line.size() > 2 ? line.substr(2) : "";
    switch (line.empty() ? ' ' : line[0]) {
      case 'q': queue += value + "\n"; break;
      case 'x': answer.scheduler_answered = value == "0"; break;
      case 't': answer.now = std::atof(value.c_str()); break;
      case '=': {
        const auto number = static_cast<std::size_t>(std::atoll(value.c_str()));
        job = number < jobs ? &answer.jobs[number] : nullptr;
        break;
      }
      case 'f':
        if (job) job->answered = true;
        break;
      case 's':
        if (job) job->status += value + "\n";
        break;
      case 'l':
        if (job) job->script_log = crypto::from_base64(value);
        break;
      case '0':
      case '1':
      case '2':
        if (job) job->pieces[line[0] - '0'] = crypto::from_base64(value);
        break;
      default: break;
    }
  }
  if (answer.scheduler_answered) {
    answer.seen = scheduler.read_poll(queue);
  } else {
    answer.scheduler_said = last_line(queue);
  }
  return answer;
}

Verdict judge(const Job& job, const Request& request, const Status& status, const Seen* seen,
              bool known, bool patience, const std::string& script_log) {
  if (status.ended) return ended(job, request, status, seen);
  Verdict verdict;
  const bool gone = known && (!seen || seen->what == Seen::What::ended);
  if (seen && seen->what == Seen::What::stopped) {
    verdict.event = Event::stopped;
    verdict.detail.reason = job.life.state == State::cancelling ? "it was cancelled" : seen->reason;
    // The script may be about to write its last line.
    verdict.suspicious = !patience;
  } else if ((seen && seen->what == Seen::What::lost) || gone) {
    verdict.event = Event::lost;
    const std::string why = seen && !seen->reason.empty() ? seen->reason
                            : status.started              ? format(
                                                   "{} is gone, and its script did not say "
                                                                "that it ended: was the node lost?",
                                                   status.host)
                                             : "it left the queue and never began";
    verdict.detail = because(why);
    if (!status.started && !script_log.empty())
      verdict.detail.reason += format("; its script said: {}", last_line(script_log));
    verdict.suspicious = gone && !patience;
  } else if (status.started && job.life.state != State::running &&
             job.life.state != State::cancelling) {
    verdict.event = Event::started;
    verdict.detail.host = status.host;
    verdict.detail.scheduler_id = status.id;
  } else if (seen) {
    verdict.detail.reason = seen->reason;
  }
  if (verdict.suspicious) verdict.event.reset();
  return verdict;
}

}  // namespace jetlag::jobs
