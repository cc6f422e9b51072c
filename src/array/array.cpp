#include "array/array.h"

#include <bit>
#include <cmath>
#include <cstdio>

#include "array/memory.h"

namespace jetlag {

namespace {

// "200. GiB", "1.50 MiB", "12 bytes": NumPy's words in its MemoryError.
std::string size_text(std::int64_t bytes) {
  constexpr std::string_view units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  const int bits = std::bit_width(static_cast<std::uint64_t>(bytes));
  std::size_t unit = static_cast<std::size_t>(std::max(bits - 1, 0) / 10);
  if (unit == 0) return format("{} {}", bytes, units[0]);
  double count = std::ldexp(static_cast<double>(bytes), -10 * static_cast<int>(unit));
  // Rounding may reach the next unit: 1024 KiB is 1.00 MiB.
  if (std::nearbyint(count) == 1024 && unit + 1 < std::size(units)) {
    count /= 1024;
    ++unit;
  }
  // fmt's # keeps a zero behind the point where C and Python do not.
  char number[32];
  std::snprintf(number, sizeof number, std::nearbyint(count) < 1000 ? "%#.3g" : "%#.0f", count);
  return format("{} {}", number, units[unit]);
}

// The bytes of a fresh array. Throws as NumPy does for impossible shapes.
std::int64_t checked_bytes(std::span<const std::int64_t> shape, std::int64_t item) {
  std::int64_t bytes = item;
  bool empty = false;
  bool too_big = false;
  for (const std::int64_t n : shape) {
    if (n < 0) throw Error(Kind::value, "negative dimensions are not allowed");
    // NumPy leaves sizes of zero out of the product: (0, 2**62, 8) is too big.
    if (n == 0) empty = true;
    else too_big = __builtin_mul_overflow(bytes, n, &bytes) || too_big;
  }
  if (too_big) {
    throw Error(Kind::value,
                "array is too big; `arr.size * arr.dtype.itemsize` is larger than the maximum "
                "possible size.");
  }
  return empty ? 0 : bytes;
}

std::string tuple_text(std::span<const std::int64_t> shape, std::string_view separator) {
  return format("({}{})", join(shape, separator), shape.size() == 1 ? "," : "");
}

bool has_strides(const Array& a, bool last_axis_fastest) {
  if (a.rank() == 1) return a.shape()[0] <= 1 || a.strides()[0] == size_of(a.dtype());
  if (a.size() == 0) return true;
  std::int64_t expected = size_of(a.dtype());
  for (std::int64_t i = 0; i < a.rank(); ++i) {
    const std::int64_t axis = last_axis_fastest ? a.rank() - 1 - i : i;
    // The stride of an axis with one element is never used.
    if (a.shape()[axis] == 1) continue;
    if (a.strides()[axis] != expected) return false;
    expected *= a.shape()[axis];
  }
  return true;
}

struct Extent {
  const std::byte* first;
  const std::byte* last;  // behind the last byte
};

Extent extent_of(const Array& a) {
  Extent extent{a.data(), a.data()};
  if (a.size() == 0) return extent;
  extent.last += size_of(a.dtype());
  for (std::int64_t i = 0; i < a.rank(); ++i) {
    const std::int64_t reach = a.strides()[i] * (a.shape()[i] - 1);
    (reach < 0 ? extent.first : extent.last) += reach;
  }
  return extent;
}

}  // namespace

Ref<Buffer> Buffer::allocate(std::int64_t bytes, bool zeroed) {
  JETLAG_CHECK(bytes >= 0, "a buffer of {} bytes", bytes);
  std::byte* data = memory::take(bytes, zeroed);
  if (data == nullptr) throw Error(Kind::memory, format("Unable to allocate {}", size_text(bytes)));
  Ref<Buffer> buffer = Ref<Buffer>::first(new Buffer);
  buffer->data_ = data;
  buffer->bytes_ = bytes;
  buffer->owned_ = true;
  return buffer;
}

Ref<Buffer> Buffer::borrow(void* data, std::int64_t bytes, Ref<Handle> owner, bool writable) {
  Ref<Buffer> buffer = Ref<Buffer>::first(new Buffer);
  buffer->data_ = static_cast<std::byte*>(data);
  buffer->bytes_ = bytes;
  buffer->writable_ = writable;
  buffer->owner_ = std::move(owner);
  return buffer;
}

Buffer::~Buffer() {
  if (owned_) memory::give_back(data_, bytes_);
}

bool Buffer::contains(const void* first, const void* last) const {
  return first >= data_ && last <= data_ + bytes_;
}

std::byte* Array::write_out() const {
  if (structure_) {
    std::scoped_lock lock(structure_->mutex_);
    if (!data_.load(std::memory_order_relaxed)) write_out_as(*structure_->written_out());
  }
  return data_.load(std::memory_order_relaxed);
}

void Array::write_out_as(const Array& written) const {
  buffer_ = written.buffer();
  data_.store(written.data(), std::memory_order_release);
}

std::int64_t Array::size() const { return element_count(shape_); }
bool Array::is_contiguous() const { return has_strides(*this, true); }
bool Array::is_fortran_contiguous() const { return has_strides(*this, false); }

std::int64_t element_count(std::span<const std::int64_t> shape) {
  std::int64_t count = 1;
  for (const std::int64_t n : shape) count *= n;
  return count;
}

Dims contiguous_strides(std::span<const std::int64_t> shape, std::int64_t item) {
  Dims strides(static_cast<std::int64_t>(shape.size()));
  for (std::int64_t i = strides.size() - 1; i >= 0; --i) {
    strides[i] = item;
    // As NumPy has it, an empty axis counts as one element.
    item *= std::max<std::int64_t>(shape[static_cast<std::size_t>(i)], 1);
  }
  return strides;
}

Ref<Array> new_array(DType dtype, Dims shape, bool zeroed) {
  const std::int64_t bytes = checked_bytes(shape, size_of(dtype));
  Dims strides = contiguous_strides(shape, size_of(dtype));
  Ref<Buffer> buffer;
  try {
    buffer = Buffer::allocate(bytes, zeroed);
  } catch (const Error& error) {
    if (error.kind() != Kind::memory) throw;
    throw Error(Kind::memory, format("{} for an array with shape {} and data type {}",
                                     error.message(), shape_text(shape), info(dtype).name));
  }
  std::byte* data = buffer->data();
  return make<Array>(std::move(buffer), data, dtype, std::move(shape), std::move(strides));
}

Ref<Array> view_of(const Ref<Array>& a, std::byte* data, Dims shape, Dims strides) {
  return view_of(a, data, a->dtype(), std::move(shape), std::move(strides));
}

Ref<Array> view_of(const Ref<Array>& a, std::byte* data, DType dtype, Dims shape, Dims strides) {
  Ref<Array> view = make<Array>(a->buffer(), data, dtype, std::move(shape), std::move(strides));
  view->base = a->base ? a->base : a;
  if (!a->writable()) view->make_read_only();
  return view;
}

Ref<Array> transposed(const Ref<Array>& a) {
  Dims shape = a->shape();
  Dims strides = a->strides();
  std::reverse(shape.begin(), shape.end());
  std::reverse(strides.begin(), strides.end());
  return view_of(a, a->data(), std::move(shape), std::move(strides));
}

Ref<Array> broadcast_to(const Ref<Array>& a, std::span<const std::int64_t> shape) {
  Dims strides(static_cast<std::int64_t>(shape.size()));
  const std::int64_t added = strides.size() - a->rank();
  JETLAG_CHECK(added >= 0, "cannot broadcast {} to {}", shape_text(a->shape()), shape_text(shape));
  for (std::int64_t i = 0; i < a->rank(); ++i) {
    if (a->shape()[i] != 1) strides[added + i] = a->strides()[i];
  }
  return view_of(a, a->data(), Dims(shape), std::move(strides));
}

Dims broadcast_shapes(std::span<const std::int64_t> a, std::span<const std::int64_t> b) {
  const std::span<const std::int64_t> longer = a.size() >= b.size() ? a : b;
  const std::span<const std::int64_t> shorter = a.size() >= b.size() ? b : a;
  Dims shape(longer);
  const std::size_t added = longer.size() - shorter.size();
  for (std::size_t i = 0; i < shorter.size(); ++i) {
    std::int64_t& n = shape[static_cast<std::int64_t>(added + i)];
    if (n == shorter[i] || shorter[i] == 1) continue;
    if (n != 1) {
      // NumPy's blanks: none inside the shapes, one at the end.
      throw Error(Kind::shape, format("operands could not be broadcast together with shapes {} {} ",
                                      tuple_text(a, ","), tuple_text(b, ",")));
    }
    n = shorter[i];
  }
  return shape;
}

bool may_overlap(const Array& a, const Array& b) {
  const Extent first = extent_of(a);
  const Extent second = extent_of(b);
  if (a.size() == 0 || b.size() == 0) return false;
  return first.first < second.last && second.first < first.last;
}

std::string join(std::span<const std::int64_t> numbers, std::string_view separator) {
  std::string text;
  for (const std::int64_t n : numbers) {
    if (!text.empty()) text += separator;
    text += std::to_string(n);
  }
  return text;
}

std::string shape_text(std::span<const std::int64_t> shape) { return tuple_text(shape, ", "); }

}  // namespace jetlag
