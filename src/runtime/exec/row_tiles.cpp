#include "runtime/exec/row_tiles.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "base/settings.h"
#include "compiler/plan/rules.h"
#include "primitives/moves.h"
#include "runtime/exec/cache_windows.h"
#include "runtime/exec/footprint.h"
#include "runtime/exec/reuse.h"

namespace jetlag::exec {

namespace {

constexpr std::size_t most_items = 16;
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

struct Rows {
  std::int64_t stride;        // bytes from one to the next
  std::uintptr_t begin, end;  // of the first
};

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

// An array that a step touches.
struct Access {
  const Array& array;
  const Array& result;  // of the step
  bool written, may_go_by_rows;

  std::optional<Rows> rows(std::int64_t count) const {
    return may_go_by_rows ? rows_of(array, result, count) : std::nullopt;
  }
};

template <class Step, class F>
void for_each_access(const Job& job, const Step& step, const F& f) {
  f(Access{*step.write, *step.write, true, true});
  for (const Ref<Array>& a : step.reads)
    f(Access{*a, *step.write, false, a->rank() == job.rows.rank});
}

// Whether row i of one meets no row of the other but row i.
bool meet_row_by_row(const Access& a, const Access& b, std::int64_t count) {
  const std::optional<Rows> x = a.rows(count), y = b.rows(count);
  if (!x || !y || x->stride != y->stride) return false;
  const std::uintptr_t reach = std::max(x->end, y->end) - std::min(x->begin, y->begin);
  return reach <= static_cast<std::uintptr_t>(std::abs(x->stride));
}

// What is worth to be read once instead of twice.
bool is_large(const Array& a) { return a.bytes() > near_window(); }

}  // namespace

// Steps that are done tile by tile, in any order of the tiles.
struct RowTiles::Batch {
  std::vector<Lane::Departed> items;
  std::int64_t rows, tiles;
  std::vector<trace::SiteId> sites;  // of the items, where something is recorded
  std::vector<std::atomic<std::int64_t>> busy_ns;

  Batch(std::vector<Lane::Departed> all, std::int64_t rows, std::int64_t tiles)
      : items(std::move(all)), rows(rows), tiles(tiles), busy_ns(items.size()) {}

  void run(std::int64_t tile) {
    const std::int64_t first = piece_begin(rows, tiles, tile);
    const std::int64_t last = piece_begin(rows, tiles, tile + 1);
    std::int64_t begin = now_ns();
    for (std::size_t i = 0; i < items.size(); ++i) {
      const Job& job = items[i].job;
      trace::Span span;
      if (!sites.empty() && trace::recording()) [[unlikely]] {
        span.begin(sites[i]);
        const double share = static_cast<double>(last - first) / static_cast<double>(rows);
        span.set_work(job.bytes * share, job.flops * share);
      }
      const std::int64_t each = job.rows.count / rows;
      try {
        job.rows.body(first * each, last * each);
      } catch (...) {
        items[i].failed(std::current_exception());
        throw;
      }
      const std::int64_t end = now_ns();
      busy_ns[i].fetch_add(end - std::exchange(begin, end), std::memory_order_relaxed);
    }
  }
  void finish() const {
    for (const Lane::Departed& item : items) {
      if (item.job.finish) item.job.finish();
    }
  }
  void landed() {
    for (std::size_t i = 0; i < items.size(); ++i) items[i].landed(busy_ns[i], busy_ns[i], tiles);
  }
};

bool RowTiles::is_suited(const Job& job, const Lane::Step& step) const {
  const bool may_wait = job.rows.body && job.rows.count > 1 && step.write &&
                        step.also_writes.empty() && !step.can_fail && !lane_.holding_ &&
                        plan::is_on(rule());
  return may_wait && row_axes(*step.write, job.rows.count) && !step.write->buffer()->visible() &&
         step.write->in_memory() &&
         std::all_of(step.reads.begin(), step.reads.end(),
                     [](const Ref<Array>& a) { return a->in_memory(); });
}

// Whether the step goes along with what was collected, and has use for its rows.
bool RowTiles::joins(const Job& job, const Lane::Step& step) const {
  if (items_.empty() || items_.size() == most_items) return false;
  const std::int64_t rows = std::min(rows_, job.rows.count);
  if (rows_ % rows != 0 || job.rows.count % rows != 0 || !row_axes(*step.write, rows)) return false;
  bool shares = false, clashes = false;
  for (const Lane::Departed& item : items_) {
    for_each_access(item.job, item.step, [&](const Access& before) {
      for_each_access(job, step, [&](const Access& after) {
        if (before.array.buffer() != after.array.buffer()) return;
        const bool together = meet_row_by_row(before, after, rows);
        const bool writes = before.written || after.written;
        clashes = clashes || (!together && writes && may_overlap(before.array, after.array));
        shares = shares || (together && (before.written || is_large(before.array)));
      });
    });
    // With fewer rows than before, its result may have none.
    clashes = clashes || !row_axes(*item.step.write, rows);
  }
  return shares && !clashes;
}

bool RowTiles::take(Job& job, Lane::Step& step, double ns, bool pending) {
  const bool suited = is_suited(job, step);
  if (suited && joins(job, step)) {
    rows_ = std::min(rows_, job.rows.count);
    items_.push_back(lane_.depart(std::move(job), std::move(step), ns));
    return true;
  }
  // Small work that hangs on nothing that is pending goes ahead.
  const bool large =
      suited && ns >= static_cast<double>(inline_ns()) &&
      (is_large(*step.write) || std::any_of(step.reads.begin(), step.reads.end(),
                                            [](const Ref<Array>& a) { return is_large(*a); }));
  if (!large && !pending) return false;
  begin_now();
  if (!large || lane_.fp().at_once) return false;
  lane_.wait_for_room(step, ns);
  rows_ = job.rows.count;
  items_.push_back(lane_.depart(std::move(job), std::move(step), ns));
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
  std::int64_t bytes = 0;
  std::vector<const Buffer*> seen;
  for (const Lane::Departed& item : items) {
    for_each_access(item.job, item.step, [&](const Access& access) {
      const Buffer* buffer = access.array.buffer().get();
      if (!access.rows(rows_) || std::find(seen.begin(), seen.end(), buffer) != seen.end()) return;
      seen.push_back(buffer);
      bytes += access.array.bytes();
    });
  }
  const std::int64_t tiles =
      std::min(rows_, std::max(bytes / (near_window() / 2) + 1, fewest_tiles * tasks::workers()));
  const auto batch = std::make_shared<Batch>(std::move(items), rows_, tiles);
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
    for (std::int64_t tile = 0; tile < batch.tiles && !lane_.flight_->dropped; ++tile) {
      batch.run(tile);
      if (!lane_.poll_is_due(poll_every_ns)) continue;
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
  tasks::Work work;
  work.blocks = batch->tiles;
  work.blocks_per_grab = 1;
  work.body = [batch](std::int64_t tile) { batch->run(tile); };
  work.finish = [batch] { batch->finish(); };
  work.dropped = &lane_.flight_->dropped;
  work.done = [batch](const tasks::Task&) { batch->landed(); };
  if (trace::recording()) [[unlikely]]
    work.site = batch->sites.front();
  const tasks::TaskPtr task = tasks::Task::start(std::move(work), before);
  for (const Lane::Step& step : steps) lane_.note_task(step, task);
}

}  // namespace jetlag::exec
