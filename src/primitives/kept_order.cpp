#include "primitives/kept_order.h"

#include "primitives/moves.h"

namespace jetlag {

void KeptOrder::add(const Value& v) {
  if (shape_.size() < 2 || !v.is_array()) return;
  const Array& a = *v.array();
  if (a.is_contiguous()) add(a.shape(), {});
  else add(a.shape(), a.strides());
}

void KeptOrder::add(const Dims& shape, const Dims& strides) {
  if (shape_.size() < 2 || shape.size() == 0) return;
  is_plain_ = is_plain_ && strides.empty();
  const Dims own = strides.empty() ? contiguous_strides(shape, 1) : strides;
  // Along axes that are repeated, an operand tells nothing.
  Dims seen(shape_.size());
  const std::int64_t more = shape_.size() - shape.size();
  for (std::int64_t i = 0; i < shape.size(); ++i) seen[more + i] = shape[i] == 1 ? 0 : own[i];
  all_.push_back(std::move(seen));
}

Dims KeptOrder::strides(std::int64_t item) const {
  if (is_plain_) return {};
  const std::vector<Dims> shapes(all_.size(), shape_);
  return strides_in_order(shape_, iteration_order(shapes, all_, Walker::iterator), item);
}

}  // namespace jetlag
