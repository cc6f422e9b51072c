#include "primitives/masked.h"

#include <algorithm>
#include <cstring>

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

struct Wide {
  std::byte bytes[16];
};

// Short rows in pieces, of which the last two may overlap: a call would take longer.
void copy_row(const std::byte* from, std::byte* to, std::int64_t n) {
  constexpr std::int64_t piece = sizeof(Wide), most = 8 * piece;
  if (n < piece || n > most) {
    std::memcpy(to, from, static_cast<std::size_t>(n));
    return;
  }
  for (std::int64_t i = 0; i + piece < n; i += piece) std::memcpy(to + i, from + i, piece);
  std::memcpy(to + n - piece, from + n - piece, piece);
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
    switch (item) {
      case 1: return take_elements<std::uint8_t>(truths_, from, step_, p, n, to);
      case 2: return take_elements<std::uint16_t>(truths_, from, step_, p, n, to);
      case 4: return take_elements<std::uint32_t>(truths_, from, step_, p, n, to);
      case 8: return take_elements<std::uint64_t>(truths_, from, step_, p, n, to);
      default: return take_elements<Wide>(truths_, from, step_, p, n, to);
    }
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

Ref<Array> Masked::written_out() const {
  const Ref<Array> out = new_array(a_->dtype(), shape());
  compute(0, out->size(), out->data());
  return out;
}

}  // namespace jetlag
