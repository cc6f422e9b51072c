// How a fresh result lies: NumPy's order K. Its axes lie as those of the
// operands do, and in C order where the operands disagree.
#pragma once

#include <vector>

#include "array/value.h"

namespace jetlag {

class KeptOrder {
 public:
  // Operands are broadcast to this shape.
  explicit KeptOrder(const Dims& shape) : shape_(shape) {}
  void add(const Value& v);
  // An operand that is not there yet; no strides mean C order.
  void add(const Dims& shape, const Dims& strides);

  // For elements of that many bytes. Empty for C order.
  Dims strides(std::int64_t item) const;

 private:
  const Dims& shape_;
  bool is_plain_ = true;
  std::vector<Dims> all_;
};

}  // namespace jetlag
