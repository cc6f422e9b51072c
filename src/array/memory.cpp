#include "array/memory.h"

#include "array/kept.h"

#include <malloc.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <limits>
#include <list>
#include <mutex>
#include <unordered_map>

namespace jetlag::memory {

namespace {

// A cache line; smaller blocks than a page are not worth the detour through
// aligned_alloc. Either way free() takes them back.
constexpr std::int64_t alignment = 64;
constexpr std::int64_t smallest_aligned = 4096;

// What a pass writes must not lie a little further in its page than what it reads: a processor that
// compares the lower bits of addresses takes the next elements for those that were just written.
// NumPy's large arrays begin 16 bytes into a page.
constexpr std::int64_t page = 4096;
constexpr std::int64_t smallest_paged = std::int64_t{1} << 15;

// From this size on memory is asked for in huge pages, as NumPy does: touching
// a fresh page costs more than filling it.
constexpr std::int64_t smallest_huge = std::int64_t{1} << 22;
constexpr std::int64_t huge_page = std::int64_t{1} << 21;

// malloc itself is quick with blocks below this size.
constexpr std::int64_t smallest_kept = std::int64_t{1} << 15;
constexpr std::int64_t most_kept = std::int64_t{256} << 20;

// Linux promises memory that it does not have, so malloc alone would not say
// no: what the machine can never give is refused here.
std::int64_t machine_bytes() {
  static const std::int64_t total = [] {
    struct sysinfo facts{};
    if (sysinfo(&facts) != 0) return std::numeric_limits<std::int64_t>::max();
    return static_cast<std::int64_t>((facts.totalram + facts.totalswap) * facts.mem_unit);
  }();
  return total;
}

void use_huge_pages(void* data, std::int64_t bytes) {
  if (data == nullptr || bytes < smallest_huge) return;
  // Whole small pages inside; the system picks whole huge ones among them.
  auto* first = static_cast<std::byte*>(data);
  const auto offset = -reinterpret_cast<std::intptr_t>(data) & (page - 1);
  // Only advice: a system without huge pages goes on without.
  static_cast<void>(
      madvise(first + offset, static_cast<std::size_t>(bytes - offset), MADV_HUGEPAGE));
}

// An empty array has an address too, as in NumPy.
std::int64_t counted(std::int64_t bytes) { return std::max<std::int64_t>(bytes, 1); }

// Where such a block begins and ends in memory: at multiples of so many bytes.
std::int64_t step_of(std::int64_t bytes) {
  if (bytes < smallest_paged) return alignment;
  return bytes < smallest_huge ? page : huge_page;
}

// What a block of so many bytes holds: blocks of one capacity may stand for each other.
std::int64_t capacity_of(std::int64_t bytes) {
  if (bytes < smallest_aligned) return counted(bytes);
  const std::int64_t step = step_of(bytes);
  return (bytes + step - 1) / step * step;
}

void* system_memory(std::int64_t bytes, bool zeroed) {
  const auto size = static_cast<std::size_t>(capacity_of(bytes));
  if (!zeroed && bytes < smallest_aligned) return std::malloc(size);
  void* data = zeroed ? std::calloc(size, 1)
                      : std::aligned_alloc(static_cast<std::size_t>(step_of(bytes)), size);
  use_huge_pages(data, bytes);
  return data;
}

std::atomic<std::int64_t> now{0};
std::atomic<std::int64_t> peak{0};
std::atomic<std::int64_t> total{0};

void count(std::int64_t bytes) {
  const std::int64_t sum = now.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  total.fetch_add(bytes, std::memory_order_relaxed);
  std::int64_t seen = peak.load(std::memory_order_relaxed);
  while (sum > seen && !peak.compare_exchange_weak(seen, sum, std::memory_order_relaxed)) {
  }
}

// Blocks that were given back, oldest first. Together with what is in use they
// never hold more than was once in use without them: keeping raises no peak.
class Kept {
 public:
  void* find(std::int64_t bytes) {
    std::scoped_lock lock(mutex_);
    const auto same = by_capacity_.find(capacity_of(bytes));
    if (same == by_capacity_.end() || same->second.empty()) return nullptr;
    const auto at = same->second.back();  // the one used last: it may still be in the cache
    same->second.pop_back();
    void* data = at->data;
    bytes_ -= at->bytes;
    blocks_.erase(at);
    return data;
  }

