// Schedulers as text: what a job's script says, how it is handed over, asked for and stopped, and
// what the answers mean. Nothing here runs anything.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/container/container.h"
#include "jobs/job.h"
#include "jobs/transport/process.h"

namespace jetlag::jobs {

// A job at the machine: the request, and the folder in which it runs there.
struct Placed {
  std::string id;
  int attempt = 1;
  std::string folder;
  const Request* request = nullptr;
  std::vector<std::string> setup;  // lines of shell that the machine wants first
  std::string log = "script.log";  // where the scheduler writes what the script says
  const Runner* runner = nullptr;  // of the image in which it runs, if it does
  std::string image = {};
  std::vector<std::string> runner_options = {};
};

// What a scheduler says of one of its jobs.
struct Seen {
  enum class What : std::uint8_t { waiting, running, ended, stopped, lost };
  What what = What::waiting;
  std::string reason;  // a sentence, where there is one
};

struct Scheduler {
  std::string_view name;
  std::string_view doc;
  // Lines that begin its scripts, such as #SBATCH …
  std::string (*directives)(const Placed& job);
  // The command that takes the script in the job's folder.
  std::vector<std::string> (*submit)(const Placed& job);
  // The scheduler's id of the job; throws Error with the reason if it was refused.
  std::string (*read_submit)(const Placed& job, const Ran& ran);
  // One question about all jobs of the user.
  std::vector<std::string> (*poll)();
  std::map<std::string, Seen> (*read_poll)(std::string_view text);
  std::vector<std::string> (*cancel)(const std::string& id);
  // Arrays, where there are some: the command that takes `array.sh` of a folder as so many
  // elements, and its id for one of them. Elsewhere null.
  std::vector<std::string> (*submit_array)(const std::string& folder, std::size_t count) = nullptr;
  std::string (*element)(const std::string& id, std::size_t index) = nullptr;
  std::string_view array_index = {};  // the variable in which an element finds its number
  std::string_view array_log = {};    // a name of a log in which the scheduler puts the number
};

std::span<const Scheduler* const> schedulers();
// Throws Error(value) with the names there are.
const Scheduler& scheduler_named(std::string_view name);

extern const Scheduler fork_scheduler;
extern const Scheduler slurm_scheduler;
extern const Scheduler pbs_scheduler;

// The name under which a scheduler knows an attempt of a job.
std::string scheduler_name(const Placed& job);

// The script of a job for any scheduler. It claims the attempt, so that a second
// start ends at once, and writes lines to the file `status` of its folder:
//   start SECONDS HOST ID      beat SECONDS      end SECONDS CODE
//   again SECONDS ID           a second start, which did nothing
//   signal SECONDS NAME        it was told to end
//   why SECONDS TEXT           what a function raised, from its runner; or why an image did not run
std::string job_script(const Scheduler& scheduler, const Placed& job);

// The script of an array: each element becomes the script of its job. Called with the word `links`,
// it makes the elements' logs lead into the folders of the jobs.
std::string array_script(const Scheduler& scheduler, const std::vector<Placed>& jobs);

// What these lines tell.
struct Status {
  bool started = false;
  bool ended = false;
  int code = 0;
  std::int64_t start = 0;  // seconds since 1970, by the clock there
  std::int64_t beat = 0;   // the last sign of life, by the same clock
  std::int64_t end = 0;
  std::string host;
  std::string id;      // of the scheduler
  std::string signal;  // TERM if it was told to end
  std::string why;     // what a function raised, or what is wrong with the image
};
Status read_status(std::string_view text);

// "[D-]H:M:S" as schedulers write durations; -1 if it is none.
std::int64_t read_duration(std::string_view text);
std::string duration_text(std::int64_t seconds);

}  // namespace jetlag::jobs
