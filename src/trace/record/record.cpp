#include "trace/record/record.h"

#include <unistd.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <utility>

#include "base/error.h"
#include "base/of_thread.h"
#include "trace/record/counter.h"
#include "trace/record/listen.h"
#include "trace/record/recording.h"
#include "trace/record/ticks.h"

namespace jetlag::trace {

namespace detail {

std::atomic<std::uint32_t> session{0};

}  // namespace detail

namespace {

using detail::session;

// A thread's end of its ring. `limit` is the number of the first record for which there is no
// room, as far as is known, less the ends that open spans will need; or of the first in the ring's
// other half, where the recorder is woken.
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
  std::uint32_t track = 0;
};
thread_local constinit Producer producer;

// The compiler would look for it again at each use, which in a shared library is a call.
inline Producer& mine() {
  Producer* p = &producer;
  asm("" : "+r"(p));
  return *p;
}

constexpr TaskId tasks_at_once = 4096;

std::atomic<std::uint32_t> last_session{0};
std::atomic<TaskId> next_task{1};
std::atomic<void (*)(bool)> listener{nullptr};

void tell(bool begins) {
  if (const auto told = listener.load(std::memory_order_acquire)) told(begins);
}

// Never destroyed: threads may still record while the process ends.
struct State {
  std::mutex mutex;
  std::shared_ptr<Recording> recording;
  std::shared_ptr<Ear> ear;
};
State& state() {
  static State& s = *new State;
  return s;
}

// With the lock held.
void begin(const std::string& path, const RecordOptions& options, bool keeps) {
  const std::uint32_t number = ++last_session;
  State& s = state();
  s.recording = std::make_shared<Recording>(path, options, number, keeps);
  s.recording->set_ear(s.ear);
  session.store(number, std::memory_order_release);
  // Those that were seen before; from here on each is written when it is first seen.
  s.recording->define_sites();
  s.recording->define_counters();
  tell(true);
}

// With the lock held. Null if nothing is recorded.
std::shared_ptr<Recording> end() {
  std::shared_ptr<Recording> recording = std::move(state().recording);
  if (recording) tell(false);
  session.store(0, std::memory_order_release);
  return recording;
}

// With the lock held: what is not kept is heard all the same.
void begin_for_listener() {
  if (!state().ear) return;
  static std::atomic<int> count{0};
  constexpr std::uint64_t small_ring = std::uint64_t{1} << 13;
  const char* folder = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
  begin(format("{}/jetlag-events-{}-{}", folder, getpid(), ++count), {.ring_records = small_ring},
        false);
}

std::shared_ptr<Recording> current() {
  std::scoped_lock lock(state().mutex);
  return state().recording;
}

// What a thread holds of the recording; the memory stays until it has let go.
struct Holder {
  std::string name;
  std::shared_ptr<Outlet> outlet;
  ~Holder() {
    producer.session = 0;
    producer.limit = 0;
    if (outlet) outlet->retired.store(true, std::memory_order_release);
  }
};

// Finds room for the next records, or counts what is lost.
[[gnu::noinline]] bool make_room(Producer& p, std::uint32_t session, std::uint64_t wanted) {
  if (session == 0) return false;
  if (p.session != session) {
    // The ring goes: nothing may be taken for room in it.
    p.session = 0;
    p.task = 0;
    p.head = p.limit = 0;
    auto before = std::move(of_thread<Holder>().outlet);
    const auto recording = current();
    if (!recording || recording->number() != session) return false;
    of_thread<Holder>().outlet = recording->join(of_thread<Holder>().name, std::move(before));
    if (!of_thread<Holder>().outlet) {
      recording->lose();
      return false;
    }
    const Ring& ring = *of_thread<Holder>().outlet->ring;
    p.records = ring.records();
    p.published = &ring.header().head;
    p.mask = ring.room() - 1;
    p.head = p.published->load(std::memory_order_relaxed);
    p.limit = p.head + ring.room() / 2;
    p.open = 0;
    p.track = of_thread<Holder>().outlet->track;
    p.session = session;
    return true;
  }
  const Ring& ring = *of_thread<Holder>().outlet->ring;
  RingHeader& header = ring.header();
  const std::uint64_t tail = header.tail.load(std::memory_order_acquire);
  p.limit = tail + ring.room() - p.open;
  if (const std::uint64_t half = std::min(tail + ring.room() / 2, p.limit);
      p.head + wanted <= half) {
    p.limit = half;
    return true;
  }
  if (const auto recording = current(); recording && recording->number() == session)
    recording->wake();
  if (p.head + wanted <= p.limit) return true;
  header.dropped.fetch_add(1, std::memory_order_relaxed);
  return false;
}

inline void write_at(std::uint64_t ticks, Producer& p, Event event, SiteId site, TaskId task,
                     std::uint64_t argument) {
  Record& r = p.records[p.head & p.mask];
  r.ticks = ticks;
  r.task = task;
  r.argument = argument;
  r.site = site;
  r.event = event;
  p.published->store(++p.head, std::memory_order_release);
  // Most stores miss every cache, and whatever step locks next would wait for them.
  constexpr std::uint64_t records_ahead = 16;
  __builtin_prefetch(&p.records[(p.head + records_ahead) & p.mask], 1);
}

// Where the clock is a call. Apart, and last in its callers, so that they keep all they have in
// registers that need no saving.
[[gnu::noinline]] void write_slowly(Producer& p, Event event, SiteId site, TaskId task,
                                    std::uint64_t argument) {
  write_at(ticks(), p, event, site, task, argument);
}

inline void write(Producer& p, Event event, SiteId site, TaskId task, std::uint64_t argument) {
  if (!ticks_are_cheap()) [[unlikely]]
    return write_slowly(p, event, site, task, argument);
  write_at(ticks(), p, event, site, task, argument);
}

TaskId more_tasks(Producer& p) {
  p.next_task = next_task.fetch_add(tasks_at_once, std::memory_order_relaxed);
  p.last_task = p.next_task + tasks_at_once;
  return p.next_task++;
}

}  // namespace

