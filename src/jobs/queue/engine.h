// The daemon's part that works on jobs: it keeps them in the store, and has each state's action
// done by the site of its machine.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "jobs/queue/site.h"
#include "jobs/queue/store.h"

namespace jetlag::jobs {

class Engine : public Desk {
 public:
  struct Options {
    std::string folder;  // of the store
    std::string relay;   // for mail: smtp://host:port; empty: none
  };

  // Opens the store and goes on with the jobs that are unfinished in it.
  explicit Engine(Options options);
  // Jobs that run go on, and are taken up by the next daemon.
  ~Engine() override;

  Store& store() override { return store_; }

  // Checks a request and keeps it: from then on it will reach a final state. A user's names no
  // jobs and files but those of that user.
  Job submit(const std::string& json, const std::string& user = {});
  // Asks for the same once more.
  Job resubmit(const std::string& id);
  // Throws Error(value) if it has ended.
  Job cancel(const std::string& id);
  // The job once it has changed more than `changes` times, or after so many seconds.
  Job wait(const std::string& id, std::int64_t changes, double seconds);
  // Jobs that have changed since a moment: at once if there are some, else when one does, or after
  // so many seconds. What is too long ago, or from another daemon, is forgotten: list them all.
  struct Changes {
    std::int64_t moment = 0;  // ask from here on
    std::vector<std::string> ids;
    bool forgotten = false;
  };
  Changes changes(std::int64_t since, double seconds);
  std::int64_t moment() const;
  // A part of a file of the job's folder that is here (stdout, stderr, progress, script.log), from
  // a byte on; a negative one counts from the end. Waits so many seconds for the first byte.
  std::string log(const std::string& id, const std::string& name, std::int64_t from,
                  std::int64_t most, double seconds);
  std::string folder(const Job& job) const { return folder_of(store_, job); }

  // Looks at a machine and keeps what was found. The JSON of it.
  std::string add_machine(const std::string& json);
  std::string machine_text(const std::string& name);
  void forget_machine(const std::string& name);

  // Somebody asks for something. Does not return once the engine is closed.
  void asked();
  // Closes it if nobody has asked for so long and all jobs have ended: the process is to end.
  bool close_after(double idle_seconds);

  void post(const std::string& id, int attempt, Event event, const Detail& detail) override;
  void tell(const std::string& id, const std::string& reason) override;
  void complain(const std::string& text) override;
  // Why nothing can be stored; empty while all is well.
  std::string complaint() const;

 private:
  void act(const Job& job);
  void changed(const std::string& id);
  void check_order(const Job& job);
  Site& site(const std::string& machine);
  Machine machine(const std::string& name);
  std::unique_ptr<Transport> transport(const Machine& machine) const;
  void deliver_due();
  void deliver_messages();
  void retire(const std::string& machine);

  Options options_;
  Store store_;
  std::string control_;  // the folder for sockets of ssh
  const std::vector<std::string> runners_here_ = runners_here();
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::int64_t moment_ = 0;                           // grows with each change of any job
  std::map<std::int64_t, std::string> changes_;       // the last of each job, the newest ones
  std::map<std::string, std::int64_t> last_changes_;  // the same, by job
  std::int64_t forgotten_ = 0;                        // changes before this one
  std::map<std::string, std::unique_ptr<Site>> sites_;
  // Sites of machines that were defined anew: threads may still tell them something.
  std::vector<std::unique_ptr<Site>> former_sites_;
  std::multimap<std::string, std::string> waiting_;  // a job, and one that comes after it
  double asked_at_ = unix_time();
  std::string complaint_;
  bool ends_ = false;
  bool closed_ = false;
  std::thread messenger_;
};

// Where the daemon of a store listens: in its folder, or, as paths of sockets must be short, in one
// of the user's own under /tmp.
std::string daemon_socket(const std::string& folder);

// For clients.
std::string to_json(const Job& job, const std::string& folder);
std::string to_json(const std::vector<HistoryRow>& history, const std::vector<Message>& messages);

}  // namespace jetlag::jobs
