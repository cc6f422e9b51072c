#include "trace/record/record.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>
#include <vector>

#include "base/error.h"
#include "trace/chunk/writer.h"
#include "trace/record/counter.h"
#include "trace/record/listen.h"
#include "trace/record/ticks.h"

namespace jetlag::trace {

namespace detail {

std::atomic<std::uint32_t> session{0};

}  // namespace detail

namespace {

using detail::session;

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
  std::uint32_t track = 0;
};
thread_local constinit Producer producer;

// The compiler would look for it again at each use, which in a shared library is a call.
inline Producer& mine() {
  Producer* p = &producer;
  asm("" : "+r"(p));
  return *p;
}

using nlohmann::json;

constexpr TaskId tasks_at_once = 4096;
// With so many threads, each gets a small ring: 128 KB.
constexpr std::size_t crowd_of_threads = 64;
constexpr std::uint64_t records_in_crowd = 4096;
constexpr std::int64_t look_at_clocks_every_ns = 1'000'000'000;

std::atomic<std::uint32_t> last_session{0};
std::atomic<TaskId> next_task{1};
std::atomic<std::uint32_t> next_track{0};
std::atomic<void (*)(bool)> listener{nullptr};

void tell(bool begins) {
  if (const auto told = listener.load(std::memory_order_acquire)) told(begins);
}

// Where records are heard. A recording that ends outside of the lock still hears its last ones
// while the next has begun.
class Ear {
 public:
  explicit Ear(std::shared_ptr<const Listener> listener) : listener_(std::move(listener)) {}

  void hear(std::uint32_t track, std::span<const Record> records) {
    std::scoped_lock lock(mutex_);
    if (listener_) (*listener_)(track, records);
  }
  void close() {
    std::scoped_lock lock(mutex_);
    listener_.reset();
  }

