#include "trace/chunk/reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <unordered_map>

#include "base/error.h"
#include "trace/chunk/columns.h"

namespace jetlag::trace {

namespace {

constexpr std::uint64_t most_records = std::uint64_t{1} << 24;  // of a ring

struct File {
  int number;
  ~File() {
    if (number >= 0) ::close(number);
  }
};

Mapping map_whole(const std::string& path) {
  const File file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  struct stat status{};
  if (file.number < 0 || fstat(file.number, &status) != 0)
    throw Error(Kind::io, format("cannot read {}: {}", path, std::strerror(errno)));
  if (!S_ISREG(status.st_mode))
    throw Error(Kind::io, format("cannot read {}: it is no file", path));
  if (static_cast<std::uint64_t>(status.st_size) < page_bytes)
    throw Error(Kind::value, format("{} is no trace: it has {} bytes", path, status.st_size),
                "a trace is what jl.trace(path) or jetlag run --trace writes");
  return Mapping(file.number, 0, static_cast<std::uint64_t>(status.st_size), false);
}

template <class T>
T value_at(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

}  // namespace

Reader::Reader(const std::string& path) : path_(path), file_(map_whole(path)) {
  const auto header = value_at<FileHeader>(file_.data());
  if (!std::equal(std::begin(file_magic), std::end(file_magic), header.magic))
    throw Error(Kind::value, format("{} is no trace of jetlag", path),
                "jetlag trace import opens archives of other tools");
  if (header.version > format_version)
    throw Error(
        Kind::value,
        format("{} was written by a later jetlag: its format is {}, this one reads up to {}", path,
               header.version, format_version),
        "update jetlag, or export the trace with the one that wrote it");
  closed_ = header.closed != 0;
  process_ = header.process;
  for (std::uint64_t offset = page_bytes; offset + sizeof(BlockHeader) <= file_.bytes();) {
    const auto found = value_at<BlockHeader>(file_.data() + offset);
    const bool sane = found.magic == block_magic && found.bytes >= page_bytes &&
                      found.bytes % page_bytes == 0 && found.bytes <= file_.bytes() - offset;
    if (!sane) {
      // The last block of a process that was killed between taking space and saying for what.
      if (found.magic != 0)
        complaints_.push_back(
            format("{} is damaged or cut off at byte {}: what follows is lost", path, offset));
      break;
    }
    block(offset, found);
    offset += found.bytes;
  }
  leftover_of_rings();
  std::stable_sort(segments_.begin(), segments_.end(), [](const Segment& a, const Segment& b) {
    return std::pair(a.track, a.first) < std::pair(b.track, b.first);
  });
}

void Reader::block(std::uint64_t offset, const BlockHeader& header) {
  if (header.whole == 0) return;
  switch (header.kind) {
    case BlockKind::definitions: return lines(offset, header);
    case BlockKind::ring:
      if (header.records != 0 && header.records <= most_records &&
          (header.records & (header.records - 1)) == 0 &&
          header.bytes >= page_bytes + header.records * sizeof(Record)) {
        rings_.push_back(offset);
      } else {
        complaints_.push_back(format("{}: the ring at byte {} is damaged", path_, offset));
      }
      return;
    case BlockKind::columns:
      if (header.used > header.bytes - sizeof header) {
        complaints_.push_back(format("{}: the records at byte {} are damaged", path_, offset));
        return;
      }
      segments_.push_back({header.track, header.ring, header.first, header.records,
                           offset + sizeof header, header.used, true});
      return;
    case BlockKind::free: return;
  }
  complaints_.push_back(format("{}: the block at byte {} has no known kind", path_, offset));
}

void Reader::lines(std::uint64_t offset, const BlockHeader& header) {
  const std::uint64_t used = std::min(header.used, header.bytes - sizeof header);
  const auto* text = reinterpret_cast<const char*>(file_.data() + offset + sizeof header);
  for (std::uint64_t at = 0; at < used;) {
    const void* end = std::memchr(text + at, '\n', used - at);
    if (!end) break;
    const auto length = static_cast<std::uint64_t>(static_cast<const char*>(end) - (text + at));
    definitions_.emplace_back(text + at, length);
    at += length + 1;
  }
}

// What nobody had moved out of the rings: from where the columns end up to the head.
void Reader::leftover_of_rings() {
  std::unordered_map<std::uint64_t, std::uint64_t> moved;
  for (const Segment& s : segments_) {
    std::uint64_t& end = moved[s.ring];
    end = std::max(end, s.first + s.records);
  }
  for (const std::uint64_t offset : rings_) {
    const auto& ring = *reinterpret_cast<const RingHeader*>(file_.data() + offset);
    dropped_ += ring.dropped.load(std::memory_order_relaxed);
    if (closed_) continue;
    const std::uint64_t room = ring.block.records;
    const std::uint64_t head = ring.head.load(std::memory_order_acquire);
    std::uint64_t from =
        std::max(ring.tail.load(std::memory_order_relaxed), moved[ring.block.ring]);
    if (head <= from || head - from > room) continue;
    const std::uint32_t track = ring.track.load(std::memory_order_relaxed);
    for (; from < head;) {
      const std::uint64_t run = std::min(head - from, room - from % room);
      segments_.push_back({track, ring.block.ring, from, run,
                           offset + page_bytes + from % room * sizeof(Record), run * sizeof(Record),
                           false});
      from += run;
    }
  }
}

bool Reader::load(const Segment& s, std::vector<Record>& records) {
  const std::byte* at = file_.data() + s.offset;
  const std::size_t before = records.size();
  bool whole = true;
  if (s.columns) {
    const auto header = value_at<BlockHeader>(at - sizeof(BlockHeader));
    const std::span<const std::byte> bytes(at, s.bytes);
    whole = header.checksum == crc32_z(0, reinterpret_cast<const Bytef*>(at), s.bytes) &&
            s.records <= most_records && from_columns(bytes, s.records, records);
  } else {
    records.resize(before + s.records);
    std::memcpy(records.data() + before, at, s.bytes);
    whole = std::all_of(
        records.begin() + static_cast<std::ptrdiff_t>(before), records.end(),
        [](const Record& r) { return static_cast<std::size_t>(r.event) < event_count; });
  }
  if (whole) return true;
  records.resize(before);
  complaints_.push_back(format("{}: {} records of thread {} at byte {} are damaged and left out",
                               path_, s.records, s.track, s.offset));
  return false;
}

}  // namespace jetlag::trace
