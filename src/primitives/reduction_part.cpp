// The innermost axes decide how: folded ones are read as lines, kept ones as
// rows that are added to a row of results, so that memory is read in order.
//
// Elements that are computed on demand have no memory. A stretch of them is
// computed into a buffer, where it is folded as if it had always been there;
// stretches end where the order of folding allows it.
#include "primitives/reduction_part.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "primitives/element_program.h"
#include "primitives/element_reader.h"
#include "primitives/on_demand.h"

namespace jetlag {

namespace {

// Sums of truths are counted, in dtypes that hold every count exactly.
bool is_count(const Reduction& how, DType from) {
  const bool is_wide = how.dtype == DType::int64 || how.dtype == DType::float64;
  return how.fold == Fold::add && !how.change && is_wide &&
         (how.by_truth || from == DType::boolean);
}

// In which dtype a run of elements is folded: sums of small integers fit 32 bits
// there, and twice as many of those fill a register. Truths stay bools, which are counted.
DType dtype_in_run(const Reduction& how, DType from) {
  if (is_count(how, from)) return DType::boolean;
  const bool is_small = how.by_truth || (size_of(from) <= 2 && !is_float(from));
  const bool is_wide = how.dtype == DType::int64 || how.dtype == DType::uint64;
  if (how.fold != Fold::add || how.change || !is_small || !is_wide) return how.dtype;
  return how.dtype == DType::int64 ? DType::int32 : DType::uint32;
}

// Where elements are: in memory, or so many bytes on among those not computed yet.
struct Spot {
  const std::byte* memory;  // or null
  std::int64_t offset;
  Spot operator+(std::int64_t bytes) const {
    return memory ? Spot{memory + bytes, 0} : Spot{nullptr, offset + bytes};
  }
};

class PartFolder {
 public:
  PartFolder(const Reduction& how, const Array& a)
      : counts_(is_count(how, a.dtype())),
        dtype_(how.dtype),
        run_dtype_(dtype_in_run(how, a.dtype())),
        item_(size_of(how.dtype)),
        from_item_(size_of(a.dtype())),
        loops_(find_fold(how.fold, how.dtype)),
        run_loops_(find_fold(how.fold, run_dtype_)),
        reader_(a.dtype(), how.dtype, how.by_truth, how.change),
        run_reader_(a.dtype(), run_dtype_, how.by_truth && !counts_, how.change),
        fold_(how.fold),
        source_(on_demand(a)),
        in_place_(reader_.reads_in_place() || (counts_ && a.dtype() == DType::boolean)),
        lines_at_once_(source_ && reader_.reads_in_place() && run_dtype_ == dtype_),
        buffer_(source_ ? allocate_bytes(stretch_bytes) : nullptr) {}

  void fold(Spot at, const ReductionLayout& part, std::byte* results) const {
    fold_axes(part.axes, at, results);
  }

 private:
  using Axes = std::span<const ReductionAxis>;

  bool is_line(const ReductionAxis& axis) const { return in_place_ && axis.stride == from_item_; }

  // ---- elements that are not in memory -------------------------------------------

  // How many bytes the axes cover; 0 if not without gaps.
  std::int64_t dense_bytes(Axes axes) const {
    std::int64_t bytes = from_item_;
    for (std::size_t i = axes.size(); i-- > 0;) {
      if (axes[i].stride != bytes) return 0;
      bytes *= axes[i].count;
    }
    return bytes;
  }

  // So many bytes in memory, until the next are asked for.
  Spot fetched(Spot at, std::int64_t bytes) const {
    if (at.memory) return at;
    const std::int64_t first = at.offset / from_item_;
    source_->compute(first, first + bytes / from_item_, buffer_.get());
    return {buffer_.get(), 0};
  }

  // How many neighbours along an axis are best fetched together; 1 of those in memory.
  std::int64_t neighbours(const ReductionAxis& axis, Axes rest, Spot at) const {
    if (at.memory || axis.stride != dense_bytes(rest)) return 1;
    return std::max<std::int64_t>(stretch_bytes / axis.stride, 1);
  }

