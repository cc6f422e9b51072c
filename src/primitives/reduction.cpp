// A block of a reduction folds its part of the array into results of its own,
// which it then writes; or keeps, where a folded axis was cut, until `finish`
// adds those of all pieces in a tree.
//
// The innermost axes decide how: folded ones are read as lines, kept ones as
// rows that are added to a row of results, so that memory is read in order.
#include "primitives/reduction.h"

#include <limits>
#include <memory>

#include "primitives/loops.h"
#include "primitives/moves.h"
#include "primitives/reduction_layout.h"

namespace jetlag {

namespace {

// ---- results ------------------------------------------------------------------

template <class T>
T neutral(Fold fold) {
  constexpr bool is_complex = !std::is_arithmetic_v<T>;
  if (fold == Fold::add) return T(0);
  if (fold == Fold::multiply) return T(1);
  const bool greatest = fold == Fold::greatest;
  if constexpr (is_complex) {
    using Part = typename T::value_type;
    const Part end = std::numeric_limits<Part>::infinity();
    return greatest ? T(-end, -end) : T(end, end);
  } else if constexpr (std::is_floating_point_v<T>) {
    const T end = std::numeric_limits<T>::infinity();
    return greatest ? -end : end;
  } else {
    return greatest ? std::numeric_limits<T>::lowest() : std::numeric_limits<T>::max();
  }
}

void fill_neutral(const Reduction& how, std::byte* results, std::int64_t n) {
  visit(how.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    std::fill_n(reinterpret_cast<T*>(results), n, neutral<T>(how.fold));
  });
}

// Results of one part, for the time of a block or until the finish.
using Results = std::unique_ptr<std::byte[]>;

Results new_results(const Reduction& how, std::int64_t n) {
  Results results(new std::byte[static_cast<std::size_t>(n * size_of(how.dtype))]);
  fill_neutral(how, results.get(), n);
  return results;
}

// ---- folding a part --------------------------------------------------------------

// In which dtype a run of elements is folded: sums of small integers fit 32 bits
// there, and twice as many of those fill a register.
DType dtype_in_run(const Reduction& how, DType from) {
  const bool is_small = how.by_truth || (size_of(from) <= 2 && !is_float(from));
  const bool is_wide = how.dtype == DType::int64 || how.dtype == DType::uint64;
  if (how.fold != Fold::add || how.change || !is_small || !is_wide) return how.dtype;
  return how.dtype == DType::int64 ? DType::int32 : DType::uint32;
}

class PartFolder {
 public:
  PartFolder(const Reduction& how, DType from)
      : dtype_(how.dtype),
        run_dtype_(dtype_in_run(how, from)),
        item_(size_of(how.dtype)),
        from_item_(size_of(from)),
        loops_(find_fold(how.fold, how.dtype)),
        run_loops_(find_fold(how.fold, run_dtype_)),
        reader_(from, how.dtype, how.by_truth, how.change),
        run_reader_(from, run_dtype_, how.by_truth, how.change) {}

  void fold(const ReductionLayout& part, std::byte* results) const {
    fold_axes(part.axes, part.data, results);
  }

 private:
  using Axes = std::span<const ReductionAxis>;

  static std::int64_t results_of(Axes axes) {
    std::int64_t count = 1;
    for (const ReductionAxis& axis : axes) count *= axis.folded ? 1 : axis.count;
    return count;
  }

  static bool all_folded(Axes axes) {
    return std::all_of(axes.begin(), axes.end(), [](const auto& axis) { return axis.folded; });
  }

  bool is_line(const ReductionAxis& axis) const {
    return reader_.reads_in_place() && axis.stride == from_item_;
  }

  void fold_axes(Axes axes, const std::byte* data, std::byte* results) const {
    if (all_folded(axes)) return fold_one(axes, data, results);
    const ReductionAxis& first = axes.front();
    const Axes rest = axes.subspan(1);
    // [kept][folded, contiguous] and [folded][kept]: a single call for all lines or rows.
    if (axes.size() == 2 && !first.folded && rest[0].folded && is_line(rest[0]) &&
        first.stride % from_item_ == 0) {
      return fold_lines(first, rest[0], data, results);
    }
    if (axes.size() == 2 && first.folded) return fold_rows(first, rest[0], data, results);
    if (axes.size() == 1) return fold_row(first, data, results);
    const std::int64_t step = first.folded ? 0 : results_of(rest) * item_;
    for (std::int64_t i = 0; i < first.count; ++i) {
      fold_axes(rest, data + i * first.stride, results + i * step);
    }
  }

  void add(const void* numbers, std::int64_t n, std::byte* results) const {
    loops_.rows(numbers, 0, 1, n, results);
  }

