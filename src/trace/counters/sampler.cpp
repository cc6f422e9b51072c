#include "trace/counters/sampler.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "base/error.h"
#include "base/settings.h"
#include "trace/counters/counters.h"
#include "trace/counters/hardware.h"
#include "trace/record/counter.h"

namespace jetlag::trace {

namespace {

constexpr double shortest_period_s = 1e-3;
constexpr double longest_period_s = 1e6;

class Sampler {
 public:
  explicit Sampler(const Sampling& sampling) : sampling_(sampling), reader_(sampling.patterns) {}

  // Returns once the first samples are taken.
  void begin() {
    thread_ = std::thread([this] { run(); });
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [&] { return begun_; });
  }

  // The patterns that nothing fitted.
  std::vector<std::string> end() {
    {
      std::scoped_lock lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    thread_.join();
    std::vector<std::string> unfit;
    for (const std::string& p : sampling_.patterns) {
      if (std::none_of(reader_.counters().begin(), reader_.counters().end(),
                       [&](const Counter& c) { return matches_counter(p, c.name); }))
        unfit.push_back(p);
    }
    return unfit;
  }

 private:
  void run() {
    name_thread("counters");
    pthread_setname_np(pthread_self(), "jetlag-counters");
    using Clock = std::chrono::steady_clock;
    Clock::time_point next = Clock::now();
    std::unique_lock lock(mutex_);
    do {
      lock.unlock();
      sample();
      // What was missed while the machine was busy is left out.
      const Clock::time_point now = Clock::now();
      const std::chrono::nanoseconds period(sampling_.period_ns);
      next = next + period > now ? next + period : now + period;
      lock.lock();
      if (!std::exchange(begun_, true)) wake_.notify_all();
    } while (!wake_.wait_until(lock, next, [&] { return stopping_; }));
    lock.unlock();
    sample();
  }

  void sample() {
    if (reader_.look() || ids_.empty()) {
      for (std::size_t i = ids_.size(); i < reader_.counters().size(); ++i)
        ids_.push_back(define(reader_.counters()[i]));
    }
    const std::span<const double> values = reader_.read();
    if (!recording()) return;
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (!std::isnan(values[i]))
        put(Event::sample, ids_[i], 0, std::bit_cast<std::uint64_t>(values[i]));
    }
  }

  const Sampling sampling_;
  CounterReader reader_;
  std::vector<SiteId> ids_;  // of the reader's counters
  std::mutex mutex_;
  std::condition_variable wake_;
  bool begun_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

// Never destroyed: the process may end while its thread runs.
struct State {
  std::mutex mutex;
  std::unique_ptr<Sampler> sampler;
};
State& state() {
  static State& s = *new State;
  return s;
}

std::string list_of(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  return list;
}

// With spaces or commas between them.
std::vector<std::string> words(const std::string& text) {
  constexpr std::string_view between = " \t\n,";
  std::vector<std::string> all;
  for (std::size_t at = text.find_first_not_of(between); at != std::string::npos;) {
    const std::size_t end = std::min(text.find_first_of(between, at), text.size());
    all.push_back(text.substr(at, end - at));
    at = text.find_first_not_of(between, end);
  }
  return all;
}

}  // namespace

Sampling sampling_of(const std::string& patterns, double period_s, const std::string& hardware) {
  if (!(period_s >= shortest_period_s && period_s <= longest_period_s))
    throw Error(Kind::value, format("the period of samples must be {} to {:.0f} seconds, not {}",
                                    shortest_period_s, longest_period_s, period_s));
  Sampling sampling;
  sampling.period_ns = std::llround(period_s * 1e9);
  sampling.patterns = words(patterns);
  sampling.hardware = hardware != "none" && !hardware.empty();
  if (sampling.hardware && hardware != "auto") sampling.events = words(hardware);
  return sampling;
}

Sampling sampling_of_settings() {
  const std::string period = setting("trace_period");
  double seconds = 0;
  std::from_chars(period.data(), period.data() + period.size(), seconds);
  const std::string patterns = setting("trace_counters");
  return sampling_of(patterns == "none" ? "" : patterns, seconds, setting("trace_hardware"));
}

std::string start_recording(const std::string& path, const RecordOptions& options,
                            const Sampling& sampling) {
  auto sampler = sampling.patterns.empty() ? nullptr : std::make_unique<Sampler>(sampling);
  start_recording(path, options);
  std::string missing;
  if (sampling.hardware) {
    const HardwareChoice choice = start_hardware(sampling.events);
    if (!choice.why.empty())
      missing = choice.source.empty()
                    ? format("hardware counters: {}; nothing is counted", choice.why)
                    : format("hardware counters: {}; {} are counted by {}", choice.why,
                             list_of(choice.events), choice.source);
  }
  if (!sampler) return missing;
  State& s = state();
  std::scoped_lock lock(s.mutex);
  s.sampler = std::move(sampler);
  s.sampler->begin();
  return missing;
}

SampledSummary stop_recording_and_sampling() {
  State& s = state();
  std::unique_ptr<Sampler> sampler;
  {
    std::scoped_lock lock(s.mutex);
    sampler = std::move(s.sampler);
  }
  SampledSummary summary;
  if (sampler) summary.unfit = sampler->end();
  stop_hardware();
  summary.recording = stop_recording();
  return summary;
}

void sampling_after_fork() {
  State& s = state();
  // Its thread is not here, so it cannot be taken down.
  static_cast<void>(s.sampler.release());
  new (&s) State{};
}

}  // namespace jetlag::trace
