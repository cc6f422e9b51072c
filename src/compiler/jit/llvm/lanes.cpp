#include "compiler/jit/llvm/lanes.h"

#include <cstring>

#include "compiler/jit/llvm/arithmetic.h"

namespace jetlag::jit {

using llvm::CmpInst;
using llvm::Value;

namespace {

bool is_signed(DType d) { return kind_of(d) == 'i'; }

}  // namespace

LaneEmitter::LaneEmitter(llvm::IRBuilder<>& builder, const ElementSource& source, int width,
                         llvm::AllocaInst* misfits)
    : b_(builder),
      source_(source),
      code_(source.program->code()),
      width_(width),
      misfits_(misfits) {}

llvm::Type* LaneEmitter::memory_type(DType d) const {
  const DType part = real_dtype(d);
  if (part == DType::float64) return b_.getDoubleTy();
  if (part == DType::float32) return b_.getFloatTy();
  return b_.getIntNTy(static_cast<unsigned>(8 * size_of(part)));
}

llvm::Type* LaneEmitter::lane_type(DType d) const {
  return d == DType::boolean ? b_.getInt1Ty() : memory_type(d);
}

llvm::VectorType* LaneEmitter::vector_of(llvm::Type* number) const {
  return llvm::FixedVectorType::get(number, static_cast<unsigned>(width_));
}

Value* LaneEmitter::from_memory(Value* v, DType d) const {
  if (d != DType::boolean) return v;
  return b_.CreateICmpNE(v, llvm::Constant::getNullValue(v->getType()));
}

Value* LaneEmitter::to_memory(Value* v, DType d) const {
  if (d != DType::boolean) return v;
  llvm::Type* bytes = b_.getInt8Ty();
  if (auto* vector = llvm::dyn_cast<llvm::VectorType>(v->getType())) {
    bytes = llvm::VectorType::get(bytes, vector->getElementCount());
  }
  return b_.CreateZExt(v, bytes);
}

Value* LaneEmitter::spread(Value* number) const {
  return b_.CreateVectorSplat(static_cast<unsigned>(width_), number);
}

Lanes LaneEmitter::constant(const Operation& o) const {
  const auto part = [&](const void* at) -> Value* {
    llvm::Type* type = lane_type(o.dtype);
    std::uint64_t word = 0;
    std::memcpy(&word, at, static_cast<std::size_t>(size_of(real_dtype(o.dtype))));
    if (!type->isFloatingPointTy()) return llvm::ConstantInt::get(vector_of(type), word);
    const bool wide = type->isDoubleTy();
    const llvm::APFloat number(wide ? llvm::APFloat::IEEEdouble() : llvm::APFloat::IEEEsingle(),
                               llvm::APInt(wide ? 64 : 32, word));
    return llvm::ConstantFP::get(vector_of(type), number);
  };
  const auto* bytes = reinterpret_cast<const std::byte*>(o.literal);
  if (!is_complex(o.dtype)) return {part(bytes)};
  return {part(bytes), part(bytes + size_of(o.dtype) / 2)};
}

Lanes LaneEmitter::operation(int value, llvm::ArrayRef<Lanes> operands) {
  const Operation& o = code_[value];
  const ElementCall& call = source_.calls[static_cast<std::size_t>(value)];
  if (call.how == ElementCall::How::vector_function) return {vector_call(call, operands)};
  if (o.opcode >= Opcode::length_less) return compare_length(call, o, operands);
  if (call.how == ElementCall::How::loop) return loop_call(call, o, operands);
  const DType from = code_.operand_dtype(o);
  // So that it is computed in all lanes, whoever reads it.
  const bool held = source_.held[static_cast<std::size_t>(value)];
  b_.setIsFPConstrained(held);
  const llvm::IRBuilder<>::FastMathFlagGuard guard(b_);
  if (!held && source_.program->is_fast(value)) b_.setFastMathFlags(fast_arithmetic());
  const Lanes result = in_line(value, o, from, operands);
  b_.setIsFPConstrained(false);
  return result;
}

Lanes LaneEmitter::in_line(int value, const Operation& o, DType from,
                           llvm::ArrayRef<Lanes> operands) {
  switch (info(o.opcode).arity) {
    case 0: return constant(o);
    case 1: return unary(o, from, operands[0]);
    case 2: return binary(o, from, operands[0], operands[1], source_.program->is_loud(value));
    default: return select(operands[0].re, operands[1], operands[2]);
  }
}

Lanes LaneEmitter::select(Value* condition, Lanes yes, Lanes no) {
  Lanes out{b_.CreateSelect(condition, yes.re, no.re)};
  if (yes.im) out.im = b_.CreateSelect(condition, yes.im, no.im);
  return out;
}

Lanes LaneEmitter::unary(const Operation& o, DType from, Lanes a) {
  switch (o.opcode) {
    case Opcode::cast: return cast(from, o.dtype, a);
    case Opcode::real: return {a.re};
    case Opcode::imag: return {a.im};
    case Opcode::negate:
      if (a.im) return {b_.CreateFNeg(a.re), b_.CreateFNeg(a.im)};
      break;
    default: break;
  }
  return {plain(o.opcode, from, a.re, nullptr)};
}

// What means the same in every lane as it does for one number.
Value* LaneEmitter::plain(Opcode opcode, DType d, Value* a, Value* b) {
  Value* result = jit::operation(b_, opcode, d, a, b, nullptr);
  if (!result) check_failed("opcode", std::string(info(opcode).name));
  return result;
}

Lanes LaneEmitter::binary(const Operation& o, DType from, Lanes a, Lanes b, bool loud) {
  if (o.opcode == Opcode::pair) return {a.re, b.re};
  if (o.opcode == Opcode::maximum || o.opcode == Opcode::minimum) {
    return extremum(o.opcode, from, a, b);
  }
  if (!is_complex(from)) return {real_binary(o.opcode, from, a.re, b.re, loud)};
  switch (o.opcode) {
    case Opcode::add: return {b_.CreateFAdd(a.re, b.re), b_.CreateFAdd(a.im, b.im)};
    case Opcode::subtract: return {b_.CreateFSub(a.re, b.re), b_.CreateFSub(a.im, b.im)};
    case Opcode::multiply:
      return {b_.CreateFSub(b_.CreateFMul(a.re, b.re), b_.CreateFMul(a.im, b.im)),
              b_.CreateFAdd(b_.CreateFMul(a.re, b.im), b_.CreateFMul(a.im, b.re))};
    case Opcode::equal:
      return {b_.CreateAnd(b_.CreateFCmpOEQ(a.re, b.re), b_.CreateFCmpOEQ(a.im, b.im))};
    case Opcode::not_equal:
      return {b_.CreateOr(b_.CreateFCmpUNE(a.re, b.re), b_.CreateFCmpUNE(a.im, b.im))};
    default: check_failed("opcode", std::string(info(o.opcode).name));
  }
}

Value* LaneEmitter::real_binary(Opcode opcode, DType d, Value* a, Value* b, bool loud) {
  switch (opcode) {
    case Opcode::less:
    case Opcode::less_equal: return less(d, a, b, opcode == Opcode::less_equal, loud);
    case Opcode::shift_left:
    case Opcode::shift_right: return shift(opcode, d, a, b);
    default: return plain(opcode, d, a, b);
  }
}

// A shift by the width or more has no meaning of its own: it is never chosen.
Value* LaneEmitter::shift(Opcode opcode, DType d, Value* a, Value* b) {
  const auto last = static_cast<std::uint64_t>(8 * size_of(d) - 1);
  Value* limit = llvm::ConstantInt::get(b->getType(), last);
  Value* all_stay = b_.CreateICmpULE(b, limit);
  Value* none = llvm::Constant::getNullValue(a->getType());
  if (opcode == Opcode::shift_left) return b_.CreateSelect(all_stay, b_.CreateShl(a, b), none);
  if (is_signed(d)) return b_.CreateAShr(a, b_.CreateSelect(all_stay, b, limit));
  return b_.CreateSelect(all_stay, b_.CreateLShr(a, b), none);
}

// Comparisons of the processor complain of a NaN unless they are asked not to.
Value* LaneEmitter::compare(CmpInst::Predicate p, Value* a, Value* b, bool loud) {
  const auto id = loud ? llvm::Intrinsic::experimental_constrained_fcmps
                       : llvm::Intrinsic::experimental_constrained_fcmp;
  return b_.CreateConstrainedFPCmp(id, p, a, b, "", llvm::fp::ebStrict);
}

Value* LaneEmitter::less(DType d, Value* a, Value* b, bool or_equal, bool loud) {
  if (is_float(d)) return compare(or_equal ? CmpInst::FCMP_OLE : CmpInst::FCMP_OLT, a, b, loud);
  if (is_signed(d)) return or_equal ? b_.CreateICmpSLE(a, b) : b_.CreateICmpSLT(a, b);
  return or_equal ? b_.CreateICmpULE(a, b) : b_.CreateICmpULT(a, b);
}

Lanes LaneEmitter::extremum(Opcode opcode, DType d, Lanes a, Lanes b) {
  const bool largest = opcode == Opcode::maximum;
  if (is_complex(d)) {
    Value* has_nan = b_.CreateOr(b_.CreateFCmpUNO(a.re, a.re), b_.CreateFCmpUNO(a.im, a.im));
    Value* wins = largest ? at_least(a, b) : at_least(b, a);
    return select(b_.CreateOr(has_nan, wins), a, b);
  }
  Value* first = largest ? less(d, b.re, a.re, false, false) : less(d, a.re, b.re, false, false);
  if (is_float(d)) first = b_.CreateOr(first, b_.CreateFCmpUNO(a.re, a.re));
  return select(first, a, b);
}

Value* LaneEmitter::at_least(Lanes a, Lanes b) {
  Value* decided =
      b_.CreateAnd(compare(CmpInst::FCMP_OGT, a.re, b.re, false), b_.CreateFCmpORD(a.im, b.im));
  Value* ties =
      b_.CreateAnd(b_.CreateFCmpOEQ(a.re, b.re), compare(CmpInst::FCMP_OGE, a.im, b.im, false));
  return b_.CreateOr(decided, ties);
}

}  // namespace jetlag::jit
