// Recording: what the rooms that compute call. Each thread writes into a ring of its own; a
// thread of the recorder moves the records out. While nothing is recorded, a site costs one
// predictable branch.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "trace/event.h"
#include "trace/record/ticks.h"

namespace jetlag::trace {

struct RecordOptions {
  std::uint64_t ring_records = std::uint64_t{1} << 16;  // of each thread; a power of two
  std::int64_t period_ns = 10'000'000;                  // between looks at the rings
  std::string facts = {};  // members of a JSON object about the run: "\"program\": \"fit.py\""
};

// Begins to record into the file. One recording at a time: throws Error(runtime) if there is
// one, Error(io) if the file cannot be made.
// %p in the path stands for the number of the process; a file that is there is replaced.
void start_recording(const std::string& path, const RecordOptions& options = {});

struct RecordingSummary {
  std::string path;
  std::uint64_t records = 0;
  std::uint64_t dropped = 0;
  std::string trouble;  // why it is not complete; empty if it is
};
// Ends the recording and closes its file. Throws Error(runtime) if there is none.
RecordingSummary stop_recording();

// The file that is recorded into; empty if none is.
std::string recording_path();

// In the child of a fork nothing is recorded: the rings are the parent's.
void after_fork();

// A name for the calling thread, shown from its first record on.
void name_thread(std::string name);

// The site's number, known to the recording before the first record that names it.
SiteId define(const Site& site);

// ---- what happens

namespace detail {

// Counts recordings; 0 while there is none.
extern std::atomic<std::uint32_t> session;

// A thread's end of its ring. `limit` is the number of the first record for which there is no
// room, as far as is known, less the ends that open spans will need.
struct Producer {
  Record* records = nullptr;
  std::atomic<std::uint64_t>* published = nullptr;
  std::uint64_t mask = 0;
  std::uint64_t head = 0;
  std::uint64_t limit = 0;
  std::uint32_t session = 0;
  std::uint32_t open = 0;  // spans whose ends are to come
  TaskId next_task = 0;
  TaskId last_task = 0;
  TaskId task = 0;  // that runs here
};

// Of the calling thread.
Producer& producer();

// Finds room for the next record, or counts what is lost.
bool make_room(Producer& p, std::uint32_t session, std::uint64_t wanted);
TaskId more_tasks(Producer& p);

inline void write(Producer& p, Event event, SiteId site, TaskId task, std::uint64_t argument) {
  Record& r = p.records[p.head & p.mask];
  r.ticks = ticks();
  r.task = task;
  r.argument = argument;
  r.site = site;
  r.event = event;
  p.published->store(++p.head, std::memory_order_release);
}

}  // namespace detail

inline bool recording() { return detail::session.load(std::memory_order_relaxed) != 0; }

// One event. Call it only where recording() holds.
inline void put(Event event, SiteId site, TaskId task, std::uint64_t argument) {
  detail::Producer& p = detail::producer();
  const std::uint32_t now = detail::session.load(std::memory_order_relaxed);
  if ((p.session != now || p.head >= p.limit) && !detail::make_room(p, now, 1)) return;
  detail::write(p, event, site, task, argument);
}

// A number for a new task, and the task that runs on this thread.
inline TaskId new_task() {
  detail::Producer& p = detail::producer();
  return p.next_task != p.last_task ? p.next_task++ : detail::more_tasks(p);
}
inline TaskId current_task() { return detail::producer().task; }

// A span of this thread: from here to the end of the block. Spans lie in each other.
class Span {
 public:
  Span() = default;
  Span(SiteId site, TaskId task = 0, std::uint64_t argument = 0) {
    if (recording()) [[unlikely]]
      begin(site, task, argument);
  }
  Span(const Span&) = delete;
  Span& operator=(const Span&) = delete;
  ~Span() {
    if (session_ != 0) [[unlikely]]
      end();
  }

  // For a site that is only looked up while something is recorded.
  void begin(SiteId site, TaskId task = 0, std::uint64_t argument = 0) {
    detail::Producer& p = detail::producer();
    const std::uint32_t now = detail::session.load(std::memory_order_relaxed);
    // The end must have room, too.
    if ((p.session != now || p.head + 1 >= p.limit) && !detail::make_room(p, now, 2)) return;
    detail::write(p, Event::begin, site, task, argument);
    --p.limit;
    ++p.open;
    session_ = now;
    site_ = site;
    task_ = task;
    if (task != 0) {
      before_ = p.task;
      p.task = task;
    }
  }
  void end() {
    if (session_ == 0) return;
    detail::Producer& p = detail::producer();
    if (task_ != 0) p.task = before_;
    // A recording that ended meanwhile closes the span itself.
    if (p.session == session_ && detail::session.load(std::memory_order_relaxed) == session_) {
      ++p.limit;
      --p.open;
      detail::write(p, Event::end, site_, task_, argument_);
    }
    session_ = 0;
  }
  void set_argument(std::uint64_t argument) { argument_ = argument; }

 private:
  std::uint32_t session_ = 0;  // 0: not recorded
  SiteId site_ = 0;
  TaskId task_ = 0;
  TaskId before_ = 0;
  std::uint64_t argument_ = 0;
};

}  // namespace jetlag::trace
