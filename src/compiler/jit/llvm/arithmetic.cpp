#include "compiler/jit/llvm/arithmetic.h"

#include <llvm/IR/Intrinsics.h>

namespace jetlag::jit {

using llvm::Value;

namespace {

bool is_signed(DType d) { return kind_of(d) == 'i'; }

Value* zero_like(Value* v) { return llvm::Constant::getNullValue(v->getType()); }

Value* less_than(llvm::IRBuilder<>& b, DType d, Value* x, Value* y, bool or_equal) {
  using P = llvm::CmpInst::Predicate;
  if (is_float(d)) return b.CreateFCmp(or_equal ? P::FCMP_OLE : P::FCMP_OLT, x, y);
  if (is_signed(d)) return b.CreateICmp(or_equal ? P::ICMP_SLE : P::ICMP_SLT, x, y);
  return b.CreateICmp(or_equal ? P::ICMP_ULE : P::ICMP_ULT, x, y);
}

// The quotient rounded down, or the rest that goes with it. The divisor is not 0.
Value* division(llvm::IRBuilder<>& b, DType d, Value* x, Value* y, bool rest) {
  if (!is_signed(d)) return rest ? b.CreateURem(x, y) : b.CreateUDiv(x, y);
  Value* left = b.CreateSRem(x, y);
  Value* broken = b.CreateICmpNE(left, zero_like(left));
  Value* differ = b.CreateICmpSLT(b.CreateXor(left, y), zero_like(left));
  Value* moved = b.CreateAnd(broken, differ);
  if (rest) return b.CreateSelect(moved, b.CreateAdd(left, y), left);
  return b.CreateSub(b.CreateSDiv(x, y), b.CreateZExt(moved, x->getType()));
}

// The first where it is better or NaN.
Value* extremum(llvm::IRBuilder<>& b, DType d, Value* x, Value* y, bool largest) {
  Value* better = largest ? less_than(b, d, y, x, false) : less_than(b, d, x, y, false);
  if (is_float(d)) better = b.CreateOr(better, b.CreateFCmpUNO(x, x));
  return b.CreateSelect(better, x, y);
}

Value* absolute(llvm::IRBuilder<>& b, DType d, Value* x) {
  if (is_float(d)) return b.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, x);
  if (!is_signed(d)) return x;
  return b.CreateSelect(b.CreateICmpSLT(x, zero_like(x)), b.CreateNeg(x), x);
}

}  // namespace

llvm::Type* type_of(llvm::LLVMContext& context, DType d) {
  switch (kind_of(d)) {
    case 'b': return llvm::Type::getInt1Ty(context);
    case 'f':
      return d == DType::float32 ? llvm::Type::getFloatTy(context)
                                 : llvm::Type::getDoubleTy(context);
    default: return llvm::Type::getIntNTy(context, static_cast<unsigned>(8 * size_of(d)));
  }
}

llvm::FastMathFlags fast_arithmetic() {
  llvm::FastMathFlags flags;
  flags.setAllowReassoc();
  flags.setAllowContract();
  flags.setAllowReciprocal();
  flags.setNoSignedZeros();
  return flags;
}

Value* operation(llvm::IRBuilder<>& b, Opcode opcode, DType d, Value* x, Value* y, Value* z) {
  const bool f = is_float(d);
  const auto library = [&](llvm::Intrinsic::ID id) { return b.CreateUnaryIntrinsic(id, x); };
  const auto root = [&]() -> Value* {
    if (!b.getIsFPConstrained()) return library(llvm::Intrinsic::sqrt);
    return b.CreateConstrainedFPCall(
        llvm::Intrinsic::getDeclaration(b.GetInsertBlock()->getModule(),
                                        llvm::Intrinsic::experimental_constrained_sqrt,
                                        x->getType()),
        x);
  };
  switch (opcode) {
    case Opcode::add: return f ? b.CreateFAdd(x, y) : b.CreateAdd(x, y);
    case Opcode::subtract: return f ? b.CreateFSub(x, y) : b.CreateSub(x, y);
    case Opcode::multiply: return f ? b.CreateFMul(x, y) : b.CreateMul(x, y);
    case Opcode::divide: return f ? b.CreateFDiv(x, y) : nullptr;
    case Opcode::floor_divide: return f ? nullptr : division(b, d, x, y, false);
    case Opcode::modulo: return f ? nullptr : division(b, d, x, y, true);
    case Opcode::negate: return f ? b.CreateFNeg(x) : b.CreateNeg(x);
    case Opcode::absolute: return absolute(b, d, x);
    case Opcode::maximum: return extremum(b, d, x, y, true);
    case Opcode::minimum: return extremum(b, d, x, y, false);
    case Opcode::bit_and: return b.CreateAnd(x, y);
    case Opcode::bit_or: return b.CreateOr(x, y);
    case Opcode::bit_xor: return b.CreateXor(x, y);
    case Opcode::bit_not: return b.CreateNot(x);
    case Opcode::equal: return f ? b.CreateFCmpOEQ(x, y) : b.CreateICmpEQ(x, y);
    case Opcode::not_equal: return f ? b.CreateFCmpUNE(x, y) : b.CreateICmpNE(x, y);
    case Opcode::less: return less_than(b, d, x, y, false);
    case Opcode::less_equal: return less_than(b, d, x, y, true);
    case Opcode::select: return b.CreateSelect(x, y, z);
    case Opcode::floor: return library(llvm::Intrinsic::floor);
    case Opcode::ceil: return library(llvm::Intrinsic::ceil);
    case Opcode::trunc: return library(llvm::Intrinsic::trunc);
    case Opcode::rint: return library(llvm::Intrinsic::rint);
    case Opcode::sqrt: return root();
    case Opcode::copysign: return b.CreateBinaryIntrinsic(llvm::Intrinsic::copysign, x, y);
    default: return nullptr;
  }
}

Value* conversion(llvm::IRBuilder<>& b, Value* v, DType from, DType to) {
  if (from == to) return v;
  llvm::Type* type = type_of(b.getContext(), to);
  if (to == DType::boolean)
    return is_float(from) ? b.CreateFCmpUNE(v, zero_like(v)) : b.CreateICmpNE(v, zero_like(v));
  if (is_float(from)) {
    if (is_float(to)) return b.CreateFPCast(v, type);
    return is_signed(to) ? b.CreateFPToSI(v, type) : b.CreateFPToUI(v, type);
  }
  if (is_float(to)) return is_signed(from) ? b.CreateSIToFP(v, type) : b.CreateUIToFP(v, type);
  return is_signed(from) ? b.CreateSExtOrTrunc(v, type) : b.CreateZExtOrTrunc(v, type);
}

}  // namespace jetlag::jit
