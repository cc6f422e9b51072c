// Buffers hold bytes; arrays are strided views of them, as in NumPy.
#pragma once

#include <atomic>
#include <cstddef>
#include <string>

#include "array/dims.h"
#include "array/dtype.h"
#include "array/shared.h"

namespace jetlag {

// Something that a host language owns or knows. The room that speaks the
// host's language derives from it and releases what it holds safely from any
// thread.
class Handle : public Shared {};

// A block of memory. Its own bytes come from array/memory.h, so that their
// ownership can pass to NumPy; a borrowed buffer keeps its owner alive instead.
class Buffer : public Shared {
 public:
  // Zeroed memory is asked from the system as such: untouched pages cost nothing.
  // Throws Error(memory) when the machine cannot give it.
  static Ref<Buffer> allocate(std::int64_t bytes, bool zeroed = false);
  static Ref<Buffer> borrow(void* data, std::int64_t bytes, Ref<Handle> owner, bool writable);
  ~Buffer() override;

  std::byte* data() const { return data_; }
  std::int64_t bytes() const { return bytes_; }
  bool writable() const { return writable_; }
  bool contains(const void* first, const void* last) const;

  // Python can reach these bytes: by an argument, a captured array, or because
  // an opaque step was given a view of them.
  bool visible() const { return visible_.load(std::memory_order_relaxed); }
  void make_visible() { visible_.store(true, std::memory_order_relaxed); }

  // The host object that now owns the bytes, if any. After give_to the buffer
  // borrows from the owner and no longer frees.
  const Ref<Handle>& owner() const { return owner_; }
  bool owned() const { return owned_; }  // made here, and not given to anyone
  void give_to(Ref<Handle> owner) {
    owner_ = std::move(owner);
    owned_ = false;
  }

  // How many unfinished tasks touch these bytes, and a slot for the runtime's
  // bookkeeping about them (runtime/exec owns its meaning).
  std::atomic<std::int32_t> pending{0};
  Ref<Shared> hazards;
  // How many of the references are held by unfinished tasks, and will be let go
  // by themselves (runtime/exec again).
  std::atomic<std::int32_t> lent{0};

 private:
  Buffer() = default;
  std::byte* data_ = nullptr;
  std::int64_t bytes_ = 0;
  bool owned_ = false;
  bool writable_ = true;
  std::atomic<bool> visible_{false};
  Ref<Handle> owner_;
};

class Array : public Shared {
 public:
  Array(Ref<Buffer> buffer, std::byte* data, DType dtype, Dims shape, Dims strides)
      : buffer_(std::move(buffer)),
        data_(data),
        dtype_(dtype),
        shape_(std::move(shape)),
        strides_(std::move(strides)) {}

  const Ref<Buffer>& buffer() const { return buffer_; }
  std::byte* data() const { return data_; }
  template <class T>
  T* as() const {
    return reinterpret_cast<T*>(data_);
  }
  DType dtype() const { return dtype_; }
  const Dims& shape() const { return shape_; }
  const Dims& strides() const { return strides_; }  // in bytes
  std::int64_t rank() const { return shape_.size(); }
  std::int64_t size() const;  // elements
  std::int64_t bytes() const { return size() * size_of(dtype_); }
  bool writable() const { return writable_ && buffer_->writable(); }
  void make_read_only() { writable_ = false; }
  bool is_contiguous() const;  // C order
  bool is_fortran_contiguous() const;

  // The array that this one is a view of, as numpy's base; null for an array
  // that made its buffer.
  Ref<Array> base;
  // The host object that stands for this array, once there is one.
  Ref<Handle> handle;
  // A 0-d result that stands for a NumPy scalar which may still be computing.
  bool is_scalar = false;

 private:
  Ref<Buffer> buffer_;
  std::byte* data_;
  DType dtype_;
  Dims shape_;
  Dims strides_;
  bool writable_ = true;
};

std::int64_t element_count(std::span<const std::int64_t> shape);
Dims contiguous_strides(std::span<const std::int64_t> shape, std::int64_t item);

// A fresh array in C order. Throws Error(memory) with NumPy's message.
Ref<Array> new_array(DType dtype, Dims shape, bool zeroed = false);
// Another look at the same bytes; base is set to a's base, or to a.
Ref<Array> view_of(const Ref<Array>& a, std::byte* data, Dims shape, Dims strides);
// The same, its bytes read as another dtype: the real part of a complex array.
Ref<Array> view_of(const Ref<Array>& a, std::byte* data, DType dtype, Dims shape, Dims strides);
Ref<Array> transposed(const Ref<Array>& a);
// a seen in a larger shape, stride 0 along repeated axes. The caller checked
// that the shapes fit.
Ref<Array> broadcast_to(const Ref<Array>& a, std::span<const std::int64_t> shape);

// The common shape; throws Error(shape) with NumPy's message naming both shapes.
Dims broadcast_shapes(std::span<const std::int64_t> a, std::span<const std::int64_t> b);

// Whether some byte may belong to both (by extent).
bool may_overlap(const Array& a, const Array& b);

// Copies element by element with conversion, any strides, shapes equal.
// Overlapping memory is the caller's care.
void copy_elements(const Array& from, const Array& to);

// "3,4" for a separator ",".
std::string join(std::span<const std::int64_t> numbers, std::string_view separator);
// "(3, 4)", "(3,)", "()": as Python prints a tuple.
std::string shape_text(std::span<const std::int64_t> shape);

}  // namespace jetlag
