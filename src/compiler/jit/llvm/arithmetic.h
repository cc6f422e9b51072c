// The elementary operations of primitives/expr.h on values of LLVM, for real dtypes. Integers
// wrap; floats are IEEE without any licence to reassociate or contract.
#pragma once

#include <llvm/IR/IRBuilder.h>

#include "primitives/expr.h"

namespace jetlag::jit {

llvm::Type* type_of(llvm::LLVMContext& context, DType dtype);  // i1 for booleans
// Those operations that need no library; null for the others.
llvm::Value* operation(llvm::IRBuilder<>& b, Opcode opcode, DType dtype, llvm::Value* x,
                       llvm::Value* y, llvm::Value* z);
llvm::Value* conversion(llvm::IRBuilder<>& b, llvm::Value* v, DType from, DType to);

}  // namespace jetlag::jit
