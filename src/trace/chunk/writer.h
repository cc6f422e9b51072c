// The file that a recording grows: blocks are reserved, filled, and said to be whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "trace/chunk/layout.h"
#include "trace/event.h"

namespace jetlag::trace {

// Part of the file as memory; unmapped at the end.
class Mapping {
 public:
  Mapping() = default;
  // Throws Error(io) if the system refuses.
  Mapping(int file, std::uint64_t offset, std::uint64_t bytes, bool writable);
  Mapping(Mapping&& other) noexcept;
  Mapping& operator=(Mapping&& other) noexcept;
  ~Mapping();

  std::byte* data() const { return data_; }
  std::uint64_t bytes() const { return bytes_; }
  // Maps all of its pages now, so that no write has to wait for one.
  void touch() const;

 private:
  std::byte* data_ = nullptr;
  std::uint64_t bytes_ = 0;
};

// The ring of one thread, in the file.
class Ring {
 public:
  Ring(Mapping memory, std::uint64_t number) : memory_(std::move(memory)), number_(number) {}

  RingHeader& header() const { return *reinterpret_cast<RingHeader*>(memory_.data()); }
  Record* records() const { return reinterpret_cast<Record*>(memory_.data() + page_bytes); }
  std::uint64_t room() const { return header().block.records; }
  std::uint64_t number() const { return number_; }

 private:
  Mapping memory_;
  std::uint64_t number_;
};

class Writer {
 public:
  // Makes the file, over one that is there. Throws Error(io) with the path.
  explicit Writer(std::string path);
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // A ring with room for so many records, a power of two. Throws Error(io) if there is no space.
  std::shared_ptr<Ring> add_ring(std::uint64_t records);
  // A line of JSON, readable from now on even after a crash. Throws Error(io).
  void define(std::string_view line);
  // The records [first, last) of the ring, in columns. Throws Error(io).
  void add_columns(const Ring& ring, std::uint32_t track, std::uint64_t first, std::uint64_t last);
  // Records of a thread that lay in no ring; `first` of its records stand before them.
  void add_columns(std::span<const Record> records, std::uint32_t track, std::uint64_t first);
  // Nothing follows. Gives the space of the rings back, where the file system can.
  void close();

  const std::string& path() const { return path_; }

 private:
  std::uint64_t reserve(BlockHeader header);  // the block's offset
  void add_block(BlockHeader header, std::span<const Record> records);
  void make_pages(std::uint64_t offset, std::uint64_t bytes);
  void put(std::uint64_t offset, std::span<const std::byte> bytes);
  [[noreturn]] void fail(std::string_view what) const;

  const std::string path_;
  int file_ = -1;
  std::mutex mutex_;
  std::uint64_t end_ = page_bytes;
  std::uint64_t rings_ = 0;
  struct Place {
    std::uint64_t offset, bytes;
  };
  std::vector<Place> ring_places_;
  Mapping definitions_;  // the block that grows
};

}  // namespace jetlag::trace
