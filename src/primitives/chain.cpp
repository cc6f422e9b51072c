// Chain: products of products, whose order is chosen by their shapes.
#include <limits>

#include "primitives/product.h"
#include "primitives/structured.h"

namespace jetlag {

namespace {

Matrix matrix_of(const Array& a) {
  return {a.data(), a.dtype(), a.shape()[0], a.shape()[1], a.strides()[0], a.strides()[1]};
}

}  // namespace

Ref<Array> Chain::written_out() const {
  const Ref<Array> out = new_array(a_->dtype(), {a_->shape()[0], b_->shape()[1]});
  const Job job = product_job({{matrix_of(*a_), matrix_of(*b_), matrix_of(*out)}});
  for (std::int64_t block = 0; block < job.blocks; ++block) job.body(block);
  if (job.finish) job.finish();
  return out;
}

ChainOrder::ChainOrder(std::vector<double> sizes)
    : count_(sizes.size() - 1), cost_(count_ * count_, 0.0), cut_(count_ * count_, 0) {
  for (std::size_t length = 2; length <= count_; ++length) {
    for (std::size_t first = 0; first + length <= count_; ++first) {
      const std::size_t last = first + length;
      double& best = cost_[first * count_ + last - 1];
      best = std::numeric_limits<double>::infinity();
      for (std::size_t cut = first + 1; cut < last; ++cut) {
        const double cost = cost_[first * count_ + cut - 1] + cost_[cut * count_ + last - 1] +
                            sizes[first] * sizes[cut] * sizes[last];
        if (cost >= best) continue;
        best = cost;
        cut_[first * count_ + last - 1] = cut;
      }
    }
  }
}

}  // namespace jetlag
