#include <algorithm>
#include <charconv>
#include <sstream>

#include "base/error.h"
#include "jobs/scheduler/scheduler.h"
#include "jobs/transport/quote.h"

namespace jetlag::jobs {

namespace {

constexpr const Scheduler* table[] = {&fork_scheduler, &slurm_scheduler, &pbs_scheduler};

// The part of the script that is the same everywhere. Its own folder comes
// first; what it says goes to `status`, one line at a time, so that two writers
// never mix. The command runs in the background, since a shell that waits for a
// command in the foreground does not hear signals.
constexpr const char* body = R"sh(
say() { printf '%s\n' "$*" >> status; }
now() { date +%s; }
if ! mkdir claim 2>/dev/null; then say "again $(now) $ID"; exit 0; fi
say "start $(now) $(uname -n) $ID"
( while sleep 10; do say "beat $(now)"; done ) >/dev/null 2>&1 &
beat=$!
cd files || exit 1
run=
told=
tell() {
  told=TERM
  printf 'signal %s TERM\n' "$(now)" >> ../status
  [ -z "$run" ] || kill -TERM $run 2>/dev/null
}
trap tell TERM INT
enter
"$@" > ../stdout 2> ../stderr < /dev/null 9>&- &
run=$!
[ -z "$told" ] || kill -TERM $run 2>/dev/null
wait $run
code=$?
while kill -0 $run 2>/dev/null; do wait $run; code=$?; done
cd ..
kill $beat 2>/dev/null
[ -z "$told" ] || settle
[ $code -eq 0 ] || [ -n "$told" ] || explain
say "end $(now) $code"
exit $code
)sh";

// What the body calls before a command that runs in no image, after it was told to end, and after
// it has failed.
constexpr const char* without_image = "enter() { :; }\nsettle() { :; }\nexplain() { :; }\n";

// `alive` is open for as long as this shell lives, and for nobody else.
constexpr const char* alive = "enter() { mkfifo ../alive && exec 9<>../alive; }\n";

Boxed boxed(const Placed& job) {
  return {job.image, job.runner_options, job.folder, job.request->environment,
          job.request->command};
}

// Only a command that has failed is worth a second look at its image.
std::string in_image(const Placed& job) {
  // 143: by SIGTERM.
  const char* settle = job.runner->hides_signals ? "settle() { [ $code -ne 0 ] || code=143; }\n"
                                                 : "settle() { :; }\n";
  return std::string(alive) + settle +
         format(
             "explain() {{\n  said=$(cd files && {} 2>&1 < /dev/null 9>&-) && return\n"
             "  said=$(printf '%s\\n' \"$said\" | tail -n 1)\n"
             "  say \"why $(now)\" {} \"on $(uname -n): $said\"\n}}\n",
             command_line(trial(*job.runner, boxed(job))),
             shell_word(format("image {}, run by {}", job.image, job.runner->name)));
}

std::int64_t number(std::string_view text) {
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

}  // namespace

std::span<const Scheduler* const> schedulers() { return table; }

const Scheduler& scheduler_named(std::string_view name) {
  std::string known;
  for (const Scheduler* s : table) {
    if (s->name == name) return *s;
    known += (known.empty() ? "" : ", ") + std::string(s->name);
  }
  throw Error(Kind::value, format("there is no scheduler '{}'", name),
              format("those that jetlag knows: {}", known));
}

std::string scheduler_name(const Placed& job) {
  return format("jl-{}-{}", job.id.substr(0, 12), job.attempt);
}

std::string job_script(const Scheduler& scheduler, const Placed& job) {
  std::string text = "#!/bin/sh\n" + scheduler.directives(job);
  text += format("cd {} || exit 1\n", shell_word(job.folder));
  // Without a scheduler: the number of the session, which all that the job begins belongs to.
  text += "read -r _ _ _ _ _ session _ < /proc/$$/stat\n";
  text += "ID=${SLURM_JOB_ID:-${PBS_JOBID:-$session}}\n";
  text += "[ -z \"$SLURM_ARRAY_JOB_ID\" ] || ID=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID\n";
  text += format("export JETLAG_JOB={} JETLAG_ATTEMPT={} JETLAG_FOLDER={}\n", shell_word(job.id),
                 job.attempt, shell_word(job.folder));
  for (const auto& [name, value] : job.request->environment)
    text += format("export {}={}\n", name, shell_word(value));
  for (const std::string& line : job.setup) text += line + "\n";
  // One of them wants to know who calls it.
  if (job.runner) text += "export USER=\"${USER:-$(id -un)}\"\n";
  text += job.runner ? in_image(job) : without_image;
  text += format("set -- {}\n",
                 command_line(job.runner ? job.runner->enter(boxed(job)) : job.request->command));
  return text + body;
}

std::string array_script(const Scheduler& scheduler, const std::vector<Placed>& jobs) {
  Placed first = jobs.front();
  first.log = scheduler.array_log;
  std::string links, cases;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    links += format("ln -sf {}/script.log {}.log || exit 1\n", shell_word(jobs[i].folder), i);
    cases += format("{}) exec sh {}/job.sh ;;\n", i, shell_word(jobs[i].folder));
  }
  return format("#!/bin/sh\n{}if [ \"$1\" = links ]; then\n{}exit\nfi\ncase ${} in\n{}esac\n",
                scheduler.directives(first), links, scheduler.array_index, cases);
}

Status read_status(std::string_view text) {
  Status status;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string word, seconds, first, second;
    words >> word >> seconds >> first >> second;
    const std::int64_t at = number(seconds);
    if (word == "start") {
      status.started = true;
      status.start = status.beat = at;
      status.host = first;
      status.id = second;
    } else if (word == "beat") {
      status.beat = std::max(status.beat, at);
    } else if (word == "why") {
      const std::size_t text = line.find(first);
      if (!first.empty()) status.why = line.substr(text);
    } else if (word == "signal") {
      status.signal = first;
    } else if (word == "end" && !first.empty()) {
      status.ended = true;
      status.end = at;
      status.code = static_cast<int>(number(first));
    }
  }
  return status;
}

std::int64_t read_duration(std::string_view text) {
  std::int64_t days = 0;
  if (const std::size_t dash = text.find('-'); dash != std::string_view::npos) {
    days = number(text.substr(0, dash));
    text.remove_prefix(dash + 1);
  }
  std::int64_t seconds = 0;
  for (bool more = true; more;) {
    const std::size_t colon = text.find(':');
    const std::string_view part = text.substr(0, colon);
    if (part.empty() || part.find_first_not_of("0123456789") != std::string_view::npos) return -1;
    seconds = seconds * 60 + number(part);
    more = colon != std::string_view::npos;
    if (more) text.remove_prefix(colon + 1);
  }
  return days * 86'400 + seconds;
}

std::string duration_text(std::int64_t seconds) {
  return format("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

}  // namespace jetlag::jobs
