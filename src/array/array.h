// Buffers hold bytes; arrays are strided views of them, as in NumPy.
#pragma once

#include <atomic>
#include <cstddef>
#include <mutex>
#include <string>

#include "array/dims.h"
#include "array/dtype.h"
#include "array/shared.h"
#include "base/pool.h"

namespace jetlag {

// Something that a host language owns or knows. The room that speaks the
// host's language derives from it and releases what it holds safely from any
// thread.
class Handle : public Shared {};

// A block of memory. Its own bytes come from array/memory.h, so that their
// ownership can pass to NumPy; a borrowed buffer keeps its owner alive instead.
class Buffer : public Shared, public Pooled {
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

class Array;

// The elements of an array that is not in memory: known by a rule that is
// shorter than they are, such as "zeros beside the diagonal". It never changes.
// Whoever understands the rule works with it; everybody else asks for bytes.
class Structure : public Shared {
 public:
  // The elements in memory: a fresh array, or a view. Asked once.
  virtual Ref<Array> written_out() const = 0;
  // Whether written_out() will read the buffer.
  virtual bool reads(const Buffer&) const { return false; }

 private:
  friend class Array;
  mutable std::mutex mutex_;
};

class Array : public Shared, public Pooled {
 public:
  Array(Ref<Buffer> buffer, std::byte* data, DType dtype, Dims shape, Dims strides)
      : buffer_(std::move(buffer)),
        data_(data),
        dtype_(dtype),
        shape_(std::move(shape)),
        strides_(std::move(strides)) {}
  // Not in memory before somebody asks for its bytes. The strides are those
  // that the array written out will have.
  Array(Ref<Structure> structure, DType dtype, Dims shape, Dims strides)
      : data_(nullptr),
        dtype_(dtype),
        shape_(std::move(shape)),
        strides_(std::move(strides)),
        structure_(std::move(structure)) {}
  Array(const Array& a)
      : Shared(a),
        base(a.base),
        handle(a.handle),
        is_scalar(a.is_scalar),
        buffer_(a.buffer()),
        data_(a.data()),
        dtype_(a.dtype_),
        shape_(a.shape_),
        strides_(a.strides_),
        writable_(a.writable_) {}

  const Ref<Buffer>& buffer() const {
    if (!in_memory()) [[unlikely]]
      write_out();
    return buffer_;
  }
  std::byte* data() const {
    std::byte* known = data_.load(std::memory_order_acquire);
    return known ? known : write_out();
  }
  template <class T>
  T* as() const {
    return reinterpret_cast<T*>(data());
  }
  bool in_memory() const { return data_.load(std::memory_order_acquire) || !structure_; }
  // What stands for the elements; null once they are in memory.
  const Structure* structure() const { return in_memory() ? nullptr : structure_.get(); }
  // Puts the elements in memory, as the structure or the caller writes them.
  std::byte* write_out() const;
  void write_out_as(const Array& written) const;
  DType dtype() const { return dtype_; }
  const Dims& shape() const { return shape_; }
  const Dims& strides() const { return strides_; }  // in bytes
  std::int64_t rank() const { return shape_.size(); }
  std::int64_t size() const;  // elements
  std::int64_t bytes() const { return size() * size_of(dtype_); }
  bool writable() const { return writable_ && (!in_memory() || buffer_->writable()); }
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
  // Set before data_, which tells others that it is there.
  mutable Ref<Buffer> buffer_;
  mutable std::atomic<std::byte*> data_;
  DType dtype_;
  Dims shape_;
  Dims strides_;
  Ref<Structure> structure_;
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
