// One recording: its file, the rings of its threads, and the thread that moves records out of them.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "trace/chunk/writer.h"
#include "trace/record/listen.h"
#include "trace/record/record.h"

namespace jetlag::trace {

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

// Safe from any thread.
class Recording {
 public:
  // If it keeps nothing, the file is only where the rings are.
  Recording(const std::string& path, const RecordOptions& options, std::uint32_t number,
            bool keeps);

  const std::string& path() const { return writer_.path(); }
  std::uint32_t number() const { return number_; }
  bool keeps() const { return keeps_; }

  void set_ear(std::shared_ptr<Ear> ear);

  // A ring for the calling thread, or null where there is no space for one. Its outlet of an
  // earlier recording is freed here, not there: the last to hold a file's memory may wait for the
  // disk for many milliseconds.
  std::shared_ptr<Outlet> join(const std::string& name, std::shared_ptr<Outlet> before);

  // A ring is half full. Its writer is not kept waiting.
  void wake();

  // Those that are new since the last time.
  void define_sites();
  void define_counters();
  void add_fact(const std::string& name, const std::string& value);

  void lose() { lost_.fetch_add(1, std::memory_order_relaxed); }

  RecordingSummary stop();

 private:
  void prepare();
  std::shared_ptr<Outlet> make_outlet();
  void drain();
  void free_earlier();
  bool doze();
  void look();
  void move_out(bool all);
  void hear(Outlet& o, std::uint64_t head);
  void move(Outlet& o, std::uint64_t head);
  void give_up(const Error& error);
  template <class F>
  void write(const F& f);

  const RecordOptions options_;
  const std::uint32_t number_;
  const bool keeps_;
  std::mutex mutex_;
  std::shared_ptr<Ear> ear_;
  Writer writer_;
  std::vector<std::shared_ptr<Outlet>> outlets_;
  std::vector<std::shared_ptr<Outlet>> idle_;
  std::vector<std::shared_ptr<Outlet>> earlier_;  // of recordings before, to be freed
  SiteId defined_ = 0;
  SiteId counters_ = 0;  // that are defined
  std::uint64_t records_ = 0;
  std::atomic<std::uint64_t> lost_{0};
  std::string trouble_;

  std::mutex doze_;  // of the thread, and of what it is woken for
  std::condition_variable woken_;
  bool wanted_ = false;
  bool listening_ = false;
  bool stopping_ = false;
  std::thread drain_;
};

}  // namespace jetlag::trace
