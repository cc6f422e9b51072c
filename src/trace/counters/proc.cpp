#include "trace/counters/proc.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <mutex>

#include "base/error.h"

namespace jetlag::trace {

namespace {

using std::string_view;
using enum CounterKind;

// The first so many characters; what stands behind them is left out.
string_view cut(string_view& text, std::size_t size) {
  const string_view piece = text.substr(0, size);
  text.remove_prefix(std::min(piece.size() + 1, text.size()));
  return piece;
}

string_view take(string_view& text, char separator) { return cut(text, text.find(separator)); }

constexpr bool is_blank(char c) { return c == ' ' || c == '\t'; }

string_view word(string_view& text) {
  const auto begin = std::find_if_not(text.begin(), text.end(), is_blank);
  text.remove_prefix(static_cast<std::size_t>(begin - text.begin()));
  const auto end = std::find_if(text.begin(), text.end(), is_blank);
  return cut(text, static_cast<std::size_t>(end - text.begin()));
}

// Whether the text is a number of a sensible size, and nothing else.
bool number(string_view text, double& value) {
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  return error == std::errc() && end == text.data() + text.size() && !text.empty() &&
         std::isfinite(value) && value >= 0;
}

// Names are shown, and matched by patterns.
bool is_name(string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) || std::strchr("_-.()@:", c);
  }) && text.find('\0') == string_view::npos;
}

double ticks_per_s() {
  static const double ticks = static_cast<double>(std::max(sysconf(_SC_CLK_TCK), 1L));
  return ticks;
}

// "cpu3 12 0 7 …": times since the machine began, in ticks; and lines of one number.
void parse_stat(string_view text, const FigureSink& sink) {
  constexpr string_view states[] = {"user",   "nice", "system",  "idle",
                                    "iowait", "irq",  "softirq", "steal"};
  constexpr struct {
    string_view line, name, unit;
    CounterKind kind;
  } lines[] = {{"intr", "interrupts", "interrupts", monotone},
               {"ctxt", "context-switches", "switches", monotone},
               {"processes", "forks", "processes", monotone},
               {"procs_running", "running", "threads", gauge},
               {"procs_blocked", "blocked", "threads", gauge}};
  while (!text.empty()) {
    string_view line = take(text, '\n');
    const string_view head = word(line);
    double value = 0;
    if (head.starts_with("cpu") && is_name(head)) {
      const string_view instance = head == "cpu" ? "total" : head;
      for (const string_view state : states) {
        if (!number(word(line), value)) break;
        sink({instance, state, "s", monotone, value / ticks_per_s()});
      }
    }
    for (const auto& known : lines) {
      if (head == known.line && number(word(line), value))
        sink({"total", known.name, known.unit, known.kind, value});
    }
  }
}

// "MemFree:   123 kB".
void kilobytes(string_view line, const FigureSink& sink) {
  const string_view name = take(line, ':');
  double value = 0;
  if (is_name(name) && number(word(line), value) && word(line) == "kB")
    sink({"total", name, "B", gauge, value * 1024});
}

void parse_meminfo(string_view text, const FigureSink& sink) {
  while (!text.empty()) kilobytes(take(text, '\n'), sink);
}

void parse_status(string_view text, const FigureSink& sink) {
  while (!text.empty()) {
    string_view line = take(text, '\n');
    if (line.starts_with("Vm") || line.starts_with("Rss")) {
      kilobytes(line, sink);
      continue;
    }
    const string_view name = take(line, ':');
    double value = 0;
    if (name == "Threads" && number(word(line), value))
      sink({"total", "threads", "threads", gauge, value});
    if (name == "voluntary_ctxt_switches" && number(word(line), value))
      sink({"total", "voluntary-switches", "switches", monotone, value});
    if (name == "nonvoluntary_ctxt_switches" && number(word(line), value))
      sink({"total", "involuntary-switches", "switches", monotone, value});
  }
}

// "rchar: 123".
void parse_io(string_view text, const FigureSink& sink) {
  while (!text.empty()) {
    string_view line = take(text, '\n');
    const string_view name = take(line, ':');
    const bool calls = name.starts_with("sysc");
    double value = 0;
    if (is_name(name) && number(word(line), value))
      sink({"total", name, calls ? "calls" : "B", monotone, value});
  }
}

// "  eth0: 12 1 0 …": eight numbers of what came, eight of what went.
void parse_net(string_view text, const FigureSink& sink) {
  constexpr struct {
    string_view name, unit;
  } columns[] = {{"received-bytes", "B"},
                 {"received-packets", "packets"},
                 {"received-errors", "errors"},
                 {"received-dropped", "packets"},
                 {"", ""},
                 {"", ""},
                 {"", ""},
                 {"", ""},
                 {"sent-bytes", "B"},
                 {"sent-packets", "packets"},
                 {"sent-errors", "errors"},
                 {"sent-dropped", "packets"}};
  while (!text.empty()) {
    string_view line = take(text, '\n');
    const std::size_t colon = line.rfind(':');
    if (colon == string_view::npos) continue;  // a heading
    string_view before = line.substr(0, colon);
    const string_view device = word(before);
    line.remove_prefix(colon + 1);
    if (!is_name(device) || device == "total") continue;
    for (const auto& column : columns) {
      double value = 0;
      if (!number(word(line), value)) break;
      if (!column.name.empty()) sink({device, column.name, column.unit, monotone, value});
    }
  }
}

