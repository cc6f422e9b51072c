#include "primitives/places.h"

#include <algorithm>
#include <cstdlib>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "primitives/moves.h"
#include "primitives/row_copy.h"

namespace jetlag {

namespace {

// Whether all indices are within bounds, and none of them negative: what most of them are.
bool within_from_zero(const std::int64_t* indices, std::int64_t n, std::int64_t count) {
  const auto size = static_cast<std::uint64_t>(count);
  std::uint64_t wrong = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    const auto index = static_cast<std::uint64_t>(indices[i]);
    wrong |= index | (size - 1 - index);  // negative
  }
  return wrong >> 63 == 0;
}

// Whether all indices are within bounds; which of them are negative does not matter here.
bool within(const std::int64_t* indices, std::int64_t n, std::int64_t count, bool& any_negative) {
  any_negative = false;
  if (within_from_zero(indices, n, count)) return true;
  const auto size = static_cast<std::uint64_t>(count);
  std::uint64_t wrong = 0, signs = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    const auto index = static_cast<std::uint64_t>(indices[i]);
    wrong |= (index + size) | (size - 1 - index);  // negative
    signs |= index;
  }
  any_negative = signs >> 63 != 0;
  return wrong >> 63 == 0;
}

template <bool adds, class Stride>
void put_offsets(const std::int64_t* indices, std::int64_t n, Stride stride,
                 std::int64_t* offsets) {
  for (std::int64_t i = 0; i < n; ++i) {
    offsets[i] = (adds ? offsets[i] : 0) + indices[i] * stride;
  }
}

// Strides known when compiling need no product.
template <bool adds>
void put_offsets_by(const std::int64_t* indices, std::int64_t n, std::int64_t stride,
                    std::int64_t* offsets) {
  if (stride == 8)
    put_offsets<adds>(indices, n, std::integral_constant<std::int64_t, 8>{}, offsets);
  else if (stride == 4)
    put_offsets<adds>(indices, n, std::integral_constant<std::int64_t, 4>{}, offsets);
  else put_offsets<adds>(indices, n, stride, offsets);
}

bool is_aligned(const std::byte* p) {
  return reinterpret_cast<std::uintptr_t>(p) % sizeof(std::int64_t) == 0;
}

// To memory that no cache need hold: it is not read before it is written.
void stream(const std::byte* from, std::byte* to, std::int64_t n) {
#if defined(__SSE2__)
  constexpr std::int64_t piece = sizeof(__m128i);
  const std::int64_t head =
      std::min<std::int64_t>(n, -reinterpret_cast<std::intptr_t>(to) & (piece - 1));
  std::memcpy(to, from, static_cast<std::size_t>(head));
  std::int64_t i = head;
  for (; i + piece <= n; i += piece) {
    const __m128i some = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i));
    _mm_stream_si128(reinterpret_cast<__m128i*>(to + i), some);
  }
  std::memcpy(to + i, from + i, static_cast<std::size_t>(n - i));
#else
  std::memcpy(to, from, static_cast<std::size_t>(n));
#endif
}

// Before others are told that it is there.
void end_stream() {
#if defined(__SSE2__)
  _mm_sfence();
#endif
}

// Between two places in memory.
template <class T, bool in>
void copy_item(std::byte* here, std::byte* there) {
  if constexpr (in) std::memcpy(here, there, sizeof(T));
  else std::memcpy(there, here, sizeof(T));
}

}  // namespace

bool are_within(const Array& indices, std::int64_t first, std::int64_t last, std::int64_t count,
                bool& any_negative) {
  const ElementReader reader(indices.dtype(), DType::int64);
  const std::vector<ReaderAxis> axes = axes_of(indices);
  const bool in_place = reader.reads_in_place() && is_aligned(indices.data());
  alignas(64) std::int64_t read[ElementReader::run];
  any_negative = false;
  for (; first < last; first += ElementReader::run) {
    const std::int64_t n = std::min(ElementReader::run, last - first);
    const std::int64_t* some = read;
    if (in_place) some = indices.as<std::int64_t>() + first;
    else reader.read(indices.data(), axes, first, n, read);
    bool negative = false;
    if (!within(some, n, count, negative)) return false;
    any_negative = any_negative || negative;
  }
  return true;
}

