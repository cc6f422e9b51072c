// argmin and argmax: where the first of the smallest or greatest elements is. A
// NaN counts as both.
#include <algorithm>
#include <memory>

#include "primitives/byte_source.h"
#include "primitives/element_reader.h"
#include "primitives/moves.h"
#include "primitives/on_demand.h"
#include "primitives/reduce.h"
#include "primitives/reduction.h"
#include "primitives/shape.h"

namespace jetlag {

namespace {

// ---- one line ---------------------------------------------------------------

template <class T>
bool is_nan(T x) {
  if constexpr (std::is_integral_v<T>) return false;
  else if constexpr (std::is_floating_point_v<T>) return x != x;
  else return is_nan(x.real()) || is_nan(x.imag());
}

// The best so far, and where it was.
template <class T>
struct Best {
  T value;
  std::int64_t at = -1;
};

// The first place of a value in a contiguous run that holds it.
template <class T>
std::int64_t place_of(const FoldLoops& loops, T value, const T* p, std::int64_t n) {
  if (loops.place) return loops.place(p, n, &value);
  // Complex extremes with NaN parts differ only in what is not a number.
  const T* place = is_nan(value) ? std::find_if(p, p + n, is_nan<T>) : std::find(p, p + n, value);
  return place == p + n ? 0 : place - p;
}

// Whether `later` replaces what came before it.
template <Fold fold, class T>
bool wins(T earlier, T later) {
  if (is_nan(earlier)) return false;
  if (is_nan(later)) return true;
  if constexpr (std::is_arithmetic_v<T>) {
    return fold == Fold::least ? later < earlier : later > earlier;
  } else {
    const auto key = [](T z) { return std::pair(z.real(), z.imag()); };
    return fold == Fold::least ? key(later) < key(earlier) : key(later) > key(earlier);
  }
}

template <Fold fold, class T>
void take(Best<T>& best, const Best<T>& later, std::int64_t offset) {
  if (best.at < 0 || wins<fold>(best.value, later.value)) best = {later.value, offset + later.at};
}

// Elements [first, last) of the axes, in C order; places count from 0. A fold
// of each run tells whether it holds something better, and only then the place
// is searched for: faster than asking at every element.
template <Fold fold, class T>
Best<T> search(const std::byte* data, std::span<const ReaderAxis> axes, std::int64_t first,
               std::int64_t last) {
  const FoldLoops& loops = find_fold(fold, dtype_of<T>());
  Best<T> best;
  const bool is_line = axes.size() == 1 && axes[0].stride == static_cast<std::int64_t>(sizeof(T));
  const ElementReader reader(dtype_of<T>(), dtype_of<T>());
  constexpr std::int64_t run = ElementReader::run;
  alignas(64) std::byte buffer[run * sizeof(T)];
  for (std::int64_t i = first; i < last; i += run) {
    const std::int64_t n = std::min(run, last - i);
    const T* p = reinterpret_cast<const T*>(buffer);
    if (is_line) p = reinterpret_cast<const T*>(data) + i;
    else reader.read(data, axes, i, n, buffer);
    T value;
    loops.lines(p, 0, 1, n, &value);
    if (best.at >= 0 && !wins<fold>(best.value, value)) continue;
    best = {value, i + place_of(loops, value, p, n)};
    if (is_nan(best.value)) break;
  }
  return best;
}

// ---- a line of what may be computed ---------------------------------------------

constexpr std::int64_t most_runs = 256;

// Runs that are folded as they are computed: only the best one is computed again, to be searched.
template <Fold fold, class T>
bool search_runs(const ByteSource& source, std::int64_t first, std::int64_t runs, Best<T>& best) {
  constexpr std::int64_t item = sizeof(T);
  T values[most_runs], value;
  if (!source.fold_lines(fold, first, fold_run, runs, values)) return false;
  const FoldLoops& loops = find_fold(fold, dtype_of<T>());
  loops.lines(values, 0, 1, runs, &value);
  if (best.at >= 0 && !wins<fold>(best.value, value)) return true;
  const std::int64_t run = first + place_of(loops, value, values, runs) * fold_run;
  const auto* p = reinterpret_cast<const T*>(source.get(run * item, fold_run * item));
  best = {value, run + place_of(loops, value, p, fold_run)};
  return true;
}

// As search() on what is in memory; elements [first, last) of the source.
template <Fold fold, class T>
Best<T> search_source(const ByteSource& source, std::int64_t first, std::int64_t last) {
  constexpr std::int64_t item = sizeof(T);
  const ReaderAxis line{last - first, item};
  Best<T> best;
  // To the end, even after a NaN: every element may meet a condition to report.
  for (std::int64_t i = first, n = 0; i < last; i += n) {
    const std::int64_t runs = std::min((last - i) / fold_run, most_runs);
    n = runs * fold_run;
    if (runs > 0 && search_runs<fold>(source, i, runs, best)) continue;
    n = std::min(source.most(item), last - i);
    take<fold>(best, search<fold, T>(source.get(i * item, n * item), {&line, 1}, 0, n), i);
  }
  return best;
}

// ---- all lines along an axis ---------------------------------------------------

// The kept axes, in C order, as lines of the innermost of them; what is asked
// about runs along `axis`, or over the whole array where the shape has one axis.
struct Question {
  Ref<Array> a, out;
  std::int64_t axis;  // -1: all elements in C order
};

// Rows, of which `before` came earlier, against a row of bests.
template <Fold fold, class T>
void compare_rows(const std::byte* p, ReaderAxis rows, ReaderAxis columns, std::int64_t before,
                  T* best, std::int64_t* out) {
  constexpr std::int64_t item = sizeof(T);
  const FoldLoops& loops = find_fold(fold, dtype_of<T>());
  if (loops.best_rows && columns.stride == item && rows.stride % item == 0) {
    loops.best_rows(p, rows.stride / item, rows.count, columns.count, before, best, out);
    return;
  }
  for (std::int64_t i = 0; i < rows.count; ++i) {
    for (std::int64_t j = 0; j < columns.count; ++j) {
      const T x = *reinterpret_cast<const T*>(p + i * rows.stride + j * columns.stride);
      if (before + i > 0 && !wins<fold>(best[j], x)) continue;
      best[j] = x;
      out[j] = before + i;
    }
  }
}

// Row by row where the columns lie near together: a row of bests is updated, and kept in `values`.
template <Fold fold, class T>
void search_rows(const ByteSource& source, std::int64_t offset, ReaderAxis rows, ReaderAxis columns,
                 std::int64_t* out, T* values) {
  constexpr std::int64_t width = 1024;
  T own[width];
  for (std::int64_t first = 0; first < columns.count; first += width) {
    const std::int64_t n = std::min(width, columns.count - first);
    const std::int64_t corner = offset + first * columns.stride;
    const ReaderAxis some{n, columns.stride};
    T* best = values ? values + first : own;
    if (source.in_memory()) {
      compare_rows<fold, T>(source.get(corner, 0), rows, some, 0, best, out + first);
      continue;
    }
    const std::int64_t bytes = n * static_cast<std::int64_t>(sizeof(T));
    const std::int64_t most = source.most(bytes);
    for (std::int64_t i = 0; i < rows.count; i += most) {
      const ReaderAxis few{std::min(most, rows.count - i), bytes};
      const std::byte* p = source.rows(corner + i * rows.stride, rows.stride, few.count, bytes);
      compare_rows<fold, T>(p, few, some, i, best, out + first);
    }
  }
}

// Short lines without gaps, `step` bytes apart: the folds of some at a time.
template <Fold fold, class T>
void search_short(const std::byte* p, std::int64_t step, std::int64_t length, std::int64_t lines,
                  std::int64_t* out) {
  const FoldLoops& loops = find_fold(fold, dtype_of<T>());
  constexpr std::int64_t item = sizeof(T), some = 64;
  T values[some];
  for (std::int64_t i = 0; i < lines; i += some) {
    const std::int64_t n = std::min(some, lines - i);
    loops.lines(p + i * step, step / item, n, length, values);
    for (std::int64_t k = 0; k < n; ++k) {
      const T* line = reinterpret_cast<const T*>(p + (i + k) * step);
      out[i + k] = place_of(loops, values[k], line, length);
    }
  }
}

// Lines whose own elements lie near together.
constexpr std::int64_t most_lines = 1024;

template <Fold fold, class T>
void search_each(const ByteSource& source, std::int64_t offset, std::int64_t step, ReaderAxis line,
                 std::int64_t lines, std::int64_t* out) {
  constexpr std::int64_t item = sizeof(T);
  const bool follow = step == line.count * line.stride;
  if (!source.in_memory() && !(follow && step <= stretch_bytes)) {
    for (std::int64_t i = 0; i < lines; ++i) {
      const std::int64_t first = (offset + i * step) / line.stride;
      out[i] = search_source<fold, T>(source, first, first + line.count).at - first;
    }
    return;
  }
  const bool is_short = line.stride == item && step % item == 0 && line.count <= fold_run;
  const std::int64_t most = std::min(source.most(step), lines);
  for (std::int64_t i = 0, n = 0; i < lines; i += n) {
    const std::int64_t at = offset + i * step;
    n = std::min(most_lines, lines - i);
    if (follow && source.place_lines(fold, at / item, line.count, n, out + i)) continue;
    n = std::min(most, lines - i);
    const std::byte* p = source.get(at, n * step);
    if (is_short) {
      search_short<fold, T>(p, step, line.count, n, out + i);
      continue;
    }
    for (std::int64_t k = 0; k < n; ++k) {
      out[i + k] = search<fold, T>(p + k * step, {&line, 1}, 0, line.count).at;
    }
  }
}

// An array whose axis asked about was taken out.
struct KeptAxes {
  explicit KeptAxes(const Question& q)
      : shape(q.a->shape()), strides(q.a->strides()), line{shape[q.axis], strides[q.axis]} {
    shape.erase(q.axis);
    strides.erase(q.axis);
    if (shape.empty()) return;
    inner = shape.back();
    step = strides.back();
  }