// "0.20 0.18 0.12 1/80 11206".
void parse_loadavg(string_view text, const FigureSink& sink) {
  string_view line = take(text, '\n');
  double value = 0;
  for (const string_view name : {"load-1min", "load-5min", "load-15min"}) {
    if (!number(word(line), value)) return;
    sink({"total", name, "threads", gauge, value});
  }
  string_view pair = word(line);
  if (number(take(pair, '/'), value)) sink({"total", "running", "threads", gauge, value});
  if (number(pair, value)) sink({"total", "threads", "threads", gauge, value});
}

constexpr ProcFile files[] = {
    {"/proc/stat", "of the machine: processor time, switches, forks", parse_stat},
    {"/proc/meminfo", "of the machine: memory", parse_meminfo},
    {"/proc/loadavg", "of the machine: threads that run or would", parse_loadavg},
    {"/proc/self/status", "of this process: memory, threads, switches", parse_status},
    {"/proc/self/io", "of this process: bytes and calls, to files and beyond", parse_io},
    {"/proc/self/net/dev", "of the devices of this process's network", parse_net},
};

// The text of a file, in memory that is kept.
class Text {
 public:
  // False, with the reason, if it cannot be read.
  bool read(const std::string& path, std::string& why) {
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return failed(path, why);
    size_ = 0;
    for (;;) {
      if (size_ == buffer_.size()) buffer_.resize(std::max<std::size_t>(buffer_.size() * 2, 4096));
      const ssize_t got = ::read(file, buffer_.data() + size_, buffer_.size() - size_);
      if (got < 0 && errno == EINTR) continue;
      if (got > 0) size_ += static_cast<std::size_t>(got);
      if (got > 0 && size_ < most) continue;
      const bool good = got >= 0 || failed(path, why);
      close(file);
      return good;
    }
  }
  string_view view() const { return {buffer_.data(), size_}; }

 private:
  static constexpr std::size_t most = std::size_t{1} << 24;
  static bool failed(const std::string& path, std::string& why) {
    why = format("cannot read {}: {}", path, std::strerror(errno));
    return false;
  }
  std::vector<char> buffer_;
  std::size_t size_ = 0;
};

class ProcSource : public CounterSource {
 public:
  ProcSource(const ProcFile& file, std::string path)
      : file_(file), path_(path.empty() ? std::string(file.path) : std::move(path)) {}

  string_view prefix() const override { return file_.path; }

  std::vector<ListedCounter> list() override {
    std::scoped_lock lock(mutex_);
    std::string why;
    if (text_.read(path_, why)) {
      next_ = 0;
      file_.parse(text_.view(), [&](const Figure& f) { place_of(f, true); });
    } else if (known_.empty()) {
      known_.push_back({"total", "all"});
      values_.push_back(0);
      listed_.push_back(
          {{counter_name(file_.path, "0/total", "all"), "1", gauge, std::string(file_.doc)}, why});
    }
    return listed_;
  }

  void read(std::span<const std::size_t> places, std::span<Reading> values) override {
    std::scoped_lock lock(mutex_);
    std::fill(values_.begin(), values_.end(), std::numeric_limits<double>::quiet_NaN());
    std::string why;
    if (text_.read(path_, why)) {
      next_ = 0;
      file_.parse(text_.view(), [this](const Figure& f) {
        const std::size_t place = place_of(f, false);
        if (place < values_.size()) values_[place] = f.value;
      });
    }
    for (std::size_t i = 0; i < places.size(); ++i) values[i] = {values_[places[i]]};
  }

 private:
  struct Known {
    std::string instance, name;
    bool is(const Figure& f) const { return name == f.name && instance == f.instance; }
  };

  // Files have their lines in one order, so the next is mostly the one behind the last.
  std::size_t place_of(const Figure& f, bool may_be_new) {
    for (std::size_t i = 0; i < known_.size(); ++i) {
      const std::size_t place = (next_ + i) % known_.size();
      if (!known_[place].is(f)) continue;
      next_ = place + 1;
      return place;
    }
    if (!may_be_new) return known_.size();
    known_.push_back({std::string(f.instance), std::string(f.name)});
    listed_.push_back({{counter_name(file_.path, format("0/{}", f.instance), f.name),
                        std::string(f.unit), f.kind, std::string(file_.doc)}});
    values_.push_back(0);
    return known_.size() - 1;
  }

  const ProcFile& file_;
  const std::string path_;
  std::mutex mutex_;
  Text text_;
  std::vector<Known> known_;
  std::vector<ListedCounter> listed_;
  std::vector<double> values_;
  std::size_t next_ = 0;
};

}  // namespace

std::span<const ProcFile> proc_files() { return files; }

std::unique_ptr<CounterSource> proc_source(const ProcFile& file, std::string path) {
  return std::make_unique<ProcSource>(file, std::move(path));
}

}  // namespace jetlag::trace
