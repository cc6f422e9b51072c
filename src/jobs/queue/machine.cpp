#include "jobs/queue/machine.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/error.h"
#include "jobs/queue/store.h"
#include "jobs/scheduler/scheduler.h"

namespace jetlag::jobs {

namespace {

using nlohmann::json;

constexpr double look_seconds = 60;
constexpr double skew_that_matters = 30;
constexpr std::int64_t little_room = 1 << 20;  // kB

// Prints "name value" lines, one for each thing found.
constexpr const char* look = R"sh(
say() { printf '%s %s\n' "$1" "$2"; }
has() { command -v "$1" >/dev/null 2>&1; }
# A scheduler that does not answer must not take the whole look with it.
soon() { if has timeout; then timeout 15 "$@" 2>/dev/null; else "$@" 2>/dev/null; fi; }
say home "$HOME"; say host "$(uname -n)"; say system "$(uname -sm)"; say user "$(id -un)"
say processors "$(getconf _NPROCESSORS_ONLN 2>/dev/null)"; say now "$(date +%s)"
say room "$(df -Pk "$HOME" 2>/dev/null | awk 'NR == 2 {print $4}')"
if [ -w "$HOME" ]; then say writable yes; else say writable no; fi
has sbatch && say scheduler slurm
has qsub && say scheduler pbs
has scontrol && say array "$(soon scontrol show config | awk '$1 == "MaxArraySize" {print $3}')"
has sinfo && soon sinfo --noheader --format='partition %P|%a|%l|%D|%c|%m|%G'
has qstat && ! has sinfo && soon qstat -Q | awk 'NR > 2 {print "partition " $1}'
for c in PROGRAMS; do has $c && say container $c; done
(module --version || type module) >/dev/null 2>&1 && say modules yes
for p in "$@" python3 python3.13 python3.12 python3.11; do
  has "$p" && say python "$p|$("$p" -c 'import platform, sys
def version(name):
    try:
        from importlib import metadata
        return metadata.version(name)
    except Exception:
        return "-"
import ensurepip, venv
print(platform.python_version(), version("numpy"), version("jetlag"), sep="|")' 2>/dev/null)"
done
exit 0
)sh";

std::vector<std::string> texts(const json& value, std::string_view field) {
  std::vector<std::string> list;
  if (!value.is_array()) throw Error(Kind::value, format("{}: must be a list of text", field));
  for (const json& item : value) {
    if (!item.is_string() ||
        item.get<std::string>().find_first_of(std::string("\0\n", 2)) != std::string::npos)
      throw Error(Kind::value, format("{}: must be a list of lines", field));
    list.push_back(item.get<std::string>());
  }
  return list;
}

void check_name(const std::string& name) {
  const bool odd = name.find_first_not_of(
                       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                       "0123456789_.-") != std::string::npos;
  if (name.empty() || odd || name.front() == '-' || name.front() == '.' || name.size() > 100)
    throw Error(Kind::value, format("'{}' is no name for a machine", name),
                "letters, digits, '_', '.' and '-'");
}

struct TextField {
  std::string_view name;
  std::string Machine::* member;
};

constexpr TextField text_fields[] = {
    {"name", &Machine::name},           {"ssh", &Machine::ssh},
    {"scheduler", &Machine::scheduler}, {"root", &Machine::root},
    {"python", &Machine::python},       {"account", &Machine::account},
    {"partition", &Machine::partition}, {"reservation", &Machine::reservation},
    {"image", &Machine::image},
};

// Names of runners, by the programs that were found.
std::vector<std::string> runners_among(const json& programs) {
  std::vector<std::string> names;
  for (const Runner& runner : runners())
    if (std::find(programs.begin(), programs.end(), runner.program) != programs.end())
      names.emplace_back(runner.name);
  return names;
}

// The shell that looks at a machine.
std::string look_script() {
  std::string programs;
  for (const Runner& runner : runners()) programs += format(" {}", runner.program);
  std::string script = look;
  return script.replace(script.find(" PROGRAMS"), 9, programs);
}

std::vector<std::string> split(const std::string& text, char sign) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, sign);) parts.push_back(part);
  return parts;
}

