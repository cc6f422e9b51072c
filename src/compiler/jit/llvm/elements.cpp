// The loop nest of a kernel:
//
//   for each row:
//     what is repeated along the row, and what is made of that alone
//     for each vector of elements, the last one perhaps narrower: load, compute, store
//     the elements left over: the same on a vector padded with one of them,
//       so that an element's bits and flags never depend on its place
//
// All loads of a vector come before its stores: an output may be an input,
// element for element. What becomes of rows that are folded: folds.cpp.
#include "compiler/jit/llvm/elements.h"

#include <algorithm>

#include "compiler/jit/llvm/element_emitter.h"

namespace jetlag::jit {

namespace {

using llvm::BasicBlock;
using llvm::Value;

constexpr int most_lanes = 16;

// A register's worth of the widest numbers; two where the program is so short
// that twice its values fit the registers.
Widths widths_for(const ElementSource& source) {
  const bool calls =
      std::any_of(source.calls.begin(), source.calls.end(),
                  [](const ElementCall& c) { return c.how != ElementCall::How::in_line; });
  constexpr int short_program = 10;
  const auto lanes = static_cast<int>(source.vector_bytes / source.widest);
  const LineFold fold = fold_of(source.layout);
  if (fold.rows != RowFold::none) {
    const int whole = std::min(lanes, most_lanes);
    const bool by_registers = fold.rows == RowFold::along || fold.rows == RowFold::product;
    return {whole, by_registers && !fold.place ? sum_register(source) : whole};
  }
  return {std::min(calls || source.operations > short_program ? lanes : 2 * lanes, most_lanes),
          std::min(lanes, most_lanes)};
}

}  // namespace

ElementEmitter::ElementEmitter(llvm::Module& module, const ElementSource& source)
    : source_(source),
      program_(*source.program),
      code_(program_.code()),
      fold_(fold_of(source.layout)),
      b_(module.getContext()),
      widths_(widths_for(source)),
      operands_(static_cast<std::size_t>(program_.inputs() + program_.outputs())) {
  llvm::Type* pointer = b_.getPtrTy();
  llvm::Type* word = b_.getInt64Ty();
  auto* type = llvm::FunctionType::get(b_.getInt32Ty(),
                                       {pointer, pointer, pointer, word, word, pointer}, false);
  function_ = llvm::Function::Create(type, llvm::Function::ExternalLinkage, element_symbol, module);
  function_->setDoesNotThrow();
  const std::string bits = std::to_string(8 * source.vector_bytes);
  // Registers that are spilled would cross cache lines.
  function_->addFnAttr(llvm::Attribute::getWithStackAlignment(
      module.getContext(), llvm::Align(static_cast<std::uint64_t>(source.vector_bytes))));
  function_->addFnAttr("stackrealign");
  function_->addFnAttr("min-legal-vector-width", bits);
  function_->addFnAttr("prefer-vector-width", bits);
}

void ElementEmitter::read_operands() {
  const auto read = [&](unsigned argument, std::size_t i, llvm::Type* type) {
    Value* at = b_.CreateConstInBoundsGEP1_64(type, function_->getArg(argument), i);
    return b_.CreateLoad(type, at);
  };
  for (std::size_t i = 0; i < operands_.size(); ++i) {
    Operand& o = operands_[i];
    const int at = static_cast<int>(i), output = at - program_.inputs();
    o.base = read(0, i, b_.getPtrTy());
    o.inner = read(1, i, b_.getInt64Ty());
    o.outer = read(2, i, b_.getInt64Ty());
    if (fold_.rows == RowFold::across && output < 0) o.folded = read(5, i, b_.getInt64Ty());
    o.dtype = output < 0 ? program_.input_dtype(at) : program_.output_dtype(output);
    if (output >= 0 && fold_.place) o.dtype = DType::int64;
    o.lie = lie_of(source_.layout, at);
  }
}

void ElementEmitter::emit() {
  b_.SetInsertPoint(block("entry"));
  auto* misfits = b_.CreateAlloca(b_.getInt1Ty());
  b_.CreateStore(b_.getFalse(), misfits);
  read_operands();
  LaneEmitter lanes(b_, source_, widths_.whole, misfits);
  LaneEmitter rest(b_, source_, widths_.rest, misfits);
  measure_rows(rest);
  if (fold_.rows == RowFold::product) {
    emit_products(lanes, rest);
  } else if (fold_.rows == RowFold::down) {
    emit_down(lanes);
  } else {
    for_rows([&] { emit_row(lanes, rest); });
  }
  Value* met = b_.CreateLoad(b_.getInt1Ty(), misfits);
  b_.CreateRet(b_.CreateSelect(met, b_.getInt32(invalid), b_.getInt32(0)));
}

// There is one at least.
template <class F>
void ElementEmitter::for_rows(const F& f) {
  BasicBlock *entry = b_.GetInsertBlock(), *row = block("row"), *done = block("done");
  b_.CreateBr(row);

  b_.SetInsertPoint(row);
  llvm::PHINode* r = b_.CreatePHI(b_.getInt64Ty(), 2);
  r->addIncoming(word(0), entry);
  std::vector<llvm::PHINode*> places;
  for (Operand& o : operands_) {
    places.push_back(b_.CreatePHI(b_.getPtrTy(), 2));
    places.back()->addIncoming(o.base, entry);
    o.row = places.back();
  }
  f();
  Value* next = b_.CreateAdd(r, word(1));
  r->addIncoming(next, b_.GetInsertBlock());
  for (std::size_t i = 0; i < places.size(); ++i) {
    places[i]->addIncoming(b_.CreatePtrAdd(places[i], operands_[i].outer), b_.GetInsertBlock());
  }
  b_.CreateCondBr(b_.CreateICmpSLT(next, function_->getArg(4)), row, done);
  b_.SetInsertPoint(done);
}

void ElementEmitter::measure_rows(LaneEmitter& rest) {
  Value* columns = function_->getArg(3);
  whole_ = b_.CreateAnd(columns, word(-static_cast<std::int64_t>(widths_.whole)));
  narrow_ = b_.CreateAnd(columns, word(-static_cast<std::int64_t>(widths_.rest)));
  left_ = b_.CreateSub(columns, narrow_);
  for (const Operand& o : operands_) {
    const std::int64_t item = size_of(o.dtype);
    if (is_masked(o) && !masks_[item]) masks_[item] = mask_for(rest, item);
  }
}

void ElementEmitter::emit_row(LaneEmitter& lanes, LaneEmitter& rest) {
  emit_uniform(lanes);
  if (fold_.rows == RowFold::along) {
    Value* made = fold_.place ? place_along(lanes) : fold_along(lanes, rest);
    b_.CreateAlignedStore(made, output(0).row, llvm::Align(1));
    return;
  }
  BasicBlock *before = b_.GetInsertBlock(), *body = block("body"), *after = block("after");
  b_.CreateCondBr(b_.CreateICmpSGT(whole_, word(0)), body, after);

  b_.SetInsertPoint(body);
  llvm::PHINode* j = b_.CreatePHI(b_.getInt64Ty(), 2);
  j->addIncoming(word(0), before);
  emit_vector(lanes, {j});
  Value* next = b_.CreateAdd(j, word(lanes.width()));
  j->addIncoming(next, b_.GetInsertBlock());
  b_.CreateCondBr(b_.CreateICmpSLT(next, whole_), body, after);

  b_.SetInsertPoint(after);
  if (widths_.rest < widths_.whole) {
    emit_if(b_.CreateICmpSLT(whole_, narrow_), "narrow", rest, {whole_});
  }
  emit_if(b_.CreateICmpSGT(left_, word(0)), "some", rest, {narrow_, left_});
}

void ElementEmitter::emit_if(Value* condition, const char* name, LaneEmitter& lanes,
                             const Place& place) {
  BasicBlock *some = block(name), *end = block("end");
  b_.CreateCondBr(condition, some, end);
  b_.SetInsertPoint(some);
  emit_vector(lanes, place);
  b_.CreateBr(end);
  b_.SetInsertPoint(end);
}

void ElementEmitter::emit_uniform(LaneEmitter& lanes) {
  uniform_.assign(static_cast<std::size_t>(code_.size()), {});
  known_ = uniform_;
  for (int v = 0; v < code_.size(); ++v) {
    const auto i = static_cast<std::size_t>(v);
    if (!source_.needed[i]) continue;
    const Operation& o = code_[v];
    bool same = o.opcode != Opcode::input ||
                (lie_of(source_.layout, o.index) == Lie::repeated && fold_.rows != RowFold::across);
    for (int k = 0; k < info(o.opcode).arity; ++k) {
      same = same && uniform_[static_cast<std::size_t>(o.operands[k])].re;
    }
    if (!same) continue;
    if (o.opcode == Opcode::input) {
      uniform_[i] = load(lanes, operands_[static_cast<std::size_t>(o.index)], {});
    } else {
      uniform_[i] = known_[i] = value(lanes, nullptr, v);
    }
    known_[i] = uniform_[i];
  }
}

Value* ElementEmitter::first_lanes(Value* v, int width) {
  if (!v || width == widths_.whole) return v;
  return b_.CreateExtractVector(
      llvm::FixedVectorType::get(v->getType()->getScalarType(), static_cast<unsigned>(width)), v,
      word(0));
}

// Of the next vector nothing is known but what is the same in the whole row.
void ElementEmitter::forget(LaneEmitter& lanes) {
  known_ = uniform_;
  for (Lanes& l : known_) {
    l = {first_lanes(l.re, lanes.width()), first_lanes(l.im, lanes.width())};
  }
}

void ElementEmitter::emit_vector(LaneEmitter& lanes, const Place& place) {
  std::vector<Lanes> results;
  if (fold_.rows == RowFold::across) {
    results.push_back(fold_.place ? place_across(lanes, place) : fold_across(lanes, place));
  } else {
    forget(lanes);
    for (int v : program_.output_values()) results.push_back(value(lanes, &place, v));
  }
  if (place.count) store_some(lanes, results, place);
  else store_all(lanes, results, place.first);
}

// Computed where it is first wanted: few values wait in registers at a time.
Lanes ElementEmitter::value(LaneEmitter& lanes, const Place* place, int v) {
  Lanes& at = known_[static_cast<std::size_t>(v)];
  if (at.re) return at;
  const Operation& o = code_[v];
  if (o.opcode == Opcode::input) {
    return at = load(lanes, operands_[static_cast<std::size_t>(o.index)], *place);
  }
  if (o.opcode == Opcode::take) return at = take(lanes, place, o);
  llvm::SmallVector<Lanes> operands;
  for (int k = 0; k < info(o.opcode).arity; ++k) {
    operands.push_back(value(lanes, place, o.operands[k]));
  }
  return at = lanes.operation(v, operands);
}

Value* ElementEmitter::load_each(llvm::FixedVectorType* type, Value* places) {
  Value* all = llvm::PoisonValue::get(type);
  for (unsigned k = 0; k < type->getNumElements(); ++k) {
    Value* place = b_.CreateExtractElement(places, std::uint64_t{k});
    Value* one = b_.CreateAlignedLoad(type->getElementType(), place, llvm::Align(1));
    all = b_.CreateInsertElement(all, one, std::uint64_t{k});
  }
  return all;
}

// The processor's own gathers where LLVM finds that they pay, loads one by one elsewhere.
Lanes ElementEmitter::take(LaneEmitter& lanes, const Place* place, const Operation& o) {
  const Operand& from = operands_[static_cast<std::size_t>(code_[o.operands[0]].index)];
  Value* index = value(lanes, place, o.operands[1]).re;
  llvm::Type* type = lanes.memory_type(o.dtype);
  auto* vector = llvm::FixedVectorType::get(type, static_cast<unsigned>(lanes.width()));
  Value* first = is_complex(o.dtype) ? b_.CreateShl(index, 1) : index;
  const auto part = [&](Value* base) {
    Value* at = b_.CreateGEP(type, base, first);
    if (o.index == 0) return lanes.from_memory(load_each(vector, at), o.dtype);
    return lanes.from_memory(b_.CreateMaskedGather(vector, at, llvm::Align(1)), o.dtype);
  };
  if (!is_complex(o.dtype)) return {part(from.row)};
  return {part(from.row), part(b_.CreatePtrAdd(from.row, word(size_of(o.dtype) / 2)))};
}

Value* ElementEmitter::element(const Operand& o, Value* index) {
  Value* step = o.lie == Lie::dense ? word(size_of(o.dtype)) : o.inner;
  return b_.CreatePtrAdd(o.row, b_.CreateMul(index, step));
}

Lanes ElementEmitter::load_number(LaneEmitter& lanes, const Operand& o, Value* at) {
  llvm::Type* type = lanes.memory_type(o.dtype);
  const auto part = [&](Value* from) {
    return lanes.from_memory(b_.CreateAlignedLoad(type, from, llvm::Align(1)), o.dtype);
  };
  if (!is_complex(o.dtype)) return {part(at)};
  return {part(at), part(b_.CreatePtrAdd(at, word(size_of(o.dtype) / 2)))};
}

Lanes ElementEmitter::load_dense(LaneEmitter& lanes, const Operand& o, Value* first) {
  const auto n = static_cast<unsigned>(is_complex(o.dtype) ? 2 * lanes.width() : lanes.width());
  auto* type = llvm::FixedVectorType::get(lanes.memory_type(o.dtype), n);
  Value* v = b_.CreateAlignedLoad(type, element(o, first), llvm::Align(1));
  if (!is_complex(o.dtype)) return {lanes.from_memory(v, o.dtype)};
  llvm::SmallVector<int> even, odd;
  for (int k = 0; k < lanes.width(); ++k) {
    even.push_back(2 * k);
    odd.push_back(2 * k + 1);
  }
  return {b_.CreateShuffleVector(v, even), b_.CreateShuffleVector(v, odd)};
}

// Whether the processor moves some of a vector's elements at once.
bool ElementEmitter::is_masked(const Operand& o) const {
  const std::int64_t item = size_of(o.dtype);
  return o.lie == Lie::dense && source_.vector_bytes >= 32 && !is_complex(o.dtype) &&
         (item == 4 || item == 8);
}

// Lanes as wide as the elements: the mask of AVX2 is a vector of such.
Value* ElementEmitter::mask_for(LaneEmitter& lanes, std::int64_t item) {
  llvm::IntegerType* type = b_.getIntNTy(static_cast<unsigned>(8 * item));
  llvm::SmallVector<llvm::Constant*> numbers;
  for (int k = 0; k < lanes.width(); ++k) {
    numbers.push_back(llvm::ConstantInt::get(type, static_cast<std::uint64_t>(k)));
  }
  return b_.CreateICmpSLT(llvm::ConstantVector::get(numbers),
                          lanes.spread(b_.CreateTrunc(left_, type)));
}

Lanes ElementEmitter::load_masked(LaneEmitter& lanes, const Operand& o, const Place& place) {
  Value* at = element(o, place.first);
  Value* first = lanes.spread(load_number(lanes, o, at).re);
  return {b_.CreateMaskedLoad(first->getType(), at, llvm::Align(1), masks_.at(size_of(o.dtype)),
                              first)};
}

Lanes ElementEmitter::load(LaneEmitter& lanes, const Operand& o, const Place& place) {
  if (o.lie == Lie::dense && !place.count) return load_dense(lanes, o, place.first);
  if (o.lie == Lie::repeated) {
    const Lanes one = load_number(lanes, o, o.row);
    return {lanes.spread(one.re), one.im ? lanes.spread(one.im) : nullptr};
  }
  if (is_masked(o)) return load_masked(lanes, o, place);
  Lanes all;
  for (int k = 0; k < lanes.width(); ++k) {
    Value* lane = word(k);
    if (place.count) {
      lane =
          b_.CreateBinaryIntrinsic(llvm::Intrinsic::umin, lane, b_.CreateSub(place.count, word(1)));
    }
    const Lanes one = load_number(lanes, o, element(o, b_.CreateAdd(place.first, lane)));
    const auto put = [&](Value* vector, Value* number) -> Value* {
      auto* type =
          llvm::FixedVectorType::get(number->getType(), static_cast<unsigned>(lanes.width()));
      return b_.CreateInsertElement(vector ? vector : llvm::PoisonValue::get(type), number,
                                    static_cast<std::uint64_t>(k));
    };
    all.re = put(all.re, one.re);
    if (one.im) all.im = put(all.im, one.im);
  }
  return all;
}

void ElementEmitter::store_number(LaneEmitter& lanes, const Operand& o, Lanes result, int lane,
                                  Value* index) {
  Value* at = element(o, index);
  const auto k = static_cast<std::uint64_t>(lane);
  Value* re = lanes.to_memory(b_.CreateExtractElement(result.re, k), o.dtype);
  b_.CreateAlignedStore(re, at, llvm::Align(1));
  if (!result.im) return;
  b_.CreateAlignedStore(b_.CreateExtractElement(result.im, k),
                        b_.CreatePtrAdd(at, word(size_of(o.dtype) / 2)), llvm::Align(1));
}

void ElementEmitter::store_all(LaneEmitter& lanes, const std::vector<Lanes>& results,
                               Value* first) {
  for (std::size_t i = 0; i < results.size(); ++i) {
    const Operand& o = output(i);
    if (o.lie != Lie::dense) {
      for (int k = 0; k < lanes.width(); ++k) {
        store_number(lanes, o, results[i], k, b_.CreateAdd(first, word(k)));
      }
      continue;
    }
    Value* v = lanes.to_memory(results[i].re, o.dtype);
    if (results[i].im) {
      llvm::SmallVector<int> mask;
      for (int k = 0; k < lanes.width(); ++k) mask.append({k, lanes.width() + k});
      v = b_.CreateShuffleVector(results[i].re, results[i].im, mask);
    }
    b_.CreateAlignedStore(v, element(o, first), llvm::Align(1));
  }
}

void ElementEmitter::store_some(LaneEmitter& lanes, const std::vector<Lanes>& results,
                                const Place& place) {
  std::vector<std::size_t> singly;
  for (std::size_t i = 0; i < results.size(); ++i) {
    const Operand& o = output(i);
    if (!is_masked(o)) {
      singly.push_back(i);
      continue;
    }
    b_.CreateMaskedStore(results[i].re, element(o, place.first), llvm::Align(1),
                         masks_.at(size_of(o.dtype)));
  }
  if (singly.empty()) return;
  BasicBlock* end = block("stored");
  for (int k = 0; k < lanes.width() - 1; ++k) {
    for (std::size_t i : singly) {
      store_number(lanes, output(i), results[i], k, b_.CreateAdd(place.first, word(k)));
    }
    BasicBlock* more = k + 1 < lanes.width() - 1 ? block("more") : end;
    b_.CreateCondBr(b_.CreateICmpUGT(place.count, word(k + 1)), more, end);
    if (more != end) b_.SetInsertPoint(more);
  }
  b_.SetInsertPoint(end);
}

void emit_elements(llvm::Module& module, const ElementSource& source) {
  ElementEmitter(module, source).emit();
}

}  // namespace jetlag::jit
