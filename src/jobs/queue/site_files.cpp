// What a site does with files: they are brought to the machine, and come back.
#include <fnmatch.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/error.h"
#include "jobs/queue/site.h"

namespace jetlag::jobs {

void Site::stage(const Job& job, const Request& request) {
  // Should the attempt before live on after all, it must not be two.
  if (job.life.attempt > 1) {
    Job before = job;
    --before.life.attempt;
    claim(before);
  }
  if (transport_->is_here()) {
    place_here(job, request);
  } else {
    place_there(job, request);
  }
  may_die_at("stage done");
  desk_.post(job.id, job.life.attempt, Event::staged, {});
}

void Site::place_here(const Job& job, const Request& request) {
  namespace fs = std::filesystem;
  const std::string folder = folder_of(desk_.store(), job);
  try {
    fs::create_directories(folder + "/files");
    for (const Input& input : request.inputs) {
      const fs::path from = fs::path(desk_.store().folder()) / "blobs" / input.digest;
      const fs::path to = fs::path(folder) / "files" / input.path;
      if (!fs::exists(from))
        throw Error(Kind::value, format("the store has no file with the digest {}", input.digest));
      fs::create_directories(to.parent_path());
      fs::remove(to);
      // A function's files are only read by our own runner; a command may write into its own.
      if (is_resident(request)) {
        fs::create_hard_link(from, to);
      } else {
        fs::copy_file(from, to);
        fs::permissions(to, fs::perms::owner_write, fs::perm_options::add);
      }
    }
    if (!is_resident(request)) {
      std::ofstream script(folder + "/job.sh");
      script << job_script(scheduler_, placed(job, request));
      script.close();
      if (!script) throw Error(Kind::io, format("cannot write {}/job.sh", folder));
    }
  } catch (const fs::filesystem_error& error) {
    throw Error(Kind::io, error.what());
  }
}

void Site::place_there(const Job& job, const Request& request) {
  const std::string blobs = machine_.root + "/blobs";
  std::vector<std::string> argv = {"sh", "-c",
                                   "umask 077; mkdir -p \"$1\" && cd \"$1\" || exit 1; shift\n"
                                   "for d; do [ -f \"$d\" ] || echo \"$d\"; done",
                                   "sh", blobs};
  for (const Input& input : request.inputs) argv.push_back(input.digest);
  const Ran asked = transport_->run(argv, "", command_seconds);
  if (!asked.well())
    throw Error(Kind::io, format("cannot write {} on {}: {}", blobs, machine_.name, asked.said()));
  std::istringstream wanted(asked.out);
  for (std::string digest; wanted >> digest;)
    transport_->put(desk_.store().folder() + "/blobs/" + digest, blobs + "/" + digest, digest);

  argv = {"sh",
          "-c",
          "umask 077; blobs=$2; mkdir -p \"$1/files\" && cd \"$1/files\" || exit 1; shift 2\n"
          "while [ $# -gt 1 ]; do\n"
          "  mkdir -p \"$(dirname \"./$2\")\" && rm -f \"./$2\" && cp \"$blobs/$1\" \"./$2\" || "
          "exit 1\n"
          "  shift 2\n"
          "done\n"
          "cat > ../job.sh.part && mv ../job.sh.part ../job.sh",
          "sh",
          there(job),
          blobs};
  for (const Input& input : request.inputs) {
    argv.push_back(input.digest);
    argv.push_back(input.path);
  }
  const Ran ran =
      transport_->run(argv, job_script(scheduler_, placed(job, request)), command_seconds);
  if (!ran.well())
    throw Error(Kind::io,
                format("cannot write {} on {}: {}", there(job), machine_.name, ran.said()));
}

// What has been printed comes back up to a limit; the end of what came says where the rest is.
void Site::fetch_rest(const std::string& from, const std::string& to) {
  constexpr std::int64_t most = 64 << 20;
  std::error_code none;
  auto here = static_cast<std::int64_t>(std::filesystem::file_size(to, none));
  if (none) here = 0;
  if (here >= most) return;
  const Ran ran = transport_->run(
      {"sh", "-c",
       "[ -f \"$1\" ] || exit 0; wc -c < \"$1\" >&2; tail -c +$(($2 + 1)) \"$1\" | head -c \"$3\"",
       "sh", from, std::to_string(here), std::to_string(most - here)},
      "", command_seconds);
  if (ran.out.empty()) return;
  std::ofstream out(to, std::ios::binary | std::ios::app);
  out << ran.out;
  const std::int64_t left =
      std::atoll(ran.err.c_str()) - here - static_cast<std::int64_t>(ran.out.size());
  if (here + static_cast<std::int64_t>(ran.out.size()) >= most && left > 0)
    out << format("\n[jetlag: {} more bytes are in {} on {}]\n", left, from, machine_.name);
}

// Names of the files that a job has left, with their sizes.
std::vector<std::string> Site::left_behind(const Job& job) {
  const Ran ran = transport_->run(
      {"sh", "-c", "cd \"$1/files\" && find . -type f -printf '%P\\0'", "sh", there(job)}, "",
      command_seconds);
  if (!ran.well())
    throw Error(Kind::io,
                format("cannot list {} on {}: {}", there(job), machine_.name, ran.said()));
  std::vector<std::string> names;
  std::istringstream all(ran.out);
  for (std::string name; std::getline(all, name, '\0');) names.push_back(name);
  return names;
}

void Site::fetch(const Job& job, const Request& request) {
  if (!transport_->is_here()) {
    const std::string folder = folder_of(desk_.store(), job);
    std::error_code none;
    std::filesystem::create_directories(folder + "/files", none);
    for (const char* name : {"stdout", "stderr", "progress", "status", "script.log"})
      fetch_rest(there(job) + "/" + name, folder + "/" + name);
    for (const std::string& name : left_behind(job)) {
      const bool wanted = std::any_of(
          request.outputs.begin(), request.outputs.end(),
          [&](const std::string& p) { return fnmatch(p.c_str(), name.c_str(), 0) == 0; });
      const std::string to = folder + "/files/" + name;
      if (!wanted || name.find("..") != std::string::npos || std::filesystem::exists(to)) continue;
      std::filesystem::create_directories(std::filesystem::path(to).parent_path(), none);
      transport_->get(there(job) + "/files/" + name, to);
    }
  }
  may_die_at("fetch done");
  desk_.post(job.id, job.life.attempt, Event::fetched, {});
}

}  // namespace jetlag::jobs