Places::Places(const Selection& s, const Array& other)
    : data_(s.data),
      other_(other.data()),
      size_(element_count(s.places)),
      item_(size_of(other.dtype())) {
  for (const PlaceIndex& one : s.arrays) {
    const Array& values = *one.values;
    const bool dense =
        values.dtype() == DType::int64 && values.is_contiguous() && is_aligned(values.data());
    parts_.push_back({ElementReader(values.dtype(), DType::int64), values.data(),
                      dense ? std::vector<ReaderAxis>() : axes_of(values), dense, one.count,
                      one.stride});
    const std::int64_t far = std::max<std::int64_t>(one.count - 1, 0) * one.stride;
    low_ += std::min<std::int64_t>(far, 0);
    span_ += std::abs(far);
  }
  const std::int64_t rank = s.places.size();
  const auto strides = std::span(other.strides().begin(), other.strides().end());
  other_axes_ = axes_of(Array(other.buffer(), other.data(), other.dtype(), s.places,
                              Dims(strides.first(static_cast<std::size_t>(rank)))));
  add_rest(s, other);
  constexpr std::int64_t cached_bytes = 16 << 20;
  streams_ =
      (is_single() || fills_lines()) && other.is_contiguous() && other.bytes() >= cached_bytes;
}

// Whether the rows there are whole cache lines, and several of them.
bool Places::fills_lines() const {
  constexpr std::int64_t line = 64, several = 16;
  const std::int64_t bytes = has_rows() ? rest_[0].count * item_ : 0;
  return bytes >= several * line && bytes % line == 0 &&
         reinterpret_cast<std::uintptr_t>(other_) % line == 0;
}

void Places::add_rest(const Selection& s, const Array& other) {
  std::vector<RestAxis> all;
  for (std::int64_t i = 0; i < s.rest.size(); ++i) {
    empty_ = empty_ || s.rest[i] == 0;
    if (s.rest[i] == 1) continue;
    all.push_back({s.rest[i], s.rest_strides[i], other.strides()[s.places.size() + i]});
  }
  std::stable_sort(all.begin(), all.end(), [](const RestAxis& a, const RestAxis& b) {
    return std::abs(a.here) > std::abs(b.here);
  });
  for (const RestAxis& axis : all) {
    const bool joins = !rest_.empty() && rest_.back().here == axis.here * axis.count &&
                       rest_.back().there == axis.there * axis.count;
    if (joins) rest_.back() = {rest_.back().count * axis.count, axis.here, axis.there};
    else rest_.push_back(axis);
  }
}

// Those of places [first, first + n): where they lie, or as they were read.
const std::int64_t* Places::indices_of(const Part& part, std::int64_t first, std::int64_t n,
                                       std::int64_t* read) {
  if (part.dense) return reinterpret_cast<const std::int64_t*>(part.data) + first;
  part.reader.read(part.data, part.axes, first, n, read);
  return read;
}

// Bytes from the data to places [first, first + n).
bool Places::find(std::int64_t first, std::int64_t n, std::int64_t* offsets) const {
  alignas(64) std::int64_t read[run];
  bool adds = false;
  for (const Part& part : parts_) {
    const std::int64_t* indices = indices_of(part, first, n, read);
    bool any_negative = false;
    if (!within(indices, n, part.count, any_negative)) return false;
    if (any_negative) {
      for (std::int64_t i = 0; i < n; ++i) read[i] = indices[i] + ((indices[i] >> 63) & part.count);
      indices = read;
    }
    if (adds) put_offsets_by<true>(indices, n, part.stride, offsets);
    else put_offsets_by<false>(indices, n, part.stride, offsets);
    adds = true;
  }
  if (!adds) std::fill_n(offsets, n, 0);
  return true;
}

