#include "runtime/exec/machine.h"

#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <thread>

#include "array/array.h"
#include "base/clock.h"
#include "primitives/product_loops.h"
#include "runtime/tasks/tasks.h"

namespace jetlag::exec {

namespace {

// Several times what the largest caches hold for one of two processors.
constexpr std::int64_t probe_bytes = std::int64_t{192} << 20;
constexpr std::int64_t probe_blocks = 96;
constexpr std::int64_t rounds_of_a_block = 400'000;
constexpr int tries = 5;

// Nanoseconds that the blocks take, shared among the workers.
double timed(std::int64_t blocks, const std::function<void(std::int64_t)>& body) {
  std::mutex mutex;
  std::condition_variable ended;
  bool done = false;
  const std::int64_t begin = now_ns();
  tasks::Work work;
  work.blocks = blocks;
  work.body = body;
  work.done = [&](const tasks::Task&) {
    std::scoped_lock lock(mutex);
    done = true;
    ended.notify_all();
  };
  tasks::Task::start(std::move(work), {});
  std::unique_lock lock(mutex);
  ended.wait(lock, [&] { return done; });
  return static_cast<double>(now_ns() - begin);
}

double timed_alone(std::int64_t blocks, const std::function<void(std::int64_t)>& body) {
  const std::int64_t begin = now_ns();
  for (std::int64_t b = 0; b < blocks; ++b) body(b);
  return static_cast<double>(now_ns() - begin);
}

// The best of several tries, in units of `amount` per second.
template <class Timed>
double best_rate(double amount, const Timed& run) {
  double best = 0;
  for (int k = 0; k < tries; ++k) best = std::max(best, amount / std::max(run(), 1.0) * 1e9);
  return best;
}

// Whose measurements they are: a folder may be shared by several machines.
const std::string& processor_name() {
  static const std::string name = [] {
    std::ifstream facts("/proc/cpuinfo");
    std::string line;
    while (std::getline(facts, line)) {
      if (line.starts_with("model name")) break;
    }
    char host[256] = {};
    static_cast<void>(gethostname(host, sizeof host - 1));
    return format("{} {} {}", host, line, std::thread::hardware_concurrency());
  }();
  return name;
}

std::filesystem::path file_in(const std::string& folder, int workers) {
  return std::filesystem::path(folder) / format("machine-{}", workers);
}

bool read_file(const std::filesystem::path& path, Machine& m) {
  std::ifstream file(path);
  std::string processor;
  return std::getline(file, processor) && processor == processor_name() &&
         file >> m.read_bytes_per_s >> m.read_bytes_per_s_alone >> m.flops_per_s >>
             m.flops_per_s_alone &&
         m.read_bytes_per_s > 0 && m.flops_per_s > 0;
}

// Aside, then renamed: another process never sees a part. A folder that cannot
// be written to costs the next process a measurement, no more.
void write_file(const std::filesystem::path& path, const Machine& m) {
  std::error_code ignored;
  std::filesystem::create_directories(path.parent_path(), ignored);
  const std::filesystem::path aside = format("{}.{}", path.string(), getpid());
  {
    std::ofstream file(aside);
    file << processor_name() << '\n'
         << m.read_bytes_per_s << ' ' << m.read_bytes_per_s_alone << ' ' << m.flops_per_s << ' '
         << m.flops_per_s_alone << '\n';
    if (!file) return;
  }
  std::filesystem::rename(aside, path, ignored);
}

}  // namespace

Machine measure_machine() {
  const ProductLoops<double>& loops = product_loops<double>();
  const Ref<Array> numbers =
      new_array(DType::float64, {probe_bytes / static_cast<std::int64_t>(sizeof(double))});
  std::fill_n(numbers->as<double>(), numbers->size(), 1.0);
  const std::int64_t length = numbers->size() / probe_blocks;
  std::atomic<double> kept{0};  // or the compiler would drop the work
  const auto read = [&](std::int64_t b) {
    kept = loops.sum(numbers->as<double>() + b * length, length);
  };
  const auto compute = [&](std::int64_t) { kept = loops.multiply_adds(rounds_of_a_block); };

  Machine m;
  m.workers = tasks::inline_only() ? 1 : tasks::workers();
  const double bytes = static_cast<double>(length * probe_blocks * 8);
  const std::int64_t blocks = 4 * m.workers;
  const double flops_each = flops_of_a_round * static_cast<double>(rounds_of_a_block);
  m.read_bytes_per_s_alone = best_rate(bytes, [&] { return timed_alone(probe_blocks, read); });
  m.flops_per_s_alone = best_rate(4 * flops_each, [&] { return timed_alone(4, compute); });
  m.read_bytes_per_s = m.read_bytes_per_s_alone;
  m.flops_per_s = m.flops_per_s_alone;
  if (m.workers == 1) return m;
  m.read_bytes_per_s = best_rate(bytes, [&] { return timed(probe_blocks, read); });
  m.flops_per_s =
      best_rate(static_cast<double>(blocks) * flops_each, [&] { return timed(blocks, compute); });
  return m;
}

Machine known_machine(const std::string& folder) {
  static std::mutex mutex;
  static auto& known = *new std::map<int, Machine>;
  std::scoped_lock lock(mutex);
  const int workers = tasks::inline_only() ? 1 : tasks::workers();
  if (const auto found = known.find(workers); found != known.end()) return found->second;
  Machine m{.workers = workers};
  if (folder.empty() || !read_file(file_in(folder, workers), m)) {
    m = measure_machine();
    if (!folder.empty()) write_file(file_in(folder, workers), m);
  }
  return known[workers] = m;
}

}  // namespace jetlag::exec
