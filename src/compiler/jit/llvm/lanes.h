// The elementary operations on vectors: what loops.inc says of one element, of
// several. The meaning of each is defined there.
#pragma once

#include <llvm/IR/IRBuilder.h>

#include "compiler/jit/element_source.h"
#include "primitives/expr.h"

namespace jetlag::jit {

// A value in registers: bools are i1, complex numbers their two parts.
struct Lanes {
  llvm::Value* re = nullptr;
  llvm::Value* im = nullptr;
};

class LaneEmitter {
 public:
  // `misfits` is a place for an i1 that is set where a conversion to an
  // integer met a number that does not fit.
  LaneEmitter(llvm::IRBuilder<>& builder, const ElementSource& source, int width,
              llvm::AllocaInst* misfits);

  int width() const { return width_; }
  // The operation number `value` on its operands; inputs are not for here.
  Lanes operation(int value, llvm::ArrayRef<Lanes> operands);

  llvm::Type* memory_type(DType d) const;  // of a number, or of a part of a complex one
  // From bytes in memory to bools in registers, and back; other numbers stay.
  llvm::Value* from_memory(llvm::Value* v, DType d) const;
  llvm::Value* to_memory(llvm::Value* v, DType d) const;
  llvm::Value* spread(llvm::Value* number) const;

 private:
  llvm::Type* lane_type(DType d) const;
  llvm::VectorType* vector_of(llvm::Type* number) const;
  Lanes in_line(int value, const Operation& o, DType from, llvm::ArrayRef<Lanes> operands);
  Lanes constant(const Operation& o) const;
  Lanes unary(const Operation& o, DType from, Lanes a);
  Lanes binary(const Operation& o, DType from, Lanes a, Lanes b, bool loud);
  llvm::Value* real_binary(Opcode opcode, DType d, llvm::Value* a, llvm::Value* b, bool loud);
  llvm::Value* plain(Opcode opcode, DType d, llvm::Value* a, llvm::Value* b);
  llvm::Value* shift(Opcode opcode, DType d, llvm::Value* a, llvm::Value* b);
  llvm::Value* compare(llvm::CmpInst::Predicate p, llvm::Value* a, llvm::Value* b, bool loud);
  llvm::Value* less(DType d, llvm::Value* a, llvm::Value* b, bool or_equal, bool loud);
  Lanes extremum(Opcode opcode, DType d, Lanes a, Lanes b);
  llvm::Value* at_least(Lanes a, Lanes b);
  Lanes select(llvm::Value* condition, Lanes yes, Lanes no);

  // conversions.cpp
  Lanes cast(DType from, DType to, Lanes a);
  llvm::Value* cast_real(DType from, DType to, llvm::Value* a);
  llvm::Value* float_to_integer(DType to, llvm::Value* a);
  llvm::Value* truncate(llvm::Value* a, unsigned bits);
  llvm::Value* fits(llvm::Value* a, double low, double high);

  // lengths.cpp
  Lanes compare_length(const ElementCall& call, const Operation& o, llvm::ArrayRef<Lanes> operands);
  llvm::Value* squares_well(llvm::Value* a);

  // calls.cpp
  llvm::Value* vector_call(const ElementCall& call, llvm::ArrayRef<Lanes> operands);
  Lanes loop_call(const ElementCall& call, const Operation& o, llvm::ArrayRef<Lanes> operands);
  llvm::AllocaInst* buffer();
  void store_lanes(llvm::Value* place, DType d, Lanes a);
  Lanes load_lanes(llvm::Value* place, DType d);

  llvm::IRBuilder<>& b_;
  const ElementSource& source_;
  const Code& code_;
  int width_;
  llvm::AllocaInst* misfits_;
};

}  // namespace jetlag::jit
