// A file that is there when all of it is, or not at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace jetlag {

// With O_TMPFILE it has no name until it is whole, so nothing is left of a process that is killed;
// where the file system has no such files, a name that begins with a dot. Nothing throws: what
// failed is said by errno.
class NewFile {
 public:
  // In the folder of the path. `mode`: its permissions.
  NewFile(std::string path, unsigned mode);
  ~NewFile();
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  bool is_open() const { return file_ >= 0; }
  // Whether the disk holds so many bytes, and some for others.
  bool has_room(std::uint64_t bytes) const;
  bool put(std::span<const std::byte> bytes);
  bool put_at(std::uint64_t offset, std::span<const std::byte> bytes);
  // Gives it its name: in the place of a file that is there, or only if there is none (EEXIST).
  bool finish(bool replaces);

 private:
  std::string path_;
  std::string part_;
  int file_ = -1;
  bool has_name_ = false;
};

}  // namespace jetlag
