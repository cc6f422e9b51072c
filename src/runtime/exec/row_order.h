// The order in which steps are done row by row: some rows at a time go through all of them, in any
// order of the rows.
//
// A step in between may be done as a whole, as it reads rows across (a pivot: row k of what the
// steps before wrote). The rows that it reads go ahead of the others, through all steps before it,
// and then it is done; all others follow when all that goes ahead is done.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "array/array.h"

namespace jetlag::exec {

// How the rows of an operand lie.
struct Rows {
  std::int64_t stride;        // bytes from one to the next
  std::uintptr_t begin, end;  // of the first
};

// Memory that a step touches.
struct RowTouch {
  const Buffer* buffer;
  bool written;
  std::uintptr_t begin, end;  // all of it
  std::optional<Rows> rows;   // if row i of the step touches no other

  bool overlaps(const RowTouch& other) const {
    return buffer == other.buffer && begin < other.end && other.begin < end;
  }
};

// Whether row i of one meets no row of the other but row i.
bool meet_row_by_row(const RowTouch& a, const RowTouch& b);

class RowOrder {
 public:
  RowOrder() = default;
  explicit RowOrder(std::int64_t rows) : rows_(rows) {}

  std::int64_t rows() const { return rows_; }
  bool has_whole() const { return wholes_ > 0; }
  bool is_whole(std::size_t step) const { return steps_[step].whole; }
  std::int64_t bytes() const;  // that the steps touch by rows

  // Whether it reads rows that a step wrote, or more memory than so many bytes that one reads.
  bool shares(std::span<const RowTouch> touches, std::int64_t bytes) const;
  // Whether the step's rows may follow those of all others.
  bool takes(std::span<const RowTouch> touches) const;
  void add(std::vector<RowTouch> touches) { steps_.push_back({std::move(touches), {}, false}); }
  // A step that is done as a whole, if few rows have to go ahead for it.
  bool add_whole(std::vector<RowTouch> touches);

  using RunRows = std::function<void(std::size_t step, std::int64_t first, std::int64_t last)>;
  using RunWhole = std::function<void(std::size_t step)>;
  // What goes ahead; once, before the others, and from its beginning to its end.
  void go_ahead(const RunRows& run, const RunWhole& run_whole);
  // Rows [first, last) but for what went ahead.
  void follow(std::int64_t first, std::int64_t last, const RunRows& run) const;

 private:
  struct Range {
    std::int64_t first = 0, last = 0;
  };
  struct Step {
    std::vector<RowTouch> touches;
    Range ahead;  // rows that it needs
    bool whole;
  };
  // Rows of what is read that lie where rows are written.
  Range rows_met(const RowTouch& written, const RowTouch& read) const;
  void rows_of(std::size_t step, Range rows, const RunRows& run) const;

  std::int64_t rows_ = 0;
  std::vector<Step> steps_;
  std::int64_t wholes_ = 0;
  std::int64_t rows_ahead_ = 0;                // at most
  std::map<std::int64_t, std::size_t> ahead_;  // by row: the steps that it is through
};

}  // namespace jetlag::exec
