// Element programs for tests.
#pragma once

#include <cstdlib>
#include <memory>
#include <vector>

#include "primitives/element.h"
#include "primitives/expr.h"

namespace jetlag::jit {

// A program of one operation on inputs, for operations that no row of the table names alone.
class OneOperation final : public ElementProgram {
 public:
  Code code_;
  std::vector<DType> input_dtypes_;
  std::vector<int> outputs_;
  int inputs() const override { return static_cast<int>(input_dtypes_.size()); }
  int outputs() const override { return 1; }
  DType input_dtype(int i) const override { return input_dtypes_[static_cast<std::size_t>(i)]; }
  DType output_dtype(int) const override { return code_[outputs_[0]].dtype; }
  double flops_per_element() const override { return 1; }
  int applications() const override { return 0; }
  const Primitive& application(int) const override { std::abort(); }
  const Code& code() const override { return code_; }
  std::span<const int> output_values() const override { return outputs_; }
  bool computes_unread() const override { return false; }
  bool is_loud(int) const override { return false; }
  bool is_fast(int) const override { return false; }
  bool conditions_hang_on(int) const override { return true; }
  bool reads_whole(int) const override { return false; }
};

inline std::unique_ptr<OneOperation> program_of(Opcode opcode, DType operand, DType to) {
  auto p = std::make_unique<OneOperation>();
  const int arity = info(opcode).arity;
  Operation o{.opcode = opcode, .dtype = to};
  for (int k = 0; k < arity; ++k) {
    DType d = operand;
    if (opcode == Opcode::select && k == 0) d = DType::boolean;
    if (opcode == Opcode::ldexp && k == 1) d = DType::int64;
    p->input_dtypes_.push_back(d);
    o.operands[k] = p->code_.emit({.opcode = Opcode::input, .dtype = d, .index = k});
  }
  p->outputs_.push_back(p->code_.emit(o));
  return p;
}

}  // namespace jetlag::jit
