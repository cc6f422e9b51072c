#include "jobs/queue/store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/crypto/digest.h"
#include "base/error.h"

namespace jetlag::jobs {

namespace {

constexpr std::int64_t layout = 2;

constexpr const char* tables = R"(
CREATE TABLE job (
  number INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, name TEXT, machine TEXT NOT NULL,
  state INTEGER NOT NULL, outcome INTEGER NOT NULL, attempt INTEGER NOT NULL,
  attempts INTEGER NOT NULL, reason TEXT, scheduler_id TEXT, host TEXT, exit_code INTEGER,
  created REAL, submitted REAL, started REAL, ended REAL, changes INTEGER NOT NULL,
  key TEXT, request TEXT NOT NULL);
CREATE INDEX job_state ON job (state);
CREATE INDEX job_key ON job (key) WHERE key <> '';
CREATE TABLE history (
  number INTEGER PRIMARY KEY, job INTEGER NOT NULL REFERENCES job (number), at REAL,
  attempt INTEGER, event TEXT, state INTEGER, text TEXT);
CREATE INDEX history_job ON history (job);
CREATE TABLE message (
  number INTEGER PRIMARY KEY, job INTEGER NOT NULL REFERENCES job (number), target TEXT, body TEXT,
  due REAL, tries INTEGER NOT NULL, state TEXT NOT NULL, said TEXT);
CREATE INDEX message_due ON message (due) WHERE state = 'waiting';
CREATE INDEX message_job ON message (job);
CREATE TABLE machine (name TEXT PRIMARY KEY, definition TEXT NOT NULL);
)";

constexpr const char* columns =
    "number, id, name, machine, state, outcome, attempt, attempts, reason, scheduler_id, host, "
    "exit_code, created, submitted, started, ended, changes, key, request, user";

Job job_of(const sql::Statement& row) {
  Job job;
  int c = 0;
  job.number = row.integer(c++);
  job.id = row.text(c++);
  job.name = row.text(c++);
  job.machine = row.text(c++);
  job.life.state = static_cast<State>(row.integer(c++));
  job.life.outcome = static_cast<Outcome>(row.integer(c++));
  job.life.attempt = static_cast<int>(row.integer(c++));
  job.life.attempts = static_cast<int>(row.integer(c++));
  job.reason = row.text(c++);
  job.scheduler_id = row.text(c++);
  job.host = row.text(c++);
  if (!row.is_null(c)) job.exit_code = static_cast<int>(row.integer(c));
  ++c;
  job.created = row.real(c++);
  job.submitted = row.real(c++);
  job.started = row.real(c++);
  job.ended = row.real(c++);
  job.changes = row.integer(c++);
  job.key = row.text(c++);
  job.request = row.text(c++);
  job.user = row.text(c++);
  return job;
}

// One daemon for a store: the lock dies with the process that holds it.
int take_lock(const std::string& folder) {
  const std::string path = folder + "/lock";
  const int lock = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) throw Error(Kind::io, format("cannot write {}: {}", path, std::strerror(errno)));
  if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
    char owner[32] = {};
    const ssize_t n = read(lock, owner, sizeof owner - 1);
    close(lock);
    throw Error(Kind::io,
                format("another jetlag serve (process {}) has the store {} open",
                       n > 0 ? std::string(owner) : "unknown", folder),
                "use that one, or name another folder");
  }
  const std::string self = std::to_string(getpid());
  if (ftruncate(lock, 0) != 0 || write(lock, self.data(), self.size()) < 0) {
    close(lock);
    throw Error(Kind::io, format("cannot write {}: {}", path, std::strerror(errno)));
  }
  return lock;
}

bool is_wanted(const Notice& notice, State state) {
  return std::find(notice.on.begin(), notice.on.end(), state) != notice.on.end();
}

}  // namespace

double unix_time() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

void may_die_at(std::string_view point) {
  static const char* chosen = std::getenv("JETLAG_DIE_AT");
  if (chosen && point == chosen) raise(SIGKILL);
}

Store::Store(const std::string& folder) : folder_(folder) {
  std::error_code failed;
  for (const char* part : {"", "/blobs", "/jobs"})
    std::filesystem::create_directories(folder + part, failed);
  if (failed) throw Error(Kind::io, format("cannot make {}: {}", folder, failed.message()));
  chmod(folder.c_str(), 0700);
  lock_ = take_lock(folder);
  try {
    database_.emplace(folder + "/jobs.sqlite");
    const std::int64_t found = database_->version();
    if (found > layout) {
      throw Error(Kind::value,
                  format("{} was written by a later version of jetlag (layout {}; this one knows "
                         "{})",
                         folder, found, layout),
                  "use that version, or name another folder");
    }
    if (found < layout) lay_out();
    users_.emplace(*database_, mutex_);
  } catch (...) {
    database_.reset();
    close(lock_);
    throw;
  }
}

