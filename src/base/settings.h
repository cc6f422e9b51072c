// What a user may change: one table, read by the environment, Python and the command line.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace jetlag {

enum class SettingKind : std::uint8_t {
  choice,
  folder,
  bytes,
  number,
  switches,
  file,
  words,
  seconds
};
std::string_view kind_name(SettingKind kind);

struct Setting {
  std::string_view name;
  std::string_view environment;  // the variable that sets it when the process starts
  SettingKind kind;
  std::string_view otherwise;  // the default; of a folder: as it is spelt, not resolved
  std::string_view choices;    // of a choice: separated by spaces
  std::string_view doc;
};

std::span<const Setting> settings();
// Null if there is none of that name.
const Setting* find_setting(std::string_view name);

// Values as text: one of the choices, a path, a number of bytes, names with a
// sign that switch something. Unknown names throw Error(attribute); values that
// do not fit throw Error(value), which says what would.
std::string setting(std::string_view name);
void set_setting(std::string_view name, std::string_view value);

// Names with '-' or '+' before each: each name, and whether it is switched on.
void for_each_switch(std::string_view words,
                     const std::function<void(std::string_view name, bool on)>& told);

// Throws Error(value) if a variable of the environment holds what does not fit;
// until somebody asks, the default stands in its place.
void check_environment();

// ---- the settings themselves, as the code that obeys them wants them

enum class JitMode : std::uint8_t { off, automatic, always };
JitMode jit_mode();
std::string cache_folder();  // where object code is kept; empty if nowhere
std::int64_t cache_limit();  // in bytes
std::string rule_switches();
std::int64_t trace_allocations();  // in bytes
// How work is handed out: quick to ask.
std::int64_t worker_cap();  // 0: none
std::int64_t grab_ns();
std::int64_t inline_ns();
std::int64_t in_flight();  // in bytes

// Grows with every change: what was derived from a setting is stale then.
std::uint32_t settings_version();

}  // namespace jetlag
