// Where the places of a selection lie, and copies between them and an array that has an element
// for each: some places at a time, so that what is known of them stays in the first-level cache.
#pragma once

#include <vector>

#include "primitives/advanced.h"
#include "primitives/element_reader.h"

namespace jetlag {

// Whether elements [first, last) of an array of integers, which has no gaps, are indices of an axis
// of so many elements; and whether some count from its end.
bool are_within(const Array& indices, std::int64_t first, std::int64_t last, std::int64_t count,
                bool& any_negative);

class Places {
 public:
  // `other` has the axes of the places, in their order, and then those of the rest. Its memory and
  // that of the index arrays is to be kept by others.
  Places(const Selection& s, const Array& other);

  std::int64_t size() const { return size_; }
  // Looks at all of them.
  bool all_exist();
  // Places [first, last) to the other array. False where one of them does not exist: some others
  // may not have been copied then.
  bool copy_out(std::int64_t first, std::int64_t last) const;
  // From the other array, one place after another: all of them are known to exist. A share goes
  // through all places, and stores where memory is its own: so shares may be done at the same time,
  // and the last of equal places stays.
  void copy_in(std::int64_t share, std::int64_t shares) const;
  // Into how many shares it may well be cut, at most so many: to go through places must be little
  // beside the stores.
  std::int64_t shares_of(std::int64_t most) const;

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
  bool exist(std::int64_t first, std::int64_t last, bool& any_negative) const;
  bool find(std::int64_t first, std::int64_t n, std::int64_t* offsets) const;
  void find_other(std::int64_t first, std::int64_t n, std::int64_t* offsets) const;
  void add_rest(const Selection& s, const Array& other);
  template <class T, bool in>
  bool copy_some(std::int64_t first, std::int64_t n) const;
  template <class T, bool in>
  bool copy_elements(std::int64_t first, std::int64_t n) const;
  template <class T, bool in>
  void copy(std::int64_t n, const std::int64_t* here, const std::int64_t* there) const;
  // The rest is a row without gaps, here and there.
  bool has_rows() const {
    return rest_.size() == 1 && rest_[0].here == item_ && rest_[0].there == item_;
  }
  bool fills_lines() const;
  // One index array and no rest: places and elements follow each other in equal steps.
  bool is_single() const { return rest_.empty() && other_axes_.size() <= 1 && parts_.size() == 1; }
  template <class T>
  void copy_elements_share(std::int64_t first, std::int64_t n, std::int64_t low,
                           std::uint64_t span) const;
  template <class T>
  void copy_share(std::int64_t first, std::int64_t n, std::int64_t low, std::uint64_t span) const;
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
  bool streams_ = false;                // what is copied out goes past the caches
  bool any_negative_ = true;            // among the indices, as far as is known
  bool empty_ = false;                  // the rest has no elements
  std::int64_t low_ = 0, span_ = 1;     // the offsets that places may have
};

}  // namespace jetlag
