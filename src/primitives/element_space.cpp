#include "primitives/element_space.h"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace jetlag {

namespace {

template <std::size_t size>
void copy_items(const std::byte* from, std::int64_t from_step, std::byte* to, std::int64_t to_step,
                std::int64_t n) {
  struct Item {
    std::byte bytes[size];
  };
  Item item;
  // A constant step on the dense side lets the compiler use wide stores.
  if (to_step == static_cast<std::int64_t>(size)) {
    if (from_step == 0) {
      std::memcpy(&item, from, size);
      for (std::int64_t k = 0; k < n; ++k) std::memcpy(to + k * size, &item, size);
      return;
    }
    if constexpr (size == 4 || size == 8) {
      if (from_step == -static_cast<std::int64_t>(size)) {
        std::conditional_t<size == 4, std::uint32_t, std::uint64_t> word;
        for (std::int64_t k = 0; k < n; ++k) {
          std::memcpy(&word, from - k * static_cast<std::int64_t>(size), size);
          std::memcpy(to + k * size, &word, size);
        }
        return;
      }
    }
    for (std::int64_t k = 0; k < n; ++k) {
      std::memcpy(&item, from + k * from_step, size);
      std::memcpy(to + k * size, &item, size);
    }
    return;
  }
  for (std::int64_t k = 0; k < n; ++k) {
    std::memcpy(&item, from + k * from_step, size);
    std::memcpy(to + k * to_step, &item, size);
  }
}

}  // namespace

void copy_strided(const std::byte* from, std::int64_t from_step, std::byte* to,
                  std::int64_t to_step, std::int64_t n, std::int64_t item) {
  if (from_step == item && to_step == item) {
    std::memcpy(to, from, static_cast<std::size_t>(n * item));
    return;
  }
  switch (item) {
    case 1: return copy_items<1>(from, from_step, to, to_step, n);
    case 2: return copy_items<2>(from, from_step, to, to_step, n);
    case 4: return copy_items<4>(from, from_step, to, to_step, n);
    case 8: return copy_items<8>(from, from_step, to, to_step, n);
    default: return copy_items<16>(from, from_step, to, to_step, n);
  }
}

ElementSpace::ElementSpace(Dims shape, std::vector<Placement> placements, std::int64_t leader)
    : shape_(std::move(shape)), size_(element_count(shape_)), placements_(std::move(placements)) {
  sort_axes(leader);
  join_axes();
  row_ = shape_.empty() ? 1 : std::max<std::int64_t>(shape_.back(), 1);
  for (Placement& p : placements_) {
    p.flat = true;
    p.uniform = true;
    std::int64_t dense = p.item;
    for (std::int64_t axis = shape_.size() - 1; axis >= 0; --axis) {
      p.flat &= p.strides[axis] == dense;
      p.uniform &= p.strides[axis] == 0;
      dense *= shape_[axis];
    }
  }
}

// Axes of one element are dropped, the others sorted so that the leader's
// memory is walked forwards.
void ElementSpace::sort_axes(std::int64_t leader) {
  Dims order;
  for (std::int64_t axis = 0; axis < shape_.size(); ++axis) {
    if (shape_[axis] != 1) order.push_back(axis);
  }
  const Dims& lead = placements_[static_cast<std::size_t>(leader)].strides;
  auto magnitude = [&](std::int64_t axis) { return std::abs(lead[axis]); };
  std::stable_sort(order.begin(), order.end(),
                   [&](std::int64_t a, std::int64_t b) { return magnitude(a) > magnitude(b); });
  auto permute = [&](Dims& values) {
    Dims sorted(order.size());
    for (std::int64_t k = 0; k < order.size(); ++k) sorted[k] = values[order[k]];
    values = std::move(sorted);
  };
  for (Placement& p : placements_) permute(p.strides);
  permute(shape_);
}

void ElementSpace::join_axes() {
  for (std::int64_t axis = shape_.size() - 1; axis > 0; --axis) {
    const bool joins = std::all_of(placements_.begin(), placements_.end(), [&](const Placement& p) {
      return p.strides[axis - 1] == p.strides[axis] * shape_[axis];
    });
    if (!joins) continue;
    shape_[axis - 1] *= shape_[axis];
    shape_.erase(axis);
    for (Placement& p : placements_) p.strides.erase(axis - 1);
  }
}

