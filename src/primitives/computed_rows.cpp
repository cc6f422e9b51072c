#include "primitives/computed_rows.h"

#include <vector>

#include "base/of_thread.h"
#include "primitives/moves.h"
#include "primitives/on_demand.h"
#include "primitives/product_loops.h"

namespace jetlag {

bool is_rows_by_vector(Arguments args) {
  if (!args[0].is_array() || !args[1].is_array() || !args[1].array()->in_memory()) return false;
  const Array &a = *args[0].array(), &v = *args[1].array();
  if (a.rank() != 2 || v.rank() != 1 || a.dtype() != v.dtype() || !is_float(a.dtype()))
    return false;
  if (a.shape()[0] < 2 || a.shape()[1] < 2) return false;
  return a.is_contiguous() && a.shape()[1] * size_of(a.dtype()) <= stretch_bytes;
}

namespace {

// Where a thread works, from block to block.
template <class T>
struct Lines {
  std::vector<T> tile, line;
};

template <class T>
Job job_for(const Ref<Array>& a, const Ref<Array>& v, const Ref<Array>& out) {
  const OnDemand& computed = *on_demand(*a);
  const std::int64_t rows = a->shape()[0], columns = a->shape()[1];
  const std::int64_t pieces = pieces_of(a->bytes(), rows);
  const std::int64_t height = std::max<std::int64_t>(stretch_bytes / (columns * sizeof(T)), 1);
  const auto over_rows = [=](std::int64_t first, std::int64_t end) {
    auto& [tile, line] = of_thread<Lines<T>>();
    line.resize(static_cast<std::size_t>(columns));
    for (std::int64_t j = 0; j < columns; ++j) {
      line[static_cast<std::size_t>(j)] =
          *reinterpret_cast<const T*>(v->data() + j * v->strides()[0]);
    }
    auto* results = reinterpret_cast<std::byte*>(out->as<T>());
    if (on_demand(*a)->multiply_lines(line.data(), first * columns, columns, end - first,
                                      results + first * static_cast<std::int64_t>(sizeof(T)))) {
      return;
    }
    tile.resize(static_cast<std::size_t>(height * columns));
    for (std::int64_t i = first; i < end; i += height) {
      const std::int64_t last = std::min(i + height, end);
      on_demand(*a)->compute(i * columns, last * columns,
                             reinterpret_cast<std::byte*>(tile.data()));
      product_loops<T>().rows(tile.data(), columns, last - i, columns, line.data(),
                              out->as<T>() + i, Distance::near);
    }
  };
  const auto body = [=](std::int64_t piece) {
    over_rows(piece_begin(rows, pieces, piece), piece_begin(rows, pieces, piece + 1));
  };
  return {.blocks = pieces,
          .body = body,
          .finish = {},
          .bytes = computed.bytes_read() + static_cast<double>(out->bytes()),
          .flops = computed.flops() + 2.0 * static_cast<double>(a->size()),
          .rows = {rows, a->rank(), over_rows}};
}

}  // namespace

Job computed_rows_job(const Ref<Array>& a, const Ref<Array>& v, const Ref<Array>& out) {
  return out->dtype() == DType::float64 ? job_for<double>(a, v, out) : job_for<float>(a, v, out);
}

}  // namespace jetlag