  std::int64_t offset(std::int64_t element) const {
    std::int64_t bytes = 0;
    for (std::int64_t i = shape.size() - 1; i >= 0; --i) {
      bytes += element % shape[i] * strides[i];
      element /= shape[i];
    }
    return bytes;
  }
  bool go_by_rows() const { return std::abs(step) < std::abs(line.stride); }

  Dims shape, strides;
  ReaderAxis line;
  std::int64_t inner = 1, step = 0;  // the last axis that is left
};

// Of kept elements [first, last), counted in C order, what is asked about: all along the axis, or
// elements [from, from + count) there, whose places are counted from 0.
struct Part {
  std::int64_t first, last, from, count;
};

template <Fold fold, class T>
void search_lines(const Question& q, Part part, std::int64_t* out, T* values = nullptr) {
  const KeptAxes kept(q);
  const ReaderAxis line{part.count, kept.line.stride};
  const ByteSource source(*q.a);
  for (std::int64_t i = part.first, n = 0; i < part.last; i += n, out += n) {
    n = std::min(part.last - i, kept.inner - i % kept.inner);
    const std::int64_t offset = kept.offset(i) + part.from * line.stride;
    if (kept.go_by_rows()) {
      search_rows<fold, T>(source, offset, line, {n, kept.step}, out, values);
      if (values) values += n;
    } else {
      search_each<fold, T>(source, offset, kept.step, line, n, out);
    }
  }
}

// Rows are cut into few long stripes, and there are not enough of these: what was found in each
// piece of the axis waits for the others.
template <Fold fold, class T>
struct PiecesAlong {
  Question q;
  std::int64_t stripes, pieces;
  std::vector<std::vector<T>> values = {};
  std::vector<std::vector<std::int64_t>> places = {};

