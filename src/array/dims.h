// A short list of sizes or strides: small ranks live inside, larger ones on the heap.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <vector>

namespace jetlag {

class Dims {
 public:
  Dims() = default;
  explicit Dims(std::int64_t count, std::int64_t value = 0) {
    if (count <= inline_capacity) {
      size_ = count;
      for (std::int64_t& inside : inside_) inside = value;
    } else {
      resize(count);
      std::fill(begin(), end(), value);
    }
  }
  Dims(std::initializer_list<std::int64_t> values) { assign(values.begin(), values.end()); }
  explicit Dims(std::span<const std::int64_t> values) { assign(values.begin(), values.end()); }

  template <class It>
  void assign(It first, It last) {
    const auto count = static_cast<std::int64_t>(last - first);
    if (size_ > inline_capacity || count > inline_capacity) {
      resize(count);
      std::copy(first, last, begin());
      return;
    }
    // Of loops over few the compiler makes calls, which take longer.
    size_ = count;
    switch (count) {
      case 4: inside_[3] = first[3]; [[fallthrough]];
      case 3: inside_[2] = first[2]; [[fallthrough]];
      case 2: inside_[1] = first[1]; [[fallthrough]];
      case 1: inside_[0] = first[0]; break;
      default: break;
    }
  }

  std::int64_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::int64_t* data() { return size_ <= inline_capacity ? inside_ : outside_.data(); }
  const std::int64_t* data() const { return size_ <= inline_capacity ? inside_ : outside_.data(); }
  std::int64_t* begin() { return data(); }
  std::int64_t* end() { return data() + size_; }
  const std::int64_t* begin() const { return data(); }
  const std::int64_t* end() const { return data() + size_; }
  std::int64_t& operator[](std::int64_t i) { return data()[i]; }
  std::int64_t operator[](std::int64_t i) const { return data()[i]; }
  std::int64_t back() const { return data()[size_ - 1]; }

  void push_back(std::int64_t value) {
    resize(size_ + 1);
    data()[size_ - 1] = value;
  }
  void insert(std::int64_t at, std::int64_t value) {
    push_back(value);
    std::rotate(begin() + at, end() - 1, end());
  }
  void erase(std::int64_t at) {
    std::rotate(begin() + at, begin() + at + 1, end());
    resize(size_ - 1);
  }

  // Keeps the values that fit.
  void resize(std::int64_t count) {
    if (count > inline_capacity) {
      if (size_ <= inline_capacity) outside_.assign(inside_, inside_ + size_);
      outside_.resize(static_cast<std::size_t>(count));
    } else if (size_ > inline_capacity) {
      std::copy(outside_.begin(), outside_.begin() + count, inside_);
      outside_.clear();
    } else {
      for (std::int64_t i = 0; i < inline_capacity; ++i) {
        if (i >= size_) inside_[i] = 0;
      }
    }
    size_ = count;
  }

  operator std::span<const std::int64_t>() const {
    return {data(), static_cast<std::size_t>(size_)};
  }
  friend bool operator==(const Dims& a, const Dims& b) {
    if (a.size_ == 1 && b.size_ == 1) return a.inside_[0] == b.inside_[0];
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }

 private:
  static constexpr std::int64_t inline_capacity = 4;
  std::int64_t size_ = 0;
  std::int64_t inside_[inline_capacity] = {};
  std::vector<std::int64_t> outside_;
};

}  // namespace jetlag
