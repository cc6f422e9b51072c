// What a loop program becomes: a function of LLVM's, or a function's body in place of its call.
// Split over loops.cpp (control, cells, elements) and loop_calls.cpp (what is called).
#pragma once

#include <llvm/IR/IRBuilder.h>

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "compiler/jit/llvm/arithmetic.h"
#include "compiler/loops/program.h"

namespace jetlag::jit {

// A function gives its result, whether it failed, and the imaginary part of a complex result; its
// first parameters are the entry and how many calls may still be made inside.
inline constexpr unsigned given_value = 0, given_failed = 1, given_imaginary = 2;
llvm::StructType* given_by(llvm::LLVMContext& context, const loops::Program& program);

// The functions that a program calls. Calls are put in place of one another `levels` deep, so that
// a recursion makes few of them, and depths are counted in rounds of levels. Where a call remains,
// what the function does before it calls others stands before it: most calls of a recursion end
// there.
struct Callees {
  std::vector<llvm::Function*> functions;
  std::vector<std::vector<bool>> before_calls;  // of each: the blocks
  const loops::Program* program = nullptr;      // which holds them
  std::uint64_t levels = 1;
  std::uint64_t bodies = 1;  // that a function holds at most, with its own

  llvm::Value* depth(llvm::IRBuilder<>& b, llvm::Value* calls, std::uint64_t least) const;
};

Callees declare_callees(llvm::Module& module, const loops::Program& program);

// The result of a call; the second is null but for a complex number.
struct Given {
  llvm::Value* value = nullptr;
  llvm::Value* imaginary = nullptr;
};

class LoopEmitter {
 public:
  LoopEmitter(llvm::Function* f, const loops::Program& program, const Callees& callees);
  void run();

 private:
  LoopEmitter(LoopEmitter& caller, const loops::Program& program, llvm::BasicBlock* failed);
  void body();
  void prologue();
  void take_arguments(llvm::ArrayRef<llvm::Value*> arguments);
  void take(int cell, int from);
  void give(int cell, int to);
  void exit(int e);
  void block(const loops::Block& from, llvm::BasicBlock* to);
  void spend(llvm::Value* work, int e);
  llvm::Value* instruction(const loops::Instr& i);

  llvm::MDNode* weights_of(loops::Odds odds);
  llvm::Value* literal(const loops::Instr& i);
  llvm::Value* with_overflow(const loops::Instr& i);
  llvm::Value* truncate(llvm::Value* number, int e);
  llvm::Value* steady(const loops::Instr& i);
  llvm::Value* load(const loops::Instr& i);
  void store(const loops::Instr& i);
  llvm::Value* dimension(const loops::Instr& i, std::size_t offset);

  // loop_calls.cpp
  Given run_in_place(llvm::BasicBlock* from, llvm::ArrayRef<llvm::Value*> arguments,
                     llvm::BasicBlock* on, std::optional<std::size_t> number);
  llvm::BasicBlock* guard();
  void give_on(const Given& given);
  llvm::Value* packed(const Given& given);
  llvm::Value* library(const loops::Instr& i);
  llvm::Value* kernel(const loops::Instr& i);
  llvm::FunctionCallee one_lane(const loops::Instr& i, std::size_t arity);
  llvm::Value* vectors(const loops::Instr& i);
  llvm::Value* invoke(const loops::Instr& i);
  Given call(std::size_t number, llvm::ArrayRef<llvm::Value*> arguments, llvm::BasicBlock* failed);
  llvm::Value* dot(const loops::Instr& i);
  llvm::Value* work(const loops::Instr& i);

  llvm::Type* type(DType d) { return type_of(context_, d); }
  llvm::Value* value(int i) { return i < 0 ? nullptr : values_[static_cast<std::size_t>(i)]; }
  llvm::Value* field(std::size_t offset, llvm::Type* t);
  llvm::Value* place_of(std::size_t offset);
  llvm::Value* member(int array, std::size_t offset, llvm::Type* t);
  llvm::Value* word(int i);
  llvm::BasicBlock* exit_block(int e);
  llvm::Value* address(const loops::Instr& i);
  void leave_if(llvm::Value* condition, int e);
  void leave_if(llvm::Value* condition, llvm::BasicBlock* to);
  template <class I>
  I* scoped(I* access, int array);

  const loops::Program& p_;
  llvm::LLVMContext& context_;
  llvm::IRBuilder<> b_;
  llvm::Module& module_;
  llvm::Function* f_;
  const Callees& callees_;
  // Of a function in place of its call.
  std::uint64_t level_ = 0;
  llvm::BasicBlock *on_ = nullptr, *failed_ = nullptr;
  llvm::BasicBlock* rest_ = nullptr;  // calls it; then only these blocks are in place:
  std::vector<bool> in_place_;
  Given given_;  // of phis
  llvm::BasicBlock* start_ = nullptr;
  llvm::Value* entry_;
  llvm::Value *depth_ = nullptr, *words_ = nullptr, *arrays_ = nullptr, *budget_ = nullptr;
  llvm::Value* met_ = nullptr;  // of a program that notes
  llvm::Value* scratch_[4] = {};
  std::vector<llvm::Value*> cells_, values_, data_;
  std::vector<llvm::MDNode*> own_, others_;
  std::vector<llvm::BasicBlock*> blocks_, exit_blocks_;
  std::map<std::pair<int, std::size_t>, llvm::Value*> dimensions_;
  std::map<llvm::Value*, llvm::Value*> imaginary_;  // of what calls gave
};

}  // namespace jetlag::jit
