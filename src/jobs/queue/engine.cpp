#include "jobs/queue/engine.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/crypto/digest.h"
#include "base/error.h"
#include "jobs/queue/notify.h"

namespace jetlag::jobs {

namespace {

using nlohmann::json;

constexpr std::size_t most_changes = 20'000;
constexpr std::string_view readable[] = {"stdout", "stderr", "progress", "script.log"};

// Paths of sockets must be short, and that of the store need not be.
std::string socket_folder(const std::string& store) {
  return format("/tmp/jetlag-{}-{}", getuid(), crypto::sha256(store).substr(0, 8));
}

std::string dumped(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

Engine::Engine(Options options)
    : options_(std::move(options)),
      store_(options_.folder),
      control_(socket_folder(options_.folder)) {
  signal(SIGPIPE, SIG_IGN);
  mkdir(control_.c_str(), 0700);
  struct stat found{};
  if (lstat(control_.c_str(), &found) != 0 || found.st_uid != getuid() || !S_ISDIR(found.st_mode))
    throw Error(Kind::io, format("{} is not a folder of yours", control_), "remove it");
  chmod(control_.c_str(), 0700);
  for (const Job& job : store_.unfinished()) act(job);
  messenger_ = std::thread([this] { deliver_messages(); });
}

Engine::~Engine() {
  {
    std::scoped_lock lock(mutex_);
    ends_ = true;
  }
  changed_.notify_all();
  messenger_.join();
  // Nobody makes a site any more.
  for (const auto& row : sites_) row.second->end();
}

// ---- jobs

Job Engine::submit(const std::string& text, const std::string& user) {
  Request request = read_request(text);
  const Machine wanted = machine(request.machine);
  fill_in(request, wanted);
  runner_of(request, wanted);
  for (std::string& id : request.after) id = store_.get(id, user).id;
  for (const Input& input : request.inputs) {
    const bool theirs = user.empty() || store_.users().has_brought(user, input.digest);
    if (!theirs || !std::filesystem::exists(store_.folder() + "/blobs/" + input.digest))
      throw Error(Kind::value,
                  format("inputs: the store has no file with the digest {}", input.digest),
                  "bring it before the job");
  }
  const Job job = store_.add(request, text, user);
  changed(job.id);
  if (job.life.state == State::pending) act(job);
  return store_.get(job.id);
}

Job Engine::resubmit(const std::string& id) {
  const Job job = store_.get(id);
  json request = json::parse(job.request);
  for (const char* field : {"id", "group", "group_size"}) request.erase(field);
  return submit(request.dump(), job.user);
}

Job Engine::cancel(const std::string& id) {
  const Job job = store_.get(id);
  if (describe(job.life.state).final)
    throw Error(Kind::value, format("job {} is {} already", job.id, describe(job.life.state).name));
  Detail detail;
  detail.reason = "the user cancelled it";
  post(job.id, 0, Event::cancel, detail);
  return store_.get(job.id);
}

Job Engine::wait(const std::string& id, std::int64_t changes, double seconds) {
  const auto until =
      std::chrono::steady_clock::now() +
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(seconds));
  Job job = store_.get(id);
  std::unique_lock lock(mutex_);
  while (true) {
    job = store_.get(job.id);
    if (job.changes > changes || describe(job.life.state).final || ends_) return job;
    if (changed_.wait_until(lock, until) == std::cv_status::timeout) return job;
  }
}

std::string Engine::log(const std::string& id, const std::string& name, std::int64_t from,
                        std::int64_t most, double seconds) {
  if (std::find(std::begin(readable), std::end(readable), name) == std::end(readable))
    throw Error(Kind::value, format("there is no log '{}'", name),
                "there are stdout, stderr, progress and script.log");
  constexpr auto pause = std::chrono::milliseconds(50);
  for (double waited = 0;; waited += 0.05) {
    const Job job = store_.get(id);
    std::ifstream in(folder(job) + "/" + name, std::ios::binary | std::ios::ate);
    const auto size = in ? static_cast<std::int64_t>(in.tellg()) : 0;
    const std::int64_t begin = from < 0 ? std::max<std::int64_t>(size + from, 0) : from;
    if (size > begin) {
      std::string text(static_cast<std::size_t>(std::min(size - begin, most)), '\0');
      in.seekg(begin);
      in.read(text.data(), static_cast<std::streamsize>(text.size()));
      return text;
    }
    if (waited >= seconds || describe(job.life.state).final) return {};
    std::this_thread::sleep_for(pause);
  }
}

void Engine::asked() {
  std::unique_lock lock(mutex_);
  // Whoever hears nothing until the process ends asks the next daemon.
  while (closed_) changed_.wait(lock);
  asked_at_ = unix_time();
}

bool Engine::close_after(double idle_seconds) {
  if (!store_.unfinished().empty() || store_.next_message() > 0) return false;
  std::scoped_lock lock(mutex_);
  // A job that came since that look has been asked for since.
  closed_ = unix_time() - asked_at_ > idle_seconds;
  return closed_;
}

void Engine::post(const std::string& id, int attempt, Event event, const Detail& detail) {
  const std::optional<Job> job = store_.apply(id, attempt, event, detail);
  if (!job) return;
  changed(id);
  act(*job);
}

void Engine::complain(const std::string& text) {
  {
    std::scoped_lock lock(mutex_);
    complaint_ = text;
  }
  changed_.notify_all();
}

std::string Engine::complaint() const {
  std::scoped_lock lock(mutex_);
  return complaint_;
}

void Engine::tell(const std::string& id, const std::string& reason) {
  store_.note(id, reason);
  changed(id);
}

// Who waits has looked before this, or looks after it.
void Engine::changed(const std::string& id) {
  {
    std::scoped_lock lock(mutex_);
    std::int64_t& last = last_changes_[id];
    changes_.erase(last);
    complaint_.clear();
    last = ++moment_;
    changes_.emplace(last, id);
    if (changes_.size() > most_changes) {
      last_changes_.erase(changes_.begin()->second);
      changes_.erase(changes_.begin());
      forgotten_ = changes_.begin()->first;
    }
  }
  changed_.notify_all();
}

std::int64_t Engine::moment() const {
  std::scoped_lock lock(mutex_);
  return moment_;
}

Engine::Changes Engine::changes(std::int64_t since, double seconds) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::duration<double>(seconds),
                    [&] { return ends_ || moment_ != since; });
  Changes found{moment_, {}, since > moment_ || since + 1 < forgotten_};
  if (!found.forgotten) {
    for (auto i = changes_.upper_bound(since); i != changes_.end(); ++i)
      found.ids.push_back(i->second);
  }
  return found;
}