std::int64_t ElementSpace::step(std::int64_t i) const {
  const Placement& p = (*this)[i];
  return p.strides.empty() ? p.item : p.strides.back();
}

std::byte* ElementSpace::at(std::int64_t i, std::int64_t position) const {
  const Placement& p = (*this)[i];
  std::byte* place = p.data;
  for (std::int64_t axis = shape_.size() - 1; axis > 0; --axis) {
    place += position % shape_[axis] * p.strides[axis];
    position /= shape_[axis];
  }
  return shape_.empty() ? place : place + position * p.strides[0];
}

// Axis by axis, as divisions take longer than all else here.
void ElementSpace::find(std::int64_t position, std::span<std::byte*> places) const {
  for (std::size_t i = 0; i < places.size(); ++i) places[i] = placements_[i].data;
  const auto move = [&](std::int64_t axis, std::int64_t steps) {
    for (std::size_t i = 0; i < places.size(); ++i) {
      places[i] += steps * placements_[i].strides[axis];
    }
  };
  for (std::int64_t axis = shape_.size() - 1; axis > 0; --axis) {
    move(axis, position % shape_[axis]);
    position /= shape_[axis];
  }
  if (!shape_.empty()) move(0, position);
}

Extent ElementSpace::extent(std::int64_t i, std::int64_t first, std::int64_t last) const {
  const Placement& p = (*this)[i];
  Dims from(shape_.size()), to(shape_.size());
  --last;
  for (std::int64_t axis = shape_.size() - 1; axis >= 0; --axis) {
    from[axis] = first % shape_[axis];
    to[axis] = last % shape_[axis];
    first /= shape_[axis];
    last /= shape_[axis];
  }
  Extent e{p.data, p.data + p.item};
  bool rising = true;  // no row reaches beyond the first element of the next
  std::int64_t row = 0;
  for (std::int64_t axis = shape_.size() - 1; axis >= 0; --axis) {
    rising = rising && p.strides[axis] >= row;
    row += (shape_[axis] - 1) * p.strides[axis];
  }
  bool along = true;  // the same place on the axes before
  for (std::int64_t axis = 0; axis < shape_.size(); ++axis) {
    if (!along && !rising) {
      from[axis] = 0;
      to[axis] = shape_[axis] - 1;
    }
    along = along && from[axis] == to[axis];
    const std::int64_t a = from[axis] * p.strides[axis], b = to[axis] * p.strides[axis];
    e.begin += rising ? a : std::min(a, b);
    e.end += rising ? b : std::max(a, b);
  }
  return e;
}

// Calls f(place, count, done) for every row that the stretch touches. The place
// is found once and then moved like an odometer, since rows may be short.
template <class F>
void ElementSpace::for_rows(std::int64_t i, std::int64_t position, std::int64_t n, F f) const {
  const Dims& strides = (*this)[i].strides;
  const std::int64_t rows = shape_.size() - 1;  // axes above the innermost
  Dims index(std::max<std::int64_t>(rows, 0));
  std::int64_t row = position / row_;
  for (std::int64_t axis = rows - 1; axis >= 0; --axis) {
    index[axis] = row % shape_[axis];
    row /= shape_[axis];
  }
  const std::int64_t start = position % row_;
  std::byte* place = at(i, position - start);
  std::int64_t skip = start;
  for (std::int64_t done = 0; done < n; skip = 0) {
    const std::int64_t count = std::min(n - done, row_ - skip);
    f(place + skip * step(i), count, done);
    done += count;
    for (std::int64_t axis = rows - 1; axis >= 0; --axis) {
      place += strides[axis];
      if (++index[axis] < shape_[axis]) break;
      place -= strides[axis] * shape_[axis];
      index[axis] = 0;
    }
  }
}

void ElementSpace::gather(std::int64_t i, std::int64_t position, std::int64_t n,
                          std::byte* to) const {
  const std::int64_t item = (*this)[i].item;
  for_rows(i, position, n, [&](const std::byte* place, std::int64_t count, std::int64_t done) {
    copy_strided(place, step(i), to + done * item, item, count, item);
  });
}

void ElementSpace::scatter(std::int64_t i, std::int64_t position, std::int64_t n,
                           const std::byte* from) const {
  const std::int64_t item = (*this)[i].item;
  for_rows(i, position, n, [&](std::byte* place, std::int64_t count, std::int64_t done) {
    copy_strided(from + done * item, item, place, step(i), count, item);
  });
}

}  // namespace jetlag
