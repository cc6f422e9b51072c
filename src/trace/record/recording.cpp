#include "trace/record/recording.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "trace/record/counter.h"
#include "trace/record/ticks.h"

namespace jetlag::trace {

namespace {

using nlohmann::json;

// With so many threads, each gets a small ring: 128 KB.
constexpr std::size_t crowd_of_threads = 64;
constexpr std::uint64_t records_in_crowd = 4096;
constexpr std::int64_t look_at_clocks_every_ns = 1'000'000'000;

std::atomic<std::uint32_t> next_track{0};

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

}  // namespace

Recording::Recording(const std::string& path, const RecordOptions& options, std::uint32_t number,
                     bool keeps)
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

void Recording::set_ear(std::shared_ptr<Ear> ear) {
  const bool listens = ear != nullptr;
  {
    std::scoped_lock lock(mutex_);
    ear_ = std::move(ear);
    for (const auto& o : outlets_) o->heard = o->ring->header().head.load();
  }
  std::scoped_lock lock(doze_);
  listening_ = listens;
  wanted_ = true;
  woken_.notify_one();
}

std::shared_ptr<Outlet> Recording::join(const std::string& name, std::shared_ptr<Outlet> before) {
  std::scoped_lock lock(mutex_);
  if (before) earlier_.push_back(std::move(before));
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
      writer_.define(json_line({{"def", "thread"},
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

// What is defined is known to the file at once.
template <class F>
void Recording::write(const F& f) {
  std::scoped_lock lock(mutex_);
  if (!trouble_.empty() || !keeps_) return;
  try {
    f();
  } catch (const Error& error) {
    give_up(error);
  }
}

void Recording::define_sites() {
  write([&] {
    for (const SiteId all = site_count(); defined_ < all;) {
      const Site s = site_at(++defined_);
      json line{{"def", "site"},          {"id", defined_},
                {"name", s.name},         {"file", s.file},
                {"line", s.line},         {"column", s.column},
                {"node", s.node},         {"text", s.text},
                {"function", s.function}, {"category", category_name(s.category)}};
      writer_.define(json_line(line));
    }
  });
}

void Recording::define_counters() {
  write([&] {
    for (const SiteId all = counter_count(); counters_ < all;) {
      const Counter c = counter_at(++counters_);
      writer_.define(json_line({{"def", "counter"},
                                {"id", counters_},
                                {"name", c.name},
                                {"unit", c.unit},
                                {"kind", kind_name(c.kind)},
                                {"doc", c.doc}}));
    }
  });
}

void Recording::add_fact(const std::string& name, const std::string& value) {
  write([&] { writer_.define(json_line({{"def", "run"}, {name, value}})); });
}

RecordingSummary Recording::stop() {
  {
    std::scoped_lock lock(doze_);
    stopping_ = true;
  }
  woken_.notify_one();
  drain_.join();
  std::scoped_lock lock(mutex_);
  RecordingSummary summary{writer_.path(), records_, lost_.load(), trouble_};
  for (const auto* rings : {&outlets_, &idle_}) {
    for (const auto& o : *rings) summary.dropped += o->ring->header().dropped.load();
  }
  return summary;
}

void Recording::prepare() {
  try {
    for (std::size_t i = 0; i < options_.ready_rings; ++i) idle_.push_back(make_outlet());
  } catch (const Error& error) {
    give_up(error);
  }
}

std::shared_ptr<Outlet> Recording::make_outlet() {
  auto outlet = std::make_shared<Outlet>();
  const bool crowd = outlets_.size() >= crowd_of_threads;
  outlet->ring = writer_.add_ring(crowd ? std::min(options_.ring_records, records_in_crowd)
                                        : options_.ring_records);
  return outlet;
}

void Recording::wake() {
  std::scoped_lock lock(doze_);
  if (std::exchange(wanted_, true)) return;
  woken_.notify_one();
}

// To the next look that is due, or to when a ring fills: who computes shall not find this thread
// in its place for nothing. False when the recording ends.
bool Recording::doze() {
  std::unique_lock lock(doze_);
  const std::int64_t ns = listening_ ? options_.period_ns : look_at_clocks_every_ns;
  woken_.wait_for(lock, std::chrono::nanoseconds(ns), [&] { return stopping_ || wanted_; });
  wanted_ = false;
  return !stopping_;
}

// Nobody who joins waits for it.
void Recording::free_earlier() {
  std::vector<std::shared_ptr<Outlet>> earlier;
  {
    std::scoped_lock lock(mutex_);
    earlier.swap(earlier_);
  }
}

void Recording::drain() {
  pthread_setname_np(pthread_self(), "jetlag-trace");
  std::int64_t looked = now_ns();
  while (doze()) {
    free_earlier();
    std::scoped_lock lock(mutex_);
    move_out(false);
    if (now_ns() - looked < look_at_clocks_every_ns) continue;
    looked = now_ns();
    look();
  }
  // Who was writing when the recording ended has written by then.
  std::this_thread::sleep_for(std::chrono::milliseconds(1));
  free_earlier();
  std::scoped_lock lock(mutex_);
  move_out(true);
  look();
  if (!trouble_.empty()) return;
  try {
    writer_.close();
  } catch (const Error& error) {
    give_up(error);
  }
}

void Recording::look() {
  if (!trouble_.empty() || !keeps_) return;
  const Moment m = look_at_clocks();
  try {
    writer_.define(json_line({{"def", "clock"}, {"ticks", m.ticks}, {"ns", m.ns}}));
  } catch (const Error& error) {
    give_up(error);
  }
}

// With the lock held. A ring that is filling, or that nobody writes any more, is emptied.
void Recording::move_out(bool all) {
  for (std::size_t i = 0; i < outlets_.size();) {
    Outlet& o = *outlets_[i];
    const bool retired = o.retired.load(std::memory_order_acquire);
    RingHeader& header = o.ring->header();
    const std::uint64_t head = header.head.load(std::memory_order_acquire);
    hear(o, head);
    if (head != o.moved && (all || retired || head - o.moved >= o.ring->room() / 4)) move(o, head);
    if (!retired || o.moved != head) {
      ++i;
      continue;
    }
    idle_.push_back(std::move(outlets_[i]));
    outlets_.erase(outlets_.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

void Recording::hear(Outlet& o, std::uint64_t head) {
  const std::uint64_t room = o.ring->room();
  while (ear_ && o.heard != head) {
    const std::uint64_t first = o.heard & (room - 1);
    const std::uint64_t count = std::min(head - o.heard, room - first);
    ear_->hear(o.track, {o.ring->records() + first, count});
    o.heard += count;
  }
}

void Recording::move(Outlet& o, std::uint64_t head) {
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

void Recording::give_up(const Error& error) {
  if (trouble_.empty()) trouble_ = error.message();
}

}  // namespace jetlag::trace
