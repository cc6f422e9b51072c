#include "runtime/exec/flight.h"

#include <algorithm>
#include <utility>

namespace jetlag::exec {

namespace {

thread_local std::shared_ptr<Flight> spare;

}  // namespace

std::shared_ptr<Flight> Flight::take() {
  return spare ? std::exchange(spare, nullptr) : std::make_shared<Flight>();
}

void Flight::give_back(std::shared_ptr<Flight> flight) {
  // A task that has arrived may still hold it, and then it is left to that task.
  const bool alone = flight.use_count() == 1;
  std::atomic_thread_fence(std::memory_order_acquire);
  const bool fresh = !flight->dropped && !flight->error.any() && !flight->has_reports();
  if (alone && fresh && flight->outstanding() == 0) spare = std::move(flight);
}

void Flight::depart(std::int64_t bytes, bool can_fail) {
  outstanding_.fetch_add(1, std::memory_order_acq_rel);
  bytes_.fetch_add(bytes, std::memory_order_relaxed);
  if (can_fail) fallible_.fetch_add(1, std::memory_order_acq_rel);
}

void Flight::arrive(std::int64_t bytes, bool can_fail) {
  bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  if (can_fail) fallible_.fetch_sub(1, std::memory_order_acq_rel);
  const std::int64_t left = outstanding_.fetch_sub(1, std::memory_order_acq_rel) - 1;
  // Either this sees who waits, or who waits sees the arrival.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (left > few_.load(std::memory_order_relaxed)) return;
  std::scoped_lock lock(mutex_);
  arrived_.notify_all();
}

void Flight::report(std::int64_t sequence, FpReport report) {
  std::scoped_lock lock(mutex_);
  auto& reports = reports_[sequence];
  // Blocks of one operation see the same thing: it is told once.
  auto same = std::find_if(reports.begin(), reports.end(), [&](const FpReport& r) {
    return r.name == report.name && r.place == report.place && r.within == report.within;
  });
  if (same == reports.end()) {
    reports.push_back(std::move(report));
  } else {
    same->anomalies |= report.anomalies;
  }
  has_reports_ = true;
  reports_made_.fetch_add(1, std::memory_order_release);
}

std::vector<FpReport> Flight::take_reports(std::int64_t before) {
  std::scoped_lock lock(mutex_);
  std::vector<FpReport> taken;
  const auto end = reports_.lower_bound(before);
  for (auto at = reports_.begin(); at != end; ++at) {
    taken.insert(taken.end(), at->second.begin(), at->second.end());
  }
  reports_.erase(reports_.begin(), end);
  has_reports_ = !reports_.empty();
  return taken;
}

trace::SiteId waiting_site() {
  static const trace::Site site{.name = "wait for tasks", .category = trace::Category::wait};
  return trace::define(site);
}

}  // namespace jetlag::exec
