#include "compiler/jit/llvm/loops.h"

#include <llvm/IR/Intrinsics.h>
#include <llvm/IR/IntrinsicsX86.h>
#include <llvm/IR/MDBuilder.h>

#include <cstddef>

#include "compiler/jit/llvm/engine.h"
#include "compiler/jit/llvm/loop_emitter.h"

namespace jetlag::jit {

using llvm::Value;
using loops::Do;
using loops::Instr;

LoopEmitter::LoopEmitter(llvm::Function* f, const loops::Program& program, const Callees& callees)
    : p_(program),
      context_(f->getContext()),
      b_(context_),
      module_(*f->getParent()),
      f_(f),
      callees_(callees),
      entry_(f->getArg(0)) {}

void LoopEmitter::run() {
  prologue();
  body();
  b_.SetInsertPoint(start_);
  b_.CreateBr(p_.is_function ? guard() : blocks_[0]);
}

void LoopEmitter::body() {
  const auto stays = [&](std::size_t i) { return !rest_ || in_place_[i]; };
  for (std::size_t i = 0; i < p_.blocks.size(); ++i)
    blocks_.push_back(stays(i) ? llvm::BasicBlock::Create(context_, "", f_) : rest_);
  exit_blocks_.resize(p_.exits.size(), failed_);
  values_.resize(p_.instructions.size());
  for (std::size_t i = 0; i < p_.blocks.size(); ++i) {
    if (stays(i)) block(p_.blocks[i], blocks_[i]);
  }
  for (std::size_t e = 0; e < exit_blocks_.size(); ++e) {
    if (exit_blocks_[e] && exit_blocks_[e] != failed_) exit(static_cast<int>(e));
  }
}

Value* LoopEmitter::field(std::size_t offset, llvm::Type* t) {
  return b_.CreateLoad(t, place_of(offset));
}

// Cells, words and arrays: all that holds throughout is read here.
void LoopEmitter::prologue() {
  start_ = llvm::BasicBlock::Create(context_, "start", f_);
  b_.SetInsertPoint(start_);
  for (DType d : p_.cells) cells_.push_back(b_.CreateAlloca(type(d)));
  for (Value*& s : scratch_) {
    auto* slot = b_.CreateAlloca(b_.getInt64Ty());
    slot->setAlignment(llvm::Align(16));
    s = slot;
  }
  if (p_.is_function) {
    budget_ = place_of(offsetof(loops::Entry, budget));
    depth_ = f_->getArg(1);
    std::vector<Value*> arguments;
    for (unsigned i = 2; i < f_->arg_size(); ++i) arguments.push_back(f_->getArg(i));
    return take_arguments(arguments);
  }
  budget_ = b_.CreateAlloca(b_.getInt64Ty());
  if (p_.noting) {
    met_ = b_.CreateAlloca(b_.getInt64Ty());
    b_.CreateStore(b_.getInt64(0), met_);
  }
  // What it calls has one less.
  depth_ = callees_.depth(b_, field(offsetof(loops::Entry, depth), b_.getInt64Ty()), 1);
  words_ = field(offsetof(loops::Entry, words), b_.getPtrTy());
  arrays_ = field(offsetof(loops::Entry, arrays), b_.getPtrTy());
  b_.CreateStore(field(offsetof(loops::Entry, budget), b_.getInt64Ty()), budget_);
  int word = 0;
  for (const loops::Saved& s : p_.live_in) {
    if (s.cell >= 0) take(s.cell, word++);
    if (s.more >= 0) take(s.more, word++);
  }
  for (int cell : p_.loop_live_in) take(cell, word++);
  llvm::MDBuilder md(context_);
  auto* domain = md.createAnonymousAliasScopeDomain();
  std::vector<llvm::Metadata*> scopes;
  for (std::size_t a = 0; a < p_.arrays.size(); ++a) {
    data_.push_back(member(static_cast<int>(a), offsetof(loops::ArrayView, data), b_.getPtrTy()));
    scopes.push_back(md.createAnonymousAliasScope(domain));
  }
  for (std::size_t a = 0; a < scopes.size(); ++a) {
    std::vector<llvm::Metadata*> others = scopes;
    others.erase(others.begin() + static_cast<std::ptrdiff_t>(a));
    own_.push_back(llvm::MDNode::get(context_, {scopes[a]}));
    others_.push_back(llvm::MDNode::get(context_, others));
  }
}

void LoopEmitter::take_arguments(llvm::ArrayRef<Value*> arguments) {
  std::size_t at = 0;
  for (const loops::Saved& s : p_.live_in) {
    b_.CreateStore(arguments[at++], cells_[static_cast<std::size_t>(s.cell)]);
    if (s.more >= 0) b_.CreateStore(arguments[at++], cells_[static_cast<std::size_t>(s.more)]);
  }
}

Value* LoopEmitter::place_of(std::size_t offset) {
  return b_.CreateConstInBoundsGEP1_64(b_.getInt8Ty(), entry_, static_cast<std::uint64_t>(offset));
}

Value* LoopEmitter::member(int array, std::size_t offset, llvm::Type* t) {
  const std::uint64_t at = static_cast<std::uint64_t>(array) * sizeof(loops::ArrayView) + offset;
  return b_.CreateLoad(t, b_.CreateConstInBoundsGEP1_64(b_.getInt8Ty(), arrays_, at));
}

Value* LoopEmitter::word(int i) {
  return b_.CreateConstInBoundsGEP1_64(b_.getInt64Ty(), words_, static_cast<std::uint64_t>(i));
}

void LoopEmitter::take(int cell, int from) {
  const DType d = p_.cells[static_cast<std::size_t>(cell)];
  Value* v = b_.CreateLoad(d == DType::boolean ? b_.getInt8Ty() : type(d), word(from));
  if (d == DType::boolean) v = b_.CreateICmpNE(v, b_.getInt8(0));
  b_.CreateStore(v, cells_[static_cast<std::size_t>(cell)]);
}

void LoopEmitter::give(int cell, int to) {
  const DType d = p_.cells[static_cast<std::size_t>(cell)];
  Value* v = b_.CreateLoad(type(d), cells_[static_cast<std::size_t>(cell)]);
  if (d == DType::boolean) v = b_.CreateZExt(v, b_.getInt8Ty());
  b_.CreateStore(v, word(to));
}

llvm::BasicBlock* LoopEmitter::exit_block(int e) {
  auto*& block = exit_blocks_[static_cast<std::size_t>(e)];
  if (!block) block = llvm::BasicBlock::Create(context_, "exit", f_);
  return block;
}

void LoopEmitter::exit(int e) {
  b_.SetInsertPoint(exit_blocks_[static_cast<std::size_t>(e)]);
  if (p_.is_function) {
    auto* given = given_by(context_, p_);
    b_.CreateRet(
        b_.CreateInsertValue(llvm::Constant::getNullValue(given), b_.getTrue(), given_failed));
    return;
  }
  int to = 0;
  const loops::Exit& x = p_.exits[static_cast<std::size_t>(e)];
  for (const loops::Saved& s : x.variables) {
    if (s.cell >= 0) give(s.cell, to++);
    if (s.more >= 0) give(s.more, to++);
  }
  for (int cell : x.loop_cells) give(cell, to++);
  if (met_)
    b_.CreateStore(b_.CreateLoad(b_.getInt64Ty(), met_), place_of(offsetof(loops::Entry, met)));
  b_.CreateRet(b_.getInt32(static_cast<std::uint32_t>(e)));
}

void LoopEmitter::leave_if(Value* condition, int e) { leave_if(condition, exit_block(e)); }

void LoopEmitter::leave_if(Value* condition, llvm::BasicBlock* to) {
  auto* on = llvm::BasicBlock::Create(context_, "", f_);
  auto* weights = llvm::MDBuilder(context_).createBranchWeights(1, 1 << 20);
  b_.CreateCondBr(condition, to, on, weights);
  b_.SetInsertPoint(on);
}

void LoopEmitter::block(const loops::Block& from, llvm::BasicBlock* to) {
  b_.SetInsertPoint(to);
  for (int i : from.instructions) {
    values_[static_cast<std::size_t>(i)] =
        instruction(p_.instructions[static_cast<std::size_t>(i)]);
  }
  const auto at = [&](int n) { return blocks_[static_cast<std::size_t>(n)]; };
  switch (from.end) {
    case loops::Block::End::jump: b_.CreateBr(at(from.yes)); break;
    case loops::Block::End::branch:
      b_.CreateCondBr(value(from.value), at(from.yes), at(from.no), weights_of(from.odds));
      break;
    case loops::Block::End::exit: b_.CreateBr(exit_block(from.exit)); break;
    case loops::Block::End::give: {
      const Given given{value(from.value), value(from.imaginary)};
      if (given_.value) give_on(given);
      else b_.CreateRet(packed(given));
      break;
    }
    case loops::Block::End::none: b_.CreateUnreachable(); break;
  }
}

llvm::MDNode* LoopEmitter::weights_of(loops::Odds odds) {
  constexpr std::uint32_t often = 1 << 20;
  if (odds == loops::Odds::unknown) return nullptr;
  const bool yes = odds == loops::Odds::yes;
  return llvm::MDBuilder(context_).createBranchWeights(yes ? often : 1, yes ? 1 : often);
}

Value* LoopEmitter::literal(const Instr& i) {
  llvm::Type* t = type(i.dtype);
  if (!is_float(i.dtype)) return llvm::ConstantInt::get(t, i.literal);
  const bool wide = i.dtype == DType::float64;
  const llvm::APInt bits(wide ? 64 : 32, wide ? i.literal : (i.literal & 0xffffffffu));
  return llvm::ConstantFP::get(
      t, llvm::APFloat(wide ? llvm::APFloat::IEEEdouble() : llvm::APFloat::IEEEsingle(), bits));
}

// The result and whether it is wrong.
Value* LoopEmitter::with_overflow(const Instr& i) {
  const bool s = kind_of(i.dtype) == 'i';
  using namespace llvm::Intrinsic;
  const ID id = i.opcode == Opcode::add        ? (s ? sadd_with_overflow : uadd_with_overflow)
                : i.opcode == Opcode::subtract ? (s ? ssub_with_overflow : usub_with_overflow)
                                               : (s ? smul_with_overflow : umul_with_overflow);
  return b_.CreateBinaryIntrinsic(id, value(i.a), value(i.b));
}

// To an int: raises no flag where the number does not fit.
Value* LoopEmitter::truncate(Value* number, int e) {
  if (Engine::get().has("avx512f")) {
    constexpr std::uint32_t no_exceptions = 8;
    Value* lanes = b_.CreateInsertElement(llvm::FixedVectorType::get(b_.getDoubleTy(), 2), number,
                                          std::uint64_t{0});
    Value* made = b_.CreateIntrinsic(llvm::Intrinsic::x86_avx512_cvttsd2si64, {},
                                     {lanes, b_.getInt32(no_exceptions)});
    // What it gives where the number does not fit; the one that does is left as well.
    leave_if(b_.CreateICmpEQ(made, b_.getInt64(INT64_MIN)), e);
    return made;
  }
  const double limit = 9223372036854775808.0;
  Value* size = b_.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, number);
  leave_if(b_.CreateFCmpUGE(size, llvm::ConstantFP::get(b_.getDoubleTy(), limit)), e);
  return b_.CreateFPToSI(number, b_.getInt64Ty());
}

