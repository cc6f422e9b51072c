#include "runtime/exec/prepared.h"

namespace jetlag::exec {

namespace {

bool is_free(const Array& a) {
  const Buffer& b = *a.buffer();
  return a.use_count() == 1 && b.use_count() == 1 && !a.handle && !b.visible() && b.owned();
}

}  // namespace

Ref<Array> SmallResults::take(DType dtype, const Dims& shape) {
  // Rounds are alike: what was taken longest ago is likely to be free, and to fit.
  for (std::size_t i = 0; i < kept_.size(); ++i) {
    const std::size_t at = (next_ + i) % kept_.size();
    const Ref<Array>& a = kept_[at];
    if (!a || !is_free(*a) || a->dtype() != dtype || !(a->shape() == shape)) continue;
    next_ = (at + 1) % kept_.size();
    return a;
  }
  Ref<Array>& place = kept_[next_];
  next_ = (next_ + 1) % kept_.size();
  return place = new_array(dtype, shape);
}

RegionState::RegionState(Lane& lane, const plan::Region& region, std::int64_t longest_run)
    : stream(lane, region) {
  StreamRun* const streams = region.streams.empty() ? nullptr : &stream;
  groups.reserve(region.groups.size());
  for (const plan::Group& g : region.groups) groups.emplace_back(lane, region, g, streams);
  for (FusedGroup& g : groups) g.remember(longest_run);
}

void RegionState::begin(Value* regs) {
  stream.begin(regs);
  for (FusedGroup& g : groups) g.begin(regs);
}

void RegionState::resume(RegionMemory::Decisions decisions) {
  for (std::size_t i = 0; i < decisions.size(); ++i) {
    if (decisions[i]) groups[i].resume(std::move(*decisions[i]));
  }
}

RegionMemory::Decisions RegionState::decisions() {
  RegionMemory::Decisions all;
  for (FusedGroup& g : groups) all.push_back(g.decisions());
  return all;
}

// Outside of loops, for the next call: but what a stream makes of its products is its own.
void Lane::walk_once(const plan::Region& r, Frame& frame, Value* regs) {
  if (!r.streams.empty()) {
    RegionState state(*this, r, 0);
    state.begin(regs);
    return walk(r, frame, regs, &state);
  }
  RegionMemory::Found found = caches_.regions->take(r);
  RegionState state(*this, r, found.was_called ? RegionMemory::longest_run : 0);
  state.resume(std::move(found.decisions));
  state.begin(regs);
  walk(r, frame, regs, &state);
  if (found.was_called) caches_.regions->put(r, state.decisions());
}

// A region that calls itself is walked twice at once: the inner walk prepares
// for itself.
void Lane::ops(const plan::Region& r, Frame& frame, Value* regs) {
  if (r.groups.empty() && r.streams.empty()) return walk(r, frame, regs, nullptr);
  constexpr std::int64_t rounds_of_a_loop = 3;
  if (edges_ >= rounds_of_a_loop) {
    std::unique_ptr<RegionState>& known = prepared().regions[&r];
    if (!known) known = std::make_unique<RegionState>(*this, r, SmallResults::limit_bytes);
    if (!known->busy) {
      struct Walk {
        RegionState& state;
        explicit Walk(RegionState& s) : state(s) { state.busy = true; }
        ~Walk() { state.busy = false; }
      } const mine(*known);
      known->begin(regs);
      return walk(r, frame, regs, known.get());
    }
  }
  walk_once(r, frame, regs);
}

Prepared& Lane::prepared() {
  if (!prepared_) prepared_ = std::make_shared<Prepared>();
  return *prepared_;
}

}  // namespace jetlag::exec