  // Calls f(spot, rows, first column, columns) for rectangles of rows without
  // gaps, fetched one after another: rows in fours, as the loops take them.
  template <class F>
  void for_rectangles(Spot at, std::int64_t stride, std::int64_t rows, std::int64_t columns,
                      const F& f) const {
    constexpr std::int64_t few = 4;
    const std::int64_t most = stretch_bytes / from_item_;
    const std::int64_t width = std::min(columns, most / few);
    const std::int64_t height = most / width / few * few;
    for (std::int64_t j = 0; j < columns; j += width) {
      const std::int64_t n = std::min(width, columns - j), bytes = n * from_item_;
      for (std::int64_t i = 0; i < rows; i += height) {
        const std::int64_t count = std::min(height, rows - i);
        const Spot corner = at + i * stride + j * from_item_;
        if (stride == bytes) {
          fetched(corner, count * bytes);
        } else {
          for (std::int64_t k = 0; k < count; ++k) {
            const std::int64_t first = (corner + k * stride).offset / from_item_;
            source_->compute(first, first + n, buffer_.get() + k * bytes);
          }
        }
        f(Spot{buffer_.get(), 0}, count, j, n);
      }
    }
  }

  // ---- elements in memory, without gaps along a line or row ------------------------

  // As FoldLoops has them.
  void loop_lines(const void* p, std::int64_t step, std::int64_t lines, std::int64_t n,
                  std::byte* sums) const {
    if (!counts_) return loops_.lines(p, step, lines, n, sums);
    std::array<std::int64_t, 256> counts;
    for (std::int64_t i = 0; i < lines; i += std::ssize(counts)) {
      const std::int64_t some = std::min(std::ssize(counts), lines - i);
      const auto* begin = static_cast<const std::byte*>(p) + i * step;
      fold_table().count_lines(begin, step, some, n, counts.data());
      to_numbers(counts, some, sums + i * item_);
    }
  }

  void loop_rows(const void* p, std::int64_t step, std::int64_t rows, std::int64_t n,
                 std::byte* sums) const {
    if (!counts_) return loops_.rows(p, step, rows, n, sums);
    std::array<std::int64_t, 512> counts;
    alignas(64) std::byte numbers[sizeof counts];
    for (std::int64_t j = 0; j < n; j += std::ssize(counts)) {
      const std::int64_t some = std::min(std::ssize(counts), n - j);
      counts.fill(0);
      fold_table().count_rows(static_cast<const std::byte*>(p) + j, step, rows, some,
                              counts.data());
      to_numbers(counts, some, numbers);
      add(numbers, some, sums + j * item_);
    }
  }

  // ---- the shapes of parts ---------------------------------------------------------

  void fold_axes(Axes axes, Spot at, std::byte* results) const {
    const bool as_lines = lines_at_once_ && !axes.empty() && axes.size() <= 2 && axes.back().folded;
    if (!at.memory && !as_lines) {
      const std::int64_t bytes = dense_bytes(axes);
      if (bytes > 0 && bytes <= stretch_bytes) at = fetched(at, bytes);
    }
    if (all_folded(axes)) return fold_one(axes, at, results);
    const ReductionAxis& first = axes.front();
    const Axes rest = axes.subspan(1);
    // [kept][folded, contiguous] and [folded][kept]: a single call for all lines or rows.
    if (axes.size() == 2 && !first.folded && rest[0].folded && is_line(rest[0]) &&
        first.stride % from_item_ == 0) {
      return fold_lines(first, rest[0], at, results);
    }
    if (axes.size() == 2 && first.folded) return fold_rows(first, rest[0], at, results);
    if (axes.size() == 1) return fold_row(first, at, results);
    const std::int64_t step = first.folded ? 0 : results_of(rest) * item_;
    const std::int64_t some = neighbours(first, rest, at);
    for (std::int64_t i = 0; i < first.count; i += some) {
      const std::int64_t n = std::min(some, first.count - i);
      Spot here = at + i * first.stride;
      if (some > 1) here = fetched(here, n * first.stride);
      for (std::int64_t k = 0; k < n; ++k) {
        fold_axes(rest, here + k * first.stride, results + (i + k) * step);
      }
    }
  }

