#include "runtime/exec/time_tiles.h"

#include <algorithm>
#include <utility>

#include "base/settings.h"
#include "compiler/plan/rules.h"
#include "primitives/run_all.h"
#include "runtime/exec/cache_windows.h"

namespace jetlag::exec {

namespace {

constexpr std::int64_t fewest_rounds = 4;  // that a loop has yet to do
constexpr std::int64_t fewest_steps = 3;   // of a batch
constexpr std::int64_t enough_steps = 6;
constexpr std::int64_t most_steps = 64;
constexpr double most_batch_ns = 250e6;  // it is finished once begun
constexpr std::int64_t poll_every_ns = 30'000'000;
constexpr double most_flops_per_byte = 8;  // that a round touches: with more, memory keeps up
constexpr std::int64_t tiles_in_window = 4;
constexpr std::int64_t fewest_tiles = 8;  // for each worker: the next batch follows behind

const plan::Rule& rule() {
  static const plan::Rule& row = *plan::find_rule("time-tiles");
  return row;
}

// A step that is done as a whole.
std::shared_ptr<const Footprint> whole(std::span<const Ref<Array>> reads, const Array& out) {
  auto print = std::make_shared<Footprint>(1);
  for (const Ref<Array>& a : reads)
    Footprint::touch(print->of(a->buffer().get(), false), 0, extent_of(*a));
  Footprint::touch(print->of(out.buffer().get(), true), 0, extent_of(out));
  print->close();
  return print;
}

bool are_in_memory(std::span<const Ref<Array>> arrays) {
  return std::all_of(arrays.begin(), arrays.end(),
                     [](const Ref<Array>& a) { return a->in_memory(); });
}

}  // namespace

// Items that are done tile by tile, one tile at a time.
struct TimeTiles::Batch {
  std::vector<Item> items;
  std::shared_ptr<const TileOrder> order;
  std::vector<trace::SiteId> sites;  // of the items, where something is recorded
  std::size_t at = 0;                // the item that runs

  void run(std::size_t tile) {
    for (const TileOrder::Run& run : order->tiles[tile]) {
      at = static_cast<std::size_t>(run.step);
      Item& item = items[at];
      trace::Span span;
      if (!sites.empty() && trace::recording()) [[unlikely]] {
        span.begin(sites[at]);
        const double share = static_cast<double>(run.last - run.first) /
                             static_cast<double>(item.sweep.footprint->parts());
        span.set_work(item.departed.job.bytes * share, item.departed.job.flops * share);
      }
      const std::int64_t begin = now_ns();
      item.sweep.run(run.first, run.last);
      item.busy_ns += now_ns() - begin;
    }
  }

