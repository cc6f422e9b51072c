#include "primitives/row_stream.h"

#include <algorithm>
#include <cstring>

#include "primitives/loops.h"
#include "primitives/moves.h"
#include "primitives/partial_sums.h"
#include "primitives/product_loops.h"

namespace jetlag {

namespace {

// What passes through all uses at once: it stays in the second-level cache,
// with room for the vectors. Longer rows are still read four at a time, as long
// as these fit.
constexpr std::int64_t tile_bytes = 160 << 10;
constexpr std::int64_t widest_tile = 384 << 10;
constexpr std::int64_t rows_at_once = 8;

// Blocks should be many enough for all workers, and each long enough that
// adding its partial result costs nothing beside it.
constexpr std::int64_t most_blocks = 64;
constexpr std::int64_t rows_of_a_block = 64;

std::int64_t rows_in_tile(std::int64_t row_bytes) {
  const std::int64_t whole = tile_bytes / row_bytes / rows_at_once * rows_at_once;
  if (whole > 0) return whole;
  for (std::int64_t rows = 4; rows > 1; rows /= 2) {
    if (rows * row_bytes <= widest_tile) return rows;
  }
  return 1;
}

template <class T>
struct Stream {
  Matrix x;
  std::int64_t step;  // in elements
  std::int64_t blocks;
  Distance distance;
  std::vector<RowUse> uses;
  std::int64_t sums = 0;  // uses of columns
  std::unique_ptr<PartialSums<T>> partials;

  T* rows_from(std::int64_t row) const { return reinterpret_cast<T*>(x.data) + row * step; }

  void run_block(std::int64_t block) const {
    const std::int64_t first = piece_begin(x.rows, blocks, block);
    const std::int64_t last = piece_begin(x.rows, blocks, block + 1);
    if (sums == 0 || blocks == 1) {
      for (const RowUse& use : uses) {
        if (use.kind == RowUse::Kind::columns) clear(use.out);
      }
      return run_rows(first, last, nullptr);
    }
    Ref<Buffer> sum = partials->start();
    run_rows(first, last, reinterpret_cast<T*>(sum->data()));
    clear_flags();
    sum = partials->end(block, std::move(sum));
    report_sums(read_flags());
    if (sum) hand_out(reinterpret_cast<const T*>(sum->data()));
  }

 private:
  void clear(std::byte* out) const { std::fill_n(reinterpret_cast<T*>(out), x.columns, T(0)); }

  // Sums over rows are added together: whose flag it was cannot be told.
  void report_sums(unsigned flags) const {
    for (const RowUse& use : uses) {
      if (use.kind == RowUse::Kind::columns && use.watch) use.watch->report(flags);
    }
  }

  void hand_out(const T* sum) const {
    for (const RowUse& use : uses) {
      if (use.kind != RowUse::Kind::columns) continue;
      std::copy_n(sum, x.columns, reinterpret_cast<T*>(use.out));
      sum += x.columns;
    }
  }

  // `sum` holds the sums of columns side by side; null: they go to their place.
  void run_rows(std::int64_t first, std::int64_t last, T* sum) const {
    const std::int64_t height = rows_in_tile(x.columns * static_cast<std::int64_t>(sizeof(T)));
    for (std::int64_t row = first; row < last; row += height) {
      run_tile(row, std::min(row + height, last), sum);
    }
  }

  void run_tile(std::int64_t first, std::int64_t last, T* sum) const {
    // The first use brings the rows from memory, the others find them.
    Distance from = distance;
    for (const RowUse& use : uses) {
      if (use.kind == RowUse::Kind::elements) {
        use.run(first, last);
        continue;
      }
      if (use.watch) clear_flags();
      multiply(use, first, last, sum, from);
      if (use.watch) use.watch->report(read_flags());
      if (sum && use.kind == RowUse::Kind::columns) sum += x.columns;
      from = Distance::near;
    }
  }

  void multiply(const RowUse& use, std::int64_t first, std::int64_t last, T* sum,
                Distance from) const {
    const ProductLoops<T>& loops = product_loops<T>();
    const T* in = reinterpret_cast<const T*>(use.in);
    T* out = reinterpret_cast<T*>(use.out);
    if (use.kind == RowUse::Kind::rows) {
      loops.rows(rows_from(first), step, last - first, x.columns, in, out + first, from);
    } else {
      loops.add_columns(rows_from(first), step, last - first, x.columns, in + first,
                        sum ? sum : out, from);
    }
  }
};

template <class T>
Job make_job(const Matrix& x, std::vector<RowUse> uses) {
  constexpr auto item = static_cast<std::int64_t>(sizeof(T));
  auto stream = std::make_shared<Stream<T>>();
  const std::int64_t bytes = x.rows * x.columns * item;
  stream->x = x;
  stream->step = x.rows > 1 ? x.row_step / item : x.columns;
  stream->distance = distance_of(bytes);
  stream->blocks =
      pieces_of(bytes, std::min(most_blocks, std::max<std::int64_t>(x.rows / rows_of_a_block, 1)));
  for (const RowUse& use : uses) stream->sums += use.kind == RowUse::Kind::columns;
  const std::int64_t products = std::count_if(uses.begin(), uses.end(), [](const RowUse& use) {
    return use.kind != RowUse::Kind::elements;
  });
  stream->uses = std::move(uses);
  if (stream->blocks > 1 && stream->sums > 0) {
    stream->partials = std::make_unique<PartialSums<T>>(stream->blocks, stream->sums * x.columns);
  }
  Job job;
  job.blocks = stream->blocks;
  job.bytes = static_cast<double>(bytes);
  job.flops = 2.0 * static_cast<double>(products * x.rows * x.columns);
  job.body = [stream = std::move(stream)](std::int64_t block) { stream->run_block(block); };
  return job;
}

}  // namespace

bool is_streamable(const Matrix& x) {
  const std::int64_t item = size_of(x.dtype);
  return (x.dtype == DType::float64 || x.dtype == DType::float32) && x.rows > 1 && x.columns > 1 &&
         x.column_step == item && x.row_step >= x.columns * item && x.row_step % item == 0;
}

Job row_stream_job(const Matrix& x, std::vector<RowUse> uses) {
  return x.dtype == DType::float64 ? make_job<double>(x, std::move(uses))
                                   : make_job<float>(x, std::move(uses));
}

}  // namespace jetlag
