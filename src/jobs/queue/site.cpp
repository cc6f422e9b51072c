#include "jobs/queue/site.h"

#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/clock.h"
#include "base/error.h"

namespace jetlag::jobs {

namespace {

constexpr std::int64_t ms = 1'000'000;
constexpr std::int64_t shortest_here = 10 * ms;
constexpr std::int64_t longest_here = 250 * ms;
constexpr std::int64_t shortest_there = 150 * ms;
constexpr std::int64_t longest_there = 10'000 * ms;
constexpr std::int64_t store_again = 1'000 * ms;
constexpr std::int64_t patience_here = 300 * ms;
constexpr std::int64_t patience_there = 4'000 * ms;
// What cannot be brought or handed over is given up after these; what runs is
// asked for as long as it takes.
constexpr int most_tries = 8;
constexpr int most_tries_for_results = 60;

// A job at this machine is alive if its process is, and is no zombie.
bool is_alive(const std::string& process) {
  const std::string stat = read_text("/proc/" + process + "/stat");
  const std::size_t behind_name = stat.rfind(')');
  return behind_name != std::string::npos && behind_name + 2 < stat.size() &&
         stat[behind_name + 2] != 'Z';
}

std::string with_hint(const Error& error) {
  return error.hint().empty() ? error.message() : error.message() + ": " + error.hint();
}

}  // namespace

std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

Detail because(const std::string& reason) {
  Detail detail;
  detail.reason = reason;
  return detail;
}

std::string folder_of(const Store& store, const Job& job) {
  return format("{}/jobs/{}/{}", store.folder(), job.id, job.life.attempt);
}

Site::Site(Desk& desk, Machine machine, std::unique_ptr<Transport> transport)
    : desk_(desk),
      machine_(std::move(machine)),
      transport_(std::move(transport)),
      scheduler_(scheduler_named(machine_.scheduler)),
      interval_(has_processes() ? shortest_here : shortest_there) {
  if (!machine_.slots && has_processes())
    machine_.slots = std::max(1u, std::thread::hardware_concurrency());
  control_.thread = std::thread([this] { work(control_, true); });
  mover_.thread = std::thread([this] { work(mover_, false); });
}

void Site::end() {
  {
    std::scoped_lock lock(mutex_);
    if (ends_) return;
    ends_ = true;
  }
  changed_.notify_all();
  control_.thread.join();
  mover_.thread.join();
  residents_.clear();
}

void Site::take(const Job& job) {
  const Action action = describe(job.life.state).action;
  const bool moves = action == Action::stage || action == Action::fetch || action == Action::stop;
  Task task{job.id, job.life.attempt, action, now_ns(), 0, {}};
  if (action == Action::submit) task.group = group_of(job);
  give(moves ? mover_ : control_, std::move(task));
}

void Site::give(Worker& worker, Task task) {
  {
    std::scoped_lock lock(mutex_);
    worker.tasks.push_back(std::move(task));
    interval_ = has_processes() ? shortest_here : shortest_there;
  }
  changed_.notify_all();
}

std::int64_t Site::next_poll() const {
  if (!looks_.empty()) return 0;
  return watched_.empty() ? INT64_MAX : polled_ + interval_;
}

// A store that cannot be written, for want of room, is written later: what was to be stored is seen
// or done again.
bool Site::survives(const std::function<void()>& work) {
  try {
    work();
    return true;
  } catch (const Error& error) {
    desk_.complain(with_hint(error));
  } catch (const std::exception& error) {
    desk_.complain(error.what());
  }
  return false;
}

void Site::work(Worker& worker, bool polls) {
  std::unique_lock lock(mutex_);
  while (!ends_) {
    const std::int64_t now = now_ns();
    const auto due = std::find_if(worker.tasks.begin(), worker.tasks.end(),
                                  [&](const Task& t) { return t.due <= now; });
    // A flood of tasks must not keep the jobs that run from being seen.
    const bool poll_is_late = polls && now >= next_poll();
    if (due != worker.tasks.end() && !(poll_is_late && now - polled_ > 4 * interval_)) {
      Task task = *due;
      worker.tasks.erase(due);
      lock.unlock();
      const bool stored = survives([&] { do_task(worker, task); });
      lock.lock();
      if (!stored) {
        task.due = now_ns() + store_again;
        worker.tasks.push_back(std::move(task));
      }
    } else if (poll_is_late) {
      lock.unlock();
      survives([&] { poll(); });
      lock.lock();
      polled_ = now_ns();
    } else {
      std::int64_t wake = polls ? next_poll() : INT64_MAX;
      for (const Task& t : worker.tasks) wake = std::min(wake, t.due);
      if (wake == INT64_MAX) {
        changed_.wait(lock);
      } else {
        changed_.wait_for(lock, std::chrono::nanoseconds(std::max<std::int64_t>(wake - now, 1)));
      }
    }
  }
}

void Site::do_task(Worker& worker, Task task) {
  try {
    const Job job = desk_.store().get(task.id);
    // What was wanted of an earlier state or attempt is wanted no more.
    if (job.life.attempt != task.attempt || describe(job.life.state).action != task.action) return;
    Request request = read_request(job.request);
    fill_in(request, machine_);
    if (task.action == Action::submit && !has_room(job)) {
      task.due = now_ns() + 20 * ms;
      std::scoped_lock lock(mutex_);
      worker.tasks.push_back(std::move(task));
      return;
    }
    if (!task.group.empty()) {
      const std::vector<Task> group = gathered(worker, std::move(task), request);
      return submit_group(worker, group);
    }
    do_action(job, request, task);
  } catch (const Error& error) {
    failed(worker, std::move(task), error);
  } catch (const std::exception& error) {
    failed(worker, std::move(task), Error(Kind::internal, error.what()));
  }
}

void Site::do_action(const Job& job, const Request& request, const Task& task) {
  switch (task.action) {
    case Action::stage: return stage(job, request);
    case Action::submit: return submit(job, request);
    case Action::watch: return watch(job, request);
    case Action::stop: watch(job, request); return stop(job, request);
    case Action::fetch: return fetch(job, request);
    case Action::wait:
    case Action::nothing: return;
  }
}

void Site::failed(Worker& worker, Task task, const Error& error) {
  const int most = task.action == Action::fetch ? most_tries_for_results : most_tries;
  const bool may_pass = error.kind() == Kind::io && ++task.tries < most;
  if (!may_pass && task.action != Action::stop) {
    Detail detail = because(with_hint(error));
    return desk_.post(task.id, task.attempt, Event::refused, detail);
  }
  desk_.tell(task.id, with_hint(error));
  task.due = now_ns() + std::min<std::int64_t>(500 * ms << std::min(task.tries, 6), 30'000 * ms);
  give(worker, std::move(task));
}

// ---- watching

void Site::watch(const Job& job, const Request& request) {
  Watched watched;
  watched.attempt = job.life.attempt;
  watched.request = request;
  watched.folder = folder_of(desk_.store(), job);
  watched.asked.folder = there(job);
  std::error_code none;
  std::filesystem::create_directories(watched.folder, none);
  for (int i = 0; i < followed_count; ++i) {
    const auto size = std::filesystem::file_size(watched.folder + "/" + followed[i], none);
    // What grows in the very folder that is read here need not be followed.
    watched.asked.offsets[i] = transport_->is_here() ? INT32_MAX
                               : none                ? 0
                                                     : static_cast<std::int64_t>(size);
  }
  std::scoped_lock lock(mutex_);
  Watched& kept = watched_[job.id];
  // Its end may have been heard before its beginning was stored.
  if (kept.attempt == watched.attempt) watched.end = std::move(kept.end);
  kept = std::move(watched);
}

void Site::poll() {
  try {
    if (has_processes()) {
      poll_here();
    } else {
      poll_there();
    }
  } catch (const Error& error) {
    std::map<std::string, Watched> all;
    {
      std::scoped_lock lock(mutex_);
      all = watched_;
    }
    for (const auto& [id, w] : all) desk_.tell(id, with_hint(error));
  }
  std::scoped_lock lock(mutex_);
  const std::int64_t longest = has_processes() ? longest_here : longest_there;
  interval_ = std::min(interval_ + interval_ / 4, longest);
  polled_ = now_ns();
}

void Site::poll_here() {
  std::map<std::string, Watched> all;
  {
    std::scoped_lock lock(mutex_);
    const bool some = !looks_.empty() && polled_ + interval_ > now_ns();
    for (const auto& [id, w] : watched_)
      if (!some || looks_.contains(id)) all.emplace(id, w);
    looks_.clear();
  }
  for (const auto& [id, watched] : all) {
    // First whether it lives, then what it wrote: the last line comes before the end.
    std::string process = desk_.store().get(id).scheduler_id;
    if (process.empty()) process = read_status(read_text(watched.folder + "/status")).id;
    const bool begun = !process.empty();
    const bool lives = begun && is_alive(process);
    const Seen seen{lives ? Seen::What::running : Seen::What::waiting, ""};
    const bool waits = !begun && watched.request.is_function;
    bool resident_lives = false;
    if (waits) {
      std::scoped_lock lock(mutex_);
      const auto found = residents_.find(watched.request.command[0]);
      resident_lives = found != residents_.end() && found->second && found->second->lives();
    }
    const bool there_is_hope = lives || resident_lives;
    std::string status = read_text(watched.folder + "/status");
    if (!read_status(status).ended) status += watched.end;
    look(id, status, there_is_hope ? &seen : nullptr, true,
         read_text(watched.folder + "/script.log"));
  }
}

void Site::poll_there() {
  std::vector<std::string> ids;
  std::vector<Asked> asked;
  {
    std::scoped_lock lock(mutex_);
    looks_.clear();
    for (const auto& [id, watched] : watched_) {
      ids.push_back(id);
      asked.push_back(watched.asked);
    }
  }
  if (ids.empty()) return;
  const Ran ran = transport_->run(poll_command(scheduler_, asked), "", command_seconds);
  if (!ran.well())
    throw Error(Kind::io, format("{} does not answer: {}", machine_.name, ran.said()));
  const Answer answer = read_poll_answer(scheduler_, ran.out, ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const News& news = answer.jobs[i];
    {
      std::scoped_lock lock(mutex_);
      const auto found = watched_.find(ids[i]);
      if (found == watched_.end()) continue;
      follow(found->second, news, ids[i]);
    }
    const Job job = desk_.store().get(ids[i]);
    const auto seen = answer.seen.find(job.scheduler_id);
    look(ids[i], news.status, seen == answer.seen.end() ? nullptr : &seen->second,
         answer.scheduler_answered && news.answered && !job.scheduler_id.empty(), news.script_log);
    if (!answer.scheduler_answered)
      desk_.tell(ids[i], format("the scheduler does not answer: {}", answer.scheduler_said));
  }
}

void Site::follow(Watched& watched, const News& news, const std::string& id) {
  bool grew = false;
  for (int i = 0; i < followed_count; ++i) {
    const std::string& piece = news.pieces[i];
    if (piece.empty()) continue;
    std::ofstream(watched.folder + "/" + followed[i], std::ios::binary | std::ios::app) << piece;
    watched.asked.offsets[i] += static_cast<std::int64_t>(piece.size());
    grew = true;
  }
  if (!grew) return;
  interval_ = shortest_there;
  desk_.tell(id, "");
}

// Whether a script could not even say that it ended.
bool Site::is_full(const std::string& folder) {
  constexpr std::int64_t least = 16;  // KB; some are left when a larger piece did not fit
  const Ran ran = transport_->run({"df", "-Pk", folder}, "", command_seconds);
  std::istringstream words(ran.out.substr(std::min(ran.out.find('\n'), ran.out.size())));
  std::string device;
  std::int64_t size = 0, used = 0, free = least;
  return static_cast<bool>(words >> device >> size >> used >> free) && free < least;
}

// A scheduler that is killed and started again may not know what it took, and give the same number
// to the next, which it stops then; a resident Python may end before it reads what it was told.
// None was a beginning, and the claim makes sure that it will not be one.
bool Site::was_forgotten(const Job& job, const Request& request, const Status& status,
                         const Seen* seen, Verdict& verdict) {
  constexpr int most = 3;
  const bool may = (scheduler_.name != "fork" || is_resident(request)) && !status.started &&
                   job.life.state == State::queued && job.life.attempts < request.attempts + most;
  if (!may || !verdict.event) return false;
  const bool unknown = *verdict.event == Event::lost && !seen;
  const bool twice = *verdict.event == Event::stopped && desk_.store().is_number_of_two(job);
  if (!unknown && !twice) return false;
  verdict.event = Event::vanished;
  verdict.detail.reason = "it was forgotten before it began, and is handed over once more";
  return true;
}

void Site::forget(const std::string& id, int attempt) {
  {
    std::scoped_lock lock(mutex_);
    const auto found = watched_.find(id);
    if (found == watched_.end() || found->second.attempt != attempt) return;
    watched_.erase(found);
  }
  changed_.notify_all();
}

void Site::look(const std::string& id, const std::string& status_text, const Seen* seen, bool known,
                const std::string& script_log) {
  const Job job = desk_.store().get(id);
  Request request;
  bool patience = false;
  {
    std::scoped_lock lock(mutex_);
    const auto found = watched_.find(id);
    if (found == watched_.end()) return;
    const Action action = describe(job.life.state).action;
    const bool over = action != Action::watch && action != Action::stop && action != Action::submit;
    if (over || job.life.attempt != found->second.attempt) {
      watched_.erase(found);
      changed_.notify_all();
      return;
    }
    request = found->second.request;
    const std::int64_t wait = has_processes() ? patience_here : patience_there;
    patience = found->second.suspicious && now_ns() - found->second.suspicious > wait;
  }
  const Status status = read_status(status_text);
  Verdict verdict = judge(job, request, status, seen, known, patience, script_log);
  if (was_forgotten(job, request, status, seen, verdict) && !claim(job)) return;
  if (verdict.event == Event::lost && is_full(there(job)))
    verdict.detail.reason = format("the disk that holds {} is full", there(job));
  {
    std::scoped_lock lock(mutex_);
    const auto found = watched_.find(id);
    if (found == watched_.end()) return;
    std::int64_t& since = found->second.suspicious;
    since = verdict.suspicious ? (since ? since : now_ns()) : 0;
    if (verdict.event) interval_ = has_processes() ? shortest_here : shortest_there;
  }
  if (verdict.event) {
    // If this cannot be stored, the next look sees it again.
    desk_.post(id, job.life.attempt, *verdict.event, verdict.detail);
    if (*verdict.event != Event::started) forget(id, job.life.attempt);
  } else if (!verdict.suspicious && verdict.detail.reason != job.reason) {
    desk_.tell(id, verdict.detail.reason);
  }
}

}  // namespace jetlag::jobs
