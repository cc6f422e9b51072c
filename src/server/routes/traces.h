// The traces that are served: named files, and all of named folders. Opened when somebody asks.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "server/http/message.h"
#include "trace/store/graph.h"
#include "trace/store/keep.h"
#include "trace/store/profile.h"
#include "trace/store/timeline.h"
#include "trace/store/trace.h"

namespace jetlag::routes {

struct ListedTrace {
  std::string id;    // the same for the same path
  std::string name;  // as people know it: the path below the folder that was named
  std::string path;
  std::int64_t bytes = 0;
  std::int64_t changed = 0;  // nanoseconds since 1970
};

// A trace as it was when it was read. Answers that were made from one stay right: a file that grew
// is another of these, with another revision.
class OpenTrace {
 public:
  OpenTrace(std::shared_ptr<const trace::Indexed> from, std::string revision)
      : trace(from->trace),
        timeline(from->timeline),
        revision(std::move(revision)),
        indexed(std::move(from)) {}

  const trace::Trace& trace;
  const trace::Timeline& timeline;
  const std::string revision;
  const std::shared_ptr<const trace::Indexed> indexed;

  const std::vector<trace::SiteFigures>& sites() const { return indexed->sites(); }
  // Made when somebody asks first.
  const trace::CriticalPath& critical_path() const;

 private:
  mutable std::once_flag has_path_;
  mutable trace::CriticalPath path_;
};

// The id of the trace of an attempt of a job. It is not listed: the job knows it.
constexpr std::string_view job_mark = "job-";
inline std::string trace_of_job(const std::string& job, int attempt) {
  return format("{}{}-{}", job_mark, job, attempt);
}

// The job whose trace has that id; empty if it is no job's.
std::string job_of_trace(std::string_view id);
http::HttpError no_trace();

class Traces {
 public:
  // `jobs`: the store of jobs whose traces are served too; empty: none.
  explicit Traces(std::vector<std::string> places, std::string jobs = {})
      : places_(std::move(places)), jobs_(std::move(jobs)) {}

  // What is there now, the last changed first. No path ever comes from a client.
  std::vector<ListedTrace> list() const;
  // The trace as it is now; read anew if the file changed. Throws HttpError(404) if there is none
  // of that id or it is gone, and what trace::open does.
  std::shared_ptr<const OpenTrace> open(std::string_view id);

  // The number that the trace at a path has.
  static std::string id_of(const std::string& path);
  // Where a new trace of that name goes: into the first folder that is served. Throws HttpError:
  // 409 if only files are served, 400 if a name is none of a trace, or would lead elsewhere.
  std::string place_for(std::string_view name) const;
  // Its file, and what was kept of it. Throws what open() does, and HttpError(409) for a
  // folder, and for what a job left.
  void remove(std::string_view id);

 private:
  struct Kept {
    std::mutex reading;
    std::shared_ptr<const OpenTrace> trace;
    std::chrono::steady_clock::time_point next_look;  // a run that goes on is not read all the time
    std::int64_t used = 0;
  };

  ListedTrace find(std::string_view id) const;
  void forget_some();
  void renew(Kept& kept, const ListedTrace& listed);
  std::shared_ptr<const trace::Indexed> read(const std::string& path);

  const std::vector<std::string> places_;
  const std::string jobs_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Kept>, std::less<>> kept_;
  std::int64_t uses_ = 0;
  std::vector<std::jthread> keepers_;  // each writes down what was read; told to stop at the end
};

}  // namespace jetlag::routes