void Engine::act(const Job& job) {
  {
    // The next daemon goes on from what is stored.
    std::scoped_lock lock(mutex_);
    if (ends_) return;
  }
  const StateRow& row = describe(job.life.state);
  if (row.action == Action::wait) return check_order(job);
  if (!row.final) {
    Site* at = nullptr;
    try {
      at = &site(job.machine);
    } catch (const Error& error) {
      Detail detail;
      detail.reason = error.message();
      return post(job.id, job.life.attempt, Event::refused, detail);
    }
    return at->take(job);
  }
  std::vector<std::string> followers;
  {
    std::scoped_lock lock(mutex_);
    const auto [first, last] = waiting_.equal_range(job.id);
    for (auto i = first; i != last; ++i) followers.push_back(i->second);
    waiting_.erase(first, last);
  }
  for (const std::string& id : followers) {
    const Job follower = store_.get(id);
    if (follower.life.state == State::pending) check_order(follower);
  }
}

void Engine::check_order(const Job& job) {
  Detail detail;
  for (const std::string& id : read_request(job.request).after) {
    {
      // Before the look: who ends after it finds the entry.
      std::scoped_lock lock(mutex_);
      waiting_.emplace(id, job.id);
    }
    const Job before = store_.get(id, job.user);
    if (before.life.state == State::finished) continue;
    if (!describe(before.life.state).final) {
      return tell(job.id, format("it waits for job {}", before.id));
    }
    detail.reason =
        format("job {}, which it comes after, is {}", before.id, describe(before.life.state).name);
    return post(job.id, 0, Event::hopeless, detail);
  }
  post(job.id, 0, Event::ready, detail);
}

// ---- machines

Machine Engine::machine(const std::string& name) {
  if (const std::optional<std::string> text = store_.machine(name)) return read_machine(*text);
  if (name == "local") {
    Machine here = read_machine(R"({"name": "local", "scheduler": "fork"})");
    here.runners = runners_here_;
    return here;
  }
  std::string known = "local";
  for (const auto& row : store_.machines()) known += ", " + row.first;
  throw Error(Kind::key, format("there is no machine '{}'", name),
              format("those that jetlag knows: {}; jl.machines.add makes one known", known));
}

std::unique_ptr<Transport> Engine::transport(const Machine& machine) const {
  return open_transport({machine.ssh, machine.options, control_, machine.python});
}