// There is no room as far as is known, or this thread has no ring yet.
[[gnu::noinline]] static void put_slowly(Producer& p, Event event, SiteId site, TaskId task,
                                         std::uint64_t argument) {
  if (make_room(p, session.load(std::memory_order_relaxed), 1))
    write(p, event, site, task, argument);
}

void put(Event event, SiteId site, TaskId task, std::uint64_t argument) {
  Producer& p = mine();
  if (p.session != session.load(std::memory_order_relaxed) || p.head >= p.limit) [[unlikely]]
    return put_slowly(p, event, site, task, argument);
  write(p, event, site, task, argument);
}

TaskId new_task() {
  Producer& p = mine();
  return p.next_task != p.last_task ? p.next_task++ : more_tasks(p);
}

TaskId current_task() { return producer.task; }

[[gnu::noinline]] void Span::begin_slowly(SiteId site, TaskId task, std::uint64_t argument) {
  if (make_room(mine(), session.load(std::memory_order_relaxed), 2)) begin(site, task, argument);
}

void Span::begin(SiteId site, TaskId task, std::uint64_t argument) {
  Producer& p = mine();
  const std::uint32_t now = session.load(std::memory_order_relaxed);
  // The end must have room, too.
  if (p.session != now || p.head + 1 >= p.limit) [[unlikely]]
    return begin_slowly(site, task, argument);
  --p.limit;
  ++p.open;
  session_ = now;
  site_ = site;
  task_ = task;
  argument_ = 0;
  if (task != 0) {
    before_ = p.task;
    p.task = task;
  }
  write(p, Event::begin, site, task, argument);
}

void Span::finish() {
  Producer& p = mine();
  const std::uint32_t then = std::exchange(session_, 0);
  if (task_ != 0) p.task = before_;
  // A recording that ended meanwhile closes the span itself.
  if (p.session != then || session.load(std::memory_order_relaxed) != then) return;
  ++p.limit;
  --p.open;
  write(p, Event::end, site_, task_, argument_);
}

void start_recording(const std::string& path, const RecordOptions& options) {
  std::scoped_lock lock(state().mutex);
  if (state().recording && state().recording->keeps())
    throw Error(Kind::runtime,
                format("a trace is being recorded already, into {}", state().recording->path()),
                "end that recording first");
  std::string file = path;
  if (const std::size_t at = file.find("%p"); at != std::string::npos)
    file.replace(at, 2, format("{}", getpid()));
  if (const auto heard = end()) heard->stop();
  try {
    begin(file, options, true);
  } catch (...) {
    begin_for_listener();
    throw;
  }
}

RecordingSummary stop_recording() {
  std::shared_ptr<Recording> recording;
  {
    std::scoped_lock lock(state().mutex);
    if (!state().recording || !state().recording->keeps())
      throw Error(Kind::runtime, "no trace is being recorded");
    recording = end();
    begin_for_listener();
  }
  return recording->stop();
}

void listen(std::shared_ptr<const Listener> listener) {
  std::scoped_lock lock(state().mutex);
  State& s = state();
  const std::shared_ptr<Ear> before = std::move(s.ear);
  s.ear = listener ? std::make_shared<Ear>(std::move(listener)) : nullptr;
  const bool kept = s.recording && s.recording->keeps();
  if (kept) s.recording->set_ear(s.ear);
  // Ends by hearing what was recorded so far.
  else if (const auto heard = end()) heard->stop();
  if (before) before->close();
  if (!kept) begin_for_listener();
}

std::string recording_path() {
  const auto recording = current();
  return recording && recording->keeps() ? recording->path() : std::string();
}

void after_fork() {
  session.store(0, std::memory_order_relaxed);
  producer = {};
  // Its thread is not here, and its mutex may be held: it is left where it is.
  new std::shared_ptr<Recording>(std::move(state().recording));
  new (&state()) State{};
  new std::shared_ptr<Outlet>(std::move(of_thread<Holder>().outlet));
}

std::uint32_t current_track() {
  const bool known =
      producer.session != 0 && producer.session == session.load(std::memory_order_relaxed);
  return known ? producer.track : no_track;
}

void on_recording(void (*told)(bool begins)) { listener.store(told, std::memory_order_release); }

void name_thread(std::string name) { of_thread<Holder>().name = std::move(name); }

SiteId define(const Site& site) {
  const SiteId id = intern(site);
  if (recording()) {
    if (const auto r = current()) r->define_sites();
  }
  return id;
}

SiteId define(const Counter& counter) {
  const SiteId id = intern(counter);
  if (recording()) {
    if (const auto r = current()) r->define_counters();
  }
  return id;
}

void add_fact(const std::string& name, const std::string& value) {
  if (const auto r = current()) r->add_fact(name, value);
}

}  // namespace jetlag::trace
