// Object code on disk, from process to process. Files are written aside and
// renamed, so that processes and crashes cannot disturb each other; whatever
// is wrong with a file or the folder only means that code is made again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jetlag::jit {

// The bytes kept under the key for this machine (machine.h); nothing if there
// are none, or none that are whole. A hit makes the file the newest.
std::optional<std::string> load_object(std::string_view key);

// Keeps the bytes, and removes the oldest files beyond the setting cache_limit.
void store_object(std::string_view key, std::string_view bytes) noexcept;

struct CachedObject {
  std::string name;  // of the file
  std::string key;   // its first line
  std::int64_t bytes;
  std::int64_t age_s;  // since its last use
};
// Newest first.
std::vector<CachedObject> list_objects();
// How many files were removed. Throws Error(io) if one cannot be.
std::int64_t clear_objects();

}  // namespace jetlag::jit
