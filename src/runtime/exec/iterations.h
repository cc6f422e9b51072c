// Rounds of a loop that run ahead as tasks (independent-iterations). A task
// evaluates a few consecutive rounds on a lane of its own, which has no host:
// what would need one stops it. Stores into arrays from before the loop are held
// back; the lane of the call carries them out in program order, so that the
// visible state is at every moment that of some round. A round that fails, or
// needs the host, is begun again in order, and raises what it has to raise.
#pragma once

#include "compiler/plan/independent.h"
#include "runtime/exec/lane.h"

namespace jetlag::exec {

// What a round did that others can see, in its order.
struct HeldStore {
  std::vector<FpReport> before;  // conditions met until then
  const plan::Op* op = nullptr;  // null: the end of the round
  int slot = -1;
  std::vector<Value> items;
  Value value;
};
using Round = std::vector<HeldStore>;

// What a lane that runs ahead knows of the memory around it.
class Holding {
 public:
  Holding(const plan::Independent& loop, std::shared_ptr<const std::vector<const Buffer*>> shared)
      : loop_(loop), shared_(std::move(shared)) {}

  // Keeps a store for later, if it is one of those; checks the others.
  bool hold(const plan::Op& op, const std::vector<Value>& items, const Value& value,
            Flight& flight);
  // Throws if memory that others see would be changed.
  void check_private(const Array& a) const;
  // The round is over.
  Round take(Flight& flight);

 private:
  Value kept(const Value& v) const;

  const plan::Independent& loop_;
  std::shared_ptr<const std::vector<const Buffer*>> shared_;  // sorted
  Round round_;
};

// The rounds that a loop has yet to do: counters first, first + step, ….
struct Ahead {
  std::int64_t first = 0;
  std::int64_t step = 1;
  std::int64_t count = 0;
};

// One run of a loop by the lane, whose rounds may run ahead.
class AheadOfLoop {
 public:
  AheadOfLoop(Lane& lane, const plan::Statement& loop);
  ~AheadOfLoop();
  AheadOfLoop(const AheadOfLoop&) = delete;
  AheadOfLoop& operator=(const AheadOfLoop&) = delete;

  // Before a round is done in order: how many were done ahead of it.
  std::int64_t rounds(Frame& frame, const Ahead& left);
  // The same, of `while u < n`, whose counter is moved on.
  bool moved(Frame& frame);

 private:
  Lane& lane_;
  const plan::Statement& loop_;
  bool allowed_;
  int tries_ = 0;
  std::int64_t in_order_ = 0;
  std::int64_t begin_ns_ = 0;
  std::int64_t begin_bytes_ = 0;
};

}  // namespace jetlag::exec
