#include "primitives/chain.h"

#include <limits>

#include "primitives/run_all.h"

namespace jetlag {

Ref<Array> Chain::written_out() const {
  const Ref<Array> out = new_array(a_->dtype(), {a_->shape()[0], b_->shape()[1]});
  const std::vector<Value> args{Value::of(a_), Value::of(b_)};
  run_all(product_.kernel(args, out, nullptr));
  return out;
}

bool Chain::reads(const Buffer& b) const {
  const auto of = [&](const Array& a) {
    const Structure* s = a.structure();
    return s ? s->reads(b) : a.buffer().get() == &b;
  };
  return of(*a_) || of(*b_);
}

const Chain* as_chain(const Array& a) { return dynamic_cast<const Chain*>(a.structure()); }

void collect_factors(const Ref<Array>& a, std::vector<Ref<Array>>& factors) {
  const Chain* chain = as_chain(*a);
  if (!chain) return factors.push_back(a);
  collect_factors(chain->a(), factors);
  collect_factors(chain->b(), factors);
}

double flops_as_written(const Array& a) {
  const Chain* chain = as_chain(a);
  if (!chain) return 0;
  return flops_as_written(*chain->a()) + flops_as_written(*chain->b()) +
         static_cast<double>(a.size()) * static_cast<double>(chain->a()->shape()[1]);
}

ChainOrder::ChainOrder(const std::vector<double>& sizes)
    : count_(sizes.size() - 1), cost_(count_ * count_, 0.0), cut_(count_ * count_, 0) {
  for (std::size_t length = 2; length <= count_; ++length) {
    for (std::size_t first = 0; first + length <= count_; ++first) {
      const std::size_t last = first + length;
      double& best = cost_[first * count_ + last - 1];
      best = std::numeric_limits<double>::infinity();
      for (std::size_t cut = last - 1; cut > first; --cut) {
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