// From what an earlier version has written, a step for each layout.
void Store::lay_out() {
  sql::Transaction change(*database_);
  const std::int64_t found = database_->version();
  if (found < 1) database_->run(tables);
  if (found < 2) {
    database_->run("ALTER TABLE job ADD COLUMN user TEXT NOT NULL DEFAULT ''");
    Users::lay_out(*database_);
  }
  database_->set_version(layout);
  change.commit();
}

Store::~Store() {
  users_.reset();
  database_.reset();
  close(lock_);
}

Job Store::find(const std::string& id, const std::string& user) {
  constexpr const char* theirs = "(?1 = '' OR user = ?1)";
  auto one = database_->prepare(format("SELECT {} FROM job WHERE {} AND id = ?2", columns, theirs));
  if (one.with(user, id).step()) return job_of(one);
  // Git's manner: the beginning of an id, if only one has it.
  if (id.size() >= 4) {
    auto some = database_->prepare(
        format("SELECT {} FROM job WHERE {} AND substr(id, 1, ?2) = ?3 LIMIT 2", columns, theirs));
    some.with(user, id.size(), id);
    if (some.step()) {
      Job job = job_of(some);
      if (!some.step()) return job;
      throw Error(Kind::key, format("more than one job begins with {}", id));
    }
  }
  throw Error(Kind::key, format("there is no job {}", id), "`jetlag status` lists those there are");
}

Job Store::add(const Request& request, const std::string& json, const std::string& user) {
  std::scoped_lock lock(mutex_);
  Job job;
  if (!request.id.empty()) {
    auto known = database_->prepare(format("SELECT {} FROM job WHERE id = ?", columns));
    if (known.with(request.id).step()) {
      Job there = job_of(known);
      if (there.user == user) return there;
      throw Error(Kind::value, format("id: {} is taken", request.id), "choose another");
    }
  }
  job.id = request.id.empty() ? crypto::random_hex(8) : request.id;
  job.name = request.name;
  job.machine = request.machine;
  job.life.attempts = request.attempts;
  job.created = unix_time();
  job.key = request.key;
  job.request = json;
  job.user = user;
  keep_reserve();
  sql::Transaction change(*database_);
  database_
      ->prepare(
          "INSERT INTO job (id, name, machine, state, outcome, attempt, attempts, reason, "
          "scheduler_id, host, created, submitted, started, ended, changes, key, request, user) "
          "VALUES (?, ?, ?, 0, 0, 1, ?, '', '', '', ?, 0, 0, 0, 1, ?, ?, ?)")
      .with(job.id, job.name, job.machine, job.life.attempts, job.created, job.key, json, user)
      .run();
  job.number = database_->last_row();
  job.changes = 1;
  add_history(job, "asked", "");
  change.commit();
  may_die_at("asked");
  return job;
}

Job Store::get(const std::string& id, const std::string& user) {
  std::scoped_lock lock(mutex_);
  return find(id, user);
}

std::vector<Job> Store::jobs_of(sql::Statement& rows) {
  std::vector<Job> jobs;
  while (rows.step()) jobs.push_back(job_of(rows));
  return jobs;
}

