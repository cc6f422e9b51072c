// Level of detail: what ran at one depth of one thread, summed over any stretch without looking at
// every slice.
//
// Slices lie in blocks of 256; a node of the forest sums a block, or 16 nodes of the level below.
// Nodes are made when they are full and never change, so a run that goes on only appends:
//
//   level 1   [........16 nodes........][........16 nodes........]
//   level 0   [256][256][256] ...
//   slices    ....
//
// (Hume, "Implicit segment trees", tells of trees without pointers; ours keeps besides the sum how
// the time is shared among keys, so that the dominant one of any stretch is exact.)
#pragma once

#include <cstdint>
#include <vector>

#include "base/column.h"
#include "trace/store/trace.h"

namespace jetlag::trace {

// What a stretch of slices adds up to. It is used again and again: clear() costs what was added.
class Sum {
 public:
  explicit Sum(std::size_t keys) : of_key_(keys) {}
  std::size_t room() const { return of_key_.size(); }  // keys that it can tell apart
  void clear();
  void add(Index key, std::int64_t busy) {
    Part& part = of_key_[static_cast<std::size_t>(key)];
    part.busy += busy;
    if (part.there) return;
    part.there = true;
    keys_.push_back(key);
  }
  // Earlier slices are told first; of equal ones the first stays.
  void tell_longest(std::int64_t duration, std::int64_t slice) {
    if (duration <= longest_) return;
    longest_ = duration;
    slice_ = slice;
  }

  const std::vector<Index>& keys() const { return keys_; }  // those that came, in no order
  std::int64_t of(Index key) const { return of_key_[static_cast<std::size_t>(key)].busy; }
  std::int64_t longest() const { return longest_; }
  std::int64_t slice() const { return slice_; }  // the longest one's number in its track

 private:
  struct Part {
    std::int64_t busy = 0;
    bool there = false;
  };
  std::vector<Part> of_key_;
  std::vector<Index> keys_;
  std::int64_t longest_ = -1;  // no slice has been told
  std::int64_t slice_ = -1;
};

class Slices {
 public:
  // Slices come in the order of their times, none over another. The key is what sums are told
  // apart by; `span` is the caller's number for the slice.
  void append(std::int64_t begin, std::int64_t end, Index key, Index span);

  std::int64_t size() const { return static_cast<std::int64_t>(begin_.size()); }
  std::int64_t begin(std::int64_t i) const { return begin_[at(i)]; }
  std::int64_t end(std::int64_t i) const { return begin(i) + duration(i); }
  std::int64_t duration(std::int64_t i) const {
    const std::uint32_t took = took_[at(i)];
    return took == long_mark ? long_duration(i) : took;
  }
  Index key(std::int64_t i) const { return key_[at(i)]; }
  Index span(std::int64_t i) const { return span_[at(i)]; }

  // The first slice, of those from `from` on, that ends after the time; that begins then or later.
  std::int64_t first_ending_after(std::int64_t time, std::int64_t from = 0) const;
  std::int64_t first_beginning_at(std::int64_t time, std::int64_t from = 0) const;

  // Adds the slices [first, last), in their whole length.
  void add_to(Sum& sum, std::int64_t first, std::int64_t last) const;

  std::int64_t index_bytes() const;  // of the forest, without the slices

  // Tells every column to a file that is written or read (store/archive.h).
  template <class Archive>
  void fields(Archive& a) {
    a.all(begin_, took_, key_, span_, long_, block_begin_, keys_);
    a.each(levels_, [&](Level& l) { a.all(l.nodes, l.keys, l.busy); });
  }

 private:
  static std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }
  struct Node {
    std::int64_t longest;  // nanoseconds
    std::int64_t slice;    // its number
    std::uint32_t parts;   // where its parts begin
    std::uint32_t count;   // how many
  };
  struct Level {
    Column<Node> nodes;
    Column<Index> keys;         // of all nodes' parts
    Column<std::int64_t> busy;  // the same
  };
  // Of a slice that takes more than 32 bits; by its number.
  struct Long {
    std::int64_t slice;
    std::int64_t duration;
  };
  static constexpr std::uint32_t long_mark = UINT32_MAX;
  std::int64_t long_duration(std::int64_t i) const;
  void fetch(std::int64_t first) const;
  void add_slices(Sum& sum, std::int64_t first, std::int64_t last) const;
  void add_nodes(Sum& sum, std::size_t level, std::int64_t first, std::int64_t last) const;
  void add_node(std::size_t level);

  Column<std::int64_t> begin_;
  Column<std::uint32_t> took_;
  Column<Index> key_;
  Column<Index> span_;
  Column<Long> long_;
  Column<std::int64_t>
      block_begin_;  // of the first slice of each block: few, so that searches are quick
  std::vector<Level> levels_;
  Sum scratch_{0};
  std::size_t keys_ = 0;
};

}  // namespace jetlag::trace