  // All axes into one result.
  void fold_one(Axes axes, const std::byte* data, std::byte* result) const {
    alignas(16) std::byte sum[16];
    if (axes.size() == 1 && is_line(axes[0])) {
      loops_.lines(data, 0, 1, axes[0].count, sum);
    } else {
      ReaderAxis read[64];
      std::int64_t n = 1;
      for (std::size_t i = 0; i < axes.size(); ++i) {
        read[i] = {axes[i].count, axes[i].stride};
        n *= axes[i].count;
      }
      fold_read({read, axes.size()}, data, 0, n, sum);
    }
    add(sum, 1, result);
  }

  // Halves of whole runs, so that rounding errors stay small.
  void fold_read(std::span<const ReaderAxis> axes, const std::byte* data, std::int64_t first,
                 std::int64_t n, std::byte* sum) const {
    constexpr std::int64_t run = ElementReader::run;
    if (n <= run) {
      alignas(64) std::byte numbers[run * 16];
      run_reader_.read(data, axes, first, n, numbers);
      run_loops_.lines(numbers, 0, 1, n, sum);
      if (run_dtype_ != dtype_) widen(sum);
      return;
    }
    const std::int64_t half = (n / 2 + run - 1) / run * run;
    alignas(16) std::byte right[16];
    fold_read(axes, data, first, half, sum);
    fold_read(axes, data, first + half, n - half, right);
    add(right, 1, sum);
  }

  static void widen(std::byte* sum) {
    std::int32_t narrow;
    std::memcpy(&narrow, sum, sizeof(narrow));
    // A run's sum is small enough for both kinds to be positive as int32 are.
    const std::int64_t wide = narrow;
    std::memcpy(sum, &wide, sizeof(wide));
  }

  void fold_lines(const ReductionAxis& kept, const ReductionAxis& line, const std::byte* data,
                  std::byte* results) const {
    constexpr std::int64_t some = 256;
    alignas(64) std::byte sums[some * 16];
    for (std::int64_t i = 0; i < kept.count; i += some) {
      const std::int64_t n = std::min(some, kept.count - i);
      loops_.lines(data + i * kept.stride, kept.stride / from_item_, n, line.count, sums);
      add(sums, n, results + i * item_);
    }
  }

  void fold_rows(const ReductionAxis& rows, const ReductionAxis& row, const std::byte* data,
                 std::byte* results) const {
    if (is_line(row) && rows.stride % from_item_ == 0) {
      return fold_in_place(rows.stride / from_item_, rows.count, row.count, data, results);
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
        reader_.read(data + i * rows.stride + j * row.stride, axes, 0, count * n, numbers);
        loops_.rows(numbers, n, count, n, results + j * item_);
      }
    }
  }

  // Narrow rows without gaps are read as few wide ones, whose sums are rows again.
  void fold_in_place(std::int64_t step, std::int64_t rows, std::int64_t n, const std::byte* data,
                     std::byte* results) const {
    constexpr std::int64_t narrow = 64, wide = 512;
    const std::int64_t group = wide / n;
    if (n >= narrow || step != n || rows < 4 * group)
      return loops_.rows(data, step, rows, n, results);
    alignas(64) std::byte sums[wide * 16];
    const std::int64_t width = group * n;
    std::memcpy(sums, data, static_cast<std::size_t>(width * item_));
    const std::int64_t groups = rows / group;
    loops_.rows(data + width * item_, width, groups - 1, width, sums);
    loops_.rows(sums, n, group, n, results);
    loops_.rows(data + groups * width * item_, n, rows - groups * group, n, results);
  }

  // No folded axis at all: elements become results.
  void fold_row(const ReductionAxis& row, const std::byte* data, std::byte* results) const {
    fold_rows({1, 0, true}, row, data, results);
  }

  DType dtype_, run_dtype_;
  std::int64_t item_, from_item_;
  const FoldLoops& loops_;
  const FoldLoops& run_loops_;
  ElementReader reader_, run_reader_;
};

// ---- the job ----------------------------------------------------------------------

struct Work {
  Ref<Array> a, out;
  Reduction how;
  ReductionLayout layout;
  std::int64_t folded;
  Watch* watch;
  std::vector<Results> partials;  // of blocks, where a folded axis was cut
};

// Final results of a part, to their places.
void write(const Work& work, const ReductionLayout& part, std::byte* results) {
  const std::int64_t n = part.results();
  if (work.how.finish) work.how.finish(results, n, work.folded);
  Dims shape, strides;
  for (const ReductionAxis& axis : part.axes) {
    if (axis.folded) continue;
    shape.push_back(axis.count);
    strides.push_back(axis.out_stride);
  }
  const Dims from = contiguous_strides(shape, size_of(work.how.dtype));
  const Array source(nullptr, results, work.how.dtype, shape, from);
  copy_elements(source, Array(nullptr, part.out, work.how.dtype, shape, strides));
}

