// Conversions between dtypes, as array/convert.h defines them.
#include "compiler/jit/llvm/lanes.h"

namespace jetlag::jit {

using llvm::CmpInst;
using llvm::Value;

Lanes LaneEmitter::cast(DType from, DType to, Lanes a) {
  if (!is_complex(from)) {
    Value* re = cast_real(from, real_dtype(to), a.re);
    return {re, is_complex(to) ? llvm::Constant::getNullValue(re->getType()) : nullptr};
  }
  const DType part = real_dtype(from);
  if (is_complex(to)) {
    return {cast_real(part, real_dtype(to), a.re), cast_real(part, real_dtype(to), a.im)};
  }
  if (to == DType::boolean) {
    return {b_.CreateOr(cast_real(part, to, a.re), cast_real(part, to, a.im))};
  }
  return {cast_real(part, to, a.re)};
}

Value* LaneEmitter::cast_real(DType from, DType to, Value* a) {
  if (from == to) return a;
  llvm::Type* type = vector_of(lane_type(to));
  if (to == DType::boolean) {
    Value* zero = llvm::Constant::getNullValue(a->getType());
    return is_float(from) ? b_.CreateFCmpUNE(a, zero) : b_.CreateICmpNE(a, zero);
  }
  if (is_float(from)) return is_float(to) ? b_.CreateFPCast(a, type) : float_to_integer(to, a);
  const bool is_signed = kind_of(from) == 'i';
  if (is_float(to)) return is_signed ? b_.CreateSIToFP(a, type) : b_.CreateUIToFP(a, type);
  return b_.CreateIntCast(a, type, is_signed);
}

// Low <= a < high; false for NaN.
Value* LaneEmitter::fits(Value* a, double low, double high) {
  Value* from = llvm::ConstantFP::get(a->getType(), low);
  Value* to = llvm::ConstantFP::get(a->getType(), high);
  return b_.CreateAnd(compare(CmpInst::FCMP_OGE, a, from, false),
                      compare(CmpInst::FCMP_OLT, a, to, false));
}

// Truncation, and the least integer for what does not fit.
Value* LaneEmitter::truncate(Value* a, unsigned bits) {
  llvm::Type* number = b_.getIntNTy(bits);
  const double limit = bits == 64 ? 9223372036854775808.0 : 2147483648.0;
  Value* good = fits(a, -limit, limit);
  Value* least = llvm::ConstantInt::get(vector_of(number), llvm::APInt::getSignedMinValue(bits));
  // Zero in the place of what does not fit: a conversion of that has no meaning.
  Value* safe = b_.CreateSelect(good, a, llvm::Constant::getNullValue(a->getType()));
  return b_.CreateSelect(good, b_.CreateFPToSI(safe, vector_of(number)), least);
}

Value* LaneEmitter::float_to_integer(DType to, Value* a) {
  constexpr double word = 9223372036854775808.0, half_word = 2147483648.0;
  const bool wide = size_of(to) == 8 || to == DType::uint32;
  Value* good = to == DType::uint64 ? fits(a, -word, 2 * word)
                : wide              ? fits(a, -word, word)
                                    : fits(a, -half_word, half_word);
  Value* misfit = b_.CreateNot(b_.CreateAndReduce(good));
  b_.CreateStore(b_.CreateOr(b_.CreateLoad(b_.getInt1Ty(), misfits_), misfit), misfits_);
  if (to != DType::uint64) {
    return b_.CreateIntCast(truncate(a, wide ? 64 : 32), vector_of(lane_type(to)), true);
  }
  Value* half = llvm::ConstantFP::get(a->getType(), word);
  Value* upper = compare(CmpInst::FCMP_OGE, a, half, false);
  Value* high =
      b_.CreateXor(truncate(b_.CreateFSub(a, half), 64),
                   llvm::ConstantInt::get(vector_of(b_.getInt64Ty()), std::uint64_t{1} << 63));
  return b_.CreateSelect(upper, high, truncate(a, 64));
}

}  // namespace jetlag::jit
