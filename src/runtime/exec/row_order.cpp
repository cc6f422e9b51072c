#include "runtime/exec/row_order.h"

#include <algorithm>
#include <cstdlib>

namespace jetlag::exec {

namespace {

// What goes ahead is done by one worker.
constexpr std::int64_t part_ahead = 8;

}  // namespace

bool meet_row_by_row(const RowTouch& a, const RowTouch& b) {
  const std::optional<Rows>&x = a.rows, &y = b.rows;
  if (!x || !y || x->stride != y->stride) return false;
  const std::uintptr_t reach = std::max(x->end, y->end) - std::min(x->begin, y->begin);
  return reach <= static_cast<std::uintptr_t>(std::abs(x->stride));
}

std::int64_t RowOrder::bytes() const {
  std::vector<const Buffer*> seen;
  std::int64_t bytes = 0;
  for (const Step& step : steps_) {
    for (const RowTouch& t : step.touches) {
      if (!t.rows || std::find(seen.begin(), seen.end(), t.buffer) != seen.end()) continue;
      seen.push_back(t.buffer);
      bytes += static_cast<std::int64_t>(t.end - t.begin);
    }
  }
  return bytes;
}

bool RowOrder::shares(std::span<const RowTouch> touches, std::int64_t bytes) const {
  return std::any_of(steps_.begin(), steps_.end(), [&](const Step& step) {
    if (step.whole) return false;
    return std::any_of(step.touches.begin(), step.touches.end(), [&](const RowTouch& before) {
      const bool large = static_cast<std::int64_t>(before.end - before.begin) > bytes;
      if (!before.written && !large) return false;
      return std::any_of(touches.begin(), touches.end(), [&](const RowTouch& after) {
        return before.buffer == after.buffer && meet_row_by_row(before, after);
      });
    });
  });
}

// What is done as a whole goes ahead of all that follows it, and has what it needs of what it
// follows.
bool RowOrder::takes(std::span<const RowTouch> touches) const {
  return std::none_of(steps_.begin(), steps_.end(), [&](const Step& step) {
    if (step.whole) return false;
    return std::any_of(step.touches.begin(), step.touches.end(), [&](const RowTouch& before) {
      return std::any_of(touches.begin(), touches.end(), [&](const RowTouch& after) {
        return before.overlaps(after) && (before.written || after.written) &&
               !meet_row_by_row(before, after);
      });
    });
  });
}

RowOrder::Range RowOrder::rows_met(const RowTouch& written, const RowTouch& read) const {
  const std::optional<Rows>& r = written.rows;
  if (!r || r->stride <= 0) return {0, rows_};
  const auto behind = [&](std::uintptr_t to, std::uintptr_t from) {
    return static_cast<std::int64_t>(to - from);
  };
  // Row i lies from begin + i * stride to end + i * stride.
  const std::int64_t first = read.begin < r->end ? 0 : behind(read.begin, r->end) / r->stride + 1;
  const std::int64_t last =
      read.end <= r->begin ? 0 : (behind(read.end, r->begin) - 1) / r->stride + 1;
  return {first, std::min(last, rows_)};
}

bool RowOrder::add_whole(std::vector<RowTouch> touches) {
  Range ahead{rows_, 0};
  for (const Step& step : steps_) {
    if (step.whole) continue;
    for (const RowTouch& before : step.touches) {
      for (const RowTouch& after : touches) {
        if (!before.overlaps(after) || !(before.written || after.written)) continue;
        if (after.written) return false;
        const Range met = rows_met(before, after);
        if (met.first >= met.last) continue;
        ahead = {std::min(ahead.first, met.first), std::max(ahead.last, met.last)};
      }
    }
  }
  const std::int64_t count = std::max<std::int64_t>(ahead.last - ahead.first, 0);
  if ((rows_ahead_ + count) * part_ahead > rows_) return false;
  rows_ahead_ += count;
  ++wholes_;
  steps_.push_back({std::move(touches), count > 0 ? ahead : Range{}, true});
  return true;
}

void RowOrder::go_ahead(const RunRows& run, const RunWhole& run_whole) {
  for (std::size_t s = 0; s < steps_.size(); ++s) {
    if (!steps_[s].whole) continue;
    const Range rows = steps_[s].ahead;
    for (std::size_t before = 0; before < s; ++before) rows_of(before, rows, run);
    for (std::int64_t row = rows.first; row < rows.last; ++row) ahead_[row] = s;
    run_whole(s);
  }
}

void RowOrder::follow(std::int64_t first, std::int64_t last, const RunRows& run) const {
  for (std::size_t s = 0; s < steps_.size(); ++s) rows_of(s, {first, last}, run);
}

// Those of the rows that are not through the step yet.
void RowOrder::rows_of(std::size_t step, Range rows, const RunRows& run) const {
  if (steps_[step].whole) return;
  std::int64_t first = rows.first;
  for (auto at = ahead_.lower_bound(first); at != ahead_.end() && at->first < rows.last; ++at) {
    if (at->second <= step) continue;
    if (first < at->first) run(step, first, at->first);
    first = at->first + 1;
  }
  if (first < rows.last) run(step, first, rows.last);
}

}  // namespace jetlag::exec