Value* LoopEmitter::steady(const Instr& i) {
  Value *x = value(i.a), *y = value(i.b);
  switch (i.opcode) {
    case Opcode::add: return b_.CreateNSWAdd(x, y);
    case Opcode::subtract: return b_.CreateNSWSub(x, y);
    default: return b_.CreateNSWMul(x, y);
  }
}

Value* LoopEmitter::address(const Instr& i) {
  return b_.CreateInBoundsGEP(b_.getInt8Ty(), data_[static_cast<std::size_t>(i.index)], value(i.a));
}

template <class I>
I* LoopEmitter::scoped(I* access, int array) {
  if (p_.disjoint) {
    access->setMetadata(llvm::LLVMContext::MD_alias_scope, own_[static_cast<std::size_t>(array)]);
    access->setMetadata(llvm::LLVMContext::MD_noalias, others_[static_cast<std::size_t>(array)]);
  }
  return access;
}

Value* LoopEmitter::load(const Instr& i) {
  const bool boolean = i.dtype == DType::boolean;
  llvm::Type* t = boolean ? b_.getInt8Ty() : type(i.dtype);
  Value* v = scoped(b_.CreateAlignedLoad(t, address(i), llvm::Align(1)), i.index);
  return boolean ? b_.CreateICmpNE(v, b_.getInt8(0)) : v;
}

