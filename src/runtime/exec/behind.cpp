#include "runtime/exec/behind.h"

#include <cstring>
#include <mutex>

#include "base/of_thread.h"
#include "runtime/exec/stretches.h"
#include "runtime/exec/sweeps.h"

namespace jetlag::exec {

namespace {

// What is computed at once, and what may be aside for each worker.
constexpr std::int64_t chunk_bytes = 16 << 10;
constexpr std::int64_t swept_bytes = 4 << 10;  // the same, of one sweep among many
constexpr std::int64_t most_aside = 512 << 10;
constexpr std::int64_t least_chunks = 8;   // of a block: two of them are stored late
constexpr std::int64_t fewest_chunks = 3;  // of all: fewer are aside as a whole
constexpr std::int64_t most_blocks = 32;
constexpr std::int64_t least_block_bytes = 256 << 10;

struct Cut {
  std::int64_t rows, columns;  // of the view
  std::int64_t row_bytes;
  std::int64_t chunk;          // rows computed at once, at least as many as are reached
  std::int64_t blocks, block;  // how many, and their rows; the last has what is left as well

  Cut(const Array& view, std::int64_t reach, std::int64_t at_once = chunk_bytes) {
    rows = view.shape()[row_axis(view)];
    columns = view.size() / rows;
    row_bytes = columns * size_of(view.dtype());
    chunk = std::max((at_once + row_bytes - 1) / row_bytes, std::max<std::int64_t>(reach, 1));
    const std::int64_t least =
        std::max({least_chunks * chunk, (least_block_bytes + row_bytes - 1) / row_bytes,
                  rows / most_blocks});
    block = (least + chunk - 1) / chunk * chunk;
    blocks = std::max<std::int64_t>(rows / block, 1);
  }
  std::int64_t begin(std::int64_t b) const { return b < blocks ? b * block : rows; }
  std::int64_t chunk_elements() const { return chunk * columns; }
  std::int64_t chunk_size() const { return chunk * row_bytes; }
};

// Where a thread computes what is stored later; from block to block.
struct Aside {
  std::vector<std::byte> bytes;
};

struct Behind {
  Behind(std::shared_ptr<ElementRun> r, Ref<Array> v, const Cut& c, unsigned w,
         std::function<void(std::int64_t, std::int64_t)> t)
      : run(std::move(r)), view(std::move(v)), cut(c), wanted(w), tell(std::move(t)) {}

  std::shared_ptr<ElementRun> run;
  Ref<Array> view;
  Cut cut;
  unsigned wanted;
  std::function<void(std::int64_t, std::int64_t)> tell;
  // Two chunks of each block: its first and its last. There while the job runs, as many jobs may
  // wait for their turn.
  mutable std::once_flag begun = {};
  mutable Ref<Array> ends = {};

  std::byte* end_of(std::int64_t b, bool last) const {
    return ends->data() + (2 * b + (last ? 1 : 0)) * cut.chunk_size();
  }

  // The chunk before: its first row, -1 for none, and what it is to hold.
  struct Late {
    std::int64_t waiting = -1;
    std::vector<std::byte> aside;
  };

  // Rows [first, last), after all before them. Of many sweeps in turns each keeps one chunk; the
  // one that is computed next is that which was stored last, and still in the first-level cache.
  void follow(Late& late, std::int64_t first, std::int64_t last) const {
    std::vector<std::byte>& to = of_thread<Aside>().bytes;
    for (std::int64_t row = first; row < last; row += cut.chunk) {
      to.resize(static_cast<std::size_t>(cut.chunk_size()));
      compute(row, std::min(row + cut.chunk, last), to.data());
      if (late.waiting >= 0) store(late.waiting, row, late.aside.data());
      late.waiting = row;
      late.aside.swap(to);
    }
    if (last < cut.rows) return;
    store(late.waiting, last, late.aside.data());
    late = {};
  }

  // Rows [first, last) go to `to`. Their operands are as they were before the statement.
  void compute(std::int64_t first, std::int64_t last, std::byte* to) const {
    const std::int64_t begin = first * cut.columns, end = last * cut.columns;
    if ((run->run(begin, end, to) & wanted) != 0) tell(begin, end);
  }

  void store(std::int64_t first, std::int64_t last, const std::byte* from) const {
    const std::int64_t item = size_of(view->dtype());
    each_stretch(*view, first * cut.columns, last * cut.columns,
                 [&](std::byte* place, std::int64_t before, std::int64_t count) {
                   std::memcpy(place, from + before * item, static_cast<std::size_t>(count * item));
                 });
  }