json partition_of(const std::string& value) {
  const std::vector<std::string> parts = split(value, '|');
  json row = {{"name", parts.empty() ? "" : parts[0]}};
  constexpr const char* names[] = {"name",       "state",  "time", "nodes",
                                   "processors", "memory", "gpus"};
  for (std::size_t i = 1; i < parts.size() && i < std::size(names); ++i) row[names[i]] = parts[i];
  std::string name = row["name"];
  row["default"] = name.ends_with('*');
  if (name.ends_with('*')) name.pop_back();
  row["name"] = name;
  return row;
}

json missing_in(const json& found, double now, double took) {
  json missing = json::array();
  const auto skew = found.value("now", 0.0) - now;
  if (std::abs(skew) > skew_that_matters + took)
    missing.push_back(
        format("its clock differs by {:.0f} s from the one here: times of its jobs "
               "are shown by its own clock",
               skew));
  if (found.value("writable", "yes") == "no")
    missing.push_back("the home folder cannot be written");
  if (found.contains("room") && found["room"].is_number() &&
      found["room"].get<std::int64_t>() < little_room)
    missing.push_back("less than 1 GB is free in the home folder");
  if (found["pythons"].empty()) {
    missing.push_back("there is no Python of version 3.11 or later: plain jobs only");
  } else {
    const json& first = found["pythons"].front();
    if (first.value("numpy", "-") == "-")
      missing.push_back(format("{} has no NumPy: function jobs make an environment of their own",
                               first.value("path", "python3")));
  }
  return missing;
}

// What runs images there, for people: as found, or as the definition says.
void tell_runners(json& definition, const std::vector<std::string>& names) {
  const std::vector<std::string> found = runners_among(definition["found"]["containers"]);
  json lines = json::array();
  for (const std::string& name : names) {
    lines.push_back(format("{}: {}", name, runner_named(name).images));
    if (std::find(found.begin(), found.end(), name) == found.end())
      definition["missing"].push_back(
          format("{}, which is to run images, is not on the path of a login", name));
  }
  definition["found"]["images"] = lines;
}

}  // namespace

Machine read_machine(std::string_view text) {
  check_depth(text);
  json object = json::parse(text, nullptr, false);
  if (!object.is_object()) throw Error(Kind::value, "a machine is described by a JSON object");
  Machine machine;
  for (const auto& [name, value] : object.items()) {
    const auto* field = std::find_if(std::begin(text_fields), std::end(text_fields),
                                     [&](const TextField& f) { return f.name == name; });
    if (field != std::end(text_fields)) {
      if (!value.is_string() ||
          value.get<std::string>().find_first_of(std::string("\0\n", 2)) != std::string::npos)
        throw Error(Kind::value, format("{}: must be one line of text", name));
      machine.*field->member = value.get<std::string>();
    } else if (name == "options") {
      machine.options = texts(value, name);
    } else if (name == "setup") {
      machine.setup = texts(value, name);
    } else if (name == "runner_options") {
      machine.runner_options = texts(value, name);
    } else if (name == "runner") {
      if (!value.is_string()) throw Error(Kind::value, "runner: must be text");
      machine.runners = {std::string(runner_named(value.get<std::string>()).name)};
    } else if (name == "slots") {
      if (!value.is_number_unsigned()) throw Error(Kind::value, "slots: must be a whole number");
      machine.slots = value.get<std::int64_t>();
    } else if (name != "found" && name != "missing") {
      throw Error(Kind::value, format("{}: there is no such field of a machine", name),
                  "the fields are name, ssh, options, scheduler, root, python, setup, slots, "
                  "account, partition, reservation, image, runner, runner_options");
    }
  }
  const json found = object.value("found", json::object());
  if (found.is_object() && found.contains("array") && found["array"].is_number_integer())
    machine.most_in_array = found["array"].get<std::int64_t>();
  if (found.is_object()) {
    if (machine.runners.empty()) machine.runners = runners_among(found.value("containers", json()));
    if (found.contains("home") && found["home"].is_string()) machine.home = found["home"];
  }
  if (machine.image.starts_with('-'))
    throw Error(Kind::value, format("image: '{}' is no name of an image", machine.image));
  check_name(machine.name);
  scheduler_named(machine.scheduler);
  machine.text = object.dump();
  return machine;
}

