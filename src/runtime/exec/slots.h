// A row of values of known length: a few lie inside, more on the heap.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "array/value.h"

namespace jetlag::exec {

template <std::size_t few>
class Slots {
 public:
  Slots() = default;
  explicit Slots(std::size_t count) { resize(count); }
  ~Slots() { clear(); }
  Slots(const Slots&) = delete;
  Slots& operator=(const Slots&) = delete;

  // From empty only: values begin unbound.
  void resize(std::size_t count) {
    clear();
    data_ =
        count <= few ? reinterpret_cast<Value*>(inside_) : std::allocator<Value>().allocate(count);
    std::uninitialized_value_construct_n(data_, count);
    size_ = count;
  }
  void clear() {
    std::destroy_n(data_, size_);
    if (size_ > few) std::allocator<Value>().deallocate(data_, size_);
    size_ = 0;
  }

  std::size_t size() const { return size_; }
  Value* data() { return data_; }
  Value& operator[](std::size_t i) { return data_[i]; }
  const Value& operator[](std::size_t i) const { return data_[i]; }
  Value* begin() { return data_; }
  Value* end() { return data_ + size_; }

 private:
  std::size_t size_ = 0;
  Value* data_ = nullptr;
  alignas(Value) std::byte inside_[few * sizeof(Value)];
};

}  // namespace jetlag::exec