  void landed() {
    const auto tiles = static_cast<std::int64_t>(order->tiles.size());
    for (Item& item : items) {
      item.sweep = {};
      item.departed.landed(item.busy_ns, item.busy_ns, tiles);
    }
  }
};

TimeTiles::TimeTiles(Lane& lane, const plan::Statement& loop)
    : lane_(lane), loop_(loop), outer_(lane.tiles_) {
  // The loop around it collects the steps of both.
  allowed_ = !(outer_ && outer_->collects_) && !lane_.holding_ && plan::is_on(rule());
  if (allowed_) lane_.tiles_ = this;
}

TimeTiles::~TimeTiles() {
  if (lane_.tiles_ != this) return;
  const bool goes_on =
      wanted_ != 0 && std::ssize(items_) >= fewest_steps && !lane_.flight_->dropped;
  if (!goes_on || !begin_tiles()) begin_plainly();
  lane_.tiles_ = outer_;
}

void TimeTiles::round(std::int64_t left) {
  if (!allowed_ || lane_.tiles_ != this) return;
  constexpr std::int64_t some = 16;
  if (left == unknown) left = seen_ < some ? 0 : seen_;
  ++seen_;
  in_round_ = 0;
  results_.next_round();
  if (!collects_) {
    // The first round tells what there is to do; not all loops have another.
    collects_ = seen_ > 1 && left >= fewest_rounds;
    rounds_ = 0;
    round_begin_ = 0;
    return;
  }
  if (items_.empty()) {
    allowed_ = collects_ = false;
    return;
  }
  ++rounds_;
  // Small steps are collected once there is something to follow: the second round has them all.
  const std::size_t first = std::exchange(round_begin_, items_.size());
  if (wanted_ == 0 && rounds_ == 1) return;
  if (wanted_ == 0)
    choose_rounds({items_.begin() + static_cast<std::ptrdiff_t>(first), items_.end()},
                  left + rounds_);
  if (wanted_ == 0) return give_up();
  if (rounds_ < wanted_) return;
  if (rounds_ > wanted_) {  // two were collected to learn that one is enough
    rounds_ = 0;
    return begin_plainly();
  }
  // What was begun is finished, so there is not much of it at a time.
  const auto most = static_cast<std::size_t>(tasks::workers()) + 1;
  lane_.flight_->wait(lane_.host_, [&] {
    std::erase_if(begun_, [](const Begun& b) { return b.tasks.back()->finished(); });
    return begun_.size() <= most;
  });
  if (!begin_tiles()) return give_up();
  ++batches_;
  rounds_ = 0;
  if (!lane_.alone() || !lane_.poll_is_due(poll_every_ns)) return;
  lane_.flight_->look(lane_.host_);
  lane_.host_.let_go();
}

// None can follow another along the memory: perhaps row by row.
void TimeTiles::give_up() {
  allowed_ = false;
  by_rows_ = far_;
  begin_now();
}

void TimeTiles::begin_now() {
  if (items_.empty()) return;
  constexpr int often = 2;
  allowed_ = allowed_ && ++forced_ <= often + batches_;
  collects_ = false;  // until the next round
  begin_plainly();
}

void TimeTiles::begin_plainly() {
  std::vector<Item> items = std::exchange(items_, {});
  for (Item& item : items) {
    item.sweep = {};
    Lane::Departed& departed = item.departed;
    if (!lane_.alone() || !lane_.tasks_before(departed.step).empty()) {
      lane_.start_task(std::move(departed));
      continue;
    }
    const std::int64_t begin = now_ns();
    // What has not begun when the user wants the call to end is left out.
    if (!lane_.flight_->dropped) run_all(departed.job);
    const std::int64_t ns = now_ns() - begin;
    departed.landed(ns, ns, 0);
  }
}

bool TimeTiles::take(Job& job, Lane::Step& step, double ns, bool pending,
                     const Lane::Sweeper& sweeper) {
  if (!collects_ || step.can_fail || !step.write) return false;
  if (!step.also_writes.empty() && !sweeper) return false;
  const bool large = ns >= static_cast<double>(inline_ns());
  if (large ? !sweeper : !pending || (items_.empty() && begun_.empty())) return false;
  if (lane_.fp().at_once || std::ssize(items_) >= most_steps) return false;
  if (!step.write->in_memory() || !are_in_memory(step.reads)) return false;
  Known& known = known_of(step);
  Sweep sweep;
  if (sweeper) {
    sweep = sweeper(known.footprint);
  } else {
    const bool same = known.footprint && known.footprint->parts() == 1;
    sweep.footprint = same ? known.footprint : whole(step.reads, *step.write);
    sweep.run = [job](std::int64_t, std::int64_t) { run_all(job); };
  }
  known.footprint = sweep.footprint;
  results_.note(*step.write);
  for (const Ref<Array>& a : step.also_writes) results_.note(*a);
  items_.push_back({lane_.depart(std::move(job), std::move(step), ns), std::move(sweep)});
  return true;
}

TimeTiles::Known& TimeTiles::known_of(const Lane::Step& step) {
  if (in_round_ == known_.size()) known_.emplace_back();
  Known& known = known_[in_round_++];
  std::vector<Place> operands;
  for (const Ref<Array>& a : step.reads) operands.push_back({a->data(), a->shape(), a->strides()});
  operands.push_back({step.write->data(), step.write->shape(), step.write->strides()});
  for (const Ref<Array>& a : step.also_writes)
    operands.push_back({a->data(), a->shape(), a->strides()});
  if (known.op != step.op || !(known.operands == operands))
    known = {step.op, std::move(operands), nullptr};
  return known;
}

// As many as the cache has room for, and few enough that all workers have a batch. 0: the loop is
// better off without.
void TimeTiles::choose_rounds(std::span<const Item> items, std::int64_t left) {
  TileOrder::Steps round;
  double ns = 0, flops = 0;
  for (const Item& item : items) {
    round.push_back(item.sweep.footprint);
    ns += item.departed.ns;
    flops += item.departed.job.flops;
  }
  wanted_ = 0;
  // Where so much of the memory lies between two steps that few fit near, far is better than not.
  window_ = near_window();
  const std::int64_t bytes = bytes_touched(round);
  if (bytes <= window_ || flops > static_cast<double>(bytes) * most_flops_per_byte) return;
  const auto each = static_cast<std::int64_t>(round.size());
  const std::int64_t workers = lane_.alone() ? 1 : tasks::workers();
  const auto parts = [](std::int64_t whole, std::int64_t part) {
    return (whole + part - 1) / part;
  };
  const std::int64_t most =
      std::min({workers > 1 ? parts(left, 2 * workers) : left, most_steps / each,
                static_cast<std::int64_t>(most_batch_ns / std::max(ns, 1.0))});
  wanted_ = rounds_within(window_, round, most);
  if (wanted_ * each < enough_steps) {
    const std::int64_t further = rounds_within(far_window(tasks::workers()), round, most);
    if (further > wanted_) window_ = far_window(tasks::workers());
    wanted_ = std::max(wanted_, further);
  }
  // From the third-level cache, operands come nearly as fast as they are computed with.
  far_ = bytes > furthest_window();
  // As many batches for each worker, and all alike.
  if (wanted_ > 0) wanted_ = parts(left, workers * parts(left, wanted_ * workers));
}

std::int64_t TimeTiles::rounds_within(std::int64_t window, const TileOrder::Steps& round,
                                      std::int64_t most) {
  const auto each = static_cast<std::int64_t>(round.size());
  // Where most of the memory lies between two steps, a step waits for nearly all of another.
  const std::int64_t worthwhile = std::min(window, bytes_touched(round) / 4 * 3);
  for (std::int64_t rounds = most; rounds * each >= fewest_steps; rounds = rounds * 3 / 4) {
    TileOrder::Steps steps;
    for (std::int64_t r = 0; r < rounds; ++r) steps.insert(steps.end(), round.begin(), round.end());
    if (order_within(window, std::move(steps))->window <= worthwhile) return rounds;
  }
  return 0;
}

std::shared_ptr<const TileOrder> TimeTiles::order_within(std::int64_t window,
                                                         TileOrder::Steps steps) {
  const std::int64_t tiles =
      std::max(bytes_touched(steps) * tiles_in_window / window, fewest_tiles * tasks::workers());
  return std::make_shared<const TileOrder>(std::move(steps), tiles);
}

// False: the steps are still there.
bool TimeTiles::begin_tiles() {
  TileOrder::Steps steps;
  for (const Item& item : items_) steps.push_back(item.sweep.footprint);
  if (!order_ || order_->steps != steps) order_ = order_within(window_, std::move(steps));
  if (order_->window > window_) return false;
  const auto batch = std::make_shared<Batch>();
  batch->items = std::move(items_);
  batch->order = order_;
  items_.clear();
  for (const Item& item : batch->items) {
    const int id = item.departed.step.op->id;
    if (lane_.profile_) lane_.profile_->apply(id, rule().name);
    if (trace::recording()) [[unlikely]]
      batch->sites.push_back(lane_.caches_.sites.of(lane_.program_, id));
  }
  start(batch);
  return true;
}

// Tasks that the step has to follow, and that are no batch of ours.
std::vector<tasks::TaskPtr> TimeTiles::others_before(const Lane::Step& step) const {
  std::vector<tasks::TaskPtr> before = lane_.tasks_before(step);
  std::erase_if(before, [&](const tasks::TaskPtr& task) {
    return std::any_of(begun_.begin(), begun_.end(),
                       [&](const Begun& b) { return b.tasks.back().get() == task.get(); });
  });
  return before;
}

void TimeTiles::start(const std::shared_ptr<Batch>& batch) {
  std::vector<tasks::TaskPtr> before;
  for (const Item& item : batch->items) {
    Lane::add_new(before, others_before(item.departed.step));
  }
  if (!lane_.alone() || !before.empty() || !begun_.empty()) return start_tasks(batch, before);
  lane_.host_.let_go();
  for (std::size_t tile = 0; tile < batch->order->tiles.size(); ++tile) batch->run(tile);
  batch->landed();
}

void TimeTiles::start_tasks(const std::shared_ptr<Batch>& batch,
                            std::vector<tasks::TaskPtr> before) {
  std::vector<Lane::Step> steps;  // as a task that ends lets go of its own
  for (const Item& item : batch->items) {
    const Lane::Step& s = item.departed.step;
    steps.push_back({s.op, s.kind, false, {}, s.reads, s.write});
  }
  std::vector<std::vector<std::int64_t>> needs;
  for (const Begun& b : begun_)
    needs.push_back(needed(*b.order->footprint, *batch->order->footprint));
  Begun begun{batch->order, {}};
  const std::size_t tiles = batch->order->tiles.size();
  for (std::size_t tile = 0; tile < tiles; ++tile) {
    const bool last = tile + 1 == tiles;
    std::vector<tasks::TaskPtr> after = std::exchange(before, {});
    if (tile > 0) after.push_back(begun.tasks.back());
    for (std::size_t i = 0; i < begun_.size(); ++i) {
      const std::vector<tasks::TaskPtr>& earlier = begun_[i].tasks;
      // Who follows the last tile follows all that was before it.
      const std::size_t need = last               ? earlier.size()
                               : needs[i].empty() ? 0
                                                  : static_cast<std::size_t>(needs[i][tile]);
      if (need > 0 && !earlier[need - 1]->finished()) after.push_back(earlier[need - 1]);
    }
    tasks::Work work;
    work.body = [batch, tile](std::int64_t) { batch->run(tile); };
    work.stoppable = false;
    work.done = [batch, last](const tasks::Task& task) {
      if (task.error()) batch->items[batch->at].departed.failed(task.error());
      if (last) batch->landed();
    };
    if (trace::recording()) [[unlikely]]
      work.site = lane_.caches_.sites.of(lane_.program_, loop_.id);
    begun.tasks.push_back(tasks::Task::start(std::move(work), after));
  }
  for (const Lane::Step& step : steps) lane_.note_task(step, begun.tasks.back());
  begun_.push_back(std::move(begun));
}

}  // namespace jetlag::exec
