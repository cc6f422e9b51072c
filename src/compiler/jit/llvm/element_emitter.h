// How the kernel of an elementwise program is emitted: rows, vectors of elements, values.
#pragma once

#include <map>
#include <vector>

#include "compiler/jit/llvm/lanes.h"

namespace jetlag::jit {

// How many elements are computed at once: those of whole vectors, and of what is left over.
struct Widths {
  int whole, rest;
};

// Numbers in a register of 32 bytes, by which lines are summed on every machine.
int sum_register(const ElementSource& source);

class ElementEmitter {
 public:
  ElementEmitter(llvm::Module& module, const ElementSource& source);
  void emit();

 private:
  struct Operand {
    llvm::Value *base, *inner, *outer;
    llvm::Value* folded = nullptr;  // from an element of a line across rows to the next
    llvm::Value* row = nullptr;     // where this row begins
    DType dtype;
    Lie lie;
  };
  // Where a vector of elements lies in a row. Left over: only `count` are there.
  struct Place {
    llvm::Value* first = nullptr;
    llvm::Value* count = nullptr;
  };

  llvm::BasicBlock* block(const char* name) {
    return llvm::BasicBlock::Create(b_.getContext(), name, function_);
  }
  llvm::Value* word(std::int64_t n) { return b_.getInt64(static_cast<std::uint64_t>(n)); }
  void read_operands();
  template <class F>
  void for_rows(const F& f);
  void emit_row(LaneEmitter& lanes, LaneEmitter& rest);
  void emit_uniform(LaneEmitter& lanes);
  void measure_rows(LaneEmitter& rest);
  void emit_if(llvm::Value* condition, const char* name, LaneEmitter& lanes, const Place& place);
  void emit_vector(LaneEmitter& lanes, const Place& place);
  llvm::Value* first_lanes(llvm::Value* v, int width);
  void forget(LaneEmitter& lanes);
  Lanes value(LaneEmitter& lanes, const Place* place, int v);
  llvm::Value* element(const Operand& o, llvm::Value* index);
  Lanes load(LaneEmitter& lanes, const Operand& o, const Place& place);
  llvm::Value* load_each(llvm::FixedVectorType* type, llvm::Value* places);
  Lanes take(LaneEmitter& lanes, const Place* place, const Operation& o);
  Lanes load_dense(LaneEmitter& lanes, const Operand& o, llvm::Value* first);
  bool is_masked(const Operand& o) const;
  llvm::Value* mask_for(LaneEmitter& lanes, std::int64_t item);
  Lanes load_masked(LaneEmitter& lanes, const Operand& o, const Place& place);
  Lanes load_number(LaneEmitter& lanes, const Operand& o, llvm::Value* at);
  void store_all(LaneEmitter& lanes, const std::vector<Lanes>& results, llvm::Value* first);
  void store_some(LaneEmitter& lanes, const std::vector<Lanes>& results, const Place& place);
  void store_number(LaneEmitter& lanes, const Operand& o, Lanes result, int lane,
                    llvm::Value* index);

  // folds.cpp: rows that become numbers.
  using Values = llvm::SmallVector<llvm::Value*>;
  llvm::Value* combine(llvm::Value* a, llvm::Value* b);
  llvm::Value* is_better(llvm::Value* a, llvm::Value* b);
  llvm::Value* identity(LaneEmitter& lanes);
  llvm::Value* half(llvm::Value* v, bool upper);
  template <class F>
  Values carry(llvm::Value* first, llvm::Value* last, std::int64_t step, Values carried,
               const F& f);
  llvm::Value* onto(llvm::Value* sum, llvm::Value* numbers, llvm::Value* count);
  llvm::Value* fold_along(LaneEmitter& lanes, LaneEmitter& rest);
  Lanes fold_across(LaneEmitter& lanes, const Place& place);
  llvm::Value* number_across(LaneEmitter& lanes, const Place& place, int k);
  struct Best {
    llvm::Value *number, *at;
  };
  llvm::IntegerType* place_type();
  Best take_later(const Best& best, const Best& later);
  Best take_any(const Best& a, const Best& b);
  llvm::Value* place_along(LaneEmitter& lanes);
  Lanes place_across(LaneEmitter& lanes, const Place& place);
  // Of several rows at a time: where one begins, and what is the same in all of it.
  struct Row {
    Values begins;
    std::vector<Lanes> uniform;
  };
  template <class F>
  void for_fours(const F& f);
  std::vector<Row> rows_from(LaneEmitter& lanes, llvm::Value* first, int rows);
  llvm::Value* number_in(LaneEmitter& lanes, const Row& row, const Place& place);
  void emit_products(LaneEmitter& lanes, LaneEmitter& rest);
  void multiply_rows(LaneEmitter& lanes, LaneEmitter& rest, llvm::Value* first, int rows);
  void emit_down(LaneEmitter& lanes);
  void add_rows(LaneEmitter& lanes, llvm::Value* first, int rows);

  const Operand& output(std::size_t i) const {
    return operands_[static_cast<std::size_t>(program_.inputs()) + i];
  }

  const ElementSource& source_;
  const ElementProgram& program_;
  const Code& code_;
  const LineFold fold_;
  llvm::IRBuilder<> b_;
  Widths widths_;
  llvm::Function* function_;
  std::vector<Operand> operands_;
  // The same in every row: where whole and narrow vectors end, and how many elements are left
  // over; which lanes these are in, for elements of so many bytes.
  llvm::Value *whole_ = nullptr, *narrow_ = nullptr, *left_ = nullptr;
  std::map<std::int64_t, llvm::Value*> masks_;
  std::vector<Lanes> uniform_;  // of values made of what is repeated
  std::vector<Lanes> known_;    // of the vector at hand
};

}  // namespace jetlag::jit