void run_block(Work& work, std::int64_t block) {
  const ReductionLayout part = part_of_reduction(work.layout, block);
  Results results = new_results(work.how, part.results());
  PartFolder(work.how, work.a->dtype()).fold(part, results.get());
  if (work.layout.folded_pieces == 1) return write(work, part, results.get());
  work.partials[static_cast<std::size_t>(block)] = std::move(results);
}

// The pieces of each stretch of results meet in a tree.
void finish(Work& work) {
  const FoldLoops& loops = find_fold(work.how.fold, work.how.dtype);
  const std::int64_t pieces = work.layout.folded_pieces;
  for (std::int64_t first = 0; first < work.layout.blocks(); first += pieces) {
    const ReductionLayout part = part_of_reduction(work.layout, first);
    Results* all = &work.partials[static_cast<std::size_t>(first)];
    for (std::int64_t apart = 1; apart < pieces; apart *= 2) {
      for (std::int64_t i = 0; i + apart < pieces; i += 2 * apart) {
        loops.rows(all[i + apart].get(), 0, 1, part.results(), all[i].get());
      }
    }
    write(work, part, all[0].get());
  }
}

// A fold of nothing, for every result.
void write_neutral(const Work& work) {
  const std::int64_t n = work.out->size();
  fill_neutral(work.how, work.out->data(), n);
  if (work.how.finish) work.how.finish(work.out->data(), n, work.folded);
}

template <class F>
void watched(const Work& work, F&& f) {
  if (!work.watch) return f();
  clear_flags();
  f();
  work.watch->report(read_flags());
}

}  // namespace

Job reduction_job(const Ref<Array>& a, AxisSet axes, const Reduction& how, const Ref<Array>& out,
                  Watch* watch) {
  auto work = std::make_shared<Work>();
  work->a = a;
  work->out = out;
  work->how = how;
  work->folded = folded_count(a->shape(), axes);
  work->watch = watch && watch->wanted && how.watched ? watch : nullptr;
  Job job{.blocks = 1,
          .body = {},
          .finish = {},
          .bytes = static_cast<double>(a->bytes()),
          .flops = static_cast<double>(a->size())};
  if (a->size() == 0) {
    job.body = [work](std::int64_t) { write_neutral(*work); };
    return job;
  }
  work->layout = lay_out_reduction(*a, axes, *out);
  job.blocks = work->layout.blocks();
  if (work->layout.folded_pieces > 1) {
    work->partials.resize(static_cast<std::size_t>(job.blocks));
    job.finish = [work] { watched(*work, [&] { finish(*work); }); };
  }
  job.body = [work = std::move(work)](std::int64_t block) {
    watched(*work, [&] { run_block(*work, block); });
  };
  return job;
}

Array with_folded_axes(const Array& out, const Dims& shape, AxisSet axes) {
  const Dims kept = reduced_shape(shape, axes, true);
  if (out.rank() == shape.size())
    return Array(out.buffer(), out.data(), out.dtype(), kept, out.strides());
  Dims strides(shape.size());
  std::int64_t own = 0;
  for (std::int64_t i = 0; i < shape.size(); ++i) {
    if (!contains(axes, i)) strides[i] = out.strides()[own++];
  }
  return Array(out.buffer(), out.data(), out.dtype(), kept, std::move(strides));
}

std::span<const std::int64_t> strides_of(const Value& v) {
  if (!v.is_array()) return {};
  return v.array()->strides();
}

Spec reduced_spec(const Outline& a, std::span<const std::int64_t> operand_strides, AxisSet axes,
                  bool keepdims, DType dtype) {
  Spec spec = Spec::of(dtype, reduced_shape(a.shape, axes, keepdims));
  if (operand_strides.empty() || spec.shape.size() < 2) return spec;
  const Dims all = Dims(operand_strides);
  const Dims order = iteration_order({&a.shape, 1}, {&all, 1}, Walker::iterator);
  Dims strides = strides_in_order(reduced_shape(a.shape, axes, true), order, size_of(dtype));
  if (strides.empty()) return spec;
  for (std::int64_t i = a.rank() - 1; i >= 0; --i) {
    if (contains(axes, i) && !keepdims) strides.erase(i);
  }
  spec.strides = std::move(strides);
  return spec;
}

Dims reduced_shape(const Dims& shape, AxisSet axes, bool keepdims) {
  Dims result;
  for (std::int64_t i = 0; i < shape.size(); ++i) {
    if (!contains(axes, i)) result.push_back(shape[i]);
    else if (keepdims) result.push_back(1);
  }
  return result;
}

std::int64_t folded_count(const Dims& shape, AxisSet axes) {
  std::int64_t count = 1;
  for (std::int64_t i = 0; i < shape.size(); ++i) count *= contains(axes, i) ? shape[i] : 1;
  return count;
}

}  // namespace jetlag
