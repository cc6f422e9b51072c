// Reads a trace file: one that was closed, one that a killed process left, or one that grows.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "trace/chunk/writer.h"

namespace jetlag::trace {

// Consecutive records of one thread.
struct Segment {
  std::uint32_t track = 0;
  std::uint64_t ring = 0;
  std::uint64_t first = 0;    // number of the first record in the ring
  std::uint64_t records = 0;  // how many
  std::uint64_t offset = 0;   // where they lie in the file
  std::uint64_t bytes = 0;
  bool columns = false;  // else as they lay in the ring
};

class Reader {
 public:
  // Throws Error(io) if there is no such file or it cannot be read, Error(value) if it is no trace
  // or one of a later version. What is damaged inside is left out and said in complaints().
  explicit Reader(const std::string& path);

  bool closed() const { return closed_; }  // in order, by the process that wrote it
  std::uint64_t process() const { return process_; }
  std::uint64_t dropped() const { return dropped_; }  // spans and events that found no room
  // Lines of JSON, in the order in which they were written.
  const std::vector<std::string>& definitions() const { return definitions_; }
  // Those of one thread stand in the order of their records.
  const std::vector<Segment>& segments() const { return segments_; }
  const std::vector<std::string>& complaints() const { return complaints_; }
  // Appends the segment's records; false, with a complaint, if it is damaged.
  bool load(const Segment& segment, std::vector<Record>& records);

 private:
  void block(std::uint64_t offset, const BlockHeader& header);
  void lines(std::uint64_t offset, const BlockHeader& header);
  void leftover_of_rings();

  std::string path_;
  Mapping file_;
  bool closed_ = false;
  std::uint64_t process_ = 0;
  std::uint64_t dropped_ = 0;
  std::vector<std::string> definitions_;
  std::vector<Segment> segments_;
  std::vector<std::uint64_t> rings_;  // offsets of their blocks
  std::vector<std::string> complaints_;
};

}  // namespace jetlag::trace
