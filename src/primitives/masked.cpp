#include "primitives/masked.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include "primitives/element_program.h"
#include "primitives/element_reader.h"
#include "primitives/moves.h"
#include "primitives/row_copy.h"

namespace jetlag {

namespace {

// So many truths are counted together: few enough to be walked for each stretch.
constexpr std::int64_t block = 2048;

std::int64_t count_true(const std::uint8_t* truths, std::int64_t n) {
  std::int64_t count = 0;
  for (std::int64_t i = 0; i < n; ++i) count += truths[i] != 0;
  return count;
}

// The next place from p on that is taken; there is one.
std::int64_t next_true(const std::uint8_t* truths, std::int64_t p, std::int64_t end) {
  std::uint64_t eight;
  while (p + 8 <= end) {
    std::memcpy(&eight, truths + p, sizeof eight);
    if (eight != 0) break;
    p += 8;
  }
  while (truths[p] == 0) ++p;
  return p;
}

// n single elements from place p on. Every place is written, and the next taken
// one written over it, so that no branch depends on the mask.
template <class T>
void take_elements(const std::uint8_t* truths, const std::byte* from, std::int64_t step,
                   std::int64_t p, std::int64_t n, std::byte* to) {
  for (std::int64_t k = 0; k < n; ++p) {
    std::memcpy(to + k * static_cast<std::int64_t>(sizeof(T)), from + p * step, sizeof(T));
    k += truths[p] != 0;
  }
}

// The same where few are taken.
template <class T>
void take_few(const std::uint8_t* truths, std::int64_t end, const std::byte* from,
              std::int64_t step, std::int64_t p, std::int64_t n, std::byte* to) {
  for (std::int64_t k = 0; k < n; ++k, ++p) {
    p = next_true(truths, p, end);
    std::memcpy(to + k * static_cast<std::int64_t>(sizeof(T)), from + p * step, sizeof(T));
  }
}

// n single elements to taken places from place p on. Places that are not taken must stay untouched:
// what would go there goes nowhere, so that no branch depends on the mask.
template <class T>
void put_elements(const std::uint8_t* truths, std::byte* to, std::int64_t step, std::int64_t p,
                  std::int64_t n, const std::byte* from, std::int64_t from_step) {
  T nowhere;
  const auto aside = reinterpret_cast<std::uintptr_t>(&nowhere);
  auto place = reinterpret_cast<std::uintptr_t>(to + p * step);
  for (std::int64_t k = 0; k < n; ++p, place += static_cast<std::uintptr_t>(step)) {
    const std::uintptr_t taken = truths[p] != 0;
    const std::uintptr_t chosen = aside + ((place - aside) & (0 - taken));
    std::memcpy(reinterpret_cast<void*>(chosen), from + k * from_step, sizeof(T));
    k += static_cast<std::int64_t>(taken);
  }
}

template <class T>
void put_few(const std::uint8_t* truths, std::int64_t end, std::byte* to, std::int64_t step,
             std::int64_t p, std::int64_t n, const std::byte* from, std::int64_t from_step) {
  for (std::int64_t k = 0; k < n; ++k, ++p) {
    p = next_true(truths, p, end);
    std::memcpy(to + p * step, from + k * from_step, sizeof(T));
  }
}

}  // namespace

Ref<Masked> Masked::of(const Ref<Array>& a, const Ref<Array>& mask) {
  const std::int64_t over = mask->rank();
  if (mask->dtype() != DType::boolean || over == 0 || over > a->rank()) return nullptr;
  if (!std::equal(mask->shape().begin(), mask->shape().end(), a->shape().begin())) return nullptr;
  if (!mask->is_contiguous() || (a->rank() > 1 && !a->is_contiguous())) return nullptr;
  return make<Masked>(a, mask);
}

Masked::Masked(Ref<Array> a, Ref<Array> mask)
    : a_(std::move(a)), mask_(std::move(mask)), truths_(mask_->as<std::uint8_t>()), width_(1) {
  for (std::int64_t i = mask_->rank(); i < a_->rank(); ++i) width_ *= a_->shape()[i];
  step_ = a_->rank() == 1 ? a_->strides()[0] : width_ * size_of(a_->dtype());
  const std::int64_t n = mask_->size();
  before_.push_back(0);
  for (std::int64_t p = 0; p < n; p += block) {
    before_.push_back(before_.back() + count_true(truths_ + p, std::min(block, n - p)));
  }
  constexpr std::int64_t few = 16;
  is_sparse_ = before_.back() * few < n;
}

Dims Masked::shape() const {
  Dims shape{before_.back()};
  for (std::int64_t i = mask_->rank(); i < a_->rank(); ++i) shape.push_back(a_->shape()[i]);
  return shape;
}

// Where the mask is true for the row-th time.
std::int64_t Masked::place_of(std::int64_t row) const {
  const auto after = std::upper_bound(before_.begin(), before_.end(), row);
  const std::int64_t known = (after - before_.begin()) - 1;
  std::int64_t p = known * block;
  const std::int64_t end = mask_->size();
  for (std::int64_t k = before_[static_cast<std::size_t>(known)];; ++k, ++p) {
    p = next_true(truths_, p, end);
    if (k == row) return p;
  }
}

void Masked::compute(std::int64_t first, std::int64_t last, std::byte* to) const {
  if (first >= last) return;
  const std::int64_t item = size_of(a_->dtype()), end = mask_->size();
  const std::byte* from = a_->data();
  std::int64_t p = place_of(first / width_);
  if (width_ == 1) {
    const std::int64_t n = last - first;
    return with_item_size(item, [&]<class T>(T) {
      if (is_sparse_) take_few<T>(truths_, end, from, step_, p, n, to);
      else take_elements<T>(truths_, from, step_, p, n, to);
    });
  }
  // Some places are found before the rows there are copied: memory is slow to begin.
  constexpr std::int64_t ahead = 32;
  std::int64_t places[ahead];
  std::int64_t column = first % width_;
  for (std::int64_t i = first; i < last;) {
    const std::int64_t some = std::min(ahead, (last - i + column + width_ - 1) / width_);
    for (std::int64_t k = 0; k < some; ++k) {
      p = next_true(truths_, p, end);
      places[k] = p * step_;
      __builtin_prefetch(from + p++ * step_);
    }
    for (std::int64_t k = 0; k < some; ++k, column = 0) {
      const std::int64_t n = std::min(width_ - column, last - i);
      copy_row(from + places[k] + column * item, to, n * item);
      to += n * item;
      i += n;
    }
  }
}

double Masked::bytes_read() const {
  return static_cast<double>(before_.back() * width_ * size_of(a_->dtype()) + mask_->bytes());
}

// Rows of a value: bytes from row to row, and of a row.
struct Masked::Rows {
  const std::byte* data;
  std::int64_t step, bytes;
  Bytes made = {};  // a row of one element
};

// Row `row` of the value goes to the first place from `first` on that is taken, and so on.
void Masked::put(std::int64_t first, std::int64_t last, std::int64_t row, const Rows& rows) const {
  const std::int64_t n = before_[static_cast<std::size_t>((last + block - 1) / block)] - row;
  if (n == 0) return;
  const std::byte* from = rows.data + row * rows.step;
  std::byte* to = a_->data();
  if (width_ == 1) {
    return with_item_size(rows.bytes, [&]<class T>(T) {
      if (is_sparse_) put_few<T>(truths_, last, to, step_, first, n, from, rows.step);
      else put_elements<T>(truths_, to, step_, first, n, from, rows.step);
    });
  }
  std::int64_t p = first;
  for (std::int64_t k = 0; k < n; ++k, ++p) {
    p = next_true(truths_, p, last);
    copy_row(from + k * rows.step, to + p * step_, rows.bytes);
  }
}

Job Masked::job_into(const Array& out) const {
  const double bytes = bytes_read() + static_cast<double>(out.bytes());
  const std::int64_t n = out.size();
  const std::int64_t pieces = pieces_of(static_cast<std::int64_t>(bytes), n);
  const auto body = [taken = Ref<const Masked>(this), n, pieces, to = out.data(),
                     item = size_of(out.dtype())](std::int64_t block) {
    const std::int64_t first = piece_begin(n, pieces, block);
    taken->compute(first, piece_begin(n, pieces, block + 1), to + first * item);
  };
  return {.blocks = pieces, .body = body, .finish = {}, .bytes = bytes};
}

std::optional<Job> Masked::job_from(const Array& value) const {
  const std::int64_t item = size_of(value.dtype());
  auto rows = std::make_shared<Rows>(Rows{value.data(), value.strides()[0], width_ * item});
  Dims shape = value.shape(), strides = value.strides();
  shape.erase(0);
  strides.erase(0);
  const auto axes = axes_of(Array(value.buffer(), value.data(), value.dtype(), shape, strides));
  if (width_ > 1 && rows->step == 0 && axes.size() == 1 && axes[0].stride == 0) {
    rows->made = allocate_bytes(rows->bytes);
    for (std::int64_t i = 0; i < width_; ++i)
      std::memcpy(rows->made.get() + i * item, value.data(), static_cast<std::size_t>(item));
    rows->data = rows->made.get();
  } else if (width_ > 1 && (axes.size() != 1 || axes[0].stride != item)) {
    return std::nullopt;
  }
  const double bytes = bytes_read() + static_cast<double>(before_.back() * rows->bytes);
  const auto blocks = static_cast<std::int64_t>(before_.size()) - 1;
  const std::int64_t pieces = pieces_of(static_cast<std::int64_t>(bytes), blocks);
  const auto body = [taken = Ref<const Masked>(this), rows, blocks, pieces](std::int64_t piece) {
    const std::int64_t first = piece_begin(blocks, pieces, piece);
    const std::int64_t last = piece_begin(blocks, pieces, piece + 1);
    taken->put(first * block, std::min(last * block, taken->mask_->size()),
               taken->before_[static_cast<std::size_t>(first)], *rows);
  };
  return Job{.blocks = pieces, .body = body, .finish = {}, .bytes = bytes};
}

Ref<Array> Masked::written_out() const {
  const Ref<Array> out = new_array(a_->dtype(), shape());
  compute(0, out->size(), out->data());
  return out;
}

}  // namespace jetlag
