// What a mask takes from an array, for a reduction that alone reads it: found
// when it is asked for, never stored.
#pragma once

#include <vector>

#include "primitives/on_demand.h"

namespace jetlag {

// a[mask]: element i of the result is the i-th for which the mask is true. Its
// elements and their order are those of the array that NumPy makes.
class Masked : public OnDemand {
 public:
  // Null where the mask does not lie over leading axes of the array, or one of
  // them has gaps. Counts what is taken; both must be computed by now.
  static Ref<Masked> of(const Ref<Array>& a, const Ref<Array>& mask);

  Masked(Ref<Array> a, Ref<Array> mask);
  Dims shape() const;
  std::vector<Ref<Array>> start() const override { return {a_, mask_}; }
  void compute(std::int64_t first, std::int64_t last, std::byte* to) const override;
  double bytes_read() const override;
  double flops() const override { return 0; }
  Ref<Array> written_out() const override;

 private:
  std::int64_t place_of(std::int64_t row) const;

  Ref<Array> a_, mask_;
  const std::uint8_t* truths_;
  std::int64_t step_;                 // bytes from row to row of the array: what one truth takes
  std::int64_t width_;                // elements of a row
  std::vector<std::int64_t> before_;  // how many are taken before each block of the mask
};

}  // namespace jetlag