void LoopEmitter::store(const Instr& i) {
  Value* v = value(i.b);
  if (i.dtype == DType::boolean) v = b_.CreateZExt(v, b_.getInt8Ty());
  scoped(b_.CreateAlignedStore(v, address(i), llvm::Align(1)), i.index);
}

// Read where everything begins: what an array looks like never changes.
Value* LoopEmitter::dimension(const Instr& i, std::size_t offset) {
  auto*& known = dimensions_[{i.index, offset + 8 * static_cast<std::size_t>(i.axis)}];
  if (!known) {
    llvm::IRBuilder<>::InsertPointGuard guard(b_);
    b_.SetInsertPoint(start_);
    known = member(i.index, offset + 8 * static_cast<std::size_t>(i.axis), b_.getInt64Ty());
  }
  return known;
}

void LoopEmitter::spend(Value* work, int e) {
  Value* left = b_.CreateSub(b_.CreateLoad(b_.getInt64Ty(), budget_), work);
  b_.CreateStore(left, budget_);
  auto* ask = llvm::BasicBlock::Create(context_, "poll", f_);
  auto* on = llvm::BasicBlock::Create(context_, "", f_);
  auto* weights = llvm::MDBuilder(context_).createBranchWeights(1, 1 << 20);
  b_.CreateCondBr(b_.CreateICmpSLT(left, b_.getInt64(0)), ask, on, weights);
  b_.SetInsertPoint(ask);
  auto* t = llvm::FunctionType::get(b_.getInt32Ty(), {b_.getPtrTy()}, false);
  Value* answer = b_.CreateCall(t, field(offsetof(loops::Entry, poll), b_.getPtrTy()), {entry_});
  b_.CreateStore(field(offsetof(loops::Entry, budget), b_.getInt64Ty()), budget_);
  b_.CreateCondBr(b_.CreateICmpNE(answer, b_.getInt32(0)), exit_block(e), on);
  b_.SetInsertPoint(on);
}

