#include "jobs/container/container.h"

#include <algorithm>

#include "base/error.h"

namespace jetlag::jobs {

namespace {

// From the folder of a job's files to the one that holds all jobs: ROOT/jobs/ID-ATTEMPT/files.
constexpr std::string_view root_from_files = "../../..";

// Of a Python outside; they would lead the one inside astray.
constexpr std::string_view left_outside[] = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"};

// A container of podman's is no child of the script: what ends the script, even by SIGKILL, closes
// the pipe `alive`, and who listens there ends the command. It is process 1 of its own, which hears
// no signal but those it handles; once it ends, all that is left inside does.
constexpr std::string_view leash = R"sh(
run=
trap '[ -z "$run" ] || kill -s TERM $run 2>/dev/null' TERM INT
"$@" &
run=$!
alive=$JETLAG_FOLDER/alive
[ -p "$alive" ] && { read -r _ < "$alive"; kill -s TERM $run; sleep 5; kill -s KILL $run; } 2>/dev/null &
wait $run
code=$?
while kill -s 0 $run 2>/dev/null; do wait $run; code=$?; done
exit $code
)sh";

bool is_path(std::string_view image) {
  return image.starts_with('/') || image.starts_with("./") || image.starts_with("../") ||
         image.starts_with("~/") || image.ends_with(".sif") || image.ends_with(".sqfs");
}

bool is_for_apptainer(std::string_view image) {
  return is_path(image) || image.find("://") != std::string_view::npos;
}

bool is_for_podman(std::string_view image) { return !is_path(image); }

bool is_for_charliecloud(std::string_view image) {
  return is_path(image) && !image.ends_with(".sif");
}

std::string bound() { return format("{}:{}", root_from_files, inside_root); }

std::string files_inside(const Boxed& boxed) { return folder_inside(boxed.folder) + "/files"; }

// What the command finds in its environment is set inside: no value passes through options.
void put_command(std::vector<std::string>& argv, const Boxed& boxed) {
  argv.emplace_back("env");
  for (const std::string_view name : left_outside) {
    argv.emplace_back("-u");
    argv.emplace_back(name);
  }
  argv.push_back("JETLAG_FOLDER=" + folder_inside(boxed.folder));
  argv.push_back("JETLAG_IMAGE=" + boxed.image);
  for (const auto& [name, value] : boxed.environment) argv.push_back(name + "=" + value);
}

void append(std::vector<std::string>& argv, const std::vector<std::string>& more) {
  argv.insert(argv.end(), more.begin(), more.end());
}

std::vector<std::string> enter_by(std::string_view program, const Boxed& boxed) {
  std::vector<std::string> argv = {std::string(program), "exec", "--bind", bound(), "--pwd",
                                   files_inside(boxed)};
  append(argv, boxed.options);
  argv.push_back(boxed.image);
  put_command(argv, boxed);
  append(argv, boxed.command);
  return argv;
}

std::vector<std::string> enter_by_apptainer(const Boxed& boxed) {
  return enter_by("apptainer", boxed);
}

std::vector<std::string> enter_by_singularity(const Boxed& boxed) {
  return enter_by("singularity", boxed);
}

// It runs as the user of the machine, whatever the image's own user is: that one could not write
// into the job's folder.
std::vector<std::string> enter_by_podman(const Boxed& boxed) {
  std::vector<std::string> argv = {"podman",
                                   "run",
                                   "--rm",
                                   "--user=0:0",
                                   "--network=host",
                                   "--ipc=host",
                                   "--log-driver=none",
                                   "--security-opt=label=disable",
                                   "--entrypoint=",
                                   "--volume=" + bound(),
                                   "--workdir=" + files_inside(boxed)};
  for (const char* names : {"JETLAG_*", "SLURM_*", "PBS_*"})
    argv.push_back(format("--env={}", names));
  append(argv, boxed.options);
  argv.push_back(boxed.image);
  put_command(argv, boxed);
  append(argv, {"sh", "-c", std::string(leash), "sh"});
  append(argv, boxed.command);
  return argv;
}

std::vector<std::string> enter_by_charliecloud(const Boxed& boxed) {
  std::vector<std::string> argv = {"ch-run", "--bind=" + bound(), "--cd=" + files_inside(boxed)};
  append(argv, boxed.options);
  append(argv, {boxed.image, "--"});
  put_command(argv, boxed);
  append(argv, boxed.command);
  return argv;
}

constexpr Runner table[] = {
    {"apptainer", "apptainer", "a .sif file, a folder or docker://NAME", is_for_apptainer,
     enter_by_apptainer},
    {"singularity", "singularity", "a .sif file, a folder or docker://NAME", is_for_apptainer,
     enter_by_singularity},
    {"charliecloud", "ch-run", "a folder or a .sqfs file", is_for_charliecloud,
     enter_by_charliecloud, true},
    {"podman", "podman", "the name of an image", is_for_podman, enter_by_podman},
};

}  // namespace

std::span<const Runner> runners() { return table; }

const Runner& runner_named(std::string_view name) {
  std::string known;
  for (const Runner& runner : table) {
    if (runner.name == name) return runner;
    known += (known.empty() ? "" : ", ") + std::string(runner.name);
  }
  throw Error(Kind::value, format("no program that runs images is called '{}'", name),
              format("those that jetlag knows: {}", known));
}

const Runner& runner_for(std::string_view image, const std::vector<std::string>& there) {
  std::string all, wanted;
  for (const Runner& runner : table) {
    all += (all.empty() ? "" : ", ") + std::string(runner.name);
    if (std::find(there.begin(), there.end(), runner.name) == there.end()) continue;
    // Where there is one only, it knows best what it takes.
    if (there.size() == 1 || runner.takes(image)) return runner;
    wanted += format("{}{} takes {}", wanted.empty() ? "" : "; ", runner.name, runner.images);
  }
  if (!wanted.empty()) throw Error(Kind::value, format("nothing there takes '{}'", image), wanted);
  throw Error(Kind::value, "there is no program that runs images", format("jetlag knows {}", all));
}

std::string folder_inside(std::string_view folder) {
  const std::size_t attempt = folder.rfind('/');
  const std::size_t job = folder.rfind('/', attempt - 1);
  return std::string(inside_root) + std::string(folder.substr(job));
}

std::vector<std::string> trial(const Runner& runner, const Boxed& boxed) {
  Boxed test = boxed;
  test.command = {"sh", "-c",
                  "command -v -- \"$1\" >/dev/null || { echo \"it has no program $1\"; exit 1; }",
                  "sh", boxed.command.front()};
  return runner.enter(test);
}

}  // namespace jetlag::jobs