  void add(void* data, std::int64_t bytes) {
    std::scoped_lock lock(mutex_);
    blocks_.push_back({data, bytes});
    by_capacity_[capacity_of(bytes)].push_back(std::prev(blocks_.end()));
    bytes_ += bytes;
    shrink_to(most_kept);
  }

  // Room for a fresh block that was just counted.
  void make_room() {
    std::scoped_lock lock(mutex_);
    if (bytes_ == 0) return;
    shrink_to(peak.load(std::memory_order_relaxed) - now.load(std::memory_order_relaxed));
  }

  void clear() {
    std::scoped_lock lock(mutex_);
    shrink_to(0);
  }

  std::int64_t bytes() {
    std::scoped_lock lock(mutex_);
    return bytes_;
  }

 private:
  struct Block {
    void* data;
    std::int64_t bytes;
  };

  void shrink_to(std::int64_t most) {
    while (bytes_ > most && !blocks_.empty()) {
      const Block oldest = blocks_.front();
      by_capacity_[capacity_of(oldest.bytes)].pop_front();
      bytes_ -= oldest.bytes;
      blocks_.pop_front();
      std::free(oldest.data);
    }
  }

  std::mutex mutex_;
  std::list<Block> blocks_;
  std::unordered_map<std::int64_t, std::deque<std::list<Block>::iterator>> by_capacity_;
  std::int64_t bytes_ = 0;
};

// Never destroyed: arrays may be let go while the process ends.
Kept*& kept() {
  static Kept* k = new Kept;
  return k;
}

std::atomic<std::int64_t> watched_from{watch_none};
std::atomic<Watcher> watcher{nullptr};

void tell(std::int64_t bytes, bool taken) {
  if (const Watcher told = watcher.load(std::memory_order_acquire)) told(bytes, taken);
}

bool is_watched(std::int64_t bytes) {
  return bytes >= watched_from.load(std::memory_order_relaxed);
}

}  // namespace

void watch(std::int64_t from_bytes, Watcher told) {
  watcher.store(told, std::memory_order_release);
  watched_from.store(from_bytes, std::memory_order_release);
}

Counters counters() {
  return {now.load(std::memory_order_relaxed), kept()->bytes(),
          peak.load(std::memory_order_relaxed), total.load(std::memory_order_relaxed)};
}

void drop_kept() { kept()->clear(); }

void reset_peak() {
  drop_kept();
  peak.store(now.load(std::memory_order_relaxed), std::memory_order_relaxed);
}

bool would_raise_peak(std::int64_t bytes) {
  return now.load(std::memory_order_relaxed) + bytes > peak.load(std::memory_order_relaxed);
}

namespace {

std::byte* find_or_ask(std::int64_t bytes, bool zeroed) {
  void* data = nullptr;
  // Clearing a large block costs what fresh pages cost, and touches them all.
  if (bytes >= smallest_kept && !(zeroed && bytes >= smallest_huge)) data = kept()->find(bytes);
  if (data) {
    count(counted(bytes));
    if (zeroed) std::memset(data, 0, static_cast<std::size_t>(bytes));
    return static_cast<std::byte*>(data);
  }
  count(counted(bytes));
  if (bytes >= smallest_kept) kept()->make_room();
  data = system_memory(bytes, zeroed);
  if (data == nullptr) {
    kept()->clear();
    data = system_memory(bytes, zeroed);
  }
  if (data == nullptr) now.fetch_sub(counted(bytes), std::memory_order_relaxed);
  return static_cast<std::byte*>(data);
}

}  // namespace

std::byte* take(std::int64_t bytes, bool zeroed) {
  if (bytes > machine_bytes()) return nullptr;
  std::byte* const data = find_or_ask(bytes, zeroed);
  if (is_watched(bytes) && data) [[unlikely]]
    tell(bytes, true);
  return data;
}

void give_back(void* block, std::int64_t bytes) noexcept {
  if (is_watched(bytes)) [[unlikely]]
    tell(bytes, false);
  now.fetch_sub(counted(bytes), std::memory_order_relaxed);
  const bool keep = bytes >= smallest_kept && bytes <= most_kept / 2 &&
                    // NumPy says how large the array is now; the block must bear that out.
                    static_cast<std::int64_t>(malloc_usable_size(block)) >= capacity_of(bytes);
  if (!keep) return std::free(block);
  try {
    kept()->add(block, bytes);
  } catch (...) {
    std::free(block);
  }
}

void after_fork() { kept() = new Kept; }

}  // namespace jetlag::memory
