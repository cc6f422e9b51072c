#include "runtime/exec/row_tiles.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "base/settings.h"
#include "compiler/plan/rules.h"
#include "primitives/moves.h"
#include "primitives/run_all.h"
#include "runtime/exec/cache_windows.h"
#include "runtime/exec/footprint.h"
#include "runtime/exec/reuse.h"
#include "runtime/exec/time_tiles.h"

namespace jetlag::exec {

namespace {

constexpr std::size_t most_items = 16;
constexpr std::size_t most_in_rounds = 48;
constexpr double most_seen_ns = 250e6;    // of what is finished once begun
constexpr std::int64_t fewest_tiles = 8;  // for each worker
constexpr std::int64_t poll_every_ns = 30'000'000;

const plan::Rule& rule() {
  static const plan::Rule& row = *plan::find_rule("row-tiles");
  return row;
}

// The first axes of a result, which are cut into so many rows. None where they have not as many.
std::optional<std::int64_t> row_axes(const Array& out, std::int64_t count) {
  std::int64_t rows = 1, axis = 0;
  while (axis < out.rank() && rows < count) rows *= out.shape()[axis++];
  return rows == count ? std::optional(axis) : std::nullopt;
}

// How the rows of an operand lie that go along with those of the result, if they do.
std::optional<Rows> rows_of(const Array& a, const Array& out, std::int64_t count) {
  const std::optional<std::int64_t> axes = row_axes(out, count);
  if (!axes || a.rank() < *axes) return std::nullopt;
  std::int64_t stride = 0;
  for (std::int64_t i = 0; i < *axes; ++i) {
    const std::int64_t n = a.shape()[i];
    if (n != out.shape()[i]) return std::nullopt;
    if (n == 1) continue;
    if (stride != 0 && stride != a.strides()[i] * n) return std::nullopt;
    stride = a.strides()[i];
  }
  Dims shape, strides;
  for (std::int64_t i = *axes; i < a.rank(); ++i) {
    shape.push_back(a.shape()[i]);
    strides.push_back(a.strides()[i]);
  }
  const Extent row = extent_of(Array(nullptr, a.data(), a.dtype(), shape, strides));
  return Rows{stride, reinterpret_cast<std::uintptr_t>(row.begin),
              reinterpret_cast<std::uintptr_t>(row.end)};
}

RowTouch touch_of(const Array& a, bool written, std::optional<Rows> rows) {
  const Extent all = extent_of(a);
  return {a.buffer().get(), written, reinterpret_cast<std::uintptr_t>(all.begin),
          reinterpret_cast<std::uintptr_t>(all.end), rows};
}

// What a step touches, by so many rows; none: as a whole.
template <class Step>
std::vector<RowTouch> touches_of(const Job& job, const Step& step, std::int64_t rows) {
  std::vector<RowTouch> touches;
  const auto touch = [&](const Array& a, bool written, bool by_rows) {
    touches.push_back(
        touch_of(a, written, by_rows && rows > 0 ? rows_of(a, *step.write, rows) : std::nullopt));
  };
  touch(*step.write, true, true);
  for (const Ref<Array>& a : step.reads) touch(*a, false, a->rank() == job.rows.rank);
  return touches;
}

// What is worth to be read once instead of twice.
bool is_large(const Array& a) { return a.bytes() > near_window(); }

}  // namespace

// Steps that are done tile by tile, in any order of the tiles.
struct RowTiles::Batch {
  std::vector<Lane::Departed> items;
  RowOrder order;
  std::int64_t tiles;
  bool visible = false;              // the caller sees what is written
  bool left_out = false;             // by who wants the call to end
  std::vector<trace::SiteId> sites;  // of the items, where something is recorded
  std::vector<std::atomic<std::int64_t>> busy_ns;

  Batch(std::vector<Lane::Departed> all, RowOrder by, std::int64_t count)
      : items(std::move(all)), order(std::move(by)), tiles(count), busy_ns(items.size()) {
    for (const Lane::Departed& item : items)
      visible = visible || item.step.write->buffer()->visible();
  }

  template <class F>
  void run(std::size_t i, double share, const F& work) {
    const Job& job = items[i].job;
    trace::Span span;
    if (!sites.empty() && trace::recording()) [[unlikely]] {
      span.begin(sites[i]);
      span.set_work(job.bytes * share, job.flops * share);
    }
    const std::int64_t begin = now_ns();
    try {
      work(job);
    } catch (...) {
      items[i].failed(std::current_exception());
      throw;
    }
    busy_ns[i].fetch_add(now_ns() - begin, std::memory_order_relaxed);
  }
  void run_rows(std::size_t i, std::int64_t first, std::int64_t last) {
    const double share = static_cast<double>(last - first) / static_cast<double>(order.rows());
    run(i, share, [&](const Job& job) {
      const std::int64_t each = job.rows.count / order.rows();
      job.rows.body(first * each, last * each);
    });
  }