void fill_in(Request& request, const Machine& machine) {
  if (request.account.empty()) request.account = machine.account;
  if (request.partition.empty()) request.partition = machine.partition;
  if (request.reservation.empty()) request.reservation = machine.reservation;
  if (!request.image) request.image = machine.image;
  // Nothing opens a ~ that is quoted.
  if (request.image->starts_with("~/") && !machine.home.empty())
    request.image = format("{}{}", machine.home, request.image->substr(1));
}

const Runner* runner_of(const Request& request, const Machine& machine) {
  if (!request.image || request.image->empty()) return nullptr;
  try {
    return &runner_for(*request.image, machine.runners);
  } catch (const Error& error) {
    const char* more = machine.runners.empty() ? "; jl.machines.add looks again" : "";
    throw Error(Kind::value, format("image: {}: {}", machine.name, error.message()),
                error.hint() + more);
  }
}

std::vector<std::string> runners_here() {
  const char* path = std::getenv("PATH");
  json programs = json::array();
  for (const Runner& runner : runners())
    for (const std::string& folder : split(path ? path : "", ':'))
      if (access((folder + "/" + std::string(runner.program)).c_str(), X_OK) == 0)
        programs.push_back(runner.program);
  return runners_among(programs);
}

std::string read_look(std::string_view text, double now, double took) {
  json found = {{"schedulers", json::array()},
                {"partitions", json::array()},
                {"containers", json::array()},
                {"pythons", json::array()}};
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    const std::size_t space = line.find(' ');
    if (space == std::string::npos) continue;
    const std::string name = line.substr(0, space), value = line.substr(space + 1);
    if (name == "scheduler" || name == "container") {
      found[name + "s"].push_back(value);
    } else if (name == "partition") {
      found["partitions"].push_back(partition_of(value));
    } else if (name == "python") {
      const std::vector<std::string> parts = split(value, '|');
      if (parts.size() < 4 || parts[1].starts_with("2.")) continue;
      const std::vector<std::string> version = split(parts[1], '.');
      if (version.size() < 2 || std::atoi(version[1].c_str()) < 11) continue;
      found["pythons"].push_back(
          {{"path", parts[0]}, {"version", parts[1]}, {"numpy", parts[2]}, {"jetlag", parts[3]}});
    } else if (name == "now" || name == "room" || name == "array" || name == "processors") {
      found[name] = std::atoll(value.c_str());
    } else {
      found[name] = value;
    }
  }
  return json{{"found", found}, {"missing", missing_in(found, now, took)}}.dump(
      -1, ' ', false, json::error_handler_t::replace);
}

Machine look_at(const Machine& machine, Transport& transport) {
  const double before = unix_time();
  std::vector<std::string> argv = {"sh", "-c", look_script(), "sh"};
  json definition = json::parse(machine.text);
  if (definition.contains("python")) argv.push_back(machine.python);
  const Ran ran = transport.run(argv, "", look_seconds);
  const json seen = json::parse(read_look(ran.out, before, unix_time() - before));
  const json& found = seen["found"];
  if (!found.contains("home"))
    throw Error(Kind::io,
                format("{} answers, but runs no shell of POSIX: {}", machine.name, ran.said()));
  if (!definition.contains("scheduler"))
    definition["scheduler"] = found["schedulers"].empty() ? json("fork") : found["schedulers"][0];
  if (!definition.contains("root")) definition["root"] = found.value("home", "") + "/.jetlag";
  if (!definition.contains("python") && !found["pythons"].empty())
    definition["python"] = found["pythons"][0]["path"];
  definition["found"] = found;
  definition["missing"] = seen["missing"];
  Machine known = read_machine(definition.dump());
  tell_runners(definition, known.runners);
  known.text = definition.dump();
  return known;
}

}  // namespace jetlag::jobs
