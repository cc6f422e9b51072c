// PBS Pro, OpenPBS and Torque: the commands that they share.
#include <algorithm>
#include <sstream>

#include "base/error.h"
#include "jobs/scheduler/scheduler.h"

namespace jetlag::jobs {

namespace {

std::string directives(const Placed& job) {
  const Request& r = *job.request;
  std::string text = format("#PBS -N {}\n", scheduler_name(job).substr(0, 15));
  // Not to be run again by the scheduler: attempts are counted here.
  text += "#PBS -r n\n#PBS -j oe\n";
  text += format("#PBS -o {}/script.log\n", job.folder);
  std::string nodes = format("nodes={}", r.nodes);
  if (r.tasks || r.cores)
    nodes +=
        format(":ppn={}", std::max<std::int64_t>(r.tasks, 1) * std::max<std::int64_t>(r.cores, 1));
  if (r.gpus) nodes += format(":gpus={}", r.gpus);
  text += format("#PBS -l {}\n", nodes);
  if (r.memory) text += format("#PBS -l mem={}mb\n", r.memory);
  if (r.seconds) text += format("#PBS -l walltime={}\n", duration_text(r.seconds));
  if (!r.account.empty()) text += format("#PBS -A {}\n", r.account);
  if (!r.partition.empty()) text += format("#PBS -q {}\n", r.partition);
  if (!r.reservation.empty()) text += format("#PBS -W x=FLAGS:ADVRES:{}\n", r.reservation);
  for (const std::string& line : r.directives) text += format("#PBS {}\n", line);
  return text;
}

std::vector<std::string> submit(const Placed& job) { return {"qsub", job.folder + "/job.sh"}; }

// "41.server" or "41".
std::string read_submit(const Placed&, const Ran& ran) {
  std::string id = ran.out.substr(0, ran.out.find_first_of(" \n"));
  if (ran.well() && !id.empty() && id.front() >= '0' && id.front() <= '9') return id;
  const std::string said = ran.said();
  const bool away = ran.timed_out || said.find("cannot connect to server") != std::string::npos;
  throw Error(away ? Kind::io : Kind::runtime, format("qsub: {}", said));
}

std::vector<std::string> poll() { return {"qstat", "-f"}; }

Seen seen_of(std::string_view letter, std::string_view comment) {
  const std::string why(comment);
  if (letter == "R" || letter == "E" || letter == "B") return {Seen::What::running, ""};
  if (letter == "C" || letter == "F" || letter == "X") return {Seen::What::ended, why};
  if (letter == "S" || letter == "U") return {Seen::What::running, "the scheduler suspended it"};
  if (letter == "H") return {Seen::What::waiting, why.empty() ? "it is held" : why};
  return {Seen::What::waiting, why};
}

// Blocks of "Job Id: 41.server" and "    name = value" lines; a line that
// begins with a tab goes on with the value before it.
std::map<std::string, Seen> read_poll(std::string_view text) {
  std::map<std::string, Seen> seen;
  std::istringstream lines{std::string(text)};
  std::string id, letter, comment;
  std::string* last = nullptr;
  auto keep = [&] {
    if (!id.empty() && !letter.empty()) seen[id] = seen_of(letter, comment);
    letter.clear();
    comment.clear();
    last = nullptr;
  };
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("Job Id:")) {
      keep();
      id = line.substr(std::min(line.find_first_not_of(" \t", 7), line.size()));
    } else if (line.starts_with('\t')) {
      if (last) *last += line.substr(1);
    } else if (const std::size_t sign = line.find(" = "); sign != std::string::npos) {
      const std::size_t first = line.find_first_not_of(" \t");
      const std::string name = line.substr(first, sign - first);
      last = name == "job_state" ? &letter : name == "comment" ? &comment : nullptr;
      if (last) *last = line.substr(sign + 3);
    }
  }
  keep();
  return seen;
}

std::vector<std::string> cancel(const std::string& id) { return {"qdel", id}; }

}  // namespace

constinit const Scheduler pbs_scheduler = {"pbs",       "qsub, qstat and qdel of PBS and Torque",
                                           directives,  submit,
                                           read_submit, poll,
                                           read_poll,   cancel};

}  // namespace jetlag::jobs
