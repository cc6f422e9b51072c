// What is not computed in line: vector functions of the C library, and the
// interpreter's own loops, which get the lanes through memory.
#include <llvm/IR/Module.h>

#include <algorithm>
#include <numeric>

#include "compiler/jit/llvm/lanes.h"

namespace jetlag::jit {

using llvm::Value;

namespace {

llvm::Module& module_of(llvm::IRBuilder<>& b) { return *b.GetInsertBlock()->getModule(); }

llvm::FunctionCallee declare(llvm::IRBuilder<>& b, const std::string& name,
                             llvm::FunctionType* type) {
  llvm::FunctionCallee f = module_of(b).getOrInsertFunction(name, type);
  llvm::cast<llvm::Function>(f.getCallee())->setDoesNotThrow();
  return f;
}

}  // namespace

// The function takes a register's worth: more lanes are cut, fewer are padded
// with themselves, which raises no flag of its own.
Value* LaneEmitter::vector_call(const ElementCall& call, llvm::ArrayRef<Lanes> operands) {
  llvm::Type* number = llvm::cast<llvm::VectorType>(operands[0].re->getType())->getElementType();
  const int lanes = 8 * source_.vector_bytes / static_cast<int>(number->getScalarSizeInBits());
  llvm::Type* vector = llvm::FixedVectorType::get(number, static_cast<unsigned>(lanes));
  const llvm::SmallVector<llvm::Type*> types(operands.size(), vector);
  const auto f = declare(b_, call.symbol, llvm::FunctionType::get(vector, types, false));
  Value* whole = nullptr;
  for (int first = 0; first < width_; first += lanes) {
    llvm::SmallVector<int> mask;
    for (int k = 0; k < lanes; ++k) mask.push_back((first + k) % width_);
    llvm::SmallVector<Value*> parts;
    for (const Lanes& operand : operands) parts.push_back(b_.CreateShuffleVector(operand.re, mask));
    Value* part = b_.CreateCall(f, parts);
    if (whole) {
      llvm::SmallVector<int> both(static_cast<std::size_t>(first + lanes));
      std::iota(both.begin(), both.end(), 0);
      // A shuffle takes two vectors of one length: the part is made as long.
      llvm::SmallVector<int> longer(static_cast<std::size_t>(first), llvm::PoisonMaskElem);
      for (int k = 0; k < std::min(lanes, first); ++k) longer[static_cast<std::size_t>(k)] = k;
      part = b_.CreateShuffleVector(part, longer);
      whole = b_.CreateShuffleVector(whole, part, both);
    } else {
      whole = part;
    }
  }
  llvm::SmallVector<int> wanted(static_cast<std::size_t>(width_));
  std::iota(wanted.begin(), wanted.end(), 0);
  return b_.CreateShuffleVector(whole, wanted);
}

llvm::AllocaInst* LaneEmitter::buffer() {
  llvm::Function* f = b_.GetInsertBlock()->getParent();
  llvm::IRBuilder<> entry(&f->getEntryBlock(), f->getEntryBlock().begin());
  constexpr int largest_item = 16;
  auto* place = entry.CreateAlloca(
      llvm::ArrayType::get(b_.getInt8Ty(), static_cast<std::uint64_t>(largest_item * width_)));
  place->setAlignment(llvm::Align(64));
  return place;
}

void LaneEmitter::store_lanes(Value* place, DType d, Lanes a) {
  Value* v = to_memory(a.re, d);
  if (a.im) {
    llvm::SmallVector<int> mask;
    for (int k = 0; k < width_; ++k) mask.append({k, width_ + k});
    v = b_.CreateShuffleVector(a.re, a.im, mask);
  }
  b_.CreateAlignedStore(v, place, llvm::Align(16));
}

Lanes LaneEmitter::load_lanes(Value* place, DType d) {
  const auto n = static_cast<unsigned>(is_complex(d) ? 2 * width_ : width_);
  Value* v =
      b_.CreateAlignedLoad(llvm::FixedVectorType::get(memory_type(d), n), place, llvm::Align(16));
  if (!is_complex(d)) return {from_memory(v, d)};
  llvm::SmallVector<int> even, odd;
  for (int k = 0; k < width_; ++k) {
    even.push_back(2 * k);
    odd.push_back(2 * k + 1);
  }
  return {b_.CreateShuffleVector(v, even), b_.CreateShuffleVector(v, odd)};
}

Lanes LaneEmitter::loop_call(const ElementCall& call, const Operation& o,
                             llvm::ArrayRef<Lanes> operands) {
  llvm::Type* pointer = b_.getPtrTy();
  auto* type = llvm::FunctionType::get(
      b_.getVoidTy(), {pointer, pointer, pointer, pointer, b_.getInt64Ty()}, false);
  llvm::SmallVector<Value*> places(3, llvm::ConstantPointerNull::get(b_.getPtrTy()));
  for (std::size_t k = 0; k < operands.size(); ++k) {
    places[k] = buffer();
    store_lanes(places[k], code_[o.operands[k]].dtype, operands[k]);
  }
  llvm::AllocaInst* out = buffer();
  b_.CreateCall(declare(b_, call.symbol, type), {places[0], places[1], places[2], out,
                                                 b_.getInt64(static_cast<std::uint64_t>(width_))});
  return load_lanes(out, o.dtype);
}

}  // namespace jetlag::jit
