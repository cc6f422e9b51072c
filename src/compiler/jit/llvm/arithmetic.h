// The elementary operations of primitives/expr.h on values of LLVM, for real dtypes. Integers
// wrap; floats are IEEE without any licence to reassociate or contract, unless fastmath gives it.
#pragma once

#include <llvm/IR/IRBuilder.h>

#include "primitives/expr.h"

namespace jetlag::jit {

llvm::Type* type_of(llvm::LLVMContext& context, DType dtype);  // i1 for booleans
// For arithmetic that may be rearranged: sums in another order, fused multiply-adds, factors
// instead of divisors. NaN and infinities keep their meaning: without it a value is undefined, and
// may reach a subscript.
llvm::FastMathFlags fast_arithmetic();

// Those operations that need no library; null for the others.
llvm::Value* operation(llvm::IRBuilder<>& b, Opcode opcode, DType dtype, llvm::Value* x,
                       llvm::Value* y, llvm::Value* z);
llvm::Value* conversion(llvm::IRBuilder<>& b, llvm::Value* v, DType from, DType to);

}  // namespace jetlag::jit
