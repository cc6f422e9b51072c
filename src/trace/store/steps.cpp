#include "trace/store/steps.h"

#include <algorithm>

namespace jetlag::trace {

namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

Category category_of(const Trace& trace, Index site) {
  return site < 0 ? Category::runtime : trace.sites[at(site)].category;
}

// How many pairs of a row and something that worked for it there are; `each` tells them.
class Distinct {
 public:
  void add(Index row, Index worker) {
    if (row < 0 || (!pairs_.empty() && pairs_.back() == std::pair(row, worker))) return;
    pairs_.emplace_back(row, worker);
    if (pairs_.size() >= many_) tidy();
  }
  template <class F>
  void each(const F& tell) {
    tidy();
    for (const auto& [row, worker] : pairs_) tell(row);
  }

 private:
  void tidy() {
    std::sort(pairs_.begin(), pairs_.end());
    pairs_.erase(std::unique(pairs_.begin(), pairs_.end()), pairs_.end());
    many_ = std::max(many_, 2 * pairs_.size());
  }
  std::vector<std::pair<Index, Index>> pairs_;
  std::size_t many_ = 1 << 16;
};

}  // namespace

std::vector<StepFigures> steps(const Trace& trace, const Timeline& timeline) {
  const std::vector<TreeNode>& tree = timeline.tree();
  std::vector<StepFigures> rows;
  std::vector<Index> row_of(tree.size(), -1);  // the row that a node counts for
  for (std::size_t n = 0; n < tree.size(); ++n) {
    const TreeNode& node = tree[n];
    const Index above = node.parent >= 0 ? row_of[at(node.parent)] : -1;
    const Category category = category_of(trace, node.site);
    if (category == Category::wait || category == Category::runtime) {
      row_of[n] = above;
      if (above >= 0 && category == Category::wait) rows[at(above)].waited += node.total;
      continue;
    }
    row_of[n] = static_cast<Index>(rows.size());
    rows.push_back({static_cast<Index>(n), above, node.site, node.count, node.total, node.self, 0,
                    0, 0, node.bytes, node.flops});
  }
  Distinct tasks;
  Distinct threads;
  for (std::size_t i = 0; i < trace.spans.size(); ++i) {
    const Index row = row_of[at(timeline.node_of(static_cast<Index>(i)))];
    threads.add(row, trace.spans[i].thread);
    const SpanRow& s = trace.spans[i];
    const bool is_whole = s.parent < 0 || trace.spans[at(s.parent)].task != s.task;
    if (s.task >= 0 && is_whole) tasks.add(row, s.task);
  }
  tasks.each([&](Index row) { ++rows[at(row)].tasks; });
  threads.each([&](Index row) { ++rows[at(row)].threads; });
  return rows;
}

}  // namespace jetlag::trace
