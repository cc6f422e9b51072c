// A trace along its time: tracks for a picture at any zoom, and what is asked about one selection.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "trace/store/forest.h"
#include "trace/store/profile.h"
#include "trace/store/trace.h"

namespace jetlag::trace {

// Equal parts of a stretch of time; their edges are whole nanoseconds.
struct Window {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::int64_t bins = 1;

  std::int64_t edge(std::int64_t bin) const;     // where it begins
  std::int64_t bin_of(std::int64_t time) const;  // 0 for earlier times, bins - 1 for later ones
  // Whether something is as long as a bin, or longer.
  bool is_long(std::int64_t duration) const;
};

// Something to draw: a slice that is a bin long or longer; or the shorter ones that begin in one
// bin, together.
struct Row {
  std::int64_t begin = 0;  // of the first
  std::int64_t end = 0;    // of the last
  std::int64_t busy = 0;   // of all
  std::int64_t lit = 0;    // of those that are selected
  std::int64_t count = 0;
  Index site = -1;  // with the most time; of equal ones the first
  Index span = -1;  // the longest; of equal ones the first
};

// Nodes of the tree of calls, by number: which are selected.
using Nodes = std::vector<bool>;

class Timeline {
 public:
  // The trace has to outlive it.
  explicit Timeline(const Trace& trace);
  // As it was kept (store/keep.h), in the order in which fields() tells.
  template <class Archive>
  Timeline(const Trace& trace, Archive& kept) : trace_(trace) {
    fields(kept);
    look_at_tree();
  }
  template <class Archive>
  void fields(Archive& a) {
    a.all(node_of_span_, tree_);
    a.each(tracks_, [&](Track& t) {
      a.all(t.thread, t.depth);
      t.slices.fields(a);
    });
    for (Groups* g : {&spans_of_task_, &into_, &out_of_}) a.all(g->first, g->items);
  }

  struct Track {
    Index thread = -1;
    int depth = 0;
    Slices slices;
  };
  // By thread, then depth; only those with slices.
  const std::vector<Track>& tracks() const { return tracks_; }
  const std::vector<TreeNode>& tree() const { return tree_; }
  Index node_of(Index span) const { return node_of_span_[static_cast<std::size_t>(span)]; }

  // Room to add in, made once for many tracks.
  struct Sums {
    explicit Sums(const Timeline& timeline);
    Sum by_node;
    Sum by_site;
  };
  std::vector<Row> rows(const Track& track, const Window& window, const Nodes& selected,
                        Sums& sums) const;

  // Those of each track; on several threads where there is much to add.
  std::vector<std::vector<Row>> all_rows(const Window& window, const Nodes& selected) const;

  // The time in which threads were busy in each bin: in spans, waiting aside. And that of the
  // selected spans; one in another counts once.
  struct Busy {
    std::vector<std::int64_t> all;
    std::vector<std::int64_t> lit;
  };
  Busy busy(const Window& window, const Nodes& selected) const;

  // What a selection means. Nothing selected is no node.
  Nodes of_sites(std::span<const Index> sites) const;
  Nodes below(Index node) const;  // and the node
  std::vector<Index> sites_at(std::string_view file, std::int32_t line) const;

  std::span<const Index> spans_of(Index task) const;      // in the order of their begins
  std::span<const Index> edges_into(Index task) const;    // numbers of edges
  std::span<const Index> edges_out_of(Index task) const;  // the same

 private:
  // Numbers grouped by another number: those of group g are items[first[g] .. first[g + 1]).
  struct Groups {
    Column<std::size_t> first;
    Column<Index> items;
    std::span<const Index> of(Index group) const;
  };
  template <class F>
  static Groups group(std::size_t groups, std::size_t items, const F& group_of);
  void look_at_tree();
  Index dominant_site(const Sum& sum, Sum& by_site) const;
  void add_busy(const Slices& slices, const Window& window, const std::vector<signed char>& weight,
                Sum& sum, std::vector<std::int64_t>& out) const;

  const Trace& trace_;
  Column<Index> node_of_span_;  // made together with the tree
  std::vector<TreeNode> tree_;
  std::vector<Track> tracks_;
  std::vector<char> is_waiting_;  // by node
  bool one_node_a_site_ = true;   // no site has several nodes
  Groups spans_of_task_;
  Groups into_;
  Groups out_of_;
};

}  // namespace jetlag::trace
