// The table of jobs: one SQLite file, written by one daemon. Each change of a job is one
// transaction with its history and the messages that it causes, so that a crash leaves all or none.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/sql/database.h"
#include "jobs/job.h"
#include "jobs/queue/users.h"

namespace jetlag::jobs {

struct Job {
  std::int64_t number = 0;
  std::string id;
  std::string name;
  std::string machine;
  Life life;
  std::string reason;  // why it is as it is, in a sentence
  std::string scheduler_id;
  std::string host;
  std::optional<int> exit_code;
  double created = 0;  // seconds since 1970, by our clock
  double submitted = 0;
  double started = 0;
  double ended = 0;
  std::int64_t changes = 0;  // grows with each change
  std::string key;
  std::string request;  // JSON, as it came
  std::string user;     // whose it is; empty: the owner's of the store
};

struct HistoryRow {
  double at = 0;
  int attempt = 0;
  std::string event;
  State state = State::pending;
  std::string text;
};

// What is known with an event, besides that it happened.
struct Detail {
  std::string reason;
  std::string scheduler_id;
  std::string host;
  std::optional<int> exit_code;
};

struct Message {
  std::int64_t number = 0;
  std::string job;
  std::string target;
  std::string body;  // JSON
  int tries = 0;
  std::string state;  // waiting, sent or dead
  std::string said;   // what the last try met
};

struct Filter {
  std::string user;  // only this user's; empty: all
  std::optional<State> state;
  std::string machine;
  std::string text;         // part of the name
  std::int64_t before = 0;  // a number; 0: the newest
  std::int64_t limit = 100;
};

double unix_time();

// Where tests kill the daemon: the process ends at once, as by SIGKILL, if the variable
// JETLAG_DIE_AT names this point.
void may_die_at(std::string_view point);

class Store {
 public:
  // Opens or makes the store in a folder. Throws Error(io) if another daemon
  // has it open, and Error(value) if a later version of jetlag wrote it.
  explicit Store(const std::string& folder);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  const std::string& folder() const { return folder_; }

  // The job that is there, if one has the id of the request. Throws Error(value) if that is
  // another user's.
  Job add(const Request& request, const std::string& json, const std::string& user = {});
  // Also by its beginning; throws Error(key) if there is none. A user has no others' jobs.
  Job get(const std::string& id, const std::string& user = {});
  std::vector<Job> list(const Filter& filter);
  std::vector<Job> unfinished();
  std::vector<HistoryRow> history(const std::string& id);
  // The last job that finished with this key; a user's own only.
  std::optional<Job> finished_with(const std::string& key, const std::string& user = {});

  // Makes the transition of an event of an attempt (0: whichever). Nothing if
  // the event means nothing any more.
  std::optional<Job> apply(const std::string& id, int attempt, Event event, const Detail& detail);
  // Whether the scheduler has lately given this job's number to another of this machine as well.
  bool is_number_of_two(const Job& job);
  // Tells why a job waits, or what else is known, without a change of state.
  void note(const std::string& id, const std::string& reason);

  Users& users() { return *users_; }

  // Machines: a name, what the user wrote, and what was found there.
  void keep_machine(const std::string& name, const std::string& definition);
  std::optional<std::string> machine(const std::string& name);
  std::vector<std::pair<std::string, std::string>> machines();
  bool forget_machine(const std::string& name);

  // Messages that are due; what became of one.
  std::vector<Message> due_messages(double now);
  double next_message();  // when the next is due; 0: there is none
  void sent(std::int64_t number);
  // Later, or never: a message that was tried too often is dead, and kept.
  void not_sent(std::int64_t number, const std::string& said, double due, bool dead);
  std::vector<Message> messages(const std::string& job);

 private:
  // Room on the disk that is given up when there is no other, so that what happened can be stored.
  void keep_reserve();
  template <class Write>
  auto with_reserve(const Write& write);
  std::optional<Job> change(const std::string& id, int attempt, Event event, const Detail& detail);
  void lay_out();
  Job find(const std::string& id, const std::string& user = {});
  void add_history(const Job& job, std::string_view event, const std::string& text);
  void add_messages(const Job& job);
  std::vector<Job> jobs_of(sql::Statement& rows);

  std::string folder_;
  int lock_ = -1;
  std::mutex mutex_;
  std::optional<sql::Database> database_;
  std::optional<Users> users_;
};

}  // namespace jetlag::jobs
