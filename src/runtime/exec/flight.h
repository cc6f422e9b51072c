// What the tasks of one call share with the thread that called: the count of
// those in flight, their errors and their floating-point reports.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "runtime/exec/host.h"
#include "runtime/exec/profile.h"
#include "runtime/tasks/tasks.h"

namespace jetlag::exec {

// Tasks that touch a buffer: kept at Buffer::hazards, used by the lane only.
struct Hazards : Shared {
  tasks::TaskPtr writer;
  std::vector<tasks::TaskPtr> readers;
};

// The error that a call will raise: that of the earliest operation, whichever
// task fails first. Tasks report from any thread.
class EarliestError {
 public:
  void report(std::int64_t sequence, std::exception_ptr error,
              const plan::Inlined* within = nullptr) {
    std::scoped_lock lock(mutex_);
    if (sequence >= sequence_) return;
    sequence_ = sequence;
    error_ = std::move(error);
    within_ = within;
    any_.store(true, std::memory_order_release);
  }
  std::int64_t sequence() const {
    std::scoped_lock lock(mutex_);
    return sequence_;
  }
  // Nobody asks any more. The last task of the call must not be who lets a host's error go.
  void forget() {
    std::exception_ptr error;
    std::scoped_lock lock(mutex_);
    std::swap(error, error_);
  }
  bool any() const { return any_.load(std::memory_order_acquire); }
  // The call in whose place the operation stands.
  const plan::Inlined* within() const {
    std::scoped_lock lock(mutex_);
    return within_;
  }
  void rethrow_if_any() const {
    if (!any()) return;
    std::scoped_lock lock(mutex_);
    if (error_) std::rethrow_exception(error_);
  }

 private:
  static constexpr std::int64_t none = std::numeric_limits<std::int64_t>::max();
  mutable std::mutex mutex_;
  std::int64_t sequence_ = none;
  std::exception_ptr error_;
  const plan::Inlined* within_ = nullptr;
  std::atomic<bool> any_{false};
};

class Flight {
 public:
  // A fresh one. A short call makes nothing of its own, so each thread keeps
  // one that was given back as it was taken.
  static std::shared_ptr<Flight> take();
  static void give_back(std::shared_ptr<Flight> flight);

  EarliestError error;
  // The user wants the call to end: what has not begun is left out.
  std::atomic<bool> dropped{false};

  // Lets the user interrupt: throws what the host throws.
  void look(Host& host) {
    try {
      host.poll();
    } catch (...) {
      dropped = true;
      throw;
    }
  }

  void depart(std::int64_t bytes, bool can_fail);
  void arrive(std::int64_t bytes, bool can_fail);
  std::int64_t outstanding() const { return outstanding_.load(std::memory_order_acquire); }
  std::int64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  std::int64_t fallible() const { return fallible_.load(std::memory_order_acquire); }

  // Sleeps until done() holds; wakes now and then to poll the host, which may
  // throw. Arrivals that leave more than `few` outstanding do not wake it.
  template <class Done>
  void wait(Host& host, const Done& done, std::int64_t few = any_number);
  void wait_until_few(Host& host, std::int64_t few) {
    wait(host, [&] { return outstanding() <= few; }, few);
  }

  void report(std::int64_t sequence, FpReport report);
  // How many there were, told or not.
  std::int64_t reports_made() const { return reports_made_.load(std::memory_order_acquire); }
  bool has_reports() const { return has_reports_.load(std::memory_order_acquire); }
  // Takes the reports of operations before the one given, in program order.
  std::vector<FpReport> take_reports(std::int64_t before);

 private:
  std::atomic<std::int64_t> outstanding_{0};
  std::atomic<std::int64_t> fallible_{0};
  std::atomic<std::int64_t> bytes_{0};
  static constexpr std::int64_t any_number = std::numeric_limits<std::int64_t>::max();
  static constexpr std::int64_t none = -1;

  // Threads that wait; arrivals that leave at most `few_` outstanding wake them all.
  int waiters_ = 0;
  std::atomic<std::int64_t> few_{none};
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::atomic<bool> has_reports_{false};
  std::atomic<std::int64_t> reports_made_{0};
  std::map<std::int64_t, std::vector<FpReport>> reports_;
};

// Of the time in which a lane has nothing to do but wait for tasks.
trace::SiteId waiting_site();

template <class Done>
void Flight::wait(Host& host, const Done& done, std::int64_t few) {
  if (done()) return;
  const trace::Span span(trace::recording() ? waiting_site() : 0);
  const trace::Suspension suspension;
  host.let_go();
  constexpr auto between_polls = std::chrono::milliseconds(40);
  struct Waiter {
    Flight& flight;
    Waiter(Flight& f, std::int64_t few) : flight(f) {
      {
        std::scoped_lock lock(flight.mutex_);
        flight.waiters_ += 1;
        flight.few_ = std::max(flight.few_.load(), few);
      }
      std::atomic_thread_fence(std::memory_order_seq_cst);
    }
    ~Waiter() {
      std::scoped_lock lock(flight.mutex_);
      if ((flight.waiters_ -= 1) == 0) flight.few_ = none;
    }
  } const waiter(*this, few);
  while (true) {
    {
      std::unique_lock lock(mutex_);
      if (arrived_.wait_for(lock, between_polls, done)) return;
    }
    look(host);
    host.let_go();
  }
}

}  // namespace jetlag::exec