  Part part(std::int64_t block) const {
    const std::int64_t n = q.out->size(), length = q.a->shape()[q.axis];
    const std::int64_t i = block / pieces, k = block % pieces;
    const std::int64_t from = piece_begin(length, pieces, k);
    return {piece_begin(n, stripes, i), piece_begin(n, stripes, i + 1), from,
            piece_begin(length, pieces, k + 1) - from};
  }

  void run(std::int64_t block) {
    const Part own = part(block);
    auto& found = values[static_cast<std::size_t>(block)];
    auto& at = places[static_cast<std::size_t>(block)];
    found.resize(static_cast<std::size_t>(own.last - own.first));
    at.resize(found.size());
    search_lines<fold>(q, own, at.data(), found.data());
  }

  void finish() {
    for (std::size_t block = 0; block < values.size(); ++block) {
      const Part own = part(static_cast<std::int64_t>(block));
      std::int64_t* out = q.out->template as<std::int64_t>() + own.first;
      if (own.from == 0) {
        std::copy(places[block].begin(), places[block].end(), out);
        continue;
      }
      T* best = values[block - block % static_cast<std::size_t>(pieces)].data();
      for (std::size_t i = 0; i < values[block].size(); ++i) {
        if (!wins<fold>(best[i], values[block][i])) continue;
        best[i] = values[block][i];
        out[i] = own.from + places[block][i];
      }
    }
  }
};

template <Fold fold, class T>
Job by_stripes(Question q, std::int64_t stripes, std::int64_t pieces) {
  auto work = std::make_shared<PiecesAlong<fold, T>>(
      PiecesAlong<fold, T>{.q = std::move(q), .stripes = stripes, .pieces = pieces});
  work->values.resize(static_cast<std::size_t>(stripes * pieces));
  work->places.resize(work->values.size());
  return {.blocks = stripes * pieces,
          .body = [work](std::int64_t block) { work->run(block); },
          .finish = [work] { work->finish(); }};
}

template <Fold fold, class T>
Job along_axis(Question q) {
  const KeptAxes axes(q);
  const std::int64_t kept = q.out->size(), length = axes.line.count;
  if (kept == 0) return {.blocks = 1, .body = [](std::int64_t) {}, .finish = {}};
  std::int64_t pieces = pieces_of(q.a->bytes(), kept);
  std::int64_t rows = 1;
  for (std::int64_t i = 0; i < q.axis; ++i) rows *= q.a->shape()[i];
  if (axes.go_by_rows()) {
    constexpr std::int64_t stripe = 2048, most = 16, least = 16;
    const std::int64_t wanted = pieces_of(q.a->bytes(), most * kept);
    pieces = pieces_of(q.a->bytes(), kept / std::min(axes.inner, stripe));
    const std::int64_t along = std::min({most, wanted / pieces, length / least});
    if (along > 1 && rows == 1) return by_stripes<fold, T>(std::move(q), pieces, along);
  }
  Job job{.blocks = pieces, .body = {}, .finish = {}};
  const auto search = [q, length](std::int64_t first, std::int64_t last) {
    search_lines<fold, T>(q, {first, last, 0, length}, q.out->as<std::int64_t>() + first);
  };
  if (rows > 1) {
    job.rows = {rows, q.a->rank(),
                [search, each = kept / rows](std::int64_t first, std::int64_t last) {
                  search(first * each, last * each);
                }};
  }
  job.body = [search, kept, pieces](std::int64_t block) {
    search(piece_begin(kept, pieces, block), piece_begin(kept, pieces, block + 1));
  };
  return job;
}

template <Fold fold, class T>
Job over_all(Question q) {
  const std::int64_t n = q.a->size();
  const std::int64_t pieces = pieces_of(q.a->bytes(), n);
  auto bests = std::make_shared<std::vector<Best<T>>>(static_cast<std::size_t>(pieces));
  Job job{.blocks = pieces, .body = {}, .finish = {}};
  job.body = [a = q.a, n, pieces, bests](std::int64_t block) {
    const std::int64_t first = piece_begin(n, pieces, block);
    const std::int64_t last = piece_begin(n, pieces, block + 1);
    Best<T>& best = (*bests)[static_cast<std::size_t>(block)];
    if (on_demand(*a)) {
      best = search_source<fold, T>(ByteSource(*a), first, last);
    } else {
      best = search<fold, T>(a->data(), axes_of(*a), first, last);
    }
  };
  job.finish = [out = q.out, bests] {
    Best<T> best;
    for (const Best<T>& one : *bests) take<fold>(best, one, 0);
    *out->as<std::int64_t>() = best.at;
  };
  return job;
}

// Bools are compared as bytes that are 0 or 1.
template <Fold fold>
Job search_job(Question q) {
  Job job = visit(q.a->dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    using Number = std::conditional_t<std::is_same_v<T, bool>, std::uint8_t, T>;
    return q.axis < 0 ? over_all<fold, Number>(q) : along_axis<fold, Number>(q);
  });
  const OnDemand* computed = on_demand(*q.a);
  job.bytes = computed ? computed->bytes_read() : static_cast<double>(q.a->bytes());
  job.flops = static_cast<double>(q.a->size()) + (computed ? computed->flops() : 0);
  return job;
}

// ---- the rows ---------------------------------------------------------------------

Spec search_type(Arguments args, std::string_view name) {
  if (!args[0].is_array() && !args[0].is_numeric() && !operand(args[0])) return Spec::decline();
  const std::optional<Outline> a = outline(args[0]);
  const std::optional<bool> keeps = as_flag(args[2]);
  if (!a || !keeps) return Spec::decline();
  if (!absent(args[1]) && (args[1].is_array() || !as_index(args[1]))) return Spec::decline();
  // A number is searched as an array of one element.
  if (a->rank() == 0 && !absent(args[1])) normal_axis(*as_index(args[1]), 1);
  const auto axes = as_axes(args[1], a->rank());
  if (!axes) return Spec::decline();
  Dims shape = reduced_shape(a->shape, *axes, *keeps);
  if (folded_count(a->shape, *axes) == 0) {
    throw Error(Kind::value, format("attempt to get {} of an empty sequence", name));
  }
  return Spec::of(DType::int64, std::move(shape));
}

Spec argmin_type(Arguments args) { return search_type(args, "argmin"); }
Spec argmax_type(Arguments args) { return search_type(args, "argmax"); }

// Places are counted in C order, and so is what is computed.
bool is_in_order(Arguments args) { return args[0].array()->is_contiguous(); }

Question question(Arguments args, const Ref<Array>& out) {
  const Ref<Array> a = operand(args[0]);
  const bool whole = absent(args[1]) || a->rank() <= 1;
  return {a, out, whole ? -1 : normal_axis(*as_index(args[1]), a->rank())};
}

Job argmin_kernel(Arguments args, const Ref<Array>& out, Watch*) {
  return search_job<Fold::least>(question(args, out));
}

Job argmax_kernel(Arguments args, const Ref<Array>& out, Watch*) {
  return search_job<Fold::greatest>(question(args, out));
}

constexpr Primitive table[] = {
    {.name = "argmin",
     .python = "numpy.argmin",
     .params = "a, axis=nil, keepdims=false",
     .doc = "Where the first of the smallest elements is.",
     .example = "argmin([3, 1, 2])  #= 1",
     .method = "argmin",
     .type = argmin_type,
     .on_demand = is_in_order,
     .kernel = argmin_kernel},
    {.name = "argmax",
     .python = "numpy.argmax",
     .params = "a, axis=nil, keepdims=false",
     .doc = "Where the first of the greatest elements is.",
     .example = "argmax([3, 1, 2])  #= 0",
     .method = "argmax",
     .type = argmax_type,
     .on_demand = is_in_order,
     .kernel = argmax_kernel},
};

}  // namespace

std::span<const Primitive> extremum_rows() { return table; }

}  // namespace jetlag
