// What a mask takes from an array: found when it is asked for. A reduction that alone reads it
// has it so, and it is never stored.
#pragma once

#include <optional>
#include <vector>

#include "primitives/on_demand.h"
#include "primitives/primitive.h"

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
  // Writes the elements, one after another.
  Job job_into(const Array& out) const;
  // a[mask] = value, which has the shape of what is taken. Nothing where the rows of the value lie
  // in no way that is known here. The value is to be kept.
  std::optional<Job> job_from(const Array& value) const;

 private:
  struct Rows;
  std::int64_t place_of(std::int64_t row) const;
  void put(std::int64_t first, std::int64_t last, std::int64_t row, const Rows& rows) const;

  Ref<Array> a_, mask_;
  const std::uint8_t* truths_;
  std::int64_t step_;                 // bytes from row to row of the array: what one truth takes
  std::int64_t width_;                // elements of a row
  bool is_sparse_;                    // little is taken: looked for in words of the mask
  std::vector<std::int64_t> before_;  // how many are taken before each block of the mask
};

}  // namespace jetlag
