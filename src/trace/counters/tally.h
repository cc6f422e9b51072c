// What threads count while they work: each in a place of its own, added up when somebody reads.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace jetlag::trace {

// Their names and meanings are in tally.cpp.
enum class Tally : std::uint8_t {
  tasks_created,
  tasks_ready,
  tasks_begun,
  tasks_executed,
  tasks_failed,
  runs,
  runs_taken_over,
  busy_ns,
  plan_hits,
  plan_misses,
  code_hits,
  object_hits,
  object_misses,
  compilations,
  compile_ns,
  opaque_steps,
  opaque_ns,
};
constexpr std::size_t tally_count = static_cast<std::size_t>(Tally::opaque_ns) + 1;

namespace detail {

struct alignas(64) Tallies {
  std::array<std::atomic<std::uint64_t>, tally_count> values{};
};

extern thread_local constinit Tallies* tallies;
Tallies& join_tallies();

}  // namespace detail

// Only the thread itself writes its place, so a load and a store are enough.
inline void count(Tally tally, std::uint64_t more = 1) {
  detail::Tallies* mine = detail::tallies;
  if (!mine) [[unlikely]]
    mine = &detail::join_tallies();
  std::atomic<std::uint64_t>& value = mine->values[static_cast<std::size_t>(tally)];
  value.store(value.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
}

// Of all threads, those that have ended too.
std::uint64_t total(Tally tally);

// Makes the calling thread a worker, with counters of its own, and gives its number. A thread that
// has ended leaves its number to the next.
int become_worker();
// -1: the calling thread is none.
int worker_number();

}  // namespace jetlag::trace
