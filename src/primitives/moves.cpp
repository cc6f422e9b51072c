#include "primitives/moves.h"

#include <numeric>

#include "primitives/loops.h"
#include "primitives/storing.h"
#include "primitives/walk.h"

namespace jetlag {

namespace {

std::int64_t magnitude(std::int64_t stride) { return stride < 0 ? -stride : stride; }

// The axis to cut: the one with the largest steps in the target, so that each
// piece is near together in memory.
std::int64_t axis_to_cut(const Array& to) {
  std::int64_t best = -1;
  for (std::int64_t i = 0; i < to.rank(); ++i) {
    if (to.shape()[i] == 1) continue;
    if (best < 0 || magnitude(to.strides()[i]) > magnitude(to.strides()[best])) best = i;
  }
  return best;
}

struct Cut {
  std::int64_t axis = -1;
  std::int64_t pieces = 1;
};

Cut cut(const Array& to) {
  // Copies do so little with each byte that two workers want twice as many.
  const std::int64_t bytes = to.bytes() / 2;
  if (bytes < 2 * block_bytes) return {};
  const std::int64_t axis = axis_to_cut(to);
  return {axis, pieces_of(bytes, to.shape()[axis])};
}

Array piece(const Array& a, Cut cut, std::int64_t i) {
  const std::int64_t n = a.shape()[cut.axis];
  return part_of(a, cut.axis, piece_begin(n, cut.pieces, i), piece_begin(n, cut.pieces, i + 1));
}

Dims in_order(const Dims& d, const Dims& order) {
  Dims all;
  for (const std::int64_t axis : order) all.push_back(d[axis]);
  return all;
}

// Elements that lie side by side in both, as many as there are together, by the loops of
// elementwise work, whose flags tell what NumPy warns of. False: they do not lie so.
bool convert_lines(const Array& from, const Array& to, Watch* watch) {
  // A bool from outside may hold any byte.
  if (from.dtype() == to.dtype() || from.dtype() == DType::boolean) return false;
  const Loop loop = find_cast(from.dtype(), to.dtype());
  const auto finish = [&] {
    if (watch) watch->report(read_flags());
    return true;
  };
  clear_flags();
  if (from.is_contiguous() && to.is_contiguous()) {
    loop(from.data(), nullptr, nullptr, to.data(), to.size());
    return finish();
  }
  const Dims shapes[] = {to.shape(), from.shape()}, strides[] = {to.strides(), from.strides()};
  const Dims order = iteration_order(shapes, strides, Walker::iterator);
  const std::int64_t inner = order.empty() ? -1 : order[order.size() - 1];
  if (inner < 0 || to.strides()[inner] != size_of(to.dtype()) ||
      from.strides()[inner] != size_of(from.dtype()))
    return false;
  const Dims to_strides = in_order(to.strides(), order),
             from_strides = in_order(from.strides(), order);
  walk<2>(in_order(to.shape(), order), {from.data(), to.data()},
          {from_strides.data(), to_strides.data()},
          [&](const auto& at, const auto&, std::int64_t count) {
            loop(at[0], nullptr, nullptr, at[1], count);
          });
  return finish();
}

void move(const Array& from, const Array& to, Watch* watch) {
  if (convert_lines(from, to, watch)) return;
  copy_elements(from, to);
  if (watch) watch->report(cast_anomalies(from, to.dtype()));
}

}  // namespace

Array part_of(const Array& a, std::int64_t axis, std::int64_t first, std::int64_t last) {
  Dims shape = a.shape();
  shape[axis] = last - first;
  return Array(a.buffer(), a.data() + first * a.strides()[axis], a.dtype(), std::move(shape),
               a.strides());
}

Job move_job(Ref<Array> from, Ref<Array> to, Watch* watch) {
  const Cut how = cut(*to);
  const auto bytes = static_cast<double>(from->bytes() + to->bytes());
  if (watch && (!watch->wanted || !cast_can_warn(from->dtype(), to->dtype()))) watch = nullptr;
  auto body = [from = std::move(from), to = std::move(to), how, watch](std::int64_t block) {
    if (how.pieces == 1) move(*from, *to, watch);
    else move(piece(*from, how, block), piece(*to, how, block), watch);
  };
  return {.blocks = how.pieces, .body = std::move(body), .finish = {}, .bytes = bytes};
}

namespace {

// Whether the targets lie in each other's gaps, as the columns of a matrix do.
bool are_interleaved(const std::vector<Move>& moves) {
  if (moves.size() < 2 || axis_to_cut(*moves[0].to) < 0) return false;
  for (std::size_t i = 1; i < moves.size(); ++i) {
    const Array& one = *moves[i - 1].to;
    const Array& next = *moves[i].to;
    if (!(one.shape() == next.shape()) || !(one.strides() == next.strides())) return false;
    if (!may_overlap(one, next)) return false;
  }
  return true;
}

// A little of each in turn, so that what lies near together in the target is written at once.
Job interleaved_job(std::vector<Move> moves) {
  constexpr std::int64_t near_bytes = 64 * 1024;  // a part of the second-level cache
  double bytes = 0;
  std::int64_t target = 0;
  for (const Move& m : moves) {
    bytes += static_cast<double>(m.from->bytes() + m.to->bytes());
    target += m.to->bytes();
  }
  const std::int64_t axis = axis_to_cut(*moves[0].to), n = moves[0].to->shape()[axis];
  const Cut how{axis, std::clamp<std::int64_t>(target / near_bytes, 1, n)};
  const std::int64_t blocks = pieces_of(target, how.pieces);
  auto body = [moves = std::move(moves), how, blocks](std::int64_t block) {
    const std::int64_t end = piece_begin(how.pieces, blocks, block + 1);
    for (std::int64_t i = piece_begin(how.pieces, blocks, block); i < end; ++i) {
      for (const Move& m : moves) copy_elements(piece(*m.from, how, i), piece(*m.to, how, i));
    }
  };
  return {.blocks = blocks, .body = std::move(body), .finish = {}, .bytes = bytes};
}

}  // namespace

Job move_job(std::vector<Move> moves) {
  if (are_interleaved(moves)) return interleaved_job(std::move(moves));
  Job all{.blocks = 0, .body = {}, .finish = {}};
  std::vector<std::int64_t> ends;
  std::vector<Job> jobs;
  double shared_bytes = 0;  // in the block that small copies share
  for (Move& move : moves) {
    jobs.push_back(move_job(std::move(move.from), std::move(move.to)));
    const Job& job = jobs.back();
    all.bytes += job.bytes;
    shared_bytes += job.bytes;
    const bool joins = job.blocks == 1 && all.blocks > 0 && shared_bytes < block_bytes;
    if (!joins) {
      all.blocks += job.blocks;
      shared_bytes = job.bytes;
    }
    ends.push_back(all.blocks);
  }
  all.body = [ends = std::move(ends), jobs = std::move(jobs)](std::int64_t block) {
    std::int64_t begin = 0;
    for (std::size_t i = 0; i < jobs.size() && begin <= block; ++i) {
      begin = ends[i] - jobs[i].blocks;
      if (block >= begin && block < ends[i]) jobs[i].body(block - begin);
    }
  };
  all.blocks = std::max<std::int64_t>(all.blocks, 1);
  return all;
}

Job fill_job(const Ref<Array>& element, Ref<Array> to) {
  // Converted once, not once for each element.
  Ref<Array> one = element;
  if (one->dtype() != to->dtype()) {
    one = new_array(to->dtype(), {});
    copy_elements(*element, *one);
  }
  Job job = move_job(broadcast_to(one, to->shape()), to);
  job.bytes = static_cast<double>(to->bytes());
  return job;
}

void clear(const Array& a) {
  if (a.is_contiguous()) {
    std::memset(a.data(), 0, static_cast<std::size_t>(a.bytes()));
    return;
  }
  const Ref<Array> zero = new_array(a.dtype(), {}, true);
  copy_elements(*broadcast_to(zero, a.shape()), a);
}

Dims iteration_order(std::span<const Dims> shapes, std::span<const Dims> strides, Walker walker) {
  const auto decides = [&](std::size_t operand, std::int64_t axis) {
    if (shapes[operand][axis] == 1) return false;
    return walker == Walker::concatenate || strides[operand][axis] != 0;
  };
  // Whether an axis belongs inside another that came after it in C order: yes
  // if all operands that can tell have smaller steps along it.
  enum class Place { outside, inside, unknown };
  const auto place_of = [&](std::int64_t axis, std::int64_t later) {
    Place place = Place::unknown;
    for (std::size_t n = 0; n < strides.size(); ++n) {
      if (!decides(n, axis) || !decides(n, later)) continue;
      if (magnitude(strides[n][later]) <= magnitude(strides[n][axis])) return Place::outside;
      place = Place::inside;
    }
    return place;
  };
  // NumPy's insertion sorts: an axis moves past those that it belongs beyond,
  // and past unknown ones on its way.
  Dims order(shapes[0].size());
  std::iota(order.begin(), order.end(), 0);
  const auto insert = [&](std::int64_t i, std::int64_t step, std::int64_t end) {
    std::int64_t target = i;
    for (std::int64_t k = i + step; k != end; k += step) {
      const Place place = step > 0 ? place_of(order[i], order[k]) : place_of(order[k], order[i]);
      if (place == Place::outside) break;
      if (place == Place::inside) target = k;
    }
    const auto at = [&](std::int64_t position) { return order.begin() + position; };
    if (step > 0) std::rotate(at(i), at(i + 1), at(target + 1));
    else std::rotate(at(target), at(i), at(i + 1));
  };
  if (walker == Walker::iterator) {
    for (std::int64_t i = order.size() - 2; i >= 0; --i) insert(i, 1, order.size());
  } else {
    for (std::int64_t i = 1; i < order.size(); ++i) insert(i, -1, -1);
  }
  return order;
}

Dims strides_in_order(std::span<const std::int64_t> shape, const Dims& order, std::int64_t item) {
  Dims strides(order.size());
  bool is_plain = true;
  for (std::int64_t k = order.size() - 1; k >= 0; --k) {
    is_plain = is_plain && order[k] == k;
    strides[order[k]] = item;
    item *= std::max<std::int64_t>(shape[static_cast<std::size_t>(order[k])], 1);
  }
  return is_plain ? Dims{} : strides;
}

Dims strides_like(const Array& a, std::int64_t item) {
  if (a.rank() < 2 || a.is_contiguous()) return {};
  Dims order(a.rank());
  std::iota(order.begin(), order.end(), 0);
  // Ties keep their order, as in PyArray_CreateSortedStridePerm.
  std::stable_sort(order.begin(), order.end(), [&](std::int64_t i, std::int64_t j) {
    return magnitude(a.strides()[i]) > magnitude(a.strides()[j]);
  });
  return strides_in_order(a.shape(), order, item);
}

}  // namespace jetlag
