// Lengths against bounds, hypot(a, b) < c: squares tell, without a root, where they are so far
// apart that rounding does not matter. Vectors in which one lane is in doubt go through the
// interpreter's loop.
#include <llvm/IR/MDBuilder.h>

#include "compiler/jit/llvm/lanes.h"

namespace jetlag::jit {

using llvm::Value;

namespace {

// How far sums of squares, and the lengths of hypot, may be from the truth, with room to spare.
double margin(llvm::Type* number) { return number->isFloatTy() ? 0x1p-18 : 0x1p-47; }

bool is_less(Opcode opcode) {
  return opcode == Opcode::length_less || opcode == Opcode::length_less_equal;
}

}  // namespace

// Whether numbers are positive, and so far from both ends of the range that their squares are
// normal numbers. Bits are compared: that raises no flag for a NaN.
Value* LaneEmitter::squares_well(Value* a) {
  const bool narrow = a->getType()->getScalarType()->isFloatTy();
  const std::uint64_t one = narrow ? 0x3f800000 : 0x3ff0000000000000,
                      far = narrow ? std::uint64_t{50} << 23 : std::uint64_t{400} << 52;
  llvm::Type* word = vector_of(narrow ? b_.getInt32Ty() : b_.getInt64Ty());
  Value* above = b_.CreateSub(b_.CreateBitCast(a, word), llvm::ConstantInt::get(word, one - far));
  return b_.CreateICmpULE(above, llvm::ConstantInt::get(word, 2 * far));
}

Lanes LaneEmitter::compare_length(const ElementCall& call, const Operation& o,
                                  llvm::ArrayRef<Lanes> operands) {
  llvm::Type* type = operands[0].re->getType();
  Value* none = llvm::Constant::getNullValue(type);
  Value* certain = squares_well(operands[2].re);
  Value* bound = b_.CreateSelect(certain, operands[2].re, none);
  const auto square = [&](Value* a) {
    Value* fine = squares_well(b_.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, a));
    certain = b_.CreateAnd(certain, b_.CreateOr(fine, b_.CreateFCmpOEQ(a, none)));
    // What does not square well raises no flags here.
    Value* safe = b_.CreateSelect(fine, a, none);
    return b_.CreateFMul(safe, safe);
  };
  Value* sum = b_.CreateFAdd(square(operands[0].re), square(operands[1].re));
  Value* limit = b_.CreateFMul(bound, bound);
  const double apart = margin(type->getScalarType());
  const auto times = [&](double factor) {
    return b_.CreateFMul(limit, llvm::ConstantFP::get(type, factor));
  };
  Value* below = compare(llvm::CmpInst::FCMP_OLT, sum, times(1 - apart), false);
  Value* above = compare(llvm::CmpInst::FCMP_OGT, sum, times(1 + apart), false);
  certain = b_.CreateAnd(certain, b_.CreateOr(below, above));

  llvm::BasicBlock* quick = b_.GetInsertBlock();
  const auto block = [&](const char* name) {
    return llvm::BasicBlock::Create(b_.getContext(), name, quick->getParent());
  };
  llvm::BasicBlock *exact = block("exact"), *known = block("known");
  llvm::MDNode* rarely = llvm::MDBuilder(b_.getContext()).createBranchWeights(1000, 1);
  b_.CreateCondBr(b_.CreateAndReduce(certain), known, exact, rarely);
  b_.SetInsertPoint(exact);
  Value* computed = loop_call(call, o, operands).re;
  llvm::BasicBlock* end = b_.GetInsertBlock();
  b_.CreateBr(known);
  b_.SetInsertPoint(known);
  llvm::PHINode* result = b_.CreatePHI(below->getType(), 2);
  result->addIncoming(is_less(o.opcode) ? below : above, quick);
  result->addIncoming(computed, end);
  return {result};
}

}  // namespace jetlag::jit