Value* LoopEmitter::instruction(const Instr& i) {
  switch (i.what) {
    case Do::literal: return literal(i);
    case Do::get: return b_.CreateLoad(type(i.dtype), cells_[static_cast<std::size_t>(i.index)]);
    case Do::set:
      b_.CreateStore(value(i.a), cells_[static_cast<std::size_t>(i.index)]);
      return nullptr;
    case Do::compute: {
      if (i.steady) return steady(i);
      const llvm::IRBuilder<>::FastMathFlagGuard guard(b_);
      if (i.fast) b_.setFastMathFlags(fast_arithmetic());
      return operation(b_, i.opcode, i.dtype, value(i.a), value(i.b), value(i.c));
    }
    case Do::cast: return conversion(b_, value(i.a), static_cast<DType>(i.index), i.dtype);
    case Do::truncate: return truncate(value(i.a), i.index);
    case Do::checked: {
      Value* both = with_overflow(i);
      leave_if(b_.CreateExtractValue(both, 1), i.index);
      return b_.CreateExtractValue(both, 0);
    }
    case Do::overflows: return b_.CreateExtractValue(with_overflow(i), 1);
    case Do::leave_if: leave_if(value(i.a), i.index); return nullptr;
    case Do::load: return load(i);
    case Do::store: store(i); return nullptr;
    case Do::length: return dimension(i, offsetof(loops::ArrayView, lengths));
    case Do::stride: return dimension(i, offsetof(loops::ArrayView, strides));
    case Do::library: return library(i);
    case Do::kernel: return kernel(i);
    case Do::vectors: return vectors(i);
    case Do::invoke: return invoke(i);
    case Do::imaginary: return imaginary_.at(value(i.a));
    case Do::dot: return dot(i);
    case Do::work: return work(i);
    case Do::note: {
      Value* met = b_.CreateZExt(value(i.a), b_.getInt64Ty());
      b_.CreateStore(b_.CreateOr(b_.CreateLoad(b_.getInt64Ty(), met_), met), met_);
      return nullptr;
    }
    case Do::poll: spend(value(i.a), i.index); return nullptr;
  }
  return nullptr;
}

