#include "runtime/tune/results.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/error.h"
#include "base/settings.h"

namespace jetlag::tune {

namespace {

namespace fs = std::filesystem;

// A file:
//   jetlag tuned 1 CHECKSUM
//   machine
//   program
//   shapes
//   text, to the end
// The checksum is of all that follows its line. Another number means another version.
constexpr std::string_view heading = "jetlag tuned 1 ";
constexpr std::string_view suffix = ".tuned";
constexpr std::size_t most_files = 1000;
constexpr std::time_t leftover_s = 3600;  // what lies aside for longer is of a process that died

// FNV-1a. It spreads names and finds damage; keys are compared whole.
std::uint64_t digest(std::string_view text) {
  std::uint64_t seed = 0xcbf29ce484222325u;
  for (const char c : text) seed = (seed ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return seed;
}

std::string lines_of(const Key& key) {
  return format("{}\n{}\n{}\n", key.machine, key.program, key.shapes);
}

fs::path path_of(const Key& key) {
  return fs::path(results_folder()) / format("{:016x}{}", digest(lines_of(key)), suffix);
}

std::string next_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  std::string line(text.substr(0, end));
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

// Key and text, if the file is whole and of this version.
std::optional<Result> read_result(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in || !fs::is_regular_file(path)) return {};
  const std::string whole{std::istreambuf_iterator<char>(in), {}};
  std::string_view rest = whole;
  const std::string first = next_line(rest);
  if (first != format("{}{:016x}", heading, digest(rest))) return {};
  Result result;
  result.key = {next_line(rest), next_line(rest), next_line(rest)};
  result.text = rest;
  return result;
}

struct Found {
  fs::path path;
  std::int64_t bytes;
  std::time_t written;
  bool is_result() const { return path.extension() == suffix; }
};

// Results and what processes that died left beside them, newest first.
std::vector<Found> files() {
  std::vector<Found> found;
  std::error_code error;
  for (fs::directory_iterator at(results_folder(), error), end; !error && at != end;
       at.increment(error)) {
    const std::string name = at->path().filename();
    struct stat s{};
    if (name.find(suffix) == std::string::npos || lstat(at->path().c_str(), &s) != 0) continue;
    if (S_ISREG(s.st_mode)) found.push_back({at->path(), s.st_size, s.st_mtim.tv_sec});
  }
  std::sort(found.begin(), found.end(), [](const Found& a, const Found& b) {
    return a.written != b.written ? a.written > b.written : a.path < b.path;
  });
  return found;
}

void make_room() {
  const std::time_t now = std::time(nullptr);
  std::size_t results = 0;
  for (const Found& file : files()) {
    const bool superfluous =
        file.is_result() ? ++results > most_files : now - file.written > leftover_s;
    std::error_code ignored;
    if (superfluous) fs::remove(file.path, ignored);
  }
}

// Writes all of it, or says why not.
int write_whole(const fs::path& path, std::string_view text) {
  const int handle = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (handle < 0) return errno;
  int failed = 0;
  while (!text.empty() && !failed) {
    const ssize_t put = write(handle, text.data(), text.size());
    if (put >= 0) {
      text.remove_prefix(static_cast<std::size_t>(put));
    } else if (errno != EINTR) {
      failed = errno;
    }
  }
  if (close(handle) != 0 && !failed) failed = errno;
  return failed;
}

[[noreturn]] void refuse(const fs::path& path, const std::string& why) {
  throw Error(Kind::io, format("cannot write {}: {}", path.string(), why),
              "name another folder with jetlag.settings.cache_dir or JETLAG_CACHE_DIR");
}

}  // namespace

std::string this_machine() {
  std::ifstream in("/proc/cpuinfo");
  std::string model = "unknown processor";
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with("model name")) continue;
    model = line.substr(std::min(line.size(), line.find(':') + 2));
    break;
  }
  cpu_set_t set;
  CPU_ZERO(&set);
  const int cores = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 0;
  return format("{}, {} cores, caches of {}, {} and {} bytes", model, cores,
                sysconf(_SC_LEVEL1_DCACHE_SIZE), sysconf(_SC_LEVEL2_CACHE_SIZE),
                sysconf(_SC_LEVEL3_CACHE_SIZE));
}

std::string results_folder() {
  const std::string folder = cache_folder();
  return folder.empty() ? folder : folder + "/tuned";
}

std::optional<std::string> load_result(const Key& key) {
  if (results_folder().empty()) return {};
  std::optional<Result> result = read_result(path_of(key));
  if (!result || lines_of(result->key) != lines_of(key)) return {};
  return std::move(result->text);
}

void store_result(const Key& key, std::string_view text) {
  static std::atomic<int> serial{0};
  const fs::path folder = results_folder();
  if (folder.empty()) return;
  const fs::path path = path_of(key);
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) refuse(folder, error.message());
  const std::string body = lines_of(key) + std::string(text);
  const fs::path aside = format("{}.{}.{}", path.string(), getpid(), serial++);
  const int failed = write_whole(aside, format("{}{:016x}\n{}", heading, digest(body), body));
  if (!failed) fs::rename(aside, path, error);
  if (failed || error) {
    std::error_code ignored;
    fs::remove(aside, ignored);
    refuse(path, failed ? std::strerror(failed) : error.message());
  }
  make_room();
}

std::vector<Result> list_results() {
  std::vector<Result> results;
  const std::time_t now = std::time(nullptr);
  for (const Found& file : files()) {
    if (!file.is_result()) continue;
    Result result = read_result(file.path).value_or(Result{});
    result.file = file.path.filename();
    result.bytes = file.bytes;
    result.age_s = static_cast<std::int64_t>(now - file.written);
    results.push_back(std::move(result));
  }
  return results;
}

std::int64_t clear_results() {
  std::int64_t removed = 0;
  for (const Found& file : files()) {
    std::error_code error;
    removed += fs::remove(file.path, error);
    if (error)
      throw Error(Kind::io, format("cannot remove {}: {}", file.path.string(), error.message()));
  }
  return removed;
}

}  // namespace jetlag::tune