  void add(const void* numbers, std::int64_t n, std::byte* results) const {
    loops_.rows(numbers, 0, 1, n, results);
  }

  // All axes into one result.
  void fold_one(Axes axes, Spot at, std::byte* result) const {
    alignas(16) std::byte sum[16];
    if (axes.size() == 1 && is_line(axes[0])) {
      fold_line(at, axes[0].count, sum);
    } else {
      ReaderAxis read[64];
      std::int64_t n = 1;
      for (std::size_t i = 0; i < axes.size(); ++i) {
        read[i] = {axes[i].count, axes[i].stride};
        n *= axes[i].count;
      }
      fold_read({read, axes.size()}, at, 0, n, sum);
    }
    add(sum, 1, result);
  }

  static std::int64_t half_of(std::int64_t n, std::int64_t run) {
    return (n / 2 + run - 1) / run * run;
  }

  // Of lines without gaps that are not in memory: what they fold to, as they are computed.
  bool fold_computed(Spot at, std::int64_t n, std::int64_t lines, std::byte* sums) const {
    return lines_at_once_ && source_->fold_lines(fold_, at.offset / from_item_, n, lines, sums);
  }

  // Sums of runs become one, halved as the loop halves lines.
  void join_runs(std::byte* sums, std::int64_t n) const {
    if (n <= fold_run) return;
    const std::int64_t half = half_of(n, fold_run);
    std::byte* right = sums + half / fold_run * item_;
    join_runs(sums, half);
    join_runs(right, n - half);
    add(right, 1, sums);
  }

  bool fold_computed_line(Spot at, std::int64_t n, std::byte* sum) const {
    constexpr std::int64_t some = 256;
    if (at.memory || !lines_at_once_ || n > some * fold_run) return false;
    alignas(64) std::byte sums[some * 16];
    const std::int64_t runs = n / fold_run, left = n % fold_run;
    if (runs > 0 && !fold_computed(at, fold_run, runs, sums)) return false;
    if (left > 0) {
      const Spot rest = at + runs * fold_run * from_item_;
      std::byte* last = sums + runs * item_;
      if (!fold_computed(rest, left, 1, last))
        loop_lines(fetched(rest, left * from_item_).memory, 0, 1, left, last);
    }
    join_runs(sums, n);
    std::memcpy(sum, sums, static_cast<std::size_t>(item_));
    return true;
  }

  // A long line that is not in memory is halved as the loop would halve it.
  void fold_line(Spot at, std::int64_t n, std::byte* sum) const {
    if (fold_computed_line(at, n, sum)) return;
    if (at.memory || n * from_item_ <= stretch_bytes) {
      return loop_lines(fetched(at, n * from_item_).memory, 0, 1, n, sum);
    }
    const std::int64_t half = half_of(n, fold_run);
    alignas(16) std::byte right[16];
    fold_line(at, half, sum);
    fold_line(at + half * from_item_, n - half, right);
    add(right, 1, sum);
  }

  // Halves of whole runs, so that rounding errors stay small.
  void fold_read(std::span<const ReaderAxis> axes, Spot at, std::int64_t first, std::int64_t n,
                 std::byte* sum) const {
    constexpr std::int64_t run = ElementReader::run;
    // What has no memory has no gaps, so its axes are one.
    if (!at.memory && n * from_item_ <= stretch_bytes) {
      at = fetched(at + first * from_item_, n * from_item_);
      first = 0;
    }
    if (at.memory && counts_in_place(axes)) return count_line(at.memory + first, n, sum);
    if (n <= run) {
      alignas(64) std::byte numbers[run * 16];
      run_reader_.read(at.memory, axes, first, n, numbers);
      if (counts_) return count_line(numbers, n, sum);
      run_loops_.lines(numbers, 0, 1, n, sum);
      if (run_dtype_ != dtype_) widen(sum);
      return;
    }
    const std::int64_t half = half_of(n, run);
    alignas(16) std::byte right[16];
    fold_read(axes, at, first, half, sum);
    fold_read(axes, at, first + half, n - half, right);
    add(right, 1, sum);
  }

