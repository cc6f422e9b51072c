#include "trace/chunk/writer.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "base/error.h"
#include "trace/chunk/columns.h"

namespace jetlag::trace {

namespace {

constexpr std::uint64_t definitions_bytes = 64 * 1024;

constexpr std::uint64_t to_page(std::uint64_t bytes) {
  return (bytes + page_bytes - 1) / page_bytes * page_bytes;
}

template <class T>
std::span<const std::byte> bytes_of(const T& value) {
  return std::as_bytes(std::span(&value, 1));
}

}  // namespace

Mapping::Mapping(int file, std::uint64_t offset, std::uint64_t bytes, bool writable)
    : bytes_(bytes) {
  void* at = mmap(nullptr, bytes, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, file,
                  static_cast<off_t>(offset));
  if (at == MAP_FAILED)
    throw Error(Kind::io,
                format("cannot map {} bytes of a trace: {}", bytes, std::strerror(errno)));
  data_ = static_cast<std::byte*>(at);
}

Mapping::Mapping(Mapping&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

Mapping::~Mapping() {
  if (data_) munmap(data_, bytes_);
}

void Mapping::touch() const {
#ifdef MADV_POPULATE_WRITE
  // Only time is at stake: where it is refused, pages are mapped as they are first written.
  (void)madvise(data_, bytes_, MADV_POPULATE_WRITE);
#endif
}

Writer::Writer(std::string path) : path_(std::move(path)) {
  // A trace that is there may be another process's memory: it is replaced, never cut.
  struct stat status{};
  if (lstat(path_.c_str(), &status) == 0) {
    if (S_ISREG(status.st_mode)) unlink(path_.c_str());
  }
  file_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (file_ < 0) fail("cannot make the trace");
  FileHeader header{};
  std::copy(std::begin(file_magic), std::end(file_magic), header.magic);
  header.version = format_version;
  header.process = static_cast<std::uint64_t>(getpid());
  try {
    if (const int error = posix_fallocate(file_, 0, page_bytes)) {
      errno = error;
      fail("no space for the trace");
    }
    put(0, bytes_of(header));
  } catch (...) {
    ::close(file_);
    throw;
  }
}

Writer::~Writer() { ::close(file_); }

void Writer::fail(std::string_view what) const {
  throw Error(Kind::io, format("{} {}: {}", what, path_, std::strerror(errno)));
}

void Writer::put(std::uint64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t done = pwrite(file_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) fail("cannot write the trace");
    bytes = bytes.subspan(static_cast<std::size_t>(done));
    offset += static_cast<std::uint64_t>(done);
  }
}

// Space is taken now: a mapped page for which there is none would end the process when it is
// touched.
std::uint64_t Writer::reserve(BlockHeader header) {
  std::scoped_lock lock(mutex_);
  const std::uint64_t offset = end_;
  if (const int error =
          posix_fallocate(file_, static_cast<off_t>(offset), static_cast<off_t>(header.bytes))) {
    errno = error;
    fail("no space for the trace");
  }
  header.magic = block_magic;
  put(offset, bytes_of(header));
  end_ = offset + header.bytes;
  return offset;
}

// A page that a thread is the first to touch costs it a fault of microseconds, which is that of
// many spans. Pages that were written together are made, and mapped, at a fraction of this.
void Writer::make_pages(std::uint64_t offset, std::uint64_t bytes) {
  constexpr std::uint64_t at_once = 256 * 1024;
  static const std::vector<std::byte> zeros(at_once);
  for (std::uint64_t done = 0; done < bytes; done += at_once)
    put(offset + done, std::span(zeros).first(std::min(at_once, bytes - done)));
}

std::shared_ptr<Ring> Writer::add_ring(std::uint64_t records) {
  BlockHeader header{};
  header.kind = BlockKind::ring;
  header.whole = 1;
  header.bytes = page_bytes + to_page(records * sizeof(Record));
  header.records = static_cast<std::uint32_t>(records);
  {
    std::scoped_lock lock(mutex_);
    header.ring = rings_++;
  }
  const std::uint64_t offset = reserve(header);
  make_pages(offset + page_bytes, header.bytes - page_bytes);
  Mapping memory(file_, offset, header.bytes, true);
  memory.touch();
  std::scoped_lock lock(mutex_);
  ring_places_.push_back({offset + page_bytes, header.bytes - page_bytes});
  return std::make_shared<Ring>(std::move(memory), header.ring);
}

void Writer::define(std::string_view line) {
  const auto room = [&] {
    if (!definitions_.data()) return std::uint64_t{0};
    const auto& header = *reinterpret_cast<const BlockHeader*>(definitions_.data());
    return header.bytes - sizeof header - header.used;
  };
  if (room() < line.size() + 1) {
    BlockHeader header{};
    header.kind = BlockKind::definitions;
    header.whole = 1;
    header.bytes = std::max(definitions_bytes, to_page(sizeof header + line.size() + 1));
    definitions_ = Mapping(file_, reserve(header), header.bytes, true);
  }
  auto& header = *reinterpret_cast<BlockHeader*>(definitions_.data());
  std::byte* at = definitions_.data() + sizeof header + header.used;
  std::memcpy(at, line.data(), line.size());
  at[line.size()] = std::byte{'\n'};
  // A reader beside us sees whole lines only.
  std::atomic_ref(header.used).store(header.used + line.size() + 1, std::memory_order_release);
}

void Writer::add_columns(const Ring& ring, std::uint32_t track, std::uint64_t first,
                         std::uint64_t last) {
  // What a core's own cache holds at once.
  constexpr std::uint64_t most_at_once = 8192;
  const std::uint64_t room = ring.room();
  for (std::uint64_t i = first; i < last;) {
    const std::uint64_t run = std::min({last - i, room - i % room, most_at_once});
    BlockHeader header{};
    header.ring = ring.number();
    header.first = i;
    header.track = track;
    add_block(header, {ring.records() + i % room, run});
    i += run;
  }
}

void Writer::add_columns(std::span<const Record> records, std::uint32_t track,
                         std::uint64_t first) {
  BlockHeader header{};
  header.ring = track;
  header.first = first;
  header.track = track;
  add_block(header, records);
}

void Writer::add_block(BlockHeader header, std::span<const Record> records) {
  const std::vector<std::byte> columns = to_columns(records);
  header.kind = BlockKind::columns;
  header.bytes = to_page(sizeof header + columns.size());
  header.used = columns.size();
  header.records = static_cast<std::uint32_t>(records.size());
  header.checksum = static_cast<std::uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(columns.data()), columns.size()));
  const std::uint64_t offset = reserve(header);
  put(offset + sizeof header, columns);
  header.magic = block_magic;
  header.whole = 1;
  put(offset, bytes_of(header));
}

void Writer::close() {
  std::scoped_lock lock(mutex_);
  const std::uint32_t closed = 1;
  put(offsetof(FileHeader, closed), bytes_of(closed));
#ifdef FALLOC_FL_PUNCH_HOLE
  for (const Place& p : ring_places_) {
    // Only space is at stake: a file system that cannot do it keeps the bytes.
    (void)fallocate(file_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(p.offset),
                    static_cast<off_t>(p.bytes));
  }
#endif
}

}  // namespace jetlag::trace
