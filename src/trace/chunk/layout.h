// How a trace lies on disk. One file, in blocks that begin at multiples of 4096 bytes:
//
//   | file header | block | block | ...
//
// A block begins with a BlockHeader of 64 bytes. There are three kinds:
//
//   definitions   lines of JSON, one for each site, thread, counter, look at the clock, fact of
//                 the run; `used` grows as lines are added
//   ring          the records that a thread wrote and nobody has moved yet: a page with the
//                 RingHeader, then the records. The file is the ring's memory, so what a
//                 thread completed is here even if the process is killed
//   columns       records of one thread, moved out of a ring: a column for each field
//
// Blocks are written by one process. A block is reserved with its header, filled, and then said
// to be whole, so that a reader always finds its way. All numbers have little-endian byte order.
#pragma once

#include <atomic>
#include <cstdint>

namespace jetlag::trace {

constexpr std::uint64_t page_bytes = 4096;
constexpr std::uint32_t format_version = 1;
constexpr char file_magic[8] = {'J', 'L', 'T', 'R', 'A', 'C', 'E', '\n'};
constexpr std::uint32_t block_magic = 0x4b424c4a;  // "JLBK"

struct FileHeader {
  char magic[8];
  std::uint32_t version;
  std::uint32_t closed;  // 1: the recording ended in order; the rings hold nothing more
  std::uint64_t process;
};

enum class BlockKind : std::uint16_t { free, definitions, ring, columns };

struct BlockHeader {
  std::uint32_t magic;
  BlockKind kind;
  std::uint16_t whole;     // 1: all is written; of a ring and of definitions from the beginning
  std::uint64_t bytes;     // of the block, header included; a multiple of the page
  std::uint64_t used;      // of definitions, columns: bytes behind the header
  std::uint64_t ring;      // of a ring: its number; of columns: the ring they came from
  std::uint64_t first;     // of columns: the number of the first record in its ring
  std::uint32_t records;   // of columns: how many; of a ring: its room
  std::uint32_t track;     // of columns: the thread
  std::uint32_t checksum;  // of columns: CRC-32 of what is behind the header
  std::uint32_t spare[3];
};
static_assert(sizeof(BlockHeader) == 64);

// Records are counted from the ring's beginning and lie at their number modulo its room.
// Writer and reader of a ring have a cache line each.
struct RingHeader {
  BlockHeader block;
  alignas(64) std::atomic<std::uint64_t> head;   // records that were completed
  std::atomic<std::uint64_t> dropped;            // spans and events for which there was no room
  alignas(64) std::atomic<std::uint64_t> tail;   // records that were moved out
  alignas(64) std::atomic<std::uint32_t> track;  // the thread that has it
};
static_assert(sizeof(RingHeader) <= page_bytes);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

}  // namespace jetlag::trace