 private:
  std::mutex mutex_;
  std::shared_ptr<const Listener> listener_;
};

// A ring and what the recorder knows of it.
struct Outlet {
  std::shared_ptr<Ring> ring;
  std::uint32_t track = 0;
  std::uint64_t moved = 0;           // records that were moved out
  std::uint64_t heard = 0;           // by the listener
  std::atomic<bool> retired{false};  // its thread has ended
};

std::string json_line(const json& value) {
  // Names and paths may hold any bytes; a trace must not be lost for one of them.
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string line_of(const char* path) {
  std::string line;
  std::ifstream file(path);
  std::getline(file, line);
  return line;
}

// As the launcher says; null if it was started alone.
const char* rank_of_process() {
  for (const char* name : {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID"}) {
    if (const char* rank = std::getenv(name)) return rank;
  }
  return nullptr;
}

class Recording {
 public:
  // If it keeps nothing, the file is only where the rings are.
  Recording(const std::string& path, const RecordOptions& options, std::uint32_t number, bool keeps)
      : options_(options), number_(number), keeps_(keeps), writer_(path) {
    if (!keeps_) unlink(path.c_str());
    json facts = json::parse("{" + options.facts + "}", nullptr, false);
    if (!facts.is_object()) facts = json::object();
    facts["def"] = "run";
    facts["process"] = getpid();
    facts["even_counter"] = has_even_counter();
    facts["started"] =
        std::chrono::system_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
    if (const std::string boot = line_of("/proc/sys/kernel/random/boot_id"); !boot.empty())
      facts["boot"] = boot;  // processes of one boot have one clock
    if (const char* rank = rank_of_process()) facts["rank"] = rank;
    writer_.define(json_line(facts));
    look();
    prepare();
    drain_ = std::thread([this] { drain(); });
  }

  const std::string& path() const { return writer_.path(); }
  std::uint32_t number() const { return number_; }
  bool keeps() const { return keeps_; }

  void set_ear(std::shared_ptr<Ear> ear) {
    std::scoped_lock lock(mutex_);
    ear_ = std::move(ear);
    for (const auto& o : outlets_) o->heard = o->ring->header().head.load();
  }

  // A ring for the calling thread, or null where there is no space for one.
  std::shared_ptr<Outlet> join(const std::string& name) {
    std::scoped_lock lock(mutex_);
    if (!trouble_.empty()) return nullptr;
    try {
      std::shared_ptr<Outlet> outlet;
      // Threads may come and go faster than we look.
      if (idle_.empty()) move_out(false);
      if (!idle_.empty()) {
        outlet = std::move(idle_.back());
        idle_.pop_back();
      } else {
        outlet = make_outlet();
      }
      outlet->track = next_track.fetch_add(1, std::memory_order_relaxed);
      outlet->retired = false;
      RingHeader& header = outlet->ring->header();
      header.track.store(outlet->track, std::memory_order_relaxed);
      outlet->heard = header.head.load(std::memory_order_relaxed);
      if (keeps_)
        writer_.define(
            json_line({{"def", "thread"},
                       {"track", outlet->track},
                       {"name", name.empty() ? format("thread {}", outlet->track) : name},
                       {"system", syscall(SYS_gettid)}}));
      outlets_.push_back(outlet);
      return outlet;
    } catch (const Error& error) {
      give_up(error);
      return nullptr;
    }
  }

  void define_sites() {
    std::scoped_lock lock(mutex_);
    if (!trouble_.empty() || !keeps_) return;
    try {
      for (const SiteId all = site_count(); defined_ < all;) {
        const Site s = site_at(++defined_);
        json line{{"def", "site"},          {"id", defined_},
                  {"name", s.name},         {"file", s.file},
                  {"line", s.line},         {"column", s.column},
                  {"node", s.node},         {"text", s.text},
                  {"function", s.function}, {"category", category_name(s.category)}};
        writer_.define(json_line(line));
      }
    } catch (const Error& error) {
      give_up(error);
    }
  }

  void define_counters() {
    std::scoped_lock lock(mutex_);
    if (!trouble_.empty() || !keeps_) return;
    try {
      for (const SiteId all = counter_count(); counters_ < all;) {
        const Counter c = counter_at(++counters_);
        writer_.define(json_line({{"def", "counter"},
                                  {"id", counters_},
                                  {"name", c.name},
                                  {"unit", c.unit},
                                  {"kind", kind_name(c.kind)},
                                  {"doc", c.doc}}));
      }
    } catch (const Error& error) {
      give_up(error);
    }
  }

  void add_fact(const std::string& name, const std::string& value) {
    std::scoped_lock lock(mutex_);
    if (!trouble_.empty() || !keeps_) return;
    try {
      writer_.define(json_line({{"def", "run"}, {name, value}}));
    } catch (const Error& error) {
      give_up(error);
    }
  }

  void lose() { lost_.fetch_add(1, std::memory_order_relaxed); }

  RecordingSummary stop() {
    {
      std::scoped_lock lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_one();
    drain_.join();
    std::scoped_lock lock(mutex_);
    RecordingSummary summary{writer_.path(), records_, lost_.load(), trouble_};
    for (const auto* rings : {&outlets_, &idle_}) {
      for (const auto& o : *rings) summary.dropped += o->ring->header().dropped.load();
    }
    return summary;
  }

 private:
  void prepare() {
    try {
      for (std::size_t i = 0; i < options_.ready_rings; ++i) idle_.push_back(make_outlet());
    } catch (const Error& error) {
      give_up(error);
    }
  }

  std::shared_ptr<Outlet> make_outlet() {
    auto outlet = std::make_shared<Outlet>();
    const bool crowd = outlets_.size() >= crowd_of_threads;
    outlet->ring = writer_.add_ring(crowd ? std::min(options_.ring_records, records_in_crowd)
                                          : options_.ring_records);
    return outlet;
  }

  void drain() {
    name_system_thread();
    std::unique_lock lock(mutex_);
    std::int64_t looked = now_ns();
    while (!stopping_) {
      wake_.wait_for(lock, std::chrono::nanoseconds(options_.period_ns), [&] { return stopping_; });
      // Who was writing when the recording ended has written by the time of one more period.
      if (stopping_) break;
      move_out(false);
      if (now_ns() - looked < look_at_clocks_every_ns) continue;
      looked = now_ns();
      look();
    }
    lock.unlock();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    lock.lock();
    move_out(true);
    look();
    if (!trouble_.empty()) return;
    try {
      writer_.close();
    } catch (const Error& error) {
      give_up(error);
    }
  }

  static void name_system_thread() { pthread_setname_np(pthread_self(), "jetlag-trace"); }

  void look() {
    if (!trouble_.empty() || !keeps_) return;
    const Moment m = look_at_clocks();
    try {
      writer_.define(json_line({{"def", "clock"}, {"ticks", m.ticks}, {"ns", m.ns}}));
    } catch (const Error& error) {
      give_up(error);
    }
  }

  // With the lock held. A ring that is filling, or that nobody writes any more, is emptied.
  void move_out(bool all) {
    for (std::size_t i = 0; i < outlets_.size();) {
      Outlet& o = *outlets_[i];
      const bool retired = o.retired.load(std::memory_order_acquire);
      RingHeader& header = o.ring->header();
      const std::uint64_t head = header.head.load(std::memory_order_acquire);
      hear(o, head);
      if (head != o.moved && (all || retired || head - o.moved >= o.ring->room() / 4))
        move(o, head);
      if (!retired || o.moved != head) {
        ++i;
        continue;
      }
      idle_.push_back(std::move(outlets_[i]));
      outlets_.erase(outlets_.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }

  void hear(Outlet& o, std::uint64_t head) {
    const std::uint64_t room = o.ring->room();
    while (ear_ && o.heard != head) {
      const std::uint64_t first = o.heard & (room - 1);
      const std::uint64_t count = std::min(head - o.heard, room - first);
      ear_->hear(o.track, {o.ring->records() + first, count});
      o.heard += count;
    }
  }

  void move(Outlet& o, std::uint64_t head) {
    if (keeps_ && trouble_.empty()) {
      try {
        writer_.add_columns(*o.ring, o.track, o.moved, head);
        records_ += head - o.moved;
      } catch (const Error& error) {
        give_up(error);
      }
    }
    // What cannot be kept is counted; the computation goes on.
    if (keeps_ && !trouble_.empty()) lost_.fetch_add(head - o.moved, std::memory_order_relaxed);
    o.moved = head;
    o.ring->header().tail.store(head, std::memory_order_release);
  }

  void give_up(const Error& error) {
    if (trouble_.empty()) trouble_ = error.message();
  }

  const RecordOptions options_;
  const std::uint32_t number_;
  const bool keeps_;
  std::shared_ptr<Ear> ear_;
  std::mutex mutex_;
  std::condition_variable wake_;
  Writer writer_;
  std::vector<std::shared_ptr<Outlet>> outlets_;
  std::vector<std::shared_ptr<Outlet>> idle_;
  SiteId defined_ = 0;
  SiteId counters_ = 0;  // that are defined
  std::uint64_t records_ = 0;
  std::atomic<std::uint64_t> lost_{0};
  std::string trouble_;
  bool stopping_ = false;
  std::thread drain_;
};

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
// On the heap: memory of threads is found soon while it is little.
Holder& holder() {
  static thread_local const auto mine = std::make_unique<Holder>();
  return *mine;
}

// Finds room for the next records, or counts what is lost.
[[gnu::noinline]] bool make_room(Producer& p, std::uint32_t session, std::uint64_t wanted) {
  if (session == 0) return false;
  if (p.session != session) {
    // The ring goes: nothing may be taken for room in it.
    p.session = 0;
    p.task = 0;
    p.head = p.limit = 0;
    holder().outlet.reset();
    const auto recording = current();
    if (!recording || recording->number() != session) return false;
    holder().outlet = recording->join(holder().name);
    if (!holder().outlet) {
      recording->lose();
      return false;
    }
    const Ring& ring = *holder().outlet->ring;
    p.records = ring.records();
    p.published = &ring.header().head;
    p.mask = ring.room() - 1;
    p.head = p.published->load(std::memory_order_relaxed);
    p.limit = p.head + ring.room();
    p.open = 0;
    p.track = holder().outlet->track;
    p.session = session;
    return true;
  }
  RingHeader& header = holder().outlet->ring->header();
  p.limit = header.tail.load(std::memory_order_acquire) + holder().outlet->ring->room() - p.open;
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
  new std::shared_ptr<Outlet>(std::move(holder().outlet));
}

std::uint32_t current_track() {
  const bool known =
      producer.session != 0 && producer.session == session.load(std::memory_order_relaxed);
  return known ? producer.track : no_track;
}

void on_recording(void (*told)(bool begins)) { listener.store(told, std::memory_order_release); }

void name_thread(std::string name) { holder().name = std::move(name); }

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
