// No scheduler: the script is a process of the machine, in a session of its own.
#include <sstream>

#include "base/error.h"
#include "jobs/scheduler/scheduler.h"

namespace jetlag::jobs {

namespace {

// The id is that of the session, so that all that the job began can be stopped.
// `timeout` holds the wall time; where there is none, there is no limit.
constexpr const char* begin = R"sh(
if [ "$2" -gt 0 ] && command -v timeout >/dev/null; then set -- "$1" timeout -k 5 "$2" sh job.sh
else set -- "$1" sh job.sh; fi
cd "$1" || exit 1
shift
setsid "$@" > script.log 2>&1 < /dev/null &
echo $!
)sh";

std::string directives(const Placed&) { return {}; }

std::vector<std::string> submit(const Placed& job) {
  return {"sh", "-c", begin, "sh", job.folder, std::to_string(job.request->seconds)};
}

std::string read_submit(const Placed&, const Ran& ran) {
  const std::string id = ran.out.substr(0, ran.out.find('\n'));
  if (!ran.well() || id.empty() || id.find_first_not_of("0123456789") != std::string::npos)
    throw Error(Kind::runtime, format("the job's script was not begun: {}", ran.said()));
  return id;
}

std::vector<std::string> poll() { return {"ps", "-e", "-o", "pid=,stat="}; }

std::map<std::string, Seen> read_poll(std::string_view text) {
  std::map<std::string, Seen> seen;
  std::istringstream lines{std::string(text)};
  for (std::string pid, state; lines >> pid >> state;)
    if (state.front() != 'Z') seen[pid] = {Seen::What::running, ""};
  return seen;
}

// All of the session: the job may have begun groups of its own.
constexpr const char* stop = R"sh(
pkill -TERM -s "$1" 2>/dev/null || kill -s TERM -- "-$1" 2>/dev/null
for i in 1 2 3 4 5 6 7 8 9 10; do
  kill -s 0 -- "-$1" 2>/dev/null || exit 0
  sleep 0.2
done
pkill -KILL -s "$1" 2>/dev/null || kill -s KILL -- "-$1" 2>/dev/null
exit 0
)sh";

std::vector<std::string> cancel(const std::string& id) { return {"sh", "-c", stop, "sh", id}; }

}  // namespace

constinit const Scheduler fork_scheduler = {
    "fork",      "processes of the machine, without a queue",
    directives,  submit,
    read_submit, poll,
    read_poll,   cancel};

}  // namespace jetlag::jobs