  // Before the tiles.
  void go_ahead() {
    left_out = items.front().flight->dropped;
    if (left_out) return;
    order.go_ahead(
        [&](std::size_t i, std::int64_t first, std::int64_t last) { run_rows(i, first, last); },
        [&](std::size_t i) { run(i, 1, [](const Job& job) { run_all(job); }); });
  }
  void run_tile(std::int64_t tile) {
    if (left_out) return;
    const std::int64_t rows = order.rows();
    order.follow(
        piece_begin(rows, tiles, tile), piece_begin(rows, tiles, tile + 1),
        [&](std::size_t i, std::int64_t first, std::int64_t last) { run_rows(i, first, last); });
  }
  void finish() const {
    for (std::size_t i = 0; i < items.size() && !left_out; ++i) {
      if (items[i].job.finish && !order.is_whole(i)) items[i].job.finish();
    }
  }
  void landed() {
    for (std::size_t i = 0; i < items.size(); ++i) items[i].landed(busy_ns[i], busy_ns[i], tiles);
  }
};

bool RowTiles::in_rounds() const { return lane_.tiles_ && lane_.tiles_->by_rows(); }

// What the caller sees is finished once begun: some rounds of a loop at a time.
bool RowTiles::may_be_held(const Lane::Step& step) const {
  return step.write && step.also_writes.empty() && !step.can_fail && !lane_.holding_ &&
         plan::is_on(rule()) && (in_rounds() || !step.write->buffer()->visible()) &&
         step.write->in_memory() &&
         std::all_of(step.reads.begin(), step.reads.end(),
                     [](const Ref<Array>& a) { return a->in_memory(); });
}

bool RowTiles::is_suited(const Job& job, const Lane::Step& step) const {
  return job.rows.body && job.rows.count > 1 && may_be_held(step) &&
         row_axes(*step.write, job.rows.count);
}

// What is finished once begun does not last; and results take memory until they are read.
bool RowTiles::has_room(const Lane::Step& step, double ns) const {
  const auto is_result = [](const Lane::Step& s) {
    return !s.write->buffer()->visible() && is_large(*s.write);
  };
  std::size_t results = is_result(step) ? 1 : 0;
  for (const Lane::Departed& item : items_) {
    ns += item.ns;
    if (is_result(item.step)) ++results;
  }
  const std::size_t most = in_rounds() ? most_in_rounds : most_items;
  return !items_.empty() && items_.size() < most && results <= most_items &&
         (ns <= most_seen_ns || !step.write->buffer()->visible());
}

// Whether the step goes along with what was collected, and has use for its rows.
bool RowTiles::joins(const Job& job, const Lane::Step& step) {
  const std::int64_t rows = std::min(order_.rows(), job.rows.count);
  if (order_.rows() % rows != 0 || job.rows.count % rows != 0 || !row_axes(*step.write, rows))
    return false;
  std::optional<RowOrder> coarser;
  if (rows < order_.rows()) {
    // With fewer rows than before, a result may have none.
    const auto has_none = [&](const Lane::Departed& item) {
      return !row_axes(*item.step.write, rows);
    };
    if (order_.has_whole() || std::any_of(items_.begin(), items_.end(), has_none)) return false;
    coarser.emplace(rows);
    for (const Lane::Departed& item : items_) coarser->add(touches_of(item.job, item.step, rows));
  }
  RowOrder& order = coarser ? *coarser : order_;
  std::vector<RowTouch> touches = touches_of(job, step, rows);
  if (!order.shares(touches, near_window()) || !order.takes(touches)) return false;
  order.add(std::move(touches));
  if (coarser) order_ = std::move(*coarser);
  return true;
}

// Whether it is small, and some rows of what was collected may go ahead for it.
bool RowTiles::goes_between(const Lane::Step& step, double ns) {
  return in_rounds() && ns < static_cast<double>(inline_ns()) &&
         order_.add_whole(touches_of({}, step, 0));
}

// The small steps with which a round begins go along with those that follow.
bool RowTiles::goes_first(Job& job, Lane::Step& step, double ns, std::int64_t rows) {
  if (rows == 0 || !in_rounds() || !may_be_held(step)) return false;
  order_ = RowOrder(rows);
  if (job.rows.count == rows && is_suited(job, step)) order_.add(touches_of(job, step, rows));
  else if (!order_.add_whole(touches_of({}, step, 0))) return false;
  add(job, step, ns);
  return true;
}

void RowTiles::add(Job& job, Lane::Step& step, double ns) {
  items_.push_back(lane_.depart(std::move(job), std::move(step), ns));
}

// Rounds of a loop are begun many steps at a time.
void RowTiles::wait_for_room(const Lane::Step& step, double ns) {
  constexpr std::size_t most_begun = 2;
  if (!in_rounds()) return lane_.wait_for_room(step, ns);
  lane_.flight_->wait(lane_.host_, [&] {
    std::erase_if(begun_, [](const tasks::TaskPtr& task) { return task->finished(); });
    return begun_.size() < most_begun;
  });
}

bool RowTiles::take(Job& job, Lane::Step& step, double ns, bool pending) {
  const bool suited = is_suited(job, step);
  const bool room = (suited || (pending && may_be_held(step))) && has_room(step, ns);
  if (room && ((suited && joins(job, step)) || (pending && goes_between(step, ns)))) {
    add(job, step, ns);
    return true;
  }
  // Small work that hangs on nothing that is pending goes ahead.
  const bool large =
      suited && ns >= static_cast<double>(inline_ns()) &&
      (is_large(*step.write) || std::any_of(step.reads.begin(), step.reads.end(),
                                            [](const Ref<Array>& a) { return is_large(*a); }));
  if (!large && !pending) return false;
  const std::int64_t rows_before = items_.empty() ? 0 : order_.rows();
  begin_now();
  if (lane_.fp().at_once) return false;
  if (!large) return goes_first(job, step, ns, rows_before);
  wait_for_room(step, ns);
  order_ = RowOrder(job.rows.count);
  order_.add(touches_of(job, step, order_.rows()));
  add(job, step, ns);
  return true;
}

Ref<Buffer> RowTiles::spent(std::int64_t bytes) const {
  for (const Lane::Departed& item : items_) {
    const Ref<Buffer>& b = item.step.write->buffer();
    if (b->bytes() == bytes && b->owned() && !b->visible() && is_spent(*b)) return b;
  }
  return nullptr;
}

bool RowTiles::would_free() const {
  if (lane_.flight_->outstanding() > std::ssize(items_)) return true;
  return std::any_of(items_.begin(), items_.end(), [](const Lane::Departed& item) {
    return std::any_of(item.touched.begin(), item.touched.end(),
                       [](const Ref<Buffer>& b) { return is_spent(*b); });
  });
}

void RowTiles::begin_now() {
  if (items_.empty()) return;
  std::vector<Lane::Departed> items = std::exchange(items_, {});
  const std::int64_t tiles =
      std::min(order_.rows(),
               std::max(order_.bytes() / (near_window() / 2) + 1, fewest_tiles * tasks::workers()));
  const auto batch = std::make_shared<Batch>(std::move(items), std::move(order_), tiles);
  for (const Lane::Departed& item : batch->items) {
    const int id = item.step.op->id;
    if (lane_.profile_ && batch->items.size() > 1) lane_.profile_->apply(id, rule().name);
    if (trace::recording()) [[unlikely]]
      batch->sites.push_back(lane_.caches_.sites.of(lane_.program_, id));
  }
  const bool nothing_else = lane_.flight_->outstanding() == std::ssize(batch->items);
  if (lane_.alone() && nothing_else) return run_here(*batch);
  if (batch->items.size() == 1) return lane_.start_task(std::move(batch->items.front()));
  start_task(batch);
}

// What has not begun when the user wants the call to end is left out; all of it lands.
void RowTiles::run_here(Batch& batch) {
  try {
    lane_.host_.let_go();
    batch.go_ahead();
    for (std::int64_t tile = 0; tile < batch.tiles; ++tile) {
      if (!batch.visible && lane_.flight_->dropped) break;
      batch.run_tile(tile);
      if (batch.visible || !lane_.poll_is_due(poll_every_ns)) continue;
      lane_.flight_->look(lane_.host_);
      lane_.host_.let_go();
    }
    batch.finish();
  } catch (...) {
    batch.landed();
    throw;
  }
  batch.landed();
}

void RowTiles::start_task(std::shared_ptr<Batch> batch) {
  std::vector<tasks::TaskPtr> before;
  std::vector<Lane::Step> steps;  // as a task that ends lets go of its own
  for (const Lane::Departed& item : batch->items) {
    Lane::add_new(before, lane_.tasks_before(item.step));
    steps.push_back({item.step.op, item.step.kind, false, {}, item.step.reads, item.step.write});
  }
  const trace::SiteId site = trace::recording() ? batch->sites.front() : 0;
  const bool in_two = batch->order.has_whole();
  if (in_two) {
    tasks::Work work;
    work.body = [batch](std::int64_t) { batch->go_ahead(); };
    work.site = site;
    before = {tasks::Task::start(std::move(work), before)};
  }
  tasks::Work work;
  work.blocks = batch->tiles;
  work.blocks_per_grab = 1;
  work.body = [batch](std::int64_t tile) { batch->run_tile(tile); };
  work.finish = [batch] { batch->finish(); };
  // Once rows of it went ahead, the others follow.
  work.dropped = batch->visible && in_two ? nullptr : &lane_.flight_->dropped;
  work.stoppable = !batch->visible;
  work.done = [batch](const tasks::Task&) { batch->landed(); };
  work.site = site;
  const tasks::TaskPtr task = tasks::Task::start(std::move(work), before);
  for (const Lane::Step& step : steps) lane_.note_task(step, task);
  if (in_rounds()) begun_.push_back(task);
}

}  // namespace jetlag::exec