std::vector<Job> Store::list(const Filter& filter) {
  std::scoped_lock lock(mutex_);
  std::string where = "number < ?";
  if (filter.state) where += format(" AND state = {}", static_cast<int>(*filter.state));
  if (!filter.machine.empty()) where += " AND machine = ?2";
  if (!filter.text.empty()) where += " AND instr(name, ?3) > 0";
  if (!filter.user.empty()) where += " AND user = ?4";
  auto rows =
      database_->prepare(format("SELECT {} FROM job WHERE {} ORDER BY number DESC LIMIT {}",
                                columns, where, std::clamp<std::int64_t>(filter.limit, 1, 10'000)));
  rows.bind(1, filter.before > 0 ? filter.before : INT64_MAX);
  if (!filter.machine.empty()) rows.bind(2, std::string_view(filter.machine));
  if (!filter.text.empty()) rows.bind(3, std::string_view(filter.text));
  if (!filter.user.empty()) rows.bind(4, std::string_view(filter.user));
  return jobs_of(rows);
}

std::vector<Job> Store::unfinished() {
  std::scoped_lock lock(mutex_);
  auto rows = database_->prepare(format("SELECT {} FROM job WHERE state < {} ORDER BY number",
                                        columns, static_cast<int>(State::finished)));
  return jobs_of(rows);
}

std::vector<HistoryRow> Store::history(const std::string& id) {
  std::scoped_lock lock(mutex_);
  const Job job = find(id);
  auto rows = database_->prepare(
      "SELECT at, attempt, event, state, text FROM history WHERE job = ? ORDER BY number");
  rows.with(job.number);
  std::vector<HistoryRow> history;
  while (rows.step()) {
    history.push_back({rows.real(0), static_cast<int>(rows.integer(1)), rows.text(2),
                       static_cast<State>(rows.integer(3)), rows.text(4)});
  }
  return history;
}

std::optional<Job> Store::finished_with(const std::string& key, const std::string& user) {
  if (key.empty()) return {};
  std::scoped_lock lock(mutex_);
  auto rows = database_->prepare(
      format("SELECT {} FROM job WHERE key = ? AND key <> '' AND state = {} AND user = ? "
             "ORDER BY number DESC LIMIT 1",
             columns, static_cast<int>(State::finished)));
  if (!rows.with(key, user).step()) return {};
  return job_of(rows);
}

void Store::add_history(const Job& job, std::string_view event, const std::string& text) {
  database_
      ->prepare(
          "INSERT INTO history (job, at, attempt, event, state, text) VALUES (?, ?, ?, ?, ?, ?)")
      .with(job.number, unix_time(), job.life.attempt, event, static_cast<int>(job.life.state),
            text)
      .run();
}

void Store::add_messages(const Job& job) {
  const Request request = read_request(job.request);
  for (const Notice& notice : request.notify) {
    if (!is_wanted(notice, job.life.state)) continue;
    const nlohmann::json body = {{"job", job.id},          {"name", job.name},
                                 {"machine", job.machine}, {"state", describe(job.life.state).name},
                                 {"reason", job.reason},   {"attempt", job.life.attempt},
                                 {"at", unix_time()}};
    database_
        ->prepare(
            "INSERT INTO message (job, target, body, due, tries, state, said) "
            "VALUES (?, ?, ?, ?, 0, 'waiting', '')")
        .with(job.number, notice.target,
              body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace), unix_time())
        .run();
  }
}

void Store::keep_reserve() {
  constexpr off_t size = 512 << 10;
  const std::string path = folder_ + "/reserve";
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return;
  if (posix_fallocate(file, 0, size) != 0) unlink(path.c_str());
  close(file);
}

template <class Write>
auto Store::with_reserve(const Write& write) {
  try {
    return write();
  } catch (const Error& error) {
    if (error.kind() != Kind::io || unlink((folder_ + "/reserve").c_str()) != 0) throw;
    return write();
  }
}

std::optional<Job> Store::apply(const std::string& id, int attempt, Event event,
                                const Detail& detail) {
  std::scoped_lock lock(mutex_);
  return with_reserve([&] { return change(id, attempt, event, detail); });
}

std::optional<Job> Store::change(const std::string& id, int attempt, Event event,
                                 const Detail& detail) {
  Job job = find(id);
  if (attempt && attempt != job.life.attempt) return {};
  const std::optional<Life> after = next(job.life, event);
  if (!after) return {};
  const double now = unix_time();
  const State before = job.life.state;
  job.life = *after;
  job.reason = detail.reason.empty() && describe(job.life.state).final ? job.reason : detail.reason;
  if (!detail.scheduler_id.empty()) job.scheduler_id = detail.scheduler_id;
  if (!detail.host.empty()) job.host = detail.host;
  if (detail.exit_code) job.exit_code = detail.exit_code;
  if (event == Event::submitted && !job.submitted) job.submitted = now;
  // A short one may be seen only when it has ended.
  const bool has_run =
      event == Event::started || event == Event::ended_well || event == Event::ended_badly;
  if (has_run && !job.started) job.started = now;
  // A new attempt begins with nothing.
  if (job.life.state == State::staging) job.scheduler_id.clear(), job.started = 0;
  if (describe(job.life.state).final) job.ended = now;
  ++job.changes;

  sql::Transaction change(*database_);
  auto update = database_->prepare(
      "UPDATE job SET state = ?, outcome = ?, attempt = ?, attempts = ?, reason = ?, "
      "scheduler_id = ?, host = ?, exit_code = ?, submitted = ?, started = ?, ended = ?, "
      "changes = ? WHERE number = ?");
  update.with(static_cast<int>(job.life.state), static_cast<int>(job.life.outcome),
              job.life.attempt, job.life.attempts, job.reason, job.scheduler_id, job.host,
              job.exit_code.value_or(0), job.submitted, job.started, job.ended, job.changes,
              job.number);
  if (!job.exit_code) update.bind_null(8);
  update.run();
  add_history(job, event_name(event), detail.reason);
  if (job.life.state != before) add_messages(job);
  change.commit();
  may_die_at(format("{} stored", event_name(event)));
  return job;
}

bool Store::is_number_of_two(const Job& job) {
  constexpr double lately = 3600;
  std::scoped_lock lock(mutex_);
  auto rows = database_->prepare(
      "SELECT 1 FROM job WHERE machine = ? AND scheduler_id = ? AND number <> ? AND "
      "(ended = 0 OR ended > ?) LIMIT 1");
  rows.with(job.machine, job.scheduler_id, job.number, unix_time() - lately);
  return rows.step();
}

void Store::note(const std::string& id, const std::string& reason) {
  std::scoped_lock lock(mutex_);
  database_
      ->prepare(
          "UPDATE job SET reason = ?1, changes = changes + 1 WHERE id = ?2 AND reason <> ?1 AND "
          "state < ?3")
      .with(reason, id, static_cast<int>(State::finished))
      .run();
}

void Store::keep_machine(const std::string& name, const std::string& definition) {
  std::scoped_lock lock(mutex_);
  database_->prepare("INSERT OR REPLACE INTO machine (name, definition) VALUES (?, ?)")
      .with(name, definition)
      .run();
}

std::optional<std::string> Store::machine(const std::string& name) {
  std::scoped_lock lock(mutex_);
  auto row = database_->prepare("SELECT definition FROM machine WHERE name = ?");
  if (!row.with(name).step()) return {};
  return row.text(0);
}

std::vector<std::pair<std::string, std::string>> Store::machines() {
  std::scoped_lock lock(mutex_);
  auto rows = database_->prepare("SELECT name, definition FROM machine ORDER BY name");
  std::vector<std::pair<std::string, std::string>> machines;
  while (rows.step()) machines.emplace_back(rows.text(0), rows.text(1));
  return machines;
}

bool Store::forget_machine(const std::string& name) {
  std::scoped_lock lock(mutex_);
  database_->prepare("DELETE FROM machine WHERE name = ?").with(name).run();
  return database_->changes() > 0;
}

namespace {

constexpr const char* message_columns =
    "SELECT m.number, j.id, m.target, m.body, m.tries, m.state, m.said FROM message m JOIN job j "
    "ON j.number = m.job ";

std::vector<Message> messages_of(sql::Statement& rows) {
  std::vector<Message> messages;
  while (rows.step()) {
    messages.push_back({rows.integer(0), rows.text(1), rows.text(2), rows.text(3),
                        static_cast<int>(rows.integer(4)), rows.text(5), rows.text(6)});
  }
  return messages;
}

}  // namespace

std::vector<Message> Store::due_messages(double now) {
  std::scoped_lock lock(mutex_);
  auto rows =
      database_->prepare(std::string(message_columns) +
                         "WHERE m.state = 'waiting' AND m.due <= ? ORDER BY m.number LIMIT 100");
  rows.with(now);
  return messages_of(rows);
}

double Store::next_message() {
  std::scoped_lock lock(mutex_);
  auto row = database_->prepare("SELECT min(due) FROM message WHERE state = 'waiting'");
  return row.step() && !row.is_null(0) ? row.real(0) : 0;
}

void Store::sent(std::int64_t number) {
  std::scoped_lock lock(mutex_);
  database_->prepare("UPDATE message SET state = 'sent', tries = tries + 1 WHERE number = ?")
      .with(number)
      .run();
}

void Store::not_sent(std::int64_t number, const std::string& said, double due, bool dead) {
  std::scoped_lock lock(mutex_);
  database_
      ->prepare(
          "UPDATE message SET state = ?, said = ?, due = ?, tries = tries + 1 WHERE number = ?")
      .with(dead ? "dead" : "waiting", said, due, number)
      .run();
}

std::vector<Message> Store::messages(const std::string& job) {
  std::scoped_lock lock(mutex_);
  auto rows =
      database_->prepare(std::string(message_columns) + "WHERE j.number = ? ORDER BY m.number");
  rows.with(find(job).number);
  return messages_of(rows);
}

}  // namespace jetlag::jobs
