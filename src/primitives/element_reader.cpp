#include "primitives/element_reader.h"

#include <algorithm>
#include <cstring>

#include "primitives/loops.h"

namespace jetlag {

namespace {

constexpr std::int64_t largest_item = 16;

template <std::size_t size>
void gather_line(const std::byte* from, std::int64_t stride, std::int64_t n, std::byte* to) {
  for (std::int64_t i = 0; i < n; ++i) {
    std::memcpy(to + i * static_cast<std::int64_t>(size), from + i * stride, size);
  }
}

void copy_line(const std::byte* from, std::int64_t stride, std::int64_t item, std::int64_t n,
               std::byte* to) {
  if (stride == item) {
    std::memcpy(to, from, static_cast<std::size_t>(n * item));
    return;
  }
  switch (item) {
    case 1: return gather_line<1>(from, stride, n, to);
    case 2: return gather_line<2>(from, stride, n, to);
    case 4: return gather_line<4>(from, stride, n, to);
    case 8: return gather_line<8>(from, stride, n, to);
    default: return gather_line<16>(from, stride, n, to);
  }
}

// Lines of the last axis, one after another, until n elements are there.
void gather(const std::byte* data, std::span<const ReaderAxis> axes, std::int64_t first,
            std::int64_t n, std::int64_t item, std::byte* to) {
  while (n > 0) {
    std::int64_t rest = first;
    const std::byte* p = data;
    for (std::size_t i = axes.size(); i-- > 0;) {
      p += rest % axes[i].count * axes[i].stride;
      rest /= axes[i].count;
    }
    const ReaderAxis last = axes.empty() ? ReaderAxis{1, item} : axes.back();
    const std::int64_t count = std::min(n, last.count - first % last.count);
    copy_line(p, last.stride, item, count, to);
    to += count * item;
    first += count;
    n -= count;
  }
}

}  // namespace

std::vector<ReaderAxis> axes_of(const Array& a) {
  std::vector<ReaderAxis> axes;
  for (std::int64_t i = 0; i < a.rank(); ++i) {
    if (a.shape()[i] == 1) continue;
    const ReaderAxis axis{a.shape()[i], a.strides()[i]};
    const bool joins = !axes.empty() && axes.back().stride == axis.stride * axis.count;
    if (joins) axes.back() = {axes.back().count * axis.count, axis.stride};
    else axes.push_back(axis);
  }
  return axes;
}

ElementReader::ElementReader(DType from, DType to, bool by_truth, Change change)
    : from_(from),
      to_(to),
      by_truth_(by_truth),
      in_place_(from == to && !by_truth && !change),
      change_(change) {}

void ElementReader::convert(const void* raw, void* out, std::int64_t n) const {
  const auto cast = [n](DType from, DType to, const void* p, void* q) {
    find_cast(from, to)(p, nullptr, nullptr, q, n);
  };
  if (!by_truth_) return cast(from_, to_, raw, out);
  bool truths[run];
  cast(from_, DType::boolean, raw, truths);
  cast(DType::boolean, to_, truths, out);
}

void ElementReader::read(const std::byte* data, std::span<const ReaderAxis> axes,
                         std::int64_t first, std::int64_t n, void* out) const {
  const std::int64_t item = size_of(from_);
  const bool is_line = axes.size() == 1 && axes[0].stride == item;
  if (from_ == to_ && !by_truth_) {
    if (change_ && is_line) return change_(data + first * item, out, n);
    gather(data, axes, first, n, item, static_cast<std::byte*>(out));
  } else {
    if (is_line) {
      convert(data + first * item, out, n);
    } else {
      alignas(64) std::byte raw[run * largest_item];
      gather(data, axes, first, n, item, raw);
      convert(raw, out, n);
    }
  }
  if (change_) change_(out, out, n);
}

}  // namespace jetlag
