// The functions of loop programs, and what is called from them: the C library, the loops of the
// primitives on one element, work on lines.
#include <llvm/IR/MDBuilder.h>
#include <llvm/IR/Module.h>

#include <algorithm>
#include <cstddef>

#include "compiler/jit/llvm/engine.h"
#include "compiler/jit/llvm/loop_emitter.h"
#include "compiler/jit/loop_source.h"
#include "compiler/loops/before_calls.h"

namespace jetlag::jit {

using llvm::Value;
using loops::Instr;

namespace {

llvm::Function* declare_function(llvm::Module& module, const loops::Program& program) {
  llvm::LLVMContext& context = module.getContext();
  std::vector<llvm::Type*> types{llvm::PointerType::get(context, 0),
                                 llvm::Type::getInt64Ty(context)};
  for (const loops::Saved& s : program.live_in)
    types.resize(types.size() + (s.more >= 0 ? 2 : 1), type_of(context, loops::part_of(s.kind)));
  auto* f =
      llvm::Function::Create(llvm::FunctionType::get(given_by(context, program), types, false),
                             llvm::Function::InternalLinkage, "function", module);
  f->setDoesNotThrow();
  return f;
}

}  // namespace

llvm::StructType* given_by(llvm::LLVMContext& context, const loops::Program& program) {
  llvm::Type* part = type_of(context, loops::part_of(program.result));
  llvm::Type* failed = llvm::Type::getInt1Ty(context);
  if (program.result.is_complex_number())
    return llvm::StructType::get(context, {part, failed, part});
  return llvm::StructType::get(context, {part, failed});
}

Value* Callees::depth(llvm::IRBuilder<>& b, Value* calls, std::uint64_t least) const {
  // One less: what stands before the last call.
  Value* rounds = b.CreateSDiv(b.CreateNSWSub(calls, b.getInt64(1)), b.getInt64(levels));
  return b.CreateBinaryIntrinsic(llvm::Intrinsic::smax, rounds, b.getInt64(least));
}

// As deep as the code stays small.
Callees declare_callees(llvm::Module& module, const loops::Program& program) {
  constexpr std::uint64_t most_levels = 6;
  constexpr std::uint64_t most_instructions = 2000;
  Callees callees;
  callees.program = &program;
  std::uint64_t instructions = 0, calls = 0;
  for (const auto& f : program.functions) {
    callees.functions.push_back(declare_function(module, *f));
    callees.before_calls.push_back(loops::blocks_before_calls(*f));
    instructions = std::max<std::uint64_t>(instructions, f->instructions.size());
    calls = std::max<std::uint64_t>(calls, f->calls.size());
  }
  std::uint64_t of_level = 1;
  for (; calls > 0 && callees.levels < most_levels; ++callees.levels) {
    of_level *= calls;
    if ((callees.bodies + of_level) * instructions > most_instructions) break;
    callees.bodies += of_level;
  }
  return callees;
}

// A function in place of its call.
LoopEmitter::LoopEmitter(LoopEmitter& caller, const loops::Program& program,
                         llvm::BasicBlock* failed)
    : LoopEmitter(caller.f_, program, caller.callees_) {
  level_ = caller.level_ + 1;
  failed_ = failed;
  budget_ = caller.budget_;
  depth_ = caller.depth_;
  std::copy(std::begin(caller.scratch_), std::end(caller.scratch_), scratch_);
}

// Goes on after the call in block `on`. Of the function `number` only what comes before its calls
// stands in place, if there is a number.
Given LoopEmitter::run_in_place(llvm::BasicBlock* from, llvm::ArrayRef<Value*> arguments,
                                llvm::BasicBlock* on, std::optional<std::size_t> number) {
  on_ = on;
  start_ = from;
  llvm::Type* part = type(loops::part_of(p_.result));
  given_.value = llvm::PHINode::Create(part, 2, "", on);
  if (p_.result.is_complex_number()) given_.imaginary = llvm::PHINode::Create(part, 2, "", on);
  b_.SetInsertPoint(&f_->getEntryBlock(), f_->getEntryBlock().begin());
  for (DType d : p_.cells) cells_.push_back(b_.CreateAlloca(type(d)));
  b_.SetInsertPoint(from);
  take_arguments(arguments);
  if (number) {
    rest_ = llvm::BasicBlock::Create(context_, "call", f_);
    b_.SetInsertPoint(rest_);
    give_on(call(*number, arguments, failed_));
    in_place_ = callees_.before_calls[*number];
  }
  body();
  b_.SetInsertPoint(from);
  b_.CreateBr(blocks_[0]);
  return given_;
}

// Every few calls: fails at the limit of the depth, and asks the host now and then.
llvm::BasicBlock* LoopEmitter::guard() {
  constexpr std::uint64_t calls = 8;
  auto* first = llvm::BasicBlock::Create(context_, "guard", f_);
  b_.SetInsertPoint(first);
  if (exit_blocks_.empty()) exit_blocks_.push_back(nullptr);
  const bool had = exit_blocks_[0] != nullptr;
  Value* level = b_.CreateAnd(depth_, b_.getInt64(calls - 1));
  auto* look = llvm::BasicBlock::Create(context_, "look", f_);
  auto* weights = llvm::MDBuilder(context_).createBranchWeights(1, calls - 1);
  b_.CreateCondBr(b_.CreateICmpEQ(level, b_.getInt64(0)), look, blocks_[0], weights);
  b_.SetInsertPoint(look);
  // The depth goes down one by one, so it is 0 here before it is below.
  leave_if(b_.CreateICmpSLE(depth_, b_.getInt64(0)), 0);
  spend(b_.getInt64(calls * callees_.bodies), 0);
  b_.CreateBr(blocks_[0]);
  if (!had) exit(0);
  b_.SetInsertPoint(start_);
  return first;
}

void LoopEmitter::give_on(const Given& given) {
  const auto add = [&](Value* phi, Value* v) {
    if (phi) llvm::cast<llvm::PHINode>(phi)->addIncoming(v, b_.GetInsertBlock());
  };
  add(given_.value, given.value);
  add(given_.imaginary, given.imaginary);
  b_.CreateBr(on_);
}

Value* LoopEmitter::packed(const Given& given) {
  Value* none = llvm::Constant::getNullValue(given_by(context_, p_));
  Value* all = b_.CreateInsertValue(none, given.value, given_value);
  return given.imaginary ? b_.CreateInsertValue(all, given.imaginary, given_imaginary) : all;
}

Value* LoopEmitter::library(const Instr& i) {
  llvm::Type* d = b_.getDoubleTy();
  std::vector<llvm::Type*> types{d};
  std::vector<Value*> args{value(i.a)};
  if (i.b >= 0) types.push_back(d), args.push_back(value(i.b));
  auto callee = module_.getOrInsertFunction(i.name, llvm::FunctionType::get(d, types, false));
  auto* call = b_.CreateCall(callee, args);
  // pow(x, 2) is not x * x in its last bit.
  call->addFnAttr(llvm::Attribute::NoBuiltin);
  call->setDoesNotThrow();
  call->setDoesNotAccessMemory();  // but for errno, which nobody reads
  return call;
}

Value* LoopEmitter::kernel(const Instr& i) {
  const DType to = static_cast<DType>(i.index);
  std::vector<Value*> args;
  int used = 0;
  for (int operand : {i.a, i.b, i.c}) {
    if (operand >= 0) b_.CreateStore(value(operand), scratch_[used]);
    args.push_back(operand >= 0 ? scratch_[used] : llvm::ConstantPointerNull::get(b_.getPtrTy()));
    ++used;
  }
  args.push_back(scratch_[3]);
  args.push_back(b_.getInt64(1));
  llvm::Type* ptr = b_.getPtrTy();
  auto* t = llvm::FunctionType::get(b_.getVoidTy(), {ptr, ptr, ptr, ptr, b_.getInt64Ty()}, false);
  b_.CreateCall(module_.getOrInsertFunction(kernel_symbol(i), t), args)->setDoesNotThrow();
  return b_.CreateLoad(type(to), scratch_[3]);
}

// A vector function on one number: other lanes than the first change nothing in it. Calls of it
// may be computed in vectors, and so it stands apart until that is decided.
llvm::FunctionCallee LoopEmitter::one_lane(const Instr& i, std::size_t arity) {
  llvm::Type* number = type(i.dtype);
  const auto lanes = static_cast<unsigned>(i.axis);
  auto* vector = llvm::FixedVectorType::get(number, lanes);
  const std::vector<llvm::Type*> numbers(arity, number), all(arity, vector);
  const std::string name = format("one_{}", i.name);
  auto f = module_.getOrInsertFunction(name, llvm::FunctionType::get(number, numbers, false));
  auto* function = llvm::cast<llvm::Function>(f.getCallee());
  if (!function->empty()) return f;
  function->setLinkage(llvm::Function::InternalLinkage);
  function->setDoesNotThrow();
  function->setWillReturn();
  function->setDoesNotAccessMemory();
  function->addFnAttr(llvm::Attribute::NoInline);
  function->addFnAttr(inlined_late);
  llvm::IRBuilder<> b(llvm::BasicBlock::Create(context_, "", function));
  std::vector<Value*> args;
  for (llvm::Argument& a : function->args()) args.push_back(b.CreateVectorSplat(lanes, &a));
  const auto whole =
      module_.getOrInsertFunction(i.name, llvm::FunctionType::get(vector, all, false));
  auto* call = b.CreateCall(whole, args);
  call->setDoesNotThrow();
  b.CreateRet(b.CreateExtractElement(call, std::uint64_t{0}));
  return f;
}

Value* LoopEmitter::vectors(const Instr& i) {
  if (!p_.careful) {
    std::vector<Value*> args;
    for (int operand : {i.a, i.b}) {
      if (operand >= 0) args.push_back(value(operand));
    }
    auto f = one_lane(i, args.size());
    auto* call = b_.CreateCall(f, args);
    call->setDoesNotThrow();
    call->setDoesNotAccessMemory();
    const std::string letters(args.size(), 'v');
    call->addFnAttr(llvm::Attribute::get(
        context_, "vector-function-abi-variant",
        format("_ZGV_LLVM_N{}{}_{}({})", i.axis, letters, f.getCallee()->getName().str(), i.name)));
    return call;
  }
  auto* vector = llvm::FixedVectorType::get(type(i.dtype), static_cast<unsigned>(i.axis));
  std::vector<Value*> args;
  for (int operand : {i.a, i.b}) {
    if (operand >= 0)
      args.push_back(b_.CreateVectorSplat(static_cast<unsigned>(i.axis), value(operand)));
  }
  const std::vector<llvm::Type*> types(args.size(), vector);
  auto* t = llvm::FunctionType::get(vector, types, false);
  auto* call = b_.CreateCall(module_.getOrInsertFunction(i.name, t), args);
  call->setDoesNotThrow();
  return b_.CreateExtractElement(call, std::uint64_t{0});
}

Value* LoopEmitter::invoke(const Instr& i) {
  const loops::Call& c = p_.calls[static_cast<std::size_t>(i.index)];
  std::vector<Value*> args;
  for (int a : c.arguments) args.push_back(value(a));
  const auto number = static_cast<std::size_t>(c.function);
  const bool whole = p_.is_function && level_ + 1 < callees_.levels;
  if (!whole && callees_.before_calls[number].empty()) {
    const Given given = call(number, args, exit_block(i.axis));
    imaginary_[given.value] = given.imaginary;
    return given.value;
  }
  auto* on = llvm::BasicBlock::Create(context_, "", f_);
  LoopEmitter inner(*this, *callees_.program->functions[number], exit_block(i.axis));
  const Given given = inner.run_in_place(b_.GetInsertBlock(), args, on,
                                         whole ? std::nullopt : std::optional(number));
  b_.SetInsertPoint(on);
  imaginary_[given.value] = given.imaginary;
  return given.value;
}

Given LoopEmitter::call(std::size_t number, llvm::ArrayRef<Value*> arguments,
                        llvm::BasicBlock* failed) {
  std::vector<Value*> args{entry_, b_.CreateSub(depth_, b_.getInt64(1))};
  args.insert(args.end(), arguments.begin(), arguments.end());
  auto* made = b_.CreateCall(callees_.functions[number], args);
  made->setDoesNotThrow();
  leave_if(b_.CreateExtractValue(made, given_failed), failed);
  const bool complex = callees_.program->functions[number]->result.is_complex_number();
  return {b_.CreateExtractValue(made, given_value),
          complex ? b_.CreateExtractValue(made, given_imaginary) : nullptr};
}

Value* LoopEmitter::dot(const Instr& i) {
  const loops::Dot& d = p_.dots[static_cast<std::size_t>(i.index)];
  llvm::Type *ptr = b_.getPtrTy(), *word = b_.getInt64Ty();
  auto* t = llvm::FunctionType::get(type(i.dtype), {ptr, word, ptr, word, word}, false);
  std::vector<Value*> args;
  for (const loops::Line& l : {d.a, d.b}) {
    args.push_back(b_.CreateInBoundsGEP(b_.getInt8Ty(), data_[static_cast<std::size_t>(l.array)],
                                        value(l.offset)));
    args.push_back(value(l.stride));
  }
  args.push_back(value(d.length));
  auto* call = b_.CreateCall(module_.getOrInsertFunction(dot_symbol(i), t), args);
  // Not marked as one that only reads: its floating-point flags are looked at in the end.
  call->setDoesNotThrow();
  return call;
}

// What it takes lies in words: primitives/line_work.h.
Value* LoopEmitter::work(const Instr& i) {
  const loops::LineWork& w = p_.works[static_cast<std::size_t>(i.index)];
  std::vector<Value*> words{value(w.length), b_.getInt64(w.wanted), b_.getInt64(w.code)};
  const auto add_line = [&](const loops::Line& l) {
    Value* place = b_.CreateInBoundsGEP(b_.getInt8Ty(), data_[static_cast<std::size_t>(l.array)],
                                        value(l.offset));
    words.push_back(b_.CreatePtrToInt(place, b_.getInt64Ty()));
    words.push_back(value(l.stride));
  };
  add_line(w.to);
  for (const loops::LineWork::Operand& o : w.operands) {
    if (o.number < 0) {
      add_line(o.line);
      continue;
    }
    const bool narrow = i.dtype == DType::float32;
    Value* bits = b_.CreateBitCast(value(o.number), narrow ? b_.getInt32Ty() : b_.getInt64Ty());
    words.push_back(b_.CreateZExt(bits, b_.getInt64Ty()));
  }
  llvm::IRBuilder<> entry(&f_->getEntryBlock(), f_->getEntryBlock().begin());
  auto* place = entry.CreateAlloca(llvm::ArrayType::get(b_.getInt64Ty(), words.size()));
  for (unsigned k = 0; k < words.size(); ++k)
    b_.CreateStore(words[k], b_.CreateConstInBoundsGEP1_32(b_.getInt64Ty(), place, k));
  auto* t = llvm::FunctionType::get(b_.getInt32Ty(), {b_.getPtrTy()}, false);
  auto* met = b_.CreateCall(module_.getOrInsertFunction(work_symbol(i), t), {place});
  met->setDoesNotThrow();
  leave_if(b_.CreateICmpNE(met, b_.getInt32(0)), i.axis);
  return nullptr;
}

}  // namespace jetlag::jit
