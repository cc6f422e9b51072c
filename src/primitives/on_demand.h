// Elements that are computed where they are read, and never stored: the result
// of elementwise work, or of a mask, that one reduction reads.
#pragma once

#include <vector>

#include "array/array.h"
#include "primitives/reduce_loops.h"

namespace jetlag {

class OnDemand : public Structure {
 public:
  // A job is about to compute the elements: what it will read of memory. Called once.
  virtual std::vector<Ref<Array>> start() const = 0;
  // Elements [first, last) go to `to`, one after another. They are counted as
  // they would lie in memory, where the array has no gaps. From any thread; the
  // floating-point flags stay as they were.
  virtual void compute(std::int64_t first, std::int64_t last, std::byte* to) const = 0;
  // Lines of n elements each (at most fold_run, to be folded), that follow each other from element
  // `first` on: to `out` goes what FoldLoops::lines would make of each, or its product with a dense
  // vector as ProductLoops::rows adds it. False: they are to be computed first, as there is no
  // machine code (yet), or a floating-point condition was met, and somebody has to tell which one.
  virtual bool fold_lines(Fold, std::int64_t /*first*/, std::int64_t /*n*/, std::int64_t /*lines*/,
                          std::byte* /*out*/) const {
    return false;
  }
  virtual bool multiply_lines(const void* /*vector*/, std::int64_t /*first*/, std::int64_t /*n*/,
                              std::int64_t /*lines*/, std::byte* /*out*/) const {
    return false;
  }
  // As fold_lines, but to `out` goes where the extreme of each line comes first, and lines may be
  // longer: of fewer than 2^31 elements, as places are as wide as the elements meanwhile.
  virtual bool place_lines(Fold, std::int64_t /*first*/, std::int64_t /*n*/, std::int64_t /*lines*/,
                           std::int64_t* /*out*/) const {
    return false;
  }
  // Rows of n elements, `step` apart, are folded onto a row of sums as FoldLoops::rows does it.
  // False as above; the sums are spoilt then.
  virtual bool fold_rows(Fold, std::int64_t /*first*/, std::int64_t /*step*/, std::int64_t /*rows*/,
                         std::int64_t /*n*/, std::byte* /*sums*/) const {
    return false;
  }
  // What computing all of them takes.
  virtual double bytes_read() const = 0;
  virtual double flops() const = 0;
};

// Null if the array is something else, or in memory.
inline const OnDemand* on_demand(const Array& a) {
  return dynamic_cast<const OnDemand*>(a.structure());
}

// How much is computed at a time: it stays in the first-level cache until it is read.
inline constexpr std::int64_t stretch_bytes = 32 * 1024;

}  // namespace jetlag