  void block(std::int64_t b) const {
    std::call_once(begun, [&] {
      const std::int64_t bytes = cut.blocks > 1 ? 2 * cut.blocks * cut.chunk_size() : 0;
      ends = new_array(DType::uint8, Dims{bytes});
    });
    std::vector<std::byte>& aside = of_thread<Aside>().bytes;
    const auto size = static_cast<std::size_t>(cut.chunk_size());
    if (aside.size() < 2 * size) aside.resize(2 * size);
    const std::int64_t begin = cut.begin(b), end = cut.begin(b + 1);
    std::int64_t waiting = -1;  // the first row of the chunk before, if it is aside
    std::size_t half = 0;
    for (std::int64_t row = begin; row < end; row += cut.chunk) {
      const std::int64_t next = std::min(row + cut.chunk, end);
      const bool first = row == begin && b > 0;
      const bool last = next == end && b + 1 < cut.blocks;
      std::byte* const to = first || last ? end_of(b, last) : aside.data() + half * size;
      compute(row, next, to);
      // No row from here on reads the chunk before.
      if (waiting >= 0) store(waiting, row, aside.data() + (1 - half) * size);
      waiting = first || last ? -1 : row;
      half = 1 - half;
    }
    if (waiting >= 0) store(waiting, end, aside.data() + (1 - half) * size);
  }

  void finish() const {
    if (!ends) return;  // nothing was begun: the call was given up
    for (std::int64_t b = 1; b < cut.blocks; ++b) {
      const std::int64_t border = cut.begin(b);
      store(border - cut.chunk, border, end_of(b - 1, true));
      store(border, border + cut.chunk, end_of(b, false));
    }
    ends = nullptr;
  }
};

}  // namespace

std::optional<std::int64_t> rows_reached(const Array& view, const Array& operand) {
  const bool alike = size_of(view.dtype()) == size_of(operand.dtype()) &&
                     view.shape() == operand.shape() && view.size() > 0;
  if (!alike) return std::nullopt;
  const std::int64_t axis = row_axis(view), step = view.strides()[axis];
  if (step == 0) return std::nullopt;  // a single row
  std::int64_t far = size_of(view.dtype()) - 1;
  for (std::int64_t i = 0; i < view.rank(); ++i) {
    if (view.shape()[i] == 1) continue;
    if (view.strides()[i] != operand.strides()[i]) return std::nullopt;
    if (i > axis) far += (view.shape()[i] - 1) * view.strides()[i];
  }
  // Elements whose bytes lie so far apart are at most so many rows apart: rows do not cross.
  return (std::abs(operand.data() - view.data()) + far) / step;
}

bool can_follow(const Array& view, std::int64_t reach) {
  if (view.rank() == 0 || !lies_in_rows(view)) return false;
  const Cut cut(view, reach);
  return cut.rows >= fewest_chunks * cut.chunk && 2 * cut.chunk_size() <= most_aside;
}

Job behind_job(std::shared_ptr<ElementRun> run, Ref<Array> view, std::int64_t reach,
               unsigned wanted, std::function<void(std::int64_t, std::int64_t)> tell) {
  const Cut cut(*view, reach);
  auto work = std::make_shared<const Behind>(std::move(run), view, cut, wanted, std::move(tell));
  return {.blocks = cut.blocks,
          .body = [work](std::int64_t b) { work->block(b); },
          .finish = [work] { work->finish(); },
          .bytes = static_cast<double>(view->bytes())};
}

Sweep behind_sweep(std::shared_ptr<ElementRun> run, Ref<Array> view, std::int64_t reach,
                   unsigned wanted, std::function<void(std::int64_t, std::int64_t)> tell,
                   std::shared_ptr<const Footprint> known) {
  const Cut cut(*view, reach, swept_bytes);
  const std::int64_t parts = (cut.rows + cut.chunk - 1) / cut.chunk;
  const auto first_row = [=](std::int64_t part) { return std::min(part * cut.chunk, cut.rows); };
  if (!known || known->parts() != parts) {
    auto print = std::make_shared<Footprint>(parts);
    touch_inputs(*print, *run, [&](std::int64_t part) { return first_row(part) * cut.columns; });
    Reach& written = print->of(view->buffer().get(), true);
    const std::int64_t axis = row_axis(*view);
    const auto touch = [&](std::int64_t part, std::int64_t first, std::int64_t last) {
      Extent rows = extent_of(*view);
      rows.end -= (cut.rows - last) * view->strides()[axis];
      rows.begin += first * view->strides()[axis];
      Footprint::touch(written, part, rows);
    };
    for (std::int64_t part = 0; part < parts; ++part) {
      const std::int64_t before = std::max<std::int64_t>(part - 1, 0);
      const bool last = part + 1 == parts;
      if (part > 0 || last) touch(part, first_row(before), first_row(last ? parts : part));
    }
    print->close();
    known = std::move(print);
  }
  auto work = std::make_shared<const Behind>(std::move(run), view, cut, wanted, std::move(tell));
  auto late = std::make_shared<Behind::Late>();
  return {std::move(known), [=](std::int64_t first, std::int64_t last) {
            work->follow(*late, first_row(first), first_row(last));
          }};
}

}  // namespace jetlag::exec
