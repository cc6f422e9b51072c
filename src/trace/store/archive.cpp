#include "trace/store/archive.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <thread>

#include "base/new_file.h"

namespace jetlag::trace {

namespace {

constexpr char magic[8] = {'J', 'L', 'I', 'N', 'D', 'E', 'X', '\n'};
constexpr std::size_t alignment = 64;
constexpr std::size_t piece = 16 << 20;  // of the file, with a digest of its own
constexpr std::uint64_t prime = 0x9e3779b97f4a7c15;

struct Head {
  char magic[8];
  std::uint64_t key;     // digest of what the file was made from
  std::uint64_t values;  // bytes
  std::uint64_t body;    // bytes of values and columns, behind the head; the digests follow
  std::uint64_t digest;  // of the digests
  std::uint64_t self;    // of this head, with zero here
};
static_assert(sizeof(Head) <= alignment);

std::size_t aligned(std::size_t bytes) { return (bytes + alignment - 1) / alignment * alignment; }

// Four chains side by side; each step loses nothing, so that every changed bit shows.
class Digest {
 public:
  void add(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const std::size_t n = std::min(bytes.size(), sizeof rest_ - used_);
      std::memcpy(rest_ + used_, bytes.data(), n);
      used_ += n;
      bytes = bytes.subspan(n);
      if (used_ < sizeof rest_) continue;
      block(rest_);
      used_ = 0;
      for (; bytes.size() >= sizeof rest_; bytes = bytes.subspan(sizeof rest_)) block(bytes.data());
    }
  }
  std::uint64_t value() {
    const std::size_t length = used_;
    std::memset(rest_ + used_, 0, sizeof rest_ - used_);
    block(rest_);
    std::uint64_t all = length;
    for (const std::uint64_t lane : lanes_) all = mixed(all, lane);
    return all;
  }

 private:
  static std::uint64_t mixed(std::uint64_t lane, std::uint64_t word) {
    lane = (lane ^ word) * prime;
    return lane ^ lane >> 32;
  }
  void block(const std::byte* at) {
    std::uint64_t words[4];
    std::memcpy(words, at, sizeof words);
    for (std::size_t i = 0; i < 4; ++i) lanes_[i] = mixed(lanes_[i], words[i]);
  }
  std::array<std::uint64_t, 4> lanes_{1, 2, 3, 4};
  std::byte rest_[32];
  std::size_t used_ = 0;
};

template <class T>
std::span<const std::byte> bytes_of(const T& value) {
  return std::as_bytes(std::span(&value, 1));
}

std::uint64_t digest_of(std::span<const std::byte> bytes) {
  Digest d;
  d.add(bytes);
  return d.value();
}

std::uint64_t digest_of(Head head) {
  head.self = 0;
  return digest_of(bytes_of(head));
}

// Writes, and digests what it writes piece by piece.
class PieceWriter {
 public:
  PieceWriter(NewFile& file, const std::stop_token& stop) : file_(file), stop_(stop) {}
  bool put(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const auto here = bytes.first(std::min(bytes.size(), piece - in_piece_));
      if (stop_.stop_requested() || !file_.put(here)) return false;
      now_.add(here);
      written_ += here.size();
      in_piece_ += here.size();
      bytes = bytes.subspan(here.size());
      if (in_piece_ == piece) end_piece();
    }
    return true;
  }
  bool align() {
    static constexpr std::byte zeros[alignment]{};
    return put(std::span(zeros).first(aligned(written_) - written_));
  }
  std::size_t written() const { return written_; }
  const std::vector<std::uint64_t>& digests() {
    if (in_piece_ > 0) end_piece();
    return digests_;
  }

 private:
  void end_piece() {
    digests_.push_back(now_.value());
    now_ = Digest();
    in_piece_ = 0;
  }
  NewFile& file_;
  const std::stop_token& stop_;
  Digest now_;
  std::size_t in_piece_ = 0;
  std::size_t written_ = 0;
  std::vector<std::uint64_t> digests_;
};

