#include "primitives/row_stream.h"

#include <algorithm>
#include <memory>

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
constexpr std::int64_t most_blocks = 32;
constexpr std::int64_t rows_of_a_block = 64;

std::int64_t rows_in_tile(std::int64_t row_bytes) {
  const std::int64_t whole = tile_bytes / row_bytes / rows_at_once * rows_at_once;
  if (whole > 0) return whole;
  for (std::int64_t rows = 4; rows > 1; rows /= 2) {
    if (rows * row_bytes <= widest_tile) return rows;
  }
  return 1;
}

std::int64_t bytes_of(const Matrix& x) { return x.rows * x.columns * size_of(x.dtype); }

std::int64_t blocks_of(const Matrix& x) {
  const std::int64_t most = std::min(most_blocks, x.rows / rows_of_a_block);
  return pieces_of(bytes_of(x), std::max<std::int64_t>(most, 1));
}

// The uses of a stretch of rows, by one thread.
template <class T>
class Rows {
 public:
  Rows(const Matrix& x, std::span<const RowUse> uses)
      : x_(x),
        step_(x.rows > 1 ? x.row_step / static_cast<std::int64_t>(sizeof(T)) : x.columns),
        height_(rows_in_tile(x.columns * static_cast<std::int64_t>(sizeof(T)))),
        distance_(distance_of(bytes_of(x))),
        uses_(uses) {}

  // Sums go to their place.
  void run_all() const {
    for (const RowUse& use : uses_) {
      if (use.kind != RowUse::Kind::columns) continue;
      std::fill_n(reinterpret_cast<T*>(use.out), x_.columns, T(0));
    }
    run(0, x_.rows, nullptr);
  }

  // `sum` holds the sums over rows side by side; null: they go to their place.
  void run(std::int64_t first, std::int64_t last, T* sum) const {
    for (std::int64_t row = first; row < last; row += height_) {
      run_tile(row, std::min(row + height_, last), sum);
    }
  }

 private:
  void run_tile(std::int64_t first, std::int64_t last, T* sum) const {
    // The first use brings the rows from memory, the others find them.
    Distance from = distance_;
    for (const RowUse& use : uses_) {
      if (use.kind == RowUse::Kind::elements) {
        use.run(first, last);
        continue;
      }
      if (use.watch) clear_flags();
      multiply(use, first, last, sum, from);
      if (use.watch) use.watch->report(read_flags());
      if (sum && use.kind == RowUse::Kind::columns) sum += x_.columns;
      from = Distance::near;
    }
  }

  void multiply(const RowUse& use, std::int64_t first, std::int64_t last, T* sum,
                Distance from) const {
    const ProductLoops<T>& loops = product_loops<T>();
    const T* rows = reinterpret_cast<const T*>(x_.data) + first * step_;
    const T* in = reinterpret_cast<const T*>(use.in);
    T* out = reinterpret_cast<T*>(use.out);
    if (use.kind == RowUse::Kind::rows) {
      loops.rows(rows, step_, last - first, x_.columns, in, out + first, from);
    } else {
      loops.add_columns(rows, step_, last - first, x_.columns, in + first, sum ? sum : out, from);
    }
  }

  Matrix x_;
  std::int64_t step_;  // in elements
  std::int64_t height_;
  Distance distance_;
  std::span<const RowUse> uses_;
};

// What the blocks of a job share.
template <class T>
struct Work {
  Work(const Matrix& matrix, std::vector<RowUse> all)
      : x(matrix), blocks(blocks_of(matrix)), uses(std::move(all)), rows(x, uses) {
    std::int64_t sums = 0;
    for (const RowUse& use : uses) sums += use.kind == RowUse::Kind::columns;
    if (blocks > 1 && sums > 0) {
      partials = std::make_unique<PartialSums<T>>(blocks, sums * x.columns);
    }
  }
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;

  void run_block(std::int64_t block) const {
    if (blocks == 1) return rows.run_all();
    const std::int64_t first = piece_begin(x.rows, blocks, block);
    const std::int64_t last = piece_begin(x.rows, blocks, block + 1);
    if (!partials) return rows.run(first, last, nullptr);
    Ref<Buffer> sum = partials->start();
    rows.run(first, last, reinterpret_cast<T*>(sum->data()));
    clear_flags();
    sum = partials->end(block, std::move(sum));
    report_sums(read_flags());
    if (sum) hand_out(reinterpret_cast<const T*>(sum->data()));
  }

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

  Matrix x;
  std::int64_t blocks;
  std::vector<RowUse> uses;
  Rows<T> rows;
  std::unique_ptr<PartialSums<T>> partials;
};

template <class T>
Job make_job(const Matrix& x, std::vector<RowUse> uses) {
  const auto products = std::count_if(uses.begin(), uses.end(), [](const RowUse& use) {
    return use.kind != RowUse::Kind::elements;
  });
  auto work = std::make_shared<Work<T>>(x, std::move(uses));
  Job job;
  job.blocks = work->blocks;
  job.bytes = static_cast<double>(bytes_of(x));
  job.flops = 2.0 * static_cast<double>(products * x.rows * x.columns);
  job.body = [work = std::move(work)](std::int64_t block) { work->run_block(block); };
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
