// Rule row-tiles: steps that follow each other row by row.
//
//   e = np.exp(x - np.max(x, axis=1, keepdims=True))
//   p = e / np.sum(e, axis=1, keepdims=True)
//
// Each of these passes over memory that no cache holds, but row i of one needs row i of the others
// alone. Such steps are collected, and some rows at a time go through all of them while they are in
// the second-level cache. What is no such step begins what was collected; a step that nothing
// follows begins as it would without the rule.
#pragma once

#include "runtime/exec/lane.h"

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

  bool is_suited(const Job& job, const Lane::Step& step) const;
  bool joins(const Job& job, const Lane::Step& step) const;
  void start();
  void start_task(std::shared_ptr<Batch> batch);
  void run_here(Batch& batch);

  Lane& lane_;
  std::vector<Lane::Departed> items_;
  std::int64_t rows_ = 0;  // that all items have
};

}  // namespace jetlag::exec