bool all_pieces_hold(std::span<const std::byte> body, std::span<const std::uint64_t> digests) {
  std::atomic<std::size_t> next = 0;
  std::atomic<bool> hold = true;
  const auto work = [&] {
    for (std::size_t i; hold && (i = next++) < digests.size();) {
      const auto here = body.subspan(i * piece, std::min(piece, body.size() - i * piece));
      if (digest_of(here) != digests[i]) hold = false;
    }
  };
  std::vector<std::thread> helpers;
  const std::size_t most = std::min<std::size_t>(std::thread::hardware_concurrency(), 8);
  for (std::size_t i = 1; i < std::min(most, digests.size()); ++i) helpers.emplace_back(work);
  work();
  for (std::thread& t : helpers) t.join();
  return hold;
}

}  // namespace

bool ArchiveWriter::write(const std::string& path, const std::string& key,
                          const std::stop_token& stop) const {
  std::size_t bytes = alignment + aligned(values_.size());
  for (const auto& c : columns_) bytes += aligned(c.size());
  NewFile file(path, mode_);
  static constexpr std::byte no_head[alignment]{};
  if (!file.has_room(bytes) || !file.put(no_head)) return false;
  PieceWriter body(file, stop);
  if (!body.put(std::as_bytes(std::span(values_))) || !body.align()) return false;
  for (const auto& c : columns_) {
    if (!body.put(c) || !body.align()) return false;
  }
  const auto digests = std::as_bytes(std::span(body.digests()));
  Head head{};
  std::memcpy(head.magic, magic, sizeof magic);
  head.key = digest_of(std::as_bytes(std::span(key)));
  head.values = values_.size();
  head.body = body.written();
  head.digest = digest_of(digests);
  head.self = digest_of(head);
  return file.put(digests) && file.put_at(0, bytes_of(head)) && file.finish(true);
}

std::optional<ArchiveReader> ArchiveReader::open(const std::string& path, const std::string& key) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return std::nullopt;
  struct stat status{};
  const bool there = fstat(file, &status) == 0 && S_ISREG(status.st_mode) &&
                     (status.st_uid == geteuid() || status.st_uid == 0);
  const std::size_t bytes = there ? static_cast<std::size_t>(status.st_size) : 0;
  void* at = bytes > alignment ? mmap(nullptr, bytes, PROT_READ, MAP_SHARED, file, 0) : MAP_FAILED;
  ::close(file);
  if (at == MAP_FAILED) return std::nullopt;
  ArchiveReader reader;
  reader.keeper_ = std::shared_ptr<const void>(at, [bytes](void* map) { munmap(map, bytes); });
  reader.whole_ = std::span(static_cast<const std::byte*>(at), bytes);
  Head head;
  std::memcpy(&head, at, sizeof head);
  if (std::memcmp(head.magic, magic, sizeof magic) != 0 || head.self != digest_of(head) ||
      head.key != digest_of(std::as_bytes(std::span(key))))
    return std::nullopt;
  const std::size_t pieces = head.body / piece + (head.body % piece != 0);
  if (head.body > bytes || alignment + head.body + pieces * sizeof(std::uint64_t) != bytes ||
      aligned(head.values) > head.body)
    return std::nullopt;
  const auto* digests = static_cast<const std::byte*>(at) + alignment + head.body;
  std::vector<std::uint64_t> list(pieces);
  std::memcpy(list.data(), digests, pieces * sizeof(std::uint64_t));
  if (digest_of(std::as_bytes(std::span(list))) != head.digest ||
      !all_pieces_hold(reader.whole_.subspan(alignment, head.body), list))
    return std::nullopt;
  reader.value_ = alignment;
  reader.values_ = alignment + head.values;
  reader.column_ = alignment + aligned(head.values);
  reader.columns_ = alignment + head.body;
  return reader;
}

std::span<const std::byte> ArchiveReader::take(std::size_t bytes) {
  if (bytes > values_ - value_) throw Damaged();
  value_ += bytes;
  return whole_.subspan(value_ - bytes, bytes);
}

std::span<const std::byte> ArchiveReader::take_column(std::size_t bytes) {
  if (bytes > columns_ - column_) throw Damaged();
  const auto column = whole_.subspan(column_, bytes);
  column_ += aligned(bytes);
  return column;
}

std::size_t ArchiveReader::count(std::size_t bytes) {
  std::size_t number = 0;
  get(number);
  if (bytes > 0 && number > (values_ - value_) / bytes) throw Damaged();
  return number;
}

}  // namespace jetlag::trace
