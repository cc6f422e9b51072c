// Reference counting for what values point to.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace jetlag {

// What is counted begins with this. Counts may change on any thread.
class Shared {
 public:
  Shared() = default;
  Shared(const Shared&) : count_(0) {}
  Shared& operator=(const Shared&) { return *this; }
  virtual ~Shared() = default;

  // A fresh object that nobody else knows yet.
  void begin() const { count_.store(1, std::memory_order_relaxed); }
  void retain() const { count_.fetch_add(1, std::memory_order_relaxed); }
  void release() const {
    // The only owner needs to agree with nobody, which is most of the time.
    if (count_.load(std::memory_order_acquire) == 1 ||
        count_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      delete this;
    }
  }
  std::int64_t use_count() const { return count_.load(std::memory_order_acquire); }

 private:
  mutable std::atomic<std::int64_t> count_{0};
};

// A value lends its Ref<Shared> as a Ref<Array> (Value::array), so the compiler
// must not take the two for different memory.
template <class T>
class [[gnu::may_alias]] Ref {
 public:
  Ref() = default;
  Ref(std::nullptr_t) {}
  explicit Ref(T* target) : target_(target) {
    if (target_) target_->retain();
  }
  static Ref first(T* fresh) {
    fresh->begin();
    Ref ref;
    ref.target_ = fresh;
    return ref;
  }
  Ref(const Ref& other) : Ref(other.target_) {}
  Ref(Ref&& other) noexcept : target_(std::exchange(other.target_, nullptr)) {}
  template <class U>
  Ref(const Ref<U>& other) : Ref(static_cast<T*>(other.get())) {}
  template <class U>
  Ref(Ref<U>&& other) : target_(static_cast<T*>(std::exchange(other.target_, nullptr))) {}
  Ref& operator=(Ref other) noexcept {
    std::swap(target_, other.target_);
    return *this;
  }
  ~Ref() {
    if (target_) target_->release();
  }

  T* get() const { return target_; }
  T* operator->() const { return target_; }
  T& operator*() const { return *target_; }
  explicit operator bool() const { return target_ != nullptr; }
  bool operator==(const Ref& other) const { return target_ == other.target_; }

 private:
  template <class U>
  friend class Ref;

  T* target_ = nullptr;
};

template <class T, class... Args>
Ref<T> make(Args&&... args) {
  return Ref<T>::first(new T(std::forward<Args>(args)...));
}

}  // namespace jetlag