Site& Engine::site(const std::string& name) {
  std::scoped_lock lock(mutex_);
  const auto found = sites_.find(name);
  if (found != sites_.end()) return *found->second;
  Machine m = machine(name);
  auto way = transport(m);
  return *(sites_[name] = std::make_unique<Site>(*this, std::move(m), std::move(way)));
}

void Engine::retire(const std::string& name) {
  Site* former = nullptr;
  {
    std::scoped_lock lock(mutex_);
    const auto found = sites_.find(name);
    if (found == sites_.end()) return;
    former = found->second.get();
    former_sites_.push_back(std::move(found->second));
    sites_.erase(found);
  }
  former->end();
}

std::string Engine::add_machine(const std::string& text) {
  Machine wanted = read_machine(text);
  const Machine seen = look_at(wanted, *transport(wanted));
  store_.keep_machine(seen.name, seen.text);
  retire(seen.name);
  for (const Job& job : store_.unfinished())
    if (job.machine == seen.name) act(job);
  return seen.text;
}

std::string Engine::machine_text(const std::string& name) { return machine(name).text; }

void Engine::forget_machine(const std::string& name) {
  machine(name);
  for (const Job& job : store_.unfinished()) {
    if (job.machine == name)
      throw Error(Kind::value, format("job {} on {} is unfinished", job.id, name),
                  "cancel it first, or wait for it");
  }
  store_.forget_machine(name);
  retire(name);
}

// ---- messages

void Engine::deliver_due() {
  for (const Message& message : store_.due_messages(unix_time())) {
    try {
      deliver(message, options_.relay);
    } catch (const Error& error) {
      const int tries = message.tries + 1;
      store_.not_sent(message.number, error.message(), unix_time() + pause_after(tries),
                      tries >= most_deliveries);
      continue;
    }
    may_die_at("message sent");
    store_.sent(message.number);
  }
}

void Engine::deliver_messages() {
  std::unique_lock lock(mutex_);
  while (!ends_) {
    // A message that is stored after the look below is told by a later moment.
    const std::int64_t seen = moment_;
    lock.unlock();
    double pause = 1;
    try {
      deliver_due();
      const double next = store_.next_message();
      pause = next > 0 ? std::clamp(next - unix_time(), 0.01, 60.0) : 60.0;
    } catch (const Error&) {
      // The store cannot be written now. What was sent goes out again: at least once each.
    }
    lock.lock();
    changed_.wait_for(lock, std::chrono::duration<double>(pause),
                      [&] { return ends_ || moment_ != seen; });
  }
}

std::string daemon_socket(const std::string& folder) {
  constexpr std::size_t longest = 100;
  const std::string path = folder + "/daemon.sock";
  return path.size() <= longest ? path : socket_folder(folder) + "/daemon.sock";
}

// ---- as JSON

std::string to_json(const Job& job, const std::string& folder) {
  const Request request = read_request(job.request);
  const StateRow& row = describe(job.life.state);
  json out = {{"id", job.id},
              {"number", job.number},
              {"name", job.name},
              {"machine", job.machine},
              {"user", job.user},
              {"function", request.is_function},
              {"state", row.name},
              {"final", row.final},
              {"reason", job.reason},
              {"attempt", job.life.attempt},
              {"attempts", job.life.attempts},
              {"scheduler_id", job.scheduler_id},
              {"host", job.host},
              {"seconds", request.seconds},
              {"memory", request.memory},
              {"image", request.image.value_or("")},
              {"exit_code", nullptr},
              {"created", job.created},
              {"submitted", job.submitted},
              {"started", job.started},
              {"ended", job.ended},
              {"changes", job.changes},
              {"folder", folder},
              {"command", request.command}};
  if (job.exit_code) out["exit_code"] = *job.exit_code;
  if (!request.note.empty()) out["note"] = json::parse(request.note);
  return dumped(out);
}

std::string to_json(const std::vector<HistoryRow>& history, const std::vector<Message>& messages) {
  json rows = json::array(), told = json::array();
  for (const HistoryRow& row : history) {
    rows.push_back({{"at", row.at},
                    {"attempt", row.attempt},
                    {"event", row.event},
                    {"state", describe(row.state).name},
                    {"text", row.text}});
  }
  for (const Message& message : messages) {
    told.push_back({{"target", message.target},
                    {"state", message.state},
                    {"tries", message.tries},
                    {"said", message.said}});
  }
  return dumped({{"history", rows}, {"messages", told}});
}

}  // namespace jetlag::jobs
