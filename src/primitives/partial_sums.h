// The sum of vectors that blocks make, in any order of time: added in a fixed
// tree, so that the bits depend on the number of blocks alone. What is done
// with is added and reused at once, so few of them exist at a time.
#pragma once

#include <algorithm>
#include <mutex>
#include <utility>
#include <vector>

#include "array/array.h"

namespace jetlag {

template <class T>
class PartialSums {
 public:
  PartialSums(std::int64_t blocks, std::int64_t length)
      : length_(length), waiting_(static_cast<std::size_t>(blocks)) {}

  // Zeros, for a block to add to.
  Ref<Buffer> start() {
    Ref<Buffer> sum = take_free();
    if (!sum) sum = Buffer::allocate(length_ * static_cast<std::int64_t>(sizeof(T)));
    std::fill_n(numbers(sum), length_, T(0));
    return sum;
  }

  // The block is done. Gives the total to whoever ends the last block, null to
  // all others.
  Ref<Buffer> end(std::int64_t block, Ref<Buffer> sum) {
    const auto blocks = static_cast<std::int64_t>(waiting_.size());
    // A sum covers blocks [first, first + span); its neighbour is as wide, or
    // cut off by the end.
    std::int64_t first = block;
    for (std::int64_t span = 1; span < blocks; span *= 2) {
      const bool is_left = first / span % 2 == 0;
      if (is_left && first + span >= blocks) continue;
      const std::int64_t left = is_left ? first : first - span;
      Ref<Buffer> other = meet(left + span, sum);
      if (!other) return nullptr;
      if (!is_left) std::swap(sum, other);
      add(numbers(sum), numbers(other));
      give_back(std::move(other));
      first = left;
    }
    return sum;
  }

 private:
  static T* numbers(const Ref<Buffer>& b) { return reinterpret_cast<T*>(b->data()); }

  // Leaves the sum for its neighbour, or takes the neighbour that was left. No
  // two pairs meet at the same middle.
  Ref<Buffer> meet(std::int64_t middle, const Ref<Buffer>& sum) {
    std::scoped_lock lock(mutex_);
    Ref<Buffer>& place = waiting_[static_cast<std::size_t>(middle)];
    if (place) return std::exchange(place, nullptr);
    place = sum;
    return nullptr;
  }

  Ref<Buffer> take_free() {
    std::scoped_lock lock(mutex_);
    if (free_.empty()) return nullptr;
    Ref<Buffer> sum = std::move(free_.back());
    free_.pop_back();
    return sum;
  }

  void give_back(Ref<Buffer> sum) {
    std::scoped_lock lock(mutex_);
    free_.push_back(std::move(sum));
  }

  void add(T* to, const T* from) const {
    for (std::int64_t i = 0; i < length_; ++i) to[i] += from[i];
  }

  const std::int64_t length_;
  std::mutex mutex_;
  std::vector<Ref<Buffer>> waiting_;  // by the middle of the pair
  std::vector<Ref<Buffer>> free_;
};

}  // namespace jetlag
