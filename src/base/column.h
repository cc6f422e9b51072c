// A vector whose elements may also lie in memory that somebody else keeps, such as a mapped file.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace jetlag {

// What is borrowed is only read: whoever asks for elements that can be changed gets a copy of all.
template <class T>
class Column {
 public:
  using value_type = T;

  Column() = default;
  Column(std::initializer_list<T> elements) : own_(elements) { follow(); }
  explicit Column(std::size_t size) : own_(size) { follow(); }
  Column(std::vector<T> elements) : own_(std::move(elements)) { follow(); }
  Column(std::span<const T> elements, std::shared_ptr<const void> keeper)
      : keeper_(std::move(keeper)), data_(elements.data()), size_(elements.size()) {}

  Column(const Column& other) : own_(other.own_), keeper_(other.keeper_) { follow(other); }
  Column(Column&& other) noexcept : own_(std::move(other.own_)), keeper_(std::move(other.keeper_)) {
    follow(other);
    other = Column();
  }
  Column& operator=(const Column& other) {
    Column copy(other);
    return *this = std::move(copy);
  }
  Column& operator=(Column&& other) noexcept {
    own_ = std::move(other.own_);
    keeper_ = std::move(other.keeper_);
    follow(other);
    other.own_.clear();
    other.keeper_.reset();
    other.follow();
    return *this;
  }
  ~Column() = default;

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const T* data() const { return data_; }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }
  const T& operator[](std::size_t i) const { return data_[i]; }
  const T& front() const { return data_[0]; }
  const T& back() const { return data_[size_ - 1]; }

  T* begin() { return own(); }
  T* end() { return own() + size_; }
  T& operator[](std::size_t i) { return own()[i]; }
  T& back() { return own()[size_ - 1]; }
  void push_back(T element) {
    own();
    own_.push_back(std::move(element));
    follow();
  }
  void reserve(std::size_t size) {
    own();
    own_.reserve(size);
    follow();
  }
  void resize(std::size_t size) {
    own();
    own_.resize(size);
    follow();
  }

 private:
  T* own() {
    if (keeper_) {
      own_.assign(data_, data_ + size_);
      keeper_.reset();
      follow();
    }
    return own_.data();
  }
  void follow() {
    data_ = own_.data();
    size_ = own_.size();
  }
  void follow(const Column& other) {
    if (!keeper_) return follow();
    data_ = other.data_;
    size_ = other.size_;
  }

  std::vector<T> own_;
  std::shared_ptr<const void> keeper_;  // of what is borrowed; else the elements are our own
  const T* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace jetlag
