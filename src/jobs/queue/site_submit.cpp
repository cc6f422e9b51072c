// What a site does with its scheduler: jobs are handed over, one by one or as an array, and
// stopped.
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/clock.h"
#include "base/error.h"
#include "jobs/queue/site.h"

namespace jetlag::jobs {

namespace {

constexpr std::int64_t ms = 1'000'000;
constexpr std::int64_t stop_again = 5'000 * ms;
constexpr std::int64_t look_again = 50 * ms;
constexpr std::int64_t store_again = 1'000 * ms;

}  // namespace

std::string Site::there(const Job& job) const {
  if (transport_->is_here()) return folder_of(desk_.store(), job);
  return format("{}/jobs/{}-{}", machine_.root, job.id, job.life.attempt);
}

Placed Site::placed(const Job& job, const Request& request) const {
  Placed at = {job.id, job.life.attempt, there(job), &request, machine_.setup};
  at.runner = runner_of(request, machine_);
  at.image = request.image.value_or("");
  at.runner_options = machine_.runner_options;
  return at;
}

// Whether jobs are processes of this machine, which can be looked at without a command.
bool Site::has_processes() const { return transport_->is_here() && scheduler_.name == "fork"; }

bool Site::is_resident(const Request& request) const {
  // One that brings its own beginning comes from elsewhere: no Python here knows its modules.
  return request.is_function && request.command.size() == 1 && has_processes();
}

bool Site::has_room(const Job& job) {
  if (!machine_.slots) return true;
  std::scoped_lock lock(mutex_);
  return watched_.contains(job.id) || static_cast<std::int64_t>(watched_.size()) < machine_.slots;
}

void Site::submit(const Job& job, const Request& request) {
  may_die_at("submit begun");
  if (is_resident(request)) return submit_function(job, request);
  const Placed at = placed(job, request);
  // Watched from now on, or a flood would pass while the first have not begun.
  if (has_processes()) watch(job, request);
  const Ran ran = transport_->run(scheduler_.submit(at), "", command_seconds);
  Detail detail;
  detail.scheduler_id = scheduler_.read_submit(at, ran);
  may_die_at("submit done");
  desk_.post(job.id, job.life.attempt, Event::submitted, detail);
}

void Site::submit_function(const Job& job, const Request& request) {
  nlohmann::json line = {{"id", job.id},
                         {"attempt", job.life.attempt},
                         {"folder", there(job)},
                         {"seconds", request.seconds},
                         {"environment", nlohmann::json::object()}};
  for (const auto& [name, value] : request.environment) line["environment"][name] = value;
  std::unique_ptr<Resident>* resident;
  {
    std::scoped_lock lock(mutex_);
    resident = &residents_[request.command[0]];
  }
  // Only this thread begins and ends them.
  if (!*resident || !(*resident)->lives()) {
    resident->reset();
    *resident =
        std::make_unique<Resident>(request.command[0], desk_.store().folder() + "/runner.log",
                                   [this](const Resident::News& news) { heard(news); });
  }
  watch(job, request);
  const std::string text =
      line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  if (!(*resident)->begin(text)) {
    throw Error(Kind::io, format("{} -m jetlag.runner ended", request.command[0]),
                format("{}/runner.log says why", desk_.store().folder()));
  }
  may_die_at("submit done");
  desk_.post(job.id, job.life.attempt, Event::submitted, {});
}

void Site::heard(const Resident::News& news) {
  if (news.began) {
    Detail detail;
    detail.scheduler_id = std::to_string(news.value);
    if (survives([&] { desk_.post(news.id, news.attempt, Event::started, detail); })) return;
  }
  {
    std::scoped_lock lock(mutex_);
    looks_.insert(news.id);
    const auto found = watched_.find(news.id);
    // On a full disk it could not say so itself.
    if (!news.began && found != watched_.end() && found->second.attempt == news.attempt)
      found->second.end = format("end 0 {}\n", news.value);
  }
  changed_.notify_all();
}

// Takes the claim of an attempt, so that it never begins; false if it has begun.
bool Site::claim(const Job& job) {
  const std::string folder = there(job);
  if (transport_->is_here()) {
    std::filesystem::create_directories(folder);
    return mkdir((folder + "/claim").c_str(), 0700) == 0;
  }
  return transport_
      ->run({"sh", "-c", "mkdir -p \"$1\" && mkdir \"$1/claim\" 2>/dev/null", "sh", folder}, "",
            command_seconds)
      .well();
}

void Site::stop(const Job& job, const Request& request) {
  std::string id = job.scheduler_id;
  if (claim(job)) {
    if (!id.empty()) transport_->run(scheduler_.cancel(id), "", command_seconds);
    return desk_.post(job.id, job.life.attempt, Event::withdrawn, because("it was cancelled"));
  }
  if (id.empty() && has_processes()) id = read_status(read_text(there(job) + "/status")).id;
  if (id.empty()) throw Error(Kind::io, "it has begun, but its script has not said its number yet");
  const std::vector<std::string> argv =
      is_resident(request) ? fork_scheduler.cancel(id) : scheduler_.cancel(id);
  const Ran ran = transport_->run(argv, "", command_seconds);
  if (!ran.well()) throw Error(Kind::io, format("cannot stop it: {}", ran.said()));
  std::scoped_lock lock(mutex_);
  // Some do not hear it the first time.
  mover_.tasks.push_back({job.id, job.life.attempt, Action::stop, now_ns() + stop_again, 0, {}});
  looks_.insert(job.id);
  changed_.notify_all();
}

// ---- arrays

// One that is begun again goes alone: the others of its group are long gone.
std::string Site::group_of(const Job& job) const {
  const bool may = scheduler_.submit_array && machine_.most_in_array > 1 && job.life.attempt == 1;
  return may ? read_request(job.request).group : std::string();
}

// Takes what else of a task's group waits to be handed over. Nothing for as long as more of it may
// come: its files are on their way, or its client has not asked for it yet.
std::vector<Site::Task> Site::gathered(Worker& worker, Task task, const Request& request) {
  constexpr std::int64_t patience = 3'000 * ms;
  const auto most = static_cast<std::size_t>(machine_.most_in_array);
  std::scoped_lock lock(mutex_);
  std::vector<Task> mates = {std::move(task)};
  for (auto i = worker.tasks.begin(); i != worker.tasks.end() && mates.size() < most;) {
    const bool belongs = i->action == Action::submit && i->group == request.group;
    if (belongs) mates.push_back(std::move(*i));
    i = belongs ? worker.tasks.erase(i) : std::next(i);
  }
  Gathering& gathering = gatherings_[request.group];
  const std::int64_t now = now_ns();
  if (mates.size() > gathering.here || !gathering.since)
    gathering = {gathering.handed, mates.size(), now};
  const auto all = static_cast<std::size_t>(request.group_size);
  const bool complete = mates.size() == most || gathering.handed + mates.size() >= all;
  if (complete || now - gathering.since > patience) {
    gathering = {gathering.handed + mates.size(), 0, 0};
    if (gathering.handed >= all) gatherings_.erase(request.group);
    return mates;
  }
  for (Task& mate : mates) {
    mate.due = now + look_again;
    worker.tasks.push_back(std::move(mate));
  }
  return {};
}

// Jobs of a group become elements of an array. What the scheduler refuses as an array is handed
// over one by one, so that each job has its own reason.
void Site::submit_group(Worker& worker, const std::vector<Task>& tasks) {
  std::vector<Handed> group;
  for (const Task& task : tasks) {
    const bool stored = survives([&] {
      Job job = desk_.store().get(task.id);
      if (job.life.attempt != task.attempt || describe(job.life.state).action != task.action)
        return;
      Request request = read_request(job.request);
      fill_in(request, machine_);
      group.push_back({task, std::move(job), std::move(request)});
    });
    if (!stored) again(worker, task);
  }
  std::string id;
  std::optional<Error> away;
  try {
    id = submit_array(group);
  } catch (const Error& error) {
    if (error.kind() == Kind::io) away = error;
  }
  for (std::size_t i = 0; i < group.size(); ++i) {
    const Handed& one = group[i];
    const bool stored = survives([&] {
      try {
        if (away) throw Error(*away);
        if (id.empty()) return submit(one.job, one.request);
        Detail detail;
        detail.scheduler_id = scheduler_.element(id, i);
        desk_.post(one.job.id, one.job.life.attempt, Event::submitted, detail);
      } catch (const Error& error) {
        failed(worker, one.task, error);
      }
    });
    if (!stored) again(worker, one.task);
  }
}

void Site::again(Worker& worker, Task task) {
  task.due = now_ns() + store_again;
  const std::scoped_lock lock(mutex_);
  worker.tasks.push_back(std::move(task));
}

// Whether the scheduler would be told the same of each.
bool Site::are_alike(const std::vector<Placed>& places) const {
  auto told = [&](Placed place) {
    place.id = places.front().id;
    place.attempt = 1;
    return scheduler_.directives(place);
  };
  const std::string first = told(places.front());
  return std::all_of(places.begin(), places.end(),
                     [&](const Placed& place) { return told(place) == first; });
}

// The scheduler's id; empty if these are no array.
std::string Site::submit_array(const std::vector<Handed>& group) {
  std::vector<Placed> places;
  for (const Handed& one : group) places.push_back(placed(one.job, one.request));
  if (places.size() < 2 || !are_alike(places)) return {};
  may_die_at("array begun");
  const std::string folder = places.front().folder + "/array";
  const Ran made = transport_->run(
      {"sh", "-c", "umask 077; mkdir -p \"$1\" && cd \"$1\" && cat > array.sh && sh array.sh links",
       "sh", folder},
      array_script(scheduler_, places), command_seconds);
  if (!made.well())
    throw Error(Kind::io, format("cannot write {} on {}: {}", folder, machine_.name, made.said()));
  const Ran ran =
      transport_->run(scheduler_.submit_array(folder, places.size()), "", command_seconds);
  const std::string id = scheduler_.read_submit(places.front(), ran);
  may_die_at("array done");
  return id;
}

}  // namespace jetlag::jobs
