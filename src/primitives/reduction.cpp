// A block of a reduction folds its part of the array into results of its own,
// which it then writes; or keeps, where a folded axis was cut, until `finish`
// adds those of all pieces in a tree.
#include "primitives/reduction.h"

#include <limits>
#include <memory>

#include "primitives/loops.h"
#include "primitives/moves.h"
#include "primitives/on_demand.h"
#include "primitives/ordered_product.h"
#include "primitives/reduction_part.h"

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

// ---- the job ----------------------------------------------------------------------

struct Work {
  Ref<Array> a, out;
  Reduction how;
  ReductionLayout layout;
  std::int64_t folded;
  Watch* watch;
  std::vector<Results> partials;  // of blocks, where a folded axis was cut
};

// What the last step meets is told apart from what the fold met.
void finish_results(const Work& work, void* results, std::int64_t n) {
  if (!work.how.finish) return;
  if (!work.watch || work.watch->last_in.empty()) return work.how.finish(results, n, work.folded);
  work.watch->report(read_flags());
  clear_flags();
  work.how.finish(results, n, work.folded);
  work.watch->report_last(read_flags());
  clear_flags();
}

// Where the results of a part follow each other in the array, without gaps.
bool is_dense(const Work& work, const ReductionLayout& part) {
  std::int64_t bytes = size_of(work.how.dtype);
  for (std::size_t i = part.axes.size(); i-- > 0;) {
    const ReductionAxis& axis = part.axes[i];
    if (axis.folded) continue;
    if (axis.count > 1 && axis.out_stride != bytes) return false;
    bytes *= axis.count;
  }
  return true;
}

// Final results of a part, to their places.
void write(const Work& work, const ReductionLayout& part, std::byte* results) {
  const std::int64_t n = part.results();
  finish_results(work, results, n);
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

void settle_products(const Work& work, const ReductionLayout& part, std::byte* results) {
  if (work.how.fold == Fold::multiply) multiply_in_order(work.how, *work.a, part, results);
}

// Folds a part, all of whose elements are there.
void run_part(const Work& work, const ReductionLayout& part) {
  const std::int64_t n = part.results();
  if (is_dense(work, part)) {
    fill_neutral(work.how, part.out, n);
    fold_part(work.how, *work.a, part, part.out);
    settle_products(work, part, part.out);
    return finish_results(work, part.out, n);
  }
  Results results = new_results(work.how, n);
  fold_part(work.how, *work.a, part, results.get());
  settle_products(work, part, results.get());
  write(work, part, results.get());
}

void run_block(Work& work, std::int64_t block) {
  const ReductionLayout part = part_of_reduction(work.layout, block);
  if (work.layout.folded_pieces == 1) return run_part(work, part);
  Results results = new_results(work.how, part.results());
  fold_part(work.how, *work.a, part, results.get());
  // What a partial product meets is seen in the product.
  if (work.how.fold == Fold::multiply) clear_flags();
  work.partials[static_cast<std::size_t>(block)] = std::move(results);
}

// The pieces of each stretch of results meet in a tree.
void finish(Work& work) {
  const FoldLoops& loops = find_fold(work.how.fold, work.how.dtype);
  const std::int64_t pieces = work.layout.folded_pieces;
  ReductionLayout whole = work.layout;
  whole.folded_axis = -1;
  whole.folded_pieces = 1;
  for (std::int64_t first = 0; first < work.layout.blocks(); first += pieces) {
    const ReductionLayout part = part_of_reduction(work.layout, first);
    Results* all = &work.partials[static_cast<std::size_t>(first)];
    for (std::int64_t apart = 1; apart < pieces; apart *= 2) {
      for (std::int64_t i = 0; i + apart < pieces; i += 2 * apart) {
        loops.rows(all[i + apart].get(), 0, 1, part.results(), all[i].get());
      }
    }
    settle_products(work, part_of_reduction(whole, first / pieces), all[0].get());
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
  const OnDemand* computed = on_demand(*a);
  Job job{.blocks = 1,
          .body = {},
          .finish = {},
          .bytes = computed ? computed->bytes_read() : static_cast<double>(a->bytes()),
          .flops = static_cast<double>(a->size()) + (computed ? computed->flops() : 0)};
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
  constexpr std::int64_t worthwhile = 64 << 10;
  if (a->bytes() >= worthwhile && goes_by_rows(work->layout, *a, axes, *out)) {
    job.rows = {
        work->layout.axes.front().count, a->rank(), [work](std::int64_t first, std::int64_t last) {
          watched(*work, [&] { run_part(*work, rows_of_reduction(work->layout, first, last)); });
        }};
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