  bool counts_in_place(std::span<const ReaderAxis> axes) const {
    return counts_ && from_item_ == 1 && axes.size() == 1 && axes[0].stride == 1;
  }

  void count_line(const void* bools, std::int64_t n, std::byte* sum) const {
    to_numbers(std::array{fold_table().count_true(bools, n)}, 1, sum);
  }

  template <class Counts>
  void to_numbers(const Counts& counts, std::int64_t n, std::byte* numbers) const {
    if (dtype_ == DType::float64) std::copy_n(counts.data(), n, reinterpret_cast<double*>(numbers));
    else std::copy_n(counts.data(), n, reinterpret_cast<std::int64_t*>(numbers));
  }

  static void widen(std::byte* sum) {
    std::int32_t narrow;
    std::memcpy(&narrow, sum, sizeof(narrow));
    // A run's sum is small enough for both kinds to be positive as int32 are.
    const std::int64_t wide = narrow;
    std::memcpy(sum, &wide, sizeof(wide));
  }

  void fold_lines(const ReductionAxis& kept, const ReductionAxis& line, Spot at,
                  std::byte* results) const {
    if (!at.memory) return fetch_lines(kept, line, at, results);
    constexpr std::int64_t some = 256;
    alignas(64) std::byte sums[some * 16];
    for (std::int64_t i = 0; i < kept.count; i += some) {
      const std::int64_t n = std::min(some, kept.count - i);
      loop_lines(at.memory + i * kept.stride, kept.stride / from_item_, n, line.count, sums);
      add(sums, n, results + i * item_);
    }
  }

  void fetch_lines(const ReductionAxis& kept, const ReductionAxis& line, Spot at,
                   std::byte* results) const {
    constexpr std::int64_t some = 1024;
    alignas(64) std::byte sums[some * 16];
    const std::int64_t together = neighbours(kept, {&line, 1}, at);
    const bool dense = kept.stride == line.count * from_item_ && line.count <= fold_run;
    for (std::int64_t i = 0, n = 0; i < kept.count; i += n) {
      const Spot here = at + i * kept.stride;
      n = std::min(some, kept.count - i);
      if (dense && fold_computed(here, line.count, n, sums)) {
        add(sums, n, results + i * item_);
        continue;
      }
      n = std::min(together, kept.count - i);
      if (together == 1) {
        fold_one({&line, 1}, here, results + i * item_);
      } else {
        const ReductionAxis few{n, kept.stride, false};
        fold_lines(few, line, fetched(here, n * kept.stride), results + i * item_);
      }
    }
  }

  void fold_rows(const ReductionAxis& rows, const ReductionAxis& row, Spot at,
                 std::byte* results) const {
    if (is_line(row) && rows.stride % from_item_ == 0) {
      return fold_in_place(rows.stride / from_item_, rows.count, row.count, at, results);
    }
    if (!at.memory) {
      return for_rectangles(at, rows.stride, rows.count, row.count,
                            [&](Spot here, std::int64_t count, std::int64_t j, std::int64_t n) {
                              fold_rows({count, n * from_item_, true}, {n, from_item_, false}, here,
                                        results + j * item_);
                            });
    }
    // A few rows of a few columns at a time, so that four rows meet at once.
    constexpr std::int64_t few = 4;
    constexpr std::int64_t width = ElementReader::run / few;
    alignas(64) std::byte numbers[ElementReader::run * 16];
    for (std::int64_t j = 0; j < row.count; j += width) {
      const std::int64_t n = std::min(width, row.count - j);
      for (std::int64_t i = 0; i < rows.count; i += few) {
        const std::int64_t count = std::min(few, rows.count - i);
        const ReaderAxis axes[2] = {{count, rows.stride}, {n, row.stride}};
        const std::byte* corner = at.memory + i * rows.stride + j * row.stride;
        (counts_ ? run_reader_ : reader_).read(corner, axes, 0, count * n, numbers);
        loop_rows(numbers, n, count, n, results + j * item_);
      }
    }
  }