// Bytes from the other array's first element to what it has for these places.
void Places::find_other(std::int64_t first, std::int64_t n, std::int64_t* offsets) const {
  for (std::int64_t i = 0; i < n;) {
    std::int64_t rest = first + i, begin = 0;
    for (std::size_t k = other_axes_.size(); k-- > 0;) {
      begin += rest % other_axes_[k].count * other_axes_[k].stride;
      rest /= other_axes_[k].count;
    }
    const ReaderAxis last = other_axes_.empty() ? ReaderAxis{1, 0} : other_axes_.back();
    const std::int64_t some = std::min(n - i, last.count - (first + i) % last.count);
    for (std::int64_t k = 0; k < some; ++k) offsets[i + k] = begin + k * last.stride;
    i += some;
  }
}

template <bool in>
void Places::copy_rows(std::int64_t n, const std::int64_t* here, const std::int64_t* there) const {
  constexpr std::int64_t ahead = 8;
  const std::int64_t bytes = rest_[0].count * item_;
  for (std::int64_t i = 0; i < n; ++i) {
    if (i + ahead < n) __builtin_prefetch(data_ + here[i + ahead]);
    if constexpr (in) copy_row(other_ + there[i], data_ + here[i], bytes);
    else if (streams_) stream(data_ + here[i], other_ + there[i], bytes);
    else copy_row(data_ + here[i], other_ + there[i], bytes);
  }
}

// Lines with gaps. Some of their elements go to all places before the next ones do: lines that lie
// across memory, as columns do, then share what is fetched of it.
template <class T, bool in>
void Places::copy_lines(std::int64_t n, const std::int64_t* here, const std::int64_t* there) const {
  constexpr std::int64_t some = std::max<std::int64_t>(64 / sizeof(T), 8);
  const RestAxis line = rest_.back();
  std::int64_t lines = 1;
  for (const RestAxis& axis : rest_) lines *= axis.count;
  lines /= line.count;
  for (std::int64_t k = 0; k < lines; ++k) {
    std::int64_t rest = k, from = 0, to = 0;
    for (std::size_t axis = rest_.size() - 1; axis-- > 0;) {
      const std::int64_t at = rest % rest_[axis].count;
      rest /= rest_[axis].count;
      from += at * rest_[axis].here;
      to += at * rest_[axis].there;
    }
    for (std::int64_t begin = 0; begin < line.count; begin += some) {
      const std::int64_t end = std::min(begin + some, line.count);
      for (std::int64_t i = 0; i < n; ++i) {
        std::byte *p = data_ + here[i] + from, *q = other_ + there[i] + to;
        for (std::int64_t j = begin; j < end; ++j) {
          copy_item<T, in>(p + j * line.here, q + j * line.there);
        }
      }
    }
  }
}

// One index array, and no rest: nothing has to be noted, and the processor may look far ahead.
template <class T, bool in>
bool Places::copy_elements(std::int64_t first, std::int64_t n) const {
  alignas(64) std::int64_t read[run];
  const Part& part = parts_[0];
  const std::int64_t* indices = indices_of(part, first, n, read);
  bool any_negative = any_negative_;
  if (!in && !within(indices, n, part.count, any_negative)) return false;
  const std::int64_t step = other_axes_.empty() ? 0 : other_axes_[0].stride;
  alignas(64) std::byte aside[run * sizeof(T)];
  const bool streams = streams_ && !in;
  const auto move = [&](auto stride, auto turned, auto next) {
    std::byte* other = streams ? aside : other_ + first * step;
    for (std::int64_t i = 0; i < n; ++i) {
      const std::int64_t index = indices[i] + (turned ? (indices[i] >> 63) & part.count : 0);
      copy_item<T, in>(data_ + index * stride, other + i * next);
    }
  };
  constexpr std::integral_constant<std::int64_t, sizeof(T)> item;
  if (part.stride != item || step != item) move(part.stride, std::true_type{}, step);
  else if (any_negative) move(item, std::true_type{}, item);
  else move(item, std::false_type{}, item);
  if (streams) stream(aside, other_ + first * step, n * item);
  return true;
}

template <class T, bool in>
void Places::copy(std::int64_t n, const std::int64_t* here, const std::int64_t* there) const {
  if (rest_.empty()) {
    for (std::int64_t i = 0; i < n; ++i) copy_item<T, in>(data_ + here[i], other_ + there[i]);
  } else if (has_rows()) {
    copy_rows<in>(n, here, there);
  } else {
    copy_lines<T, in>(n, here, there);
  }
}

