// Rule time-tiles: rounds of a loop whose statements pass over arrays that no cache holds.
//
//   for _ in range(steps):
//       B[1:-1] = f(A[:-2], A[2:])
//       A[1:-1] = f(B[:-2], B[2:])
//
// Steps of some rounds are collected, and then done together: a stretch of memory at a time goes
// through all of them while it is in the second-level cache (tile_order.h). The tiles of such a
// batch follow each other, and the next batch follows some tiles behind, on another worker. What
// somebody waits for, or what cannot be done part by part, ends a collection: its steps begin as
// they would without the rule, and where that happens often, the loop goes on without it.
#pragma once

#include <span>

#include "runtime/exec/lane.h"
#include "runtime/exec/reuse.h"
#include "runtime/exec/tile_order.h"

namespace jetlag::exec {

// One run of a loop by the lane.
class TimeTiles {
 public:
  TimeTiles(Lane& lane, const plan::Statement& loop);
  ~TimeTiles();
  TimeTiles(const TimeTiles&) = delete;
  TimeTiles& operator=(const TimeTiles&) = delete;

  // Before a round: how many there are yet, with this one. Where nobody knows, as many as there
  // were, once these are some.
  static constexpr std::int64_t unknown = -1;
  void round(std::int64_t left);
  // Takes a step and its job over; false leaves both as they are. Small steps go along with those
  // that they have to follow.
  bool take(Job& job, Lane::Step& step, double ns, bool pending, const Lane::Sweeper& sweeper);
  // Memory for a result of that size which follows those that still read it; or null.
  Ref<Buffer> spent(std::int64_t bytes) const { return results_.find(bytes); }
  bool collects() const { return collects_; }
  // Rounds pass over more than any cache holds, and none can follow another along the memory:
  // perhaps row by row.
  bool by_rows() const { return by_rows_; }
  // Somebody waits, or something follows that is not collected.
  void begin_now();

 private:
  struct Item {
    Lane::Departed departed;
    Sweep sweep;
    std::int64_t busy_ns = 0;
  };
  struct Batch;
  // A batch that may be under way.
  struct Begun {
    std::shared_ptr<const TileOrder> order;
    std::vector<tasks::TaskPtr> tasks;  // by tile
  };
  // A step on operands that lie where they lay in the round before has its footprint.
  struct Place {
    const std::byte* data;
    Dims shape, strides;
    bool operator==(const Place&) const = default;
  };
  struct Known {
    const plan::Op* op = nullptr;
    std::vector<Place> operands;
    std::shared_ptr<const Footprint> footprint;
  };

  Known& known_of(const Lane::Step& step);
  // As many as the cache has room for, and few enough that all workers have a batch. None: the
  // loop is better off without.
  void choose_rounds(std::span<const Item> round, std::int64_t left);
  static std::int64_t rounds_within(std::int64_t window, const TileOrder::Steps& round,
                                    std::int64_t most);
  static std::shared_ptr<const TileOrder> order_within(std::int64_t window, TileOrder::Steps steps);
  bool begin_tiles();
  void give_up();
  void start(const std::shared_ptr<Batch>& batch);
  void start_tasks(const std::shared_ptr<Batch>& batch, std::vector<tasks::TaskPtr> before);
  std::vector<tasks::TaskPtr> others_before(const Lane::Step& step) const;
  void begin_plainly();

  Lane& lane_;
  const plan::Statement& loop_;
  TimeTiles* const outer_;
  bool allowed_;
  bool far_ = false;  // rounds pass over more than any cache holds
  bool by_rows_ = false;
  bool collects_ = false;  // from the beginning of this round on
  std::int64_t seen_ = 0;  // rounds
  int forced_ = 0, batches_ = 0;
  std::vector<Item> items_;
  std::size_t in_round_ = 0;                // how many of this round were collected
  std::size_t round_begin_ = 0;             // how many before it
  std::int64_t rounds_ = 0;                 // in items_, complete ones
  std::int64_t wanted_ = 0;                 // rounds of a batch; 0: not known yet
  std::int64_t window_ = 0;                 // bytes between its first step and its last, at most
  std::vector<Known> known_;                // by place in the round
  std::shared_ptr<const TileOrder> order_;  // of the last batch
  std::vector<Begun> begun_;
  SpentResults results_;
};

}  // namespace jetlag::exec
