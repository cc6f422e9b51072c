// jetlag submit, status, log, cancel, result, history and machines: what one types about jobs. They
// ask the daemon, and start it if it is not there.
#include <CLI/CLI.hpp>

#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/crypto/digest.h"
#include "cli/asking.h"
#include "cli/commands.h"
#include "cli/daemon.h"

namespace jetlag::cli {

namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr std::string_view log_names[] = {"stdout", "stderr", "progress", "script.log"};

constexpr const char* unsaid = "\n";  // no image is called so

struct JobOptions {
  std::string job;
  std::string folder;  // the store
  bool as_json = false;
  bool wait = false;

  std::string name, machine = "local", time, account, partition, reservation;
  std::int64_t nodes = 0, tasks = 0, cores = 0, memory = 0, gpus = 0, attempts = 0;
  std::vector<std::string> command, inputs, outputs, environment, after, notify, directives;

  std::string state, text;
  std::int64_t limit = 20;
  std::string log = "stdout";
  bool follow = false;
  std::string output;  // of result: a folder

  std::string ssh, scheduler, root, python, file;
  std::vector<std::string> ssh_options, setup;

  std::string image = unsaid, runner;  // an image may be said to be none
  std::vector<std::string> runner_options;
};

JobOptions given;
std::function<int()> chosen;

// ---- asking

json ask(const std::string& method, const std::string& path, const json& body = nullptr) {
  const http::Response answer =
      ask_jobs(given.folder, method, path, body.is_null() ? std::string() : body.dump());
  const bool is_text = answer.type.starts_with("application/octet-stream");
  return is_text ? json(answer.body) : json::parse(answer.body);
}

bool are_far() { return jobs_are_far(given.folder); }

std::string path_of(const std::string& job, const std::string& more = "") {
  return "/v1/jobs/" + http::encoded(job) + more;
}

json wait_for_end(json job) {
  while (!job["final"].get<bool>()) {
    job = ask("GET", path_of(job["id"],
                             format("?wait=20&changes={}", job["changes"].get<std::int64_t>())));
  }
  return job;
}

// ---- printing

void print(const json& value) {
  std::cout << value.dump(2, ' ', false, json::error_handler_t::replace) << '\n';
}

void print_row(const json& job) {
  std::string name = job["name"];
  if (name.empty() && !job["command"].empty()) name = job["command"][0];
  std::cout << format("{:<16}  {:<10}  {:<12}  {:<19}  {:<24}  {}\n", job["id"].get<std::string>(),
                      job["state"].get<std::string>(), shown(job["machine"]),
                      clock_text(job["created"]), shown(name), shown(job["reason"]));
}

int print_job(const json& job) {
  if (given.as_json) {
    print(job);
    return 0;
  }
  print_row(job);
  return 0;
}

// ---- submit

// Keeps a file of the user's in the store; gives its digest.
std::string keep(const std::string& path, const std::string& folder) {
  if (!fs::is_regular_file(path))
    throw Error(Kind::io, format("there is no file {}", path), "inputs are files, not folders");
  const std::string digest = crypto::digest_of_file(path);
  if (are_far()) {
    accepted(http::send_file(jobs_peer(given.folder), "/v1/blobs/" + digest, path));
    return digest;
  }
  const std::string blobs = jobs_folder(folder) + "/blobs";
  const std::string part = format("{}/{}.{}", blobs, digest, crypto::random_hex(4));
  fs::create_directories(blobs);
  if (!fs::exists(blobs + "/" + digest)) {
    std::error_code failed;
    fs::copy_file(path, part, failed);
    if (!failed) fs::rename(part, blobs + "/" + digest, failed);
    if (failed) throw Error(Kind::io, format("cannot keep {}: {}", path, failed.message()));
  }
  return digest;
}

json request() {
  // With an id from here it is the same job if it is asked for twice.
  json r = {{"id", crypto::random_hex(8)}, {"command", given.command}, {"machine", given.machine}};
  auto text = [&r](const char* field, const std::string& value) {
    if (!value.empty()) r[field] = value;
  };
  auto number = [&r](const char* field, std::int64_t value) {
    if (value != 0) r[field] = value;
  };
  text("name", given.name);
  text("account", given.account);
  text("partition", given.partition);
  text("reservation", given.reservation);
  if (given.image != unsaid) r["image"] = given.image;
  number("nodes", given.nodes);
  number("tasks", given.tasks);
  number("cores", given.cores);
  number("memory", given.memory);
  number("gpus", given.gpus);
  number("attempts", given.attempts);
  if (!given.time.empty()) r["seconds"] = seconds_of(given.time);
  r["outputs"] = given.outputs;
  r["after"] = given.after;
  r["directives"] = given.directives;
  for (const std::string& input : given.inputs) {
    const std::size_t sign = input.rfind('=');
    const std::string path = input.substr(0, sign);
    const std::string name =
        sign == std::string::npos ? fs::path(path).filename().string() : input.substr(sign + 1);
    r["inputs"].push_back({{"path", name}, {"digest", keep(path, given.folder)}});
  }
  for (const std::string& variable : given.environment) {
    const std::size_t sign = variable.find('=');
    if (sign == std::string::npos)
      throw Error(Kind::value, format("'{}' is not NAME=VALUE", variable));
    r["environment"][variable.substr(0, sign)] = variable.substr(sign + 1);
  }
  for (const std::string& target : given.notify) r["notify"].push_back({{"target", target}});
  return r;
}

int submit() {
  json job = ask("POST", "/v1/jobs", request());
  if (given.wait) job = wait_for_end(job);
  if (given.as_json) return print_job(job);
  if (!given.wait) {
    std::cout << job["id"].get<std::string>() << '\n';
    return 0;
  }
  print_job(job);
  return job["state"] == "finished" ? 0 : 1;
}

// ---- the others

int status() {
  if (!given.job.empty()) {
    json job = ask("GET", path_of(given.job));
    if (given.wait) job = wait_for_end(job);
    return print_job(job);
  }
  std::string path = format("/v1/jobs?limit={}", given.limit);
  if (!given.state.empty()) path += "&state=" + http::encoded(given.state);
  if (!given.text.empty()) path += "&text=" + http::encoded(given.text);
  const json jobs = ask("GET", path);
  if (given.as_json) {
    print(jobs);
    return 0;
  }
  if (jobs.empty()) std::cout << "no jobs; `jetlag submit COMMAND` makes one\n";
  for (const json& job : jobs) print_row(job);
  return 0;
}

int log() {
  std::int64_t from = 0;
  while (true) {
    const json job = ask("GET", path_of(given.job));
    const std::string piece =
        ask("GET", path_of(given.job, format("/log/{}?from={}&wait={}", http::encoded(given.log),
                                             from, given.follow ? 10 : 0)));
    std::cout << piece << std::flush;
    from += static_cast<std::int64_t>(piece.size());
    if (piece.empty() && (!given.follow || job["final"].get<bool>())) return 0;
  }
}

int cancel() { return print_job(ask("POST", path_of(given.job, "/cancel"))); }

int history() {
  const json told = ask("GET", path_of(given.job, "/history"));
  if (given.as_json) {
    print(told);
    return 0;
  }
  for (const json& row : told["history"]) {
    std::cout << format("{}  {:<11}  {:<10}  attempt {}  {}\n", clock_text(row["at"]),
                        row["event"].get<std::string>(), row["state"].get<std::string>(),
                        row["attempt"].get<int>(), shown(row["text"]));
  }
  for (const json& row : told["messages"]) {
    std::cout << format("message to {}: {} after {} tries  {}\n", shown(row["target"]),
                        row["state"].get<std::string>(), row["tries"].get<int>(),
                        shown(row["said"]));
  }
  return 0;
}

// Brings the files of a job from a server that is not here.
void fetch_files(const json& job, const fs::path& to) {
  for (const json& row : ask("GET", path_of(job["id"], "/files"))) {
    const std::string name = row["name"];
    const fs::path below = fs::path(name).lexically_normal();
    if (below.is_absolute() || below.begin() == below.end() || *below.begin() == "..")
      throw Error(Kind::value,
                  format("the server names a file outside of the job: {}", shown(name)));
    fs::create_directories((to / below).parent_path());
    accepted(http::fetch_file(jobs_peer(given.folder),
                              path_of(job["id"], "/file?name=" + http::encoded(name)), to / below));
  }
}

int result() {
  const json job = wait_for_end(ask("GET", path_of(given.job)));
  const fs::path from = fs::path(job["folder"].get<std::string>()) / "files";
  if (are_far()) {
    if (given.output.empty() && !given.as_json && job["state"] == "finished")
      throw Error(Kind::value, "the files of this job are at the server", "name a folder with -o");
    if (!given.output.empty()) fetch_files(job, given.output);
  } else if (!given.output.empty()) {
    std::error_code failed;
    fs::create_directories(given.output, failed);
    fs::copy(from, given.output, fs::copy_options::recursive | fs::copy_options::overwrite_existing,
             failed);
    if (failed)
      throw Error(Kind::io, format("cannot copy to {}: {}", given.output, failed.message()));
  }
  if (given.as_json) {
    print(job);
  } else if (job["state"] != "finished") {
    std::cerr << format("job {} {}: {}\n", job["id"].get<std::string>(),
                        job["state"].get<std::string>(), shown(job["reason"]));
  } else {
    std::cout << (given.output.empty() ? from.string() : given.output) << '\n';
  }
  return job["state"] == "finished" ? 0 : 1;
}

void print_machine(const json& m) {
  const json found = m.value("found", json::object());
  const std::string where = m.value("ssh", "");
  std::cout << format("{}  {}  {}\n", m["name"].get<std::string>(),
                      where.empty() ? "this machine" : where, m.value("scheduler", "fork"));
  for (const json& p : found.value("partitions", json::array())) {
    std::cout << format("    partition {}{}: {} nodes of {} processors, at most {}\n",
                        shown(p["name"]), p.value("default", false) ? " (default)" : "",
                        p.value("nodes", "?"), p.value("processors", "?"), p.value("time", "?"));
  }
  for (const json& p : found.value("pythons", json::array())) {
    std::cout << format("    {} {}, numpy {}, jetlag {}\n", shown(p["path"]), shown(p["version"]),
                        shown(p["numpy"]), shown(p["jetlag"]));
  }
  for (const json& text : found.value("images", json::array()))
    std::cout << "    images by " << shown(text) << '\n';
  for (const json& text : m.value("missing", json::array()))
    std::cout << "    missing: " << shown(text) << '\n';
}

int machines() {
  const json list = ask("GET", "/v1/machines");
  if (given.as_json) {
    print(list);
    return 0;
  }
  for (const json& m : list) print_machine(m);
  return 0;
}

int add_machine() {
  json m = json::object();
  if (!given.file.empty()) {
    std::ifstream in(given.file);
    m = json::parse(in, nullptr, false);
    if (!m.is_object()) throw Error(Kind::value, format("{} holds no machine", given.file));
  }
  auto set = [&m](const char* field, const std::string& value) {
    if (!value.empty()) m[field] = value;
  };
  set("name", given.name);
  set("ssh", given.ssh);
  set("scheduler", given.scheduler);
  set("root", given.root);
  set("python", given.python);
  set("account", given.account);
  set("partition", given.partition);
  set("runner", given.runner);
  if (given.image != unsaid) m["image"] = given.image;
  if (!given.runner_options.empty()) m["runner_options"] = given.runner_options;
  if (!given.ssh_options.empty()) m["options"] = given.ssh_options;
  if (!given.setup.empty()) m["setup"] = given.setup;
  const json seen = ask("POST", "/v1/machines", m);
  if (given.as_json) {
    print(seen);
  } else {
    print_machine(seen);
  }
  return 0;
}

int forget_machine() {
  ask("DELETE", "/v1/machines/" + http::encoded(given.name));
  return 0;
}

// ---- the commands

CLI::App* add(CLI::App& app, const char* name, const char* what, int (*run)(), bool of_job) {
  CLI::App* command = app.add_subcommand(name, what);
  if (of_job) command->add_option("job", given.job, "its id, or the beginning of it")->required();
  command->add_flag("--json", given.as_json, "as JSON");
  command->add_option("--jobs", given.folder, "the folder of jobs (default: the setting jobs_dir)");
  // It comes after the callback of a command below it.
  command->callback([run, command] {
    if (command->get_subcommands().empty()) chosen = run;
  });
  return command;
}

void add_submit(CLI::App& app) {
  CLI::App* c = add(app, "submit", "run a command on a machine", submit, false);
  c->add_option("command", given.command, "the command; -- before it if it has options")
      ->required();
  c->add_option("--on", given.machine, "the machine (default: local)");
  c->add_option("--name", given.name, "what people call it");
  c->add_option("--nodes", given.nodes, "how many nodes");
  c->add_option("--tasks", given.tasks, "processes on each node");
  c->add_option("--cores", given.cores, "processors for each process");
  c->add_option("--memory", given.memory, "MB on each node");
  c->add_option("--gpus", given.gpus, "on each node");
  c->add_option("--time", given.time, "wall time: [days-]hours:minutes:seconds");
  c->add_option("--account", given.account);
  c->add_option("--partition", given.partition, "a partition, or queue");
  c->add_option("--reservation", given.reservation);
  c->add_option("--directive", given.directives, "more for the scheduler, as it writes it")
      ->allow_extra_args(false);
  c->add_option("--image", given.image, "a container image in which it runs; \"\" for none");
  c->add_option("--attempts", given.attempts, "how often it may begin if its node is lost");
  c->add_option("--input", given.inputs, "a file that it begins with: FILE or FILE=PATH")
      ->allow_extra_args(false);
  c->add_option("--output", given.outputs, "names of files that come back; * stands for any text")
      ->allow_extra_args(false);
  c->add_option("--env", given.environment, "NAME=VALUE")->allow_extra_args(false);
  c->add_option("--after", given.after, "a job that must have finished")->allow_extra_args(false);
  c->add_option("--notify", given.notify, "a URL or mailto: that is told of its end")
      ->allow_extra_args(false);
  c->add_flag("--wait", given.wait, "until it has ended");
  c->positionals_at_end();
}

void add_machines(CLI::App& app) {
  CLI::App* c = add(app, "machines", "list, add and forget machines", machines, false);
  CLI::App* more = c->add_subcommand("add", "look at a machine and remember it");
  more->add_option("name", given.name, "what it will be called");
  more->add_option("--ssh", given.ssh, "user@host, or a name of your ssh configuration");
  more->add_option("--ssh-option", given.ssh_options, "more for ssh")->allow_extra_args(false);
  more->add_option("--scheduler", given.scheduler, "fork, slurm or pbs (default: what is found)");
  more->add_option("--root", given.root, "the folder for jobs there (default: ~/.jetlag)");
  more->add_option("--python", given.python, "the Python for function jobs there");
  more->add_option("--account", given.account);
  more->add_option("--partition", given.partition);
  more->add_option("--image", given.image, "the image for jobs that name none");
  more->add_option(
      "--runner", given.runner,
      "what runs images: apptainer, singularity, charliecloud or podman (default: what "
      "is found)");
  more->add_option("--runner-option", given.runner_options, "more for what runs images")
      ->allow_extra_args(false);
  more->add_option("--setup", given.setup, "a line of shell at the head of each job")
      ->allow_extra_args(false);
  more->add_option("--file", given.file, "a definition that somebody shared");
  more->callback([] { chosen = add_machine; });
  CLI::App* less = c->add_subcommand("forget", "forget a machine");
  less->add_option("name", given.name)->required();
  less->callback([] { chosen = forget_machine; });
}

}  // namespace

void add_job_commands(CLI::App& app) {
  add_submit(app);
  CLI::App* c = add(app, "status", "the state of a job, or of the last ones", status, false);
  c->add_option("job", given.job, "its id, or the beginning of it");
  c->add_option("--state", given.state, "only those in this state");
  c->add_option("--text", given.text, "only those with this in their name");
  c->add_option("-n,--limit", given.limit, "how many at most");
  c->add_flag("--wait", given.wait, "until it has ended");
  c = add(app, "log", "what a job prints", log, true);
  c->add_option("--file", given.log, "stdout, stderr, progress or script.log")
      ->check(CLI::IsMember(std::vector<std::string>(std::begin(log_names), std::end(log_names))));
  c->add_flag("-f,--follow", given.follow, "until it has ended");
  add(app, "cancel", "stop a job", cancel, true);
  c = add(app, "result", "wait for the end of a job, and say where its files are", result, true);
  c->add_option("-o,--output", given.output, "copy them into this folder");
  add(app, "history", "what happened to a job", history, true);
  add_machines(app);
  add_token_commands(app);
}

int run_job_command() { return chosen ? chosen() : run_token_command(); }

}  // namespace jetlag::cli
