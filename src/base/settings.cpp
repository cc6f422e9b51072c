#include "base/settings.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <cstdlib>
#include <mutex>

#include "base/error.h"

namespace jetlag {

namespace {

constexpr Setting table[] = {
    {"jit", "JETLAG_JIT", SettingKind::choice, "auto", "off auto always",
     "machine code for array steps: never, in the background once a step is worth it, or at the "
     "first use, waiting for it"},
    {"cache_dir", "JETLAG_CACHE_DIR", SettingKind::folder, "~/.cache/jetlag", "",
     "where object code is kept from process to process ($XDG_CACHE_HOME/jetlag where that is "
     "set)"},
    {"cache_limit", "JETLAG_CACHE_LIMIT", SettingKind::bytes, "268435456", "",
     "how many bytes that folder may hold; the oldest files make room"},
    {"rules", "JETLAG_RULES", SettingKind::switches, "", "",
     "rules that rewrite, off with '-' and on with '+' before their names, or before 'all'; the "
     "last word about a rule holds"},
    {"trace", "JETLAG_TRACE", SettingKind::file, "", "",
     "the file that the whole process is recorded into, from the first compiled call on; empty: "
     "none; %p stands for the number of the process"},
    {"trace_allocations", "JETLAG_TRACE_ALLOCATIONS", SettingKind::bytes, "1048576", "",
     "array memory of so many bytes and more is in a trace when it is taken and given back; read "
     "when a recording begins"},
    {"policies", "JETLAG_POLICIES", SettingKind::switches, "", "",
     "built-in policies that turn the settings below while the process runs, on with '+' and off "
     "with '-' before their names, or before 'all'"},
    {"worker_cap", "JETLAG_WORKER_CAP", SettingKind::number, "0", "",
     "how many workers may be awake at once; 0: all of them"},
    {"grab_ns", "JETLAG_GRAB_NS", SettingKind::number, "20000", "",
     "how long the blocks of a task take, by estimate, that a worker takes at a time"},
    {"inline_ns", "JETLAG_INLINE_NS", SettingKind::number, "40000", "",
     "work that takes less, by estimate, is done at once and not handed out"},
    {"in_flight", "JETLAG_IN_FLIGHT", SettingKind::bytes, "536870912", "",
     "how many bytes of results may be under way; a call with more waits for some"},
    {"trace_counters", "JETLAG_TRACE_COUNTERS", SettingKind::words,
     "/tasks/running /tasks/executed /tasks/idle-rate /memory/live /proc/self/status/VmRSS", "",
     "patterns of counters that a trace samples, with spaces between them; 'none': none"},
    {"trace_period", "JETLAG_TRACE_PERIOD", SettingKind::seconds, "0.1", "",
     "seconds between their samples"},
    {"trace_hardware", "JETLAG_TRACE_HARDWARE", SettingKind::words, "none", "",
     "what the processor counts while tasks run: none, auto, or names of events, of PAPI too"},
    {"jobs_dir", "JETLAG_JOBS_DIR", SettingKind::folder, "~/.local/state/jetlag", "",
     "where jobs and their files are kept, and the socket of the daemon that works on them "
     "($XDG_STATE_HOME/jetlag where that is set)"},
    {"jobs_idle", "JETLAG_JOBS_IDLE", SettingKind::seconds, "1800", "",
     "seconds after which a daemon that was started on demand ends, if all jobs have ended and "
     "nobody asks"},
    {"jobs_server", "JETLAG_JOBS_SERVER", SettingKind::words, "none", "",
     "a server that keeps the jobs instead: the address with its token that `jetlag token make` "
     "prints, or none"},
    {"mail_relay", "JETLAG_MAIL_RELAY", SettingKind::words, "none", "",
     "where that daemon hands over mail: smtp://host:port, or none"},
};
constexpr std::size_t count = std::size(table);
enum Index : std::size_t {
  jit_at,
  cache_dir_at,
  cache_limit_at,
  rules_at,
  trace_at,
  trace_allocations_at,
  policies_at,
  worker_cap_at,
  grab_ns_at,
  inline_ns_at,
  in_flight_at
};

std::string list_of(std::string_view words) {
  std::string list;
  for (std::size_t at = 0; at < words.size();) {
    const std::size_t end = std::min(words.find(' ', at), words.size());
    const bool last = end == words.size();
    if (!list.empty()) list += last ? " or " : ", ";
    list += format("'{}'", words.substr(at, end - at));
    at = end + 1;
  }
  return list;
}

bool is_choice(std::string_view value, std::string_view words) {
  return !value.empty() && value.find(' ') == std::string_view::npos &&
         format(" {} ", words).find(format(" {} ", value)) != std::string::npos;
}

bool is_size(std::string_view value) {
  std::int64_t number = -1;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  return error == std::errc{} && end == value.data() + value.size() && number >= 0;
}

bool is_seconds(std::string_view value) {
  double number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  return error == std::errc{} && end == value.data() + value.size() && number >= 1e-3 &&
         number <= 1e6;
}

// "-solve,+scaled", or nothing.
bool is_switches(std::string_view words) {
  while (!words.empty()) {
    const std::size_t comma = std::min(words.find(','), words.size());
    const std::string_view word = words.substr(0, comma);
    const bool is_name = word.size() > 1 && (word[0] == '-' || word[0] == '+') &&
                         word.find_first_not_of("abcdefghijklmnopqrstuvwxyz-", 1) == word.npos;
    if (!is_name || comma + 1 == words.size()) return false;
    words.remove_prefix(std::min(comma + 1, words.size()));
  }
  return true;
}

// Throws what the user is told; `how` is how the user named the setting.
void check_value(const Setting& s, std::string_view how, std::string_view value) {
  switch (s.kind) {
    case SettingKind::choice:
      if (is_choice(value, s.choices)) return;
      throw Error(Kind::value, format("{} must be {}, not '{}'", how, list_of(s.choices), value));
    case SettingKind::bytes:
      if (is_size(value)) return;
      throw Error(Kind::value, format("{} must be a number of bytes, not '{}'", how, value));
    case SettingKind::number:
      if (is_size(value)) return;
      throw Error(Kind::value, format("{} must be a whole number, not '{}'", how, value));
    case SettingKind::folder:
    case SettingKind::file:
      if (value.find('\0') == std::string_view::npos) return;
      throw Error(Kind::value, format("{} must be a path without null characters", how));
    case SettingKind::words: return;
    case SettingKind::seconds:
      if (is_seconds(value)) return;
      throw Error(Kind::value,
                  format("{} must be seconds from 0.001 to 1000000, not '{}'", how, value));
    case SettingKind::switches:
      if (is_switches(value)) return;
      throw Error(Kind::value,
                  format("{} must be names with '-' or '+' before each and commas between, not "
                         "'{}'",
                         how, value));
  }
}

JitMode mode_of(std::string_view value) {
  if (value == "off") return JitMode::off;
  return value == "always" ? JitMode::always : JitMode::automatic;
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

// Of a folder that is spelt with the user's home.
std::string default_folder(std::string_view spelt) {
  const std::string xdg =
      environment(spelt.find("cache") != spelt.npos ? "XDG_CACHE_HOME" : "XDG_STATE_HOME");
  // A relative path there is to be ignored, says its specification.
  if (xdg.starts_with('/')) return xdg + "/jetlag";
  const std::string home = environment("HOME");
  return home.empty() ? "" : home + std::string(spelt.substr(1));
}

// Never destroyed: threads may still read while the process ends.
struct State {
  std::mutex mutex;
  std::array<std::string, count> values;
  std::atomic<JitMode> mode{JitMode::automatic};
  std::array<std::atomic<std::int64_t>, count> numbers{};  // of those that are numbers
  std::atomic<std::uint32_t> version{0};
  std::string complaint;  // about the environment

  State() {
    for (std::size_t i = 0; i < count; ++i) {
      values[i] = table[i].kind == SettingKind::folder ? default_folder(table[i].otherwise)
                                                       : std::string(table[i].otherwise);
      const char* given = std::getenv(std::string(table[i].environment).c_str());
      if (!given || !*given) continue;
      try {
        check_value(table[i], table[i].environment, given);
        values[i] = given;
      } catch (const Error& error) {
        if (complaint.empty()) complaint = error.message();
      }
    }
    mode = mode_of(values[jit_at]);
    for (std::size_t i = 0; i < count; ++i) note_number(i);
  }

  void note_number(std::size_t i) {
    if (table[i].kind != SettingKind::bytes && table[i].kind != SettingKind::number) return;
    std::int64_t number = 0;
    std::from_chars(values[i].data(), values[i].data() + values[i].size(), number);
    numbers[i].store(number, std::memory_order_relaxed);
  }
};

State& state() {
  static State& s = *new State;
  return s;
}

std::size_t index_of(std::string_view name) {
  const Setting* s = find_setting(name);
  if (!s) throw Error(Kind::attribute, format("there is no setting '{}'", name));
  return static_cast<std::size_t>(s - table);
}

std::string value_at(std::size_t i) {
  State& s = state();
  std::scoped_lock lock(s.mutex);
  return s.values[i];
}

std::int64_t number_at(std::size_t i) { return state().numbers[i].load(std::memory_order_relaxed); }

}  // namespace

std::string_view kind_name(SettingKind kind) {
  constexpr std::string_view names[] = {"choice",   "folder", "bytes", "number",
                                        "switches", "file",   "words", "seconds"};
  return names[static_cast<std::size_t>(kind)];
}

std::span<const Setting> settings() { return table; }

const Setting* find_setting(std::string_view name) {
  const auto* found = std::find_if(std::begin(table), std::end(table),
                                   [&](const Setting& s) { return s.name == name; });
  return found == std::end(table) ? nullptr : found;
}

std::string setting(std::string_view name) { return value_at(index_of(name)); }

void set_setting(std::string_view name, std::string_view value) {
  const std::size_t i = index_of(name);
  check_value(table[i], table[i].name, value);
  State& s = state();
  std::scoped_lock lock(s.mutex);
  s.values[i] = value;
  if (i == jit_at) s.mode = mode_of(value);
  s.note_number(i);
  s.version.fetch_add(1, std::memory_order_release);
}

void check_environment() {
  State& s = state();
  std::scoped_lock lock(s.mutex);
  if (!s.complaint.empty()) throw Error(Kind::value, s.complaint);
}

JitMode jit_mode() { return state().mode.load(std::memory_order_relaxed); }

std::string cache_folder() { return value_at(cache_dir_at); }

std::int64_t cache_limit() { return number_at(cache_limit_at); }

std::int64_t trace_allocations() { return number_at(trace_allocations_at); }

std::int64_t worker_cap() { return number_at(worker_cap_at); }

std::int64_t grab_ns() { return number_at(grab_ns_at); }

std::int64_t inline_ns() { return number_at(inline_ns_at); }

std::int64_t in_flight() { return number_at(in_flight_at); }

void for_each_switch(std::string_view words,
                     const std::function<void(std::string_view name, bool on)>& told) {
  while (!words.empty()) {
    const std::size_t comma = std::min(words.find(','), words.size());
    const std::string_view word = words.substr(0, comma);
    words.remove_prefix(std::min(comma + 1, words.size()));
    told(word.substr(1), word[0] == '+');
  }
}

std::string rule_switches() { return value_at(rules_at); }

std::uint32_t settings_version() { return state().version.load(std::memory_order_acquire); }

}  // namespace jetlag
