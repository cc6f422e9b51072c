// A machine at work: two threads that do what its jobs want. One talks with the scheduler, so that
// no poll waits for a large file; the other moves files.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "base/error.h"
#include "jobs/queue/machine.h"
#include "jobs/queue/resident.h"
#include "jobs/queue/store.h"
#include "jobs/queue/watch.h"
#include "jobs/scheduler/scheduler.h"
#include "jobs/transport/transport.h"

namespace jetlag::jobs {

// Where a site tells what happened.
class Desk {
 public:
  virtual ~Desk() = default;
  virtual Store& store() = 0;
  virtual void post(const std::string& id, int attempt, Event event, const Detail& detail) = 0;
  // Something of a job is new that is no change of its state: its log, its reason.
  virtual void tell(const std::string& id, const std::string& reason) = 0;
  // The store cannot be written now; it is tried again.
  virtual void complain(const std::string& text) = 0;
};

// The folder of an attempt of a job in the store.
std::string folder_of(const Store& store, const Job& job);

// The whole of a file; empty if it cannot be read.
std::string read_text(const std::string& path);
Detail because(const std::string& reason);

class Site {
 public:
  Site(Desk& desk, Machine machine, std::unique_ptr<Transport> transport);
  ~Site() { end(); }
  Site(const Site&) = delete;
  Site& operator=(const Site&) = delete;

  // Does what the state of this job wants, soon.
  void take(const Job& job);
  const Machine& machine() const { return machine_; }
  // Does nothing more from then on; not for its own threads.
  void end();

 private:
  static constexpr double command_seconds = 120;

  struct Task {
    std::string id;
    int attempt = 0;
    Action action = Action::nothing;
    std::int64_t due = 0;
    int tries = 0;
    std::string group;  // of one that is to be submitted with others
  };

  // A group whose jobs come one after another: how many were handed over, how many wait here, and
  // since when no other has come.
  struct Gathering {
    std::size_t handed = 0;
    std::size_t here = 0;
    std::int64_t since = 0;
  };

  // A task of a group, with what it needs.
  struct Handed {
    Task task;
    Job job;
    Request request;
  };

  // A thread with a list of tasks; `idle` is called when none is due.
  struct Worker {
    std::deque<Task> tasks;
    std::thread thread;
  };

  // What is remembered of a job that is watched, between two looks.
  struct Watched {
    int attempt = 0;
    Request request;
    Asked asked;
    std::string folder;           // here
    std::int64_t suspicious = 0;  // since when
    std::string end;              // its last line of status, where another has told it
  };

  void work(Worker& worker, bool polls);
  bool survives(const std::function<void()>& work);
  void give(Worker& worker, Task task);
  void do_task(Worker& worker, Task task);
  void do_action(const Job& job, const Request& request, const Task& task);
  void failed(Worker& worker, Task task, const Error& error);

  void stage(const Job& job, const Request& request);
  void place_here(const Job& job, const Request& request);
  void place_there(const Job& job, const Request& request);
  void submit(const Job& job, const Request& request);
  std::string group_of(const Job& job) const;
  std::vector<Task> gathered(Worker& worker, Task task, const Request& request);
  void submit_group(Worker& worker, const std::vector<Task>& tasks);
  bool are_alike(const std::vector<Placed>& places) const;
  std::string submit_array(const std::vector<Handed>& group);
  void again(Worker& worker, Task task);
  void submit_function(const Job& job, const Request& request);
  void stop(const Job& job, const Request& request);
  bool claim(const Job& job);
  void watch(const Job& job, const Request& request);
  void fetch(const Job& job, const Request& request);
  std::vector<std::string> left_behind(const Job& job);
  void fetch_rest(const std::string& from, const std::string& to);
  bool has_processes() const;
  bool is_resident(const Request& request) const;
  bool has_room(const Job& job);

  std::int64_t next_poll() const;
  void poll();
  void poll_here();
  void poll_there();
  void look(const std::string& id, const std::string& status_text, const Seen* seen, bool known,
            const std::string& script_log);
  void forget(const std::string& id, int attempt);
  bool is_full(const std::string& folder);
  bool was_forgotten(const Job& job, const Request& request, const Status& status, const Seen* seen,
                     Verdict& verdict);
  void follow(Watched& watched, const News& news, const std::string& id);
  void heard(const Resident::News& news);

  Placed placed(const Job& job, const Request& request) const;
  std::string there(const Job& job) const;  // the job's folder at the machine

  Desk& desk_;
  Machine machine_;
  std::unique_ptr<Transport> transport_;
  const Scheduler& scheduler_;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool ends_ = false;
  Worker control_;
  Worker mover_;
  std::map<std::string, Watched> watched_;
  std::map<std::string, Gathering> gatherings_;  // by their groups
  std::set<std::string> looks_;                  // jobs to be looked at now
  std::int64_t interval_;
  std::int64_t polled_ = 0;
  std::map<std::string, std::unique_ptr<Resident>> residents_;  // by their Python
};

}  // namespace jetlag::jobs
