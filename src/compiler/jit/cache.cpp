#include "compiler/jit/cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <mutex>

#include "base/error.h"
#include "base/settings.h"
#include "compiler/jit/machine.h"

namespace jetlag::jit {

namespace {

namespace fs = std::filesystem;

// A file:
//   Header | key | '\n' machine | bytes
// The checksum is of all that follows the header.
struct Header {
  char magic[8] = {'J', 'E', 'T', 'L', 'A', 'G', 'O', '1'};
  std::uint64_t key_bytes = 0;  // with the machine
  std::uint64_t object_bytes = 0;
  std::uint64_t checksum = 0;
};

constexpr std::string_view suffix = ".object";
constexpr std::int64_t largest_file = std::int64_t{1} << 28;

// FNV-1a. It spreads names and finds damage; that two keys are equal is seen
// from the keys themselves, which the file holds in full.
std::uint64_t digest(std::string_view text, std::uint64_t seed = 0xcbf29ce484222325u) {
  for (const char c : text) seed = (seed ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return seed;
}

std::string full_key(std::string_view key) { return format("{}\n{}", key, machine()); }

fs::path path_of(const fs::path& folder, std::string_view whole) {
  return folder / format("{:016x}{}", digest(whole), suffix);
}

class File {
 public:
  File(const fs::path& path, int how, int mode = 0600)
      : handle_(open(path.c_str(), how | O_CLOEXEC, mode)) {}
  ~File() {
    if (handle_ >= 0) close(handle_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  bool good() const { return handle_ >= 0; }
  int handle() const { return handle_; }

 private:
  int handle_;
};

bool read_whole(int handle, char* to, std::size_t n) {
  while (n > 0) {
    const ssize_t got = read(handle, to, n);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    to += got;
    n -= static_cast<std::size_t>(got);
  }
  return true;
}

bool write_whole(int handle, const char* from, std::size_t n) {
  while (n > 0) {
    const ssize_t put = write(handle, from, n);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    from += put;
    n -= static_cast<std::size_t>(put);
  }
  return true;
}

// Code is run with the caller's rights: nobody else may have written it.
bool is_ours(const struct stat& s) {
  const bool owner = s.st_uid == geteuid() || s.st_uid == 0;
  return owner && (s.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

// Key and bytes in one, if the file is whole.
struct Contents {
  std::string text;
  std::size_t key_bytes = 0;
  std::string_view key() const { return std::string_view(text).substr(0, key_bytes); }
};

std::optional<Contents> read_file(const fs::path& path) {
  File file(path, O_RDONLY | O_NOFOLLOW);
  struct stat s{};
  Header header;
  if (!file.good() || fstat(file.handle(), &s) != 0 || !S_ISREG(s.st_mode) || !is_ours(s))
    return {};
  if (!read_whole(file.handle(), reinterpret_cast<char*>(&header), sizeof header)) return {};
  const std::uint64_t size = static_cast<std::uint64_t>(s.st_size);
  const bool sound = std::memcmp(header.magic, Header{}.magic, sizeof header.magic) == 0 &&
                     s.st_size <= largest_file && header.key_bytes <= size &&
                     header.object_bytes <= size &&
                     sizeof header + header.key_bytes + header.object_bytes == size;
  if (!sound) return {};
  Contents contents{std::string(size - sizeof header, '\0'), header.key_bytes};
  if (!read_whole(file.handle(), contents.text.data(), contents.text.size())) return {};
  if (digest(contents.text) != header.checksum) return {};
  return contents;
}

struct Found {
  fs::path path;
  std::int64_t bytes;
  std::time_t used;
};

std::vector<Found> files_in(const fs::path& folder, bool leftovers) {
  std::vector<Found> files;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename();
    const bool aside = name.find(std::string(suffix) + '.') != std::string::npos;
    if (!name.ends_with(suffix) && !(leftovers && aside)) continue;
    struct stat s{};
    if (lstat(at->path().c_str(), &s) == 0 && S_ISREG(s.st_mode)) {
      files.push_back({at->path(), s.st_size, s.st_mtim.tv_sec});
    }
  }
  std::sort(files.begin(), files.end(),
            [](const Found& a, const Found& b) { return a.used > b.used; });
  return files;
}

// The oldest go first. Another process may do the same at the same time.
void make_room(const fs::path& folder) {
  // What a crash left aside is as old as the crash.
  constexpr std::time_t leftover_s = 3600;
  const std::int64_t limit = cache_limit();
  const std::time_t now = std::time(nullptr);
  std::int64_t total = 0;
  for (const Found& file : files_in(folder, true)) {
    total += file.bytes;
    const bool leftover = !file.path.string().ends_with(suffix) && now - file.used > leftover_s;
    std::error_code ignored;
    if (total > limit || leftover) fs::remove(file.path, ignored);
  }
}

// Looking at a folder of ten thousands of files takes longer than compiling one. So a process looks
// when it first writes, and then whenever it has written so much of what may be kept.
void make_room_now_and_then(const fs::path& folder, std::int64_t bytes) {
  constexpr std::int64_t share = 64;
  static std::mutex mutex;
  static fs::path last_folder;
  static std::int64_t last_limit = -1, written = 0;
  {
    // Whoever holds it looks; in the child of a fork that may be nobody for ever.
    const std::unique_lock lock(mutex, std::try_to_lock);
    if (!lock) return;
    const std::int64_t limit = cache_limit();
    const bool known = folder == last_folder && limit == last_limit;
    written = known ? written + bytes : 0;
    if (known && written < limit / share) return;
    last_folder = folder;
    last_limit = limit;
    written = 0;
  }
  make_room(folder);
}

void write_file(const fs::path& folder, const std::string& whole, std::string_view bytes) {
  static std::atomic<int> serial{0};
  std::error_code error;
  if (!fs::exists(folder, error)) {
    fs::create_directories(folder.parent_path(), error);
    if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return;
  }
  const fs::path path = path_of(folder, whole);
  const fs::path aside = format("{}.{}.{}", path.string(), getpid(), serial++);
  Header header;
  header.key_bytes = whole.size();
  header.object_bytes = bytes.size();
  header.checksum = digest(bytes, digest(whole));
  bool good = false;
  {
    File file(aside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW);
    if (!file.good()) return;
    good = write_whole(file.handle(), reinterpret_cast<const char*>(&header), sizeof header) &&
           write_whole(file.handle(), whole.data(), whole.size()) &&
           write_whole(file.handle(), bytes.data(), bytes.size());
  }
  if (good) fs::rename(aside, path, error);
  if (!good || error) fs::remove(aside, error);
}

}  // namespace

std::optional<std::string> load_object(std::string_view key) {
  const fs::path folder = cache_folder();
  if (folder.empty()) return {};
  const std::string whole = full_key(key);
  const fs::path path = path_of(folder, whole);
  std::optional<Contents> contents = read_file(path);
  if (!contents || contents->key() != whole) return {};
  utimensat(AT_FDCWD, path.c_str(), nullptr, 0);
  return contents->text.substr(contents->key_bytes);
}

void store_object(std::string_view key, std::string_view bytes) noexcept {
  try {
    const fs::path folder = cache_folder();
    const bool fits =
        static_cast<std::int64_t>(bytes.size()) < std::min(cache_limit(), largest_file);
    if (folder.empty() || !fits) return;
    write_file(folder, full_key(key), bytes);
    make_room_now_and_then(folder, static_cast<std::int64_t>(bytes.size()));
  } catch (...) {
    // A full disk or a folder that is none: the code is there all the same.
  }
}

std::vector<CachedObject> list_objects() {
  std::vector<CachedObject> rows;
  const std::time_t now = std::time(nullptr);
  for (const Found& file : files_in(cache_folder(), false)) {
    const auto contents = read_file(file.path);
    const std::string_view key = contents ? contents->key() : "damaged";
    rows.push_back({file.path.filename(), std::string(key.substr(0, key.find('\n'))), file.bytes,
                    static_cast<std::int64_t>(now - file.used)});
  }
  return rows;
}

std::int64_t clear_objects() {
  std::int64_t removed = 0;
  for (const Found& file : files_in(cache_folder(), true)) {
    std::error_code error;
    removed += fs::remove(file.path, error);
    if (error) {
      throw Error(Kind::io, format("cannot remove {}: {}", file.path.string(), error.message()));
    }
  }
  return removed;
}

}  // namespace jetlag::jit