namespace {

// Words in, the result out.
void emit_way_in(llvm::Function* f, const Callees& callees, const loops::Program& program) {
  llvm::IRBuilder<> b(llvm::BasicBlock::Create(f->getContext(), "", f));
  const auto field = [&](std::size_t offset, llvm::Type* t) {
    return b.CreateLoad(t, b.CreateConstInBoundsGEP1_64(b.getInt8Ty(), f->getArg(0),
                                                        static_cast<std::uint64_t>(offset)));
  };
  Value* words = field(offsetof(loops::Entry, words), b.getPtrTy());
  Value* depth = callees.depth(b, field(offsetof(loops::Entry, depth), b.getInt64Ty()), 0);
  std::vector<Value*> args{f->getArg(0), depth};
  std::uint64_t at = 0;
  const auto word = [&](std::uint64_t i) {
    return b.CreateConstInBoundsGEP1_64(b.getInt64Ty(), words, i);
  };
  for (const loops::Saved& s : program.live_in) {
    llvm::Type* t = type_of(f->getContext(), loops::part_of(s.kind));
    Value* from = word(at++);
    args.push_back(t->isIntegerTy(1) ? b.CreateTrunc(b.CreateLoad(b.getInt8Ty(), from), t)
                                     : b.CreateLoad(t, from));
    if (s.more >= 0) args.push_back(b.CreateLoad(t, word(at++)));
  }
  Value* given = b.CreateCall(callees.functions.front(), args);
  Value* result = b.CreateExtractValue(given, given_value);
  if (result->getType()->isIntegerTy(1)) result = b.CreateZExt(result, b.getInt8Ty());
  b.CreateStore(result, words);
  if (program.result.is_complex_number())
    b.CreateStore(b.CreateExtractValue(given, given_imaginary), word(1));
  b.CreateRet(b.CreateZExt(b.CreateExtractValue(given, given_failed), b.getInt32Ty()));
}

}  // namespace

void emit_loop(llvm::Module& module, const std::string& symbol, const loops::Program& program) {
  const Callees callees = declare_callees(module, program);
  for (std::size_t i = 0; i < program.functions.size(); ++i)
    LoopEmitter(callees.functions[i], *program.functions[i], callees).run();
  auto* ptr = llvm::PointerType::get(module.getContext(), 0);
  auto* type = llvm::FunctionType::get(llvm::Type::getInt32Ty(module.getContext()), {ptr}, false);
  auto* f = llvm::Function::Create(type, llvm::Function::ExternalLinkage, symbol, module);
  f->setDoesNotThrow();
  if (program.is_function) return emit_way_in(f, callees, program);
  f->addParamAttr(0, llvm::Attribute::NoAlias);
  LoopEmitter(f, program, callees).run();
}

}  // namespace jetlag::jit
