// Chains of matrix products whose order the text does not decide: a product that
// only another product reads waits for it, and the cheapest order is taken. No
// one can tell but by rounding, as every number is finite in every order.
#pragma once

#include "primitives/chain.h"
#include "runtime/exec/lane.h"

namespace jetlag::exec {

// A call of a product; spec is what it will give.
class ChainCall {
 public:
  ChainCall(Lane& lane, const plan::Op& op, const Primitive& p, std::vector<Value>& args,
            const Spec& spec)
      : lane_(lane), op_(op), p_(p), args_(args), spec_(spec) {}

  // Whether an operand is a product that waits.
  bool some_wait() const;
  // Lets the product of two matrices in memory wait. Like all here, it gives
  // nothing where it does not apply.
  std::optional<Value> wait();
  // The product of operands that wait.
  std::optional<Value> product();
  // Runs operands that wait as they stand in the text.
  void run_waiting();

 private:
  using Factors = std::vector<Ref<Array>>;

  Value waiting();
  bool stays_finite(const Factors& factors);
  bool fits(const Array& factor) const;
  std::optional<Value> multiplied(const Factors& factors, const ChainOrder& order,
                                  std::size_t first, std::size_t last);
  void run_waiting(Value& v);
  std::nullopt_t refuse(std::string_view why);

  Lane& lane_;
  const plan::Op& op_;
  const Primitive& p_;
  std::vector<Value>& args_;
  const Spec& spec_;
};

}  // namespace jetlag::exec
