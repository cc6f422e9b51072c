// Chains of matrix products: in which order they cost least.
#pragma once

#include <vector>

#include "primitives/primitive.h"

namespace jetlag {

// A product of two matrices that waits for the product that reads it. Its kernel
// can meet no floating-point condition: who makes one has looked.
class Chain : public Structure {
 public:
  Chain(Ref<Array> a, Ref<Array> b, const Primitive& product)
      : a_(std::move(a)), b_(std::move(b)), product_(product) {}

  Ref<Array> written_out() const override;
  bool reads(const Buffer& b) const override;
  const Ref<Array>& a() const { return a_; }
  const Ref<Array>& b() const { return b_; }

 private:
  Ref<Array> a_, b_;
  const Primitive& product_;
};

const Chain* as_chain(const Array& a);
// The factors of a, if it is a chain, from left to right; else a itself.
void collect_factors(const Ref<Array>& a, std::vector<Ref<Array>>& factors);
// Multiplications of the products that a stands for, in the order of the text.
double flops_as_written(const Array& a);

// The cheapest order of the products of n matrices; of two as cheap, that which
// multiplies the left ones first.
class ChainOrder {
 public:
  // The n + 1 numbers of rows and columns.
  explicit ChainOrder(const std::vector<double>& sizes);

  double flops() const { return cost_[count_ - 1]; }
  // Where factors [first, last) are cut in two.
  std::size_t cut(std::size_t first, std::size_t last) const {
    return cut_[first * count_ + last - 1];
  }

 private:
  std::size_t count_;
  std::vector<double> cost_;  // of factors first to last: first * count_ + last
  std::vector<std::size_t> cut_;
};

}  // namespace jetlag
