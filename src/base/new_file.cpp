#include "base/new_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>

#include "base/text.h"

namespace jetlag {

namespace {

constexpr std::uint64_t spared = 512 << 20;  // bytes of a disk that are left to others

}  // namespace

NewFile::NewFile(std::string path, unsigned mode) : path_(std::move(path)) {
  static std::atomic<int> number = 0;
  const std::size_t name = path_.rfind('/') + 1;
  const std::string folder = path_.substr(0, name);
  part_ = format("{}.{}.{}-{}.part", folder, path_.substr(name), getpid(), ++number);
  file_ = ::open(folder.empty() ? "." : folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
  if (file_ < 0) {
    file_ = ::open(part_.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    has_name_ = file_ >= 0;
  }
  if (file_ >= 0) fchmod(file_, mode);
}

NewFile::~NewFile() {
  if (file_ >= 0) ::close(file_);
  if (has_name_) unlink(part_.c_str());
}

bool NewFile::has_room(std::uint64_t bytes) const {
  struct statvfs disk{};
  return is_open() && fstatvfs(file_, &disk) == 0 && disk.f_bavail * disk.f_frsize > bytes + spared;
}

bool NewFile::put(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(file_, bytes.data(), std::min<std::size_t>(bytes.size(), 1 << 30));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return true;
}

bool NewFile::put_at(std::uint64_t offset, std::span<const std::byte> bytes) {
  return pwrite(file_, bytes.data(), bytes.size(), static_cast<off_t>(offset)) ==
         static_cast<ssize_t>(bytes.size());
}

bool NewFile::finish(bool replaces) {
  if (!is_open() || fdatasync(file_) != 0) return false;
  if (!has_name_) {
    // A link makes no room for itself.
    const std::string self = format("/proc/self/fd/{}", file_);
    const std::string& name = replaces ? part_ : path_;
    if (linkat(AT_FDCWD, self.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) != 0)
      return false;
    if (!replaces) return true;
    has_name_ = true;
  } else if (!replaces) {
    return link(part_.c_str(), path_.c_str()) == 0;
  }
  if (std::rename(part_.c_str(), path_.c_str()) != 0) return false;
  has_name_ = false;
  return true;
}

}  // namespace jetlag