template <class T, bool in>
bool Places::copy_some(std::int64_t first, std::int64_t n) const {
  if (is_single()) return copy_elements<T, in>(first, n);
  alignas(64) std::int64_t here[run], there[run];
  if (!find(first, n, here)) return false;
  find_other(first, n, there);
  copy<T, in>(n, here, there);
  return true;
}

// The same of one index array and no rest, for indices [low, low + span): all are in the cache, and
// a number of shares goes through them.
template <class T>
void Places::copy_elements_share(std::int64_t first, std::int64_t n, std::int64_t low,
                                 std::uint64_t span) const {
  alignas(64) std::int64_t read[run], here[run + 1];
  std::int32_t chosen[run + 1];
  const Part& part = parts_[0];
  const std::int64_t* indices = indices_of(part, first, n, read);
  std::int64_t known = 0;
  for (std::int32_t i = 0; i < n; ++i) {
    const std::int64_t index = indices[i] + ((indices[i] >> 63) & part.count);
    here[known] = index;
    chosen[known] = i;
    known += static_cast<std::uint64_t>(index - low) < span;
  }
  const std::int64_t step = other_axes_.empty() ? 0 : other_axes_[0].stride;
  std::byte* other = other_ + first * step;
  for (std::int64_t i = 0; i < known; ++i)
    copy_item<T, true>(data_ + here[i] * part.stride, other + chosen[i] * step);
}

// What lies at offsets [low, low + span): chosen without a branch, as the next place may be
// anywhere.
template <class T>
void Places::copy_share(std::int64_t first, std::int64_t n, std::int64_t low,
                        std::uint64_t span) const {
  alignas(64) std::int64_t here[run + 1], there[run + 1];
  if (!find(first, n, here)) return;
  find_other(first, n, there);
  std::int64_t known = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t offset = here[i];
    here[known] = offset;
    there[known] = there[i];
    known += static_cast<std::uint64_t>(offset - low) < span;
  }
  copy<T, true>(known, here, there);
}

bool Places::exist(std::int64_t first, std::int64_t last, bool& any_negative) const {
  alignas(64) std::int64_t read[run];
  for (; first < last; first += run) {
    const std::int64_t n = std::min(run, last - first);
    for (const Part& part : parts_) {
      bool negative = false;
      if (!within(indices_of(part, first, n, read), n, part.count, negative)) return false;
      any_negative = any_negative || negative;
    }
  }
  return true;
}

bool Places::all_exist() {
  any_negative_ = false;
  return exist(0, size_, any_negative_);
}

bool Places::copy_out(std::int64_t first, std::int64_t last) const {
  bool any_negative = false;
  if (empty_) return exist(first, last, any_negative);
  bool all = true;
  with_item_size(item_, [&]<class T>(T) {
    for (; first < last; first += run) {
      all = copy_some<T, false>(first, std::min(run, last - first)) && all;
    }
    if (streams_) end_stream();
  });
  return all;
}

std::int64_t Places::shares_of(std::int64_t most) const {
  // Stores that a second-level cache takes are as quick as finding where they go.
  constexpr std::int64_t cached_bytes = 2 << 20, least_places = 1 << 15, least_each = 1 << 20;
  if (span_ < cached_bytes || size_ < least_places) return 1;
  return std::clamp<std::int64_t>(span_ / least_each, 1, most);
}

void Places::copy_in(std::int64_t share, std::int64_t shares) const {
  if (empty_) return;
  const bool single = is_single();
  const std::int64_t all = single ? parts_[0].count : span_;
  const std::int64_t begin = piece_begin(all, shares, share);
  const auto width = static_cast<std::uint64_t>(piece_begin(all, shares, share + 1) - begin);
  with_item_size(item_, [&]<class T>(T) {
    for (std::int64_t first = 0; first < size_; first += run) {
      const std::int64_t n = std::min(run, size_ - first);
      if (shares == 1) copy_some<T, true>(first, n);
      else if (single) copy_elements_share<T>(first, n, begin, width);
      else copy_share<T>(first, n, low_ + begin, width);
    }
  });
}

}  // namespace jetlag
