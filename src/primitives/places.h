// Where the places of a selection lie, and copies between them and an array that has an element
// for each: some places at a time, so that what is known of them stays in the first-level cache.
#pragma once

#include <vector>

#include "primitives/advanced.h"
#include "primitives/element_reader.h"

namespace jetlag {

class Places {
 public:
  // `other` has the axes of the places, in their order, and then those of the rest. Its memory and
  // that of the index arrays is to be kept by others.
  Places(const Selection& s, const Array& other);

  std::int64_t size() const { return size_; }
  // Places [first, last). False where one of them does not exist: some may not have been copied.
  bool exist(std::int64_t first, std::int64_t last) const;
  bool copy_out(std::int64_t first, std::int64_t last) const;  // to the other array
  // From the other array, one place after another: all of them exist.
  void copy_in(std::int64_t first, std::int64_t last) const;

 private:
  static constexpr std::int64_t run = 512;

  // One of the index arrays.
  struct Part {
    ElementReader reader;
    const std::byte* data;
    std::vector<ReaderAxis> axes;
    bool dense;  // int64 without gaps: read where they lie
    std::int64_t count, stride;
  };
  // An axis of the rest: steps from element to element here and there.
  struct RestAxis {
    std::int64_t count, here, there;
  };

  static const std::int64_t* indices_of(const Part& part, std::int64_t first, std::int64_t n,
                                        std::int64_t* read);
  bool find(std::int64_t first, std::int64_t n, std::int64_t* offsets) const;
  void find_other(std::int64_t first, std::int64_t n, std::int64_t* offsets) const;
  void add_rest(const Selection& s, const Array& other);
  template <class T, bool in>
  bool copy_some(std::int64_t first, std::int64_t n) const;
  template <class T, bool in>
  bool copy_elements(std::int64_t first, std::int64_t n) const;
  template <class T, bool in>
  void copy(std::int64_t first, std::int64_t n, const std::int64_t* offsets) const;
  template <class T, bool in>
  void copy_lines(std::int64_t n, const std::int64_t* here, const std::int64_t* there) const;
  template <bool in>
  void copy_rows(std::int64_t n, const std::int64_t* here, const std::int64_t* there) const;

  std::byte* data_;
  std::byte* other_;
  std::int64_t size_, item_;
  std::vector<Part> parts_;
  std::vector<ReaderAxis> other_axes_;  // of the places
  std::vector<RestAxis> rest_;          // from the slowest to the fastest
  bool empty_ = false;                  // the rest has no elements
};

}  // namespace jetlag
