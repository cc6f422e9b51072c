#include <sstream>

#include "base/error.h"
#include "jobs/scheduler/scheduler.h"

namespace jetlag::jobs {

namespace {

struct Word {
  std::string_view slurm;
  Seen::What what;
  std::string_view sentence;
};

// `man squeue`, JOB STATE CODES. A job that completed has said so in its own
// file; what only Slurm knows is here.
constexpr Word words[] = {
    {"PENDING", Seen::What::waiting, ""},
    {"CONFIGURING", Seen::What::waiting, "its nodes are being prepared"},
    {"REQUEUED", Seen::What::waiting, ""},
    {"REQUEUE_HOLD", Seen::What::waiting, "it is held after it was requeued"},
    {"SUSPENDED", Seen::What::running, "the scheduler has suspended it"},
    {"RUNNING", Seen::What::running, ""},
    {"COMPLETING", Seen::What::running, ""},
    {"STAGE_OUT", Seen::What::running, ""},
    {"COMPLETED", Seen::What::ended, ""},
    {"FAILED", Seen::What::ended, ""},
    {"TIMEOUT", Seen::What::stopped, "it reached its time limit"},
    {"DEADLINE", Seen::What::stopped, "it reached its deadline"},
    {"OUT_OF_MEMORY", Seen::What::stopped, "it needed more memory than it asked for"},
    {"CANCELLED", Seen::What::stopped, "it was cancelled at the scheduler"},
    {"NODE_FAIL", Seen::What::lost, "a node of it failed"},
    {"BOOT_FAIL", Seen::What::lost, "a node of it did not boot"},
    {"PREEMPTED", Seen::What::lost, "a job of higher priority took its nodes"},
    {"REVOKED", Seen::What::lost, "the scheduler revoked it"},
};

struct Reason {
  std::string_view slurm;
  std::string_view sentence;
};

// `man squeue`, JOB REASON CODES: those that a user can do something about.
constexpr Reason reasons[] = {
    {"PartitionTimeLimit", "it asks for more time than its partition allows"},
    {"PartitionNodeLimit", "it asks for more nodes than its partition allows"},
    {"PartitionDown", "its partition is down"},
    {"PartitionInactive", "its partition takes no jobs now"},
    {"AssocGrpCPULimit", "the account's share of processors is in use"},
    {"AssocMaxJobsLimit", "the account has as many jobs running as it may"},
    {"QOSMaxJobsPerUserLimit", "you have as many jobs running as you may"},
    {"QOSMaxCpuPerUserLimit", "your jobs use as many processors as they may"},
    {"ReqNodeNotAvail", "nodes that it asks for are down or reserved"},
    {"Reservation", "its reservation has not begun"},
    {"Resources", "it waits for free nodes"},
    {"Priority", "jobs of higher priority come first"},
    {"BeginTime", "it may not begin yet"},
    {"JobHeldAdmin", "an administrator holds it"},
    {"JobHeldUser", "it is held"},
    {"Dependency", "it waits for another job"},
    {"DependencyNeverSatisfied", "a job that it waits for has failed"},
    {"Licenses", "it waits for a licence"},
    {"BadConstraints", "no node is as it asks for"},
    {"InvalidAccount", "its account is not known"},
    {"InvalidQOS", "its quality of service is not known"},
};

std::string sentence_of(std::string_view reason) {
  if (reason.empty() || reason == "None") return {};
  for (const Reason& r : reasons)
    if (reason == r.slurm) return format("{} ({})", r.sentence, r.slurm);
  return std::string(reason);
}

std::string directives(const Placed& job) {
  const Request& r = *job.request;
  std::string text;
  auto say = [&text](std::string_view option, const auto& value) {
    text += format("#SBATCH --{}={}\n", option, value);
  };
  say("job-name", scheduler_name(job));
  // A second start by Slurm would not be ours: attempts are counted here.
  text += "#SBATCH --no-requeue\n";
  say("output", job.log);
  say("error", job.log);
  say("open-mode", "append");
  say("nodes", r.nodes);
  if (r.tasks) say("ntasks-per-node", r.tasks);
  if (r.cores) say("cpus-per-task", r.cores);
  if (r.memory) say("mem", format("{}M", r.memory));
  if (r.gpus) say("gpus-per-node", r.gpus);
  if (r.seconds) say("time", duration_text(r.seconds));
  if (!r.account.empty()) say("account", r.account);
  if (!r.partition.empty()) say("partition", r.partition);
  if (!r.reservation.empty()) say("reservation", r.reservation);
  for (const std::string& line : r.directives) text += format("#SBATCH {}\n", line);
  return text;
}

std::vector<std::string> submit(const Placed& job) {
  return {"sbatch", "--parsable", "--chdir", job.folder, "--", job.folder + "/job.sh"};
}

// "Submitted" is said on stdout as "ID" or "ID;CLUSTER".
std::string read_submit(const Placed& job, const Ran& ran) {
  if (ran.well()) {
    const std::string id = ran.out.substr(0, ran.out.find_first_of(";\n"));
    if (!id.empty() && id.find_first_not_of("0123456789") == std::string::npos) return id;
  }
  std::string said = ran.said();
  for (std::string_view noise : {"sbatch: error: ", "Batch job submission failed: "})
    if (const std::size_t at = said.find(noise); at != std::string::npos)
      said.erase(at, noise.size());
  std::string hint;
  if (said.find("partition") != std::string::npos && !job.request->partition.empty())
    hint = format("it asks for partition {}", job.request->partition);
  if (said.find("time limit") != std::string::npos)
    hint = format("it asks for {}", duration_text(job.request->seconds));
  // Slurm's own daemon may be away for a moment; then nothing was refused.
  const bool away = ran.timed_out || said.find("Unable to contact") != std::string::npos ||
                    said.find("Connection refused") != std::string::npos ||
                    said.find("Socket timed out") != std::string::npos;
  throw Error(away ? Kind::io : Kind::runtime, format("sbatch: {}", said), hint);
}

std::vector<std::string> poll() {
  return {"squeue", "--me", "--noheader", "--states=all", "--array", "--format=%i|%T|%r"};
}

// A line for each job: "18|PENDING|Resources".
std::map<std::string, Seen> read_poll(std::string_view text) {
  std::map<std::string, Seen> seen;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    const std::size_t first = line.find('|'), second = line.find('|', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string state = line.substr(first + 1, second - first - 1);
    const std::string reason = line.substr(second + 1);
    for (const Word& w : words) {
      if (w.slurm != state) continue;
      seen[line.substr(0, first)] = {w.what, w.what == Seen::What::waiting && w.sentence.empty()
                                                 ? sentence_of(reason)
                                                 : std::string(w.sentence)};
    }
  }
  return seen;
}

std::vector<std::string> cancel(const std::string& id) { return {"scancel", "--", id}; }

std::vector<std::string> submit_array(const std::string& folder, std::size_t count) {
  return {"sbatch", "--parsable",        "--chdir", folder, format("--array=0-{}", count - 1),
          "--",     folder + "/array.sh"};
}

std::string element(const std::string& id, std::size_t index) { return format("{}_{}", id, index); }

}  // namespace

constinit const Scheduler slurm_scheduler = {"slurm",
                                             "sbatch, squeue and scancel",
                                             directives,
                                             submit,
                                             read_submit,
                                             poll,
                                             read_poll,
                                             cancel,
                                             submit_array,
                                             element,
                                             "SLURM_ARRAY_TASK_ID",
                                             "%a.log"};

}  // namespace jetlag::jobs
