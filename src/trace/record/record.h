// Recording: what the rooms that compute call. Each thread writes into a ring of its own; a
// thread of the recorder moves the records out. While nothing is recorded, a site costs one
// predictable branch.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "trace/event.h"

namespace jetlag::trace {

struct RecordOptions {
  std::uint64_t ring_records = std::uint64_t{1} << 16;  // of each thread; a power of two
  std::int64_t period_ns = 10'000'000;  // between looks at the rings, while somebody listens
  // Made before the recording begins: making one takes milliseconds, which a thread that needs one
  // in the midst of its work would wait for.
  std::size_t ready_rings = 1;
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

// Is told when a recording begins, and before one ends. One for the process; null takes it away.
void on_recording(void (*told)(bool begins));

// In the child of a fork nothing is recorded: the rings are the parent's.
void after_fork();

// A name for the calling thread, shown from its first record on.
void name_thread(std::string name);

// The site's number, known to the recording before the first record that names it.
SiteId define(const Site& site);

// ---- what happens

namespace detail {

// Counts recordings; 0 while there is none. Hidden, so that a look at it needs no table of
// addresses first.
extern std::atomic<std::uint32_t> session [[gnu::visibility("hidden")]];

}  // namespace detail

#if defined(__x86_64__)
// As two instructions: compilers load an atomic number into a register before they look at it.
inline bool recording() {
  asm goto("cmpl $0, %0\n\tjne %l[on]" : : "m"(detail::session) : "cc" : on);
  return false;
on:
  [[unlikely]] return true;
}
#else
inline bool recording() { return detail::session.load(std::memory_order_relaxed) != 0; }
#endif

// One event. Call it only where recording() holds.
void put(Event event, SiteId site, TaskId task, std::uint64_t argument);

// A number for a new task, and the task that runs on this thread.
TaskId new_task();
TaskId current_task();

// The calling thread's track in the recording that runs; no_track if nothing of it was recorded.
constexpr std::uint32_t no_track = ~std::uint32_t{0};
std::uint32_t current_track();

// A message between ranks.
inline void record_send(double bytes, std::int64_t rank) {
  if (recording()) [[unlikely]]
    put(Event::send, 0, current_task(), pack(bytes, static_cast<double>(rank)));
}
inline void record_receive(double bytes, std::int64_t rank) {
  if (recording()) [[unlikely]]
    put(Event::receive, 0, current_task(), pack(bytes, static_cast<double>(rank)));
}

// The task that runs on this thread, if one does, waits for others to the end of the block.
class Suspension {
 public:
  Suspension() : task_(recording() ? current_task() : 0) {
    if (task_ != 0) put(Event::suspend, 0, task_, 0);
  }
  Suspension(const Suspension&) = delete;
  Suspension& operator=(const Suspension&) = delete;
  ~Suspension() {
    if (task_ != 0 && recording()) put(Event::resume, 0, task_, 0);
  }

 private:
  const TaskId task_;
};

// A span of this thread: from here to the end of the block. Spans lie in each other. What records
// is kept out of the block, which shall not need a register more for it.
class Span {
 public:
  Span() {}
  Span(SiteId site, TaskId task = 0, std::uint64_t argument = 0) {
    if (recording()) [[unlikely]]
      begin(site, task, argument);
  }
  Span(const Span&) = delete;
  Span& operator=(const Span&) = delete;
  ~Span() {
    if (session_ != 0) [[unlikely]]
      finish();
  }

  // For a site that is only looked up while something is recorded.
  void begin(SiteId site, TaskId task = 0, std::uint64_t argument = 0);
  void end() {
    if (session_ != 0) finish();
  }
  // What it moved and did, for its end to say.
  void set_work(double bytes, double flops) {
    if (session_ != 0) [[unlikely]]
      argument_ = pack(bytes, flops);
  }

 private:
  void begin_slowly(SiteId site, TaskId task, std::uint64_t argument);
  void finish();

  std::uint32_t session_ = 0;  // 0: not recorded, and the rest says nothing
  SiteId site_;
  TaskId task_;
  TaskId before_;
  std::uint64_t argument_;
};

}  // namespace jetlag::trace
