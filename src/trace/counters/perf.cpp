// Linux's own counters of a thread: perf events, and its accounts.
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "trace/counters/hardware.h"

namespace jetlag::trace {

namespace {

int open_event(const HardwareEvent& event, int group) {
  perf_event_attr attributes;
  std::memset(&attributes, 0, sizeof attributes);
  attributes.size = sizeof attributes;
  attributes.type = event.perf_type;
  attributes.config = event.perf_config;
  attributes.read_format = PERF_FORMAT_GROUP;
  // Counting the kernel's part may be forbidden where ours is not.
  attributes.exclude_hv = 1;
  attributes.exclude_kernel = event.perf_type == PERF_TYPE_HARDWARE;
  return static_cast<int>(
      syscall(SYS_perf_event_open, &attributes, 0, -1, group, PERF_FLAG_FD_CLOEXEC));
}

// One group: a single call reads them at one moment.
class PerfEvents : public ThreadEvents {
 public:
  ~PerfEvents() override {
    for (const int f : files_) close(f);
  }
  bool add(const HardwareEvent& event) {
    const int file = open_event(event, files_.empty() ? -1 : files_.front());
    if (file < 0) return false;
    files_.push_back(file);
    words_.resize(files_.size() + 1);
    return true;
  }
  bool empty() const { return files_.empty(); }

  bool read(std::span<std::int64_t> values) override {
    const std::size_t bytes = words_.size() * sizeof words_[0];
    if (::read(files_.front(), words_.data(), bytes) != static_cast<ssize_t>(bytes)) return false;
    // The first word is how many follow.
    std::copy_n(words_.begin() + 1, std::min(values.size(), words_.size() - 1), values.begin());
    return true;
  }

 private:
  std::vector<int> files_;
  std::vector<std::int64_t> words_;
};

std::int64_t nanoseconds(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

// In the order of the events that are left: see open_accounts.
class Accounts : public ThreadEvents {
 public:
  Accounts() { first_ = look(); }
  bool read(std::span<std::int64_t> values) override {
    const std::vector<std::int64_t> now = look();
    for (std::size_t i = 0; i < std::min(values.size(), now.size()); ++i)
      values[i] = now[i] - first_[i];
    return true;
  }

 private:
  static std::vector<std::int64_t> look() {
    rusage used{};
    getrusage(RUSAGE_THREAD, &used);
    return {nanoseconds(CLOCK_THREAD_CPUTIME_ID), used.ru_minflt + used.ru_majflt,
            used.ru_nvcsw + used.ru_nivcsw};
  }
  std::vector<std::int64_t> first_;
};

}  // namespace

std::unique_ptr<ThreadEvents> open_perf(std::vector<std::string>& events, std::string& why) {
  auto opened = std::make_unique<PerfEvents>();
  std::vector<std::string> counted;
  for (const std::string& name : events) {
    const auto table = hardware_events();
    const auto at = std::find_if(table.begin(), table.end(),
                                 [&](const HardwareEvent& e) { return e.name == name; });
    if (at == table.end()) continue;
    if (opened->add(*at)) {
      counted.push_back(name);
      continue;
    }
    const int error = errno;
    // The same reason for all is told once.
    if (why.empty()) {
      const bool unknown = error == ENOENT || error == EOPNOTSUPP || error == ENODEV;
      why = format("cannot count {} ({})", name,
                   unknown ? "the processor offers no such counter" : std::strerror(error));
      if (error == EACCES || error == EPERM) why += ", see /proc/sys/kernel/perf_event_paranoid";
    }
  }
  events = std::move(counted);
  return opened->empty() ? nullptr : std::move(opened);
}

std::unique_ptr<ThreadEvents> open_accounts(std::vector<std::string>& events, std::string&) {
  events = {"task-clock", "page-faults", "context-switches"};
  return std::make_unique<Accounts>();
}

}  // namespace jetlag::trace
