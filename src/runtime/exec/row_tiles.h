// Rule row-tiles: steps that follow each other row by row.
//
//   e = np.exp(x - np.max(x, axis=1, keepdims=True))
//   p = e / np.sum(e, axis=1, keepdims=True)
//
// Each of these passes over memory that no cache holds, but row i of one needs row i of the others
// alone. Such steps are collected, and some rows at a time go through all of them while they are in
// the second-level cache. What is no such step begins what was collected; a step that nothing
// follows begins as it would without the rule.
//
// Rounds of a loop that cannot follow each other along memory (time_tiles.h) are collected as well,
// with small steps among them which read some rows across: row_order.h.
#pragma once

#include <span>

#include "runtime/exec/lane.h"
#include "runtime/exec/row_order.h"

namespace jetlag::exec {

class RowTiles {
 public:
  explicit RowTiles(Lane& lane) : lane_(lane) {}

  // Takes a step and its job over; false leaves both as they are, and what was collected may have
  // begun.
  bool take(Job& job, Lane::Step& step, double ns, bool pending);
  void begin_now();
  bool holds() const { return !items_.empty(); }
  // Memory for a result of that size: rows of it follow those that still read it. Or null.
  Ref<Buffer> spent(std::int64_t bytes) const;
  // Whether memory would be given back if what was collected were done, and nothing else is to do.
  bool would_free() const;

 private:
  struct Batch;

  bool in_rounds() const;
  void wait_for_room(const Lane::Step& step, double ns);
  bool may_be_held(const Lane::Step& step) const;
  bool is_suited(const Job& job, const Lane::Step& step) const;
  bool has_room(const Lane::Step& step, double ns) const;
  bool joins(const Job& job, const Lane::Step& step);
  bool goes_between(const Lane::Step& step, double ns);
  bool goes_first(Job& job, Lane::Step& step, double ns, std::int64_t rows);
  void add(Job& job, Lane::Step& step, double ns);
  void start_task(std::shared_ptr<Batch> batch);
  void run_here(Batch& batch);

  Lane& lane_;
  std::vector<Lane::Departed> items_;
  RowOrder order_;                     // of the items
  std::vector<tasks::TaskPtr> begun_;  // of rounds of a loop
};

}  // namespace jetlag::exec