  // Rows of n numbers, `step` numbers apart, onto a row of sums.
  void add_rows(Spot at, std::int64_t step, std::int64_t rows, std::int64_t n,
                std::byte* sums) const {
    if (at.memory) return loop_rows(at.memory, step, rows, n, sums);
    for (std::int64_t j = 0; j < n; j += most_columns) {
      const std::int64_t some = std::min(most_columns, n - j);
      const Spot here = at + j * from_item_;
      if (!add_computed(here, step, rows, some, sums + j * item_))
        add_fetched(here, step, rows, some, sums + j * item_);
    }
  }

  static constexpr std::int64_t most_columns = 1024;

  // Rows of at most so many, that are added as they are computed.
  bool add_computed(Spot at, std::int64_t step, std::int64_t rows, std::int64_t n,
                    std::byte* sums) const {
    if (!lines_at_once_) return false;
    alignas(64) std::byte before[most_columns * 16];
    const auto bytes = static_cast<std::size_t>(n * item_);
    std::memcpy(before, sums, bytes);
    if (source_->fold_rows(fold_, at.offset / from_item_, step, rows, n, sums)) return true;
    std::memcpy(sums, before, bytes);
    return false;
  }

  void add_fetched(Spot at, std::int64_t step, std::int64_t rows, std::int64_t n,
                   std::byte* sums) const {
    for_rectangles(at, step * from_item_, rows, n,
                   [&](Spot here, std::int64_t count, std::int64_t j, std::int64_t width) {
                     loop_rows(here.memory, width, count, width, sums + j * item_);
                   });
  }

  // Narrow rows without gaps are read as few wide ones, whose sums are rows again.
  void fold_in_place(std::int64_t step, std::int64_t rows, std::int64_t n, Spot at,
                     std::byte* results) const {
    constexpr std::int64_t narrow = 64, wide = 512;
    const std::int64_t group = wide / n;
    if (n >= narrow || step != n || rows < 4 * group) return add_rows(at, step, rows, n, results);
    alignas(64) std::byte sums[wide * 16];
    const std::int64_t width = group * n, bytes = width * from_item_;
    const void* first = fetched(at, bytes).memory;
    if (counts_) loop_lines(first, 1, width, 1, sums);
    else std::memcpy(sums, first, static_cast<std::size_t>(bytes));
    const std::int64_t groups = rows / group;
    add_rows(at + bytes, width, groups - 1, width, sums);
    loops_.rows(sums, n, group, n, results);
    add_rows(at + groups * bytes, n, rows - groups * group, n, results);
  }

  // No folded axis at all: elements become results.
  void fold_row(const ReductionAxis& row, Spot at, std::byte* results) const {
    fold_rows({1, 0, true}, row, at, results);
  }

  bool counts_;  // true elements

  DType dtype_, run_dtype_;
  std::int64_t item_, from_item_;
  const FoldLoops& loops_;
  const FoldLoops& run_loops_;
  ElementReader reader_, run_reader_;
  Fold fold_;
  const OnDemand* source_;
  bool in_place_;       // elements are folded, or counted, where they lie
  bool lines_at_once_;  // the source may fold lines itself, as their elements are what is folded
  Bytes buffer_;        // for a stretch of what is computed
};

}  // namespace

void fold_part(const Reduction& how, const Array& a, const ReductionLayout& part,
               std::byte* results) {
  const bool in_memory = !on_demand(a);
  const Spot at{in_memory ? a.data() + part.offset : nullptr, part.offset};
  PartFolder(how, a).fold(at, part, results);
}

}  // namespace jetlag
