// Kernels that fold their rows: the order is that of primitives/reduce_loops.inc
// and product_loops.inc, which fold what is in memory.
#include "compiler/jit/llvm/element_emitter.h"

namespace jetlag::jit {

using llvm::BasicBlock;
using llvm::Value;

int sum_register(const ElementSource& source) {
  return static_cast<int>(sum_register_bytes / size_of(source.program->output_dtype(0)));
}

// Whether b is better than a, where neither is a NaN.
Value* ElementEmitter::is_better(Value* a, Value* b) {
  const DType d = program_.output_dtype(0);
  const bool least = fold_.fold == Fold::least;
  if (is_float(d)) return least ? b_.CreateFCmpOLT(b, a) : b_.CreateFCmpOGT(b, a);
  if (kind_of(d) == 'i') return least ? b_.CreateICmpSLT(b, a) : b_.CreateICmpSGT(b, a);
  return least ? b_.CreateICmpULT(b, a) : b_.CreateICmpUGT(b, a);
}

// As `take` there: a NaN in b replaces a, and one in a stays.
Value* ElementEmitter::combine(Value* a, Value* b) {
  const bool real = is_float(output(0).dtype);
  const auto choose = [&] {
    Value* wins = is_better(a, b);
    if (real) wins = b_.CreateOr(wins, b_.CreateFCmpUNO(b, b));
    return b_.CreateSelect(wins, b, a);
  };
  switch (fold_.fold) {
    case Fold::add: return real ? b_.CreateFAdd(a, b) : b_.CreateAdd(a, b);
    case Fold::multiply: return real ? b_.CreateFMul(a, b) : b_.CreateMul(a, b);
    case Fold::least:
    case Fold::greatest: return choose();
  }
  check_failed("fold", "unknown");
}

// What changes no bit of what is folded onto it.
Value* ElementEmitter::identity(LaneEmitter& lanes) {
  const DType d = program_.output_dtype(0);
  llvm::Type* type = lanes.memory_type(d);
  const bool least = fold_.fold == Fold::least;
  const auto one = [&]() -> llvm::Constant* {
    if (is_float(d)) {
      if (fold_.fold == Fold::add) return llvm::ConstantFP::getNegativeZero(type);
      if (fold_.fold == Fold::multiply) return llvm::ConstantFP::get(type, 1.0);
      return llvm::ConstantFP::getInfinity(type, !least);
    }
    const unsigned bits = type->getIntegerBitWidth();
    if (fold_.fold == Fold::add) return llvm::ConstantInt::get(type, 0);
    if (fold_.fold == Fold::multiply) return llvm::ConstantInt::get(type, 1);
    const bool with_sign = kind_of(d) == 'i';
    if (least) {
      return llvm::ConstantInt::get(
          type, with_sign ? llvm::APInt::getSignedMaxValue(bits) : llvm::APInt::getMaxValue(bits));
    }
    return llvm::ConstantInt::get(
        type, with_sign ? llvm::APInt::getSignedMinValue(bits) : llvm::APInt::getMinValue(bits));
  };
  return lanes.spread(one());
}

Value* ElementEmitter::half(Value* v, bool upper) {
  auto* type = llvm::cast<llvm::FixedVectorType>(v->getType());
  const unsigned count = type->getNumElements() / 2;
  if (count == 1) return b_.CreateExtractElement(v, std::uint64_t{upper});
  return b_.CreateExtractVector(llvm::FixedVectorType::get(type->getElementType(), count), v,
                                word(upper ? count : 0));
}

// For j from `first` on while it is below `last`: f(j, what is carried) gives what is carried on.
template <class F>
ElementEmitter::Values ElementEmitter::carry(Value* first, Value* last, std::int64_t step,
                                             Values carried, const F& f) {
  BasicBlock *before = b_.GetInsertBlock(), *round = block("round"), *after = block("after");
  b_.CreateCondBr(b_.CreateICmpSLT(first, last), round, after);

  b_.SetInsertPoint(round);
  llvm::PHINode* j = b_.CreatePHI(b_.getInt64Ty(), 2);
  j->addIncoming(first, before);
  Values held;
  for (Value* v : carried) {
    llvm::PHINode* phi = b_.CreatePHI(v->getType(), 2);
    phi->addIncoming(v, before);
    held.push_back(phi);
  }
  const Values made = f(j, held);
  Value* next = b_.CreateAdd(j, word(step));
  BasicBlock* end = b_.GetInsertBlock();
  j->addIncoming(next, end);
  for (std::size_t i = 0; i < made.size(); ++i) {
    llvm::cast<llvm::PHINode>(held[i])->addIncoming(made[i], end);
  }
  b_.CreateCondBr(b_.CreateICmpSLT(next, last), round, after);

  b_.SetInsertPoint(after);
  for (std::size_t i = 0; i < made.size(); ++i) {
    llvm::PHINode* phi = b_.CreatePHI(made[i]->getType(), 2);
    phi->addIncoming(carried[i], before);
    phi->addIncoming(made[i], end);
    carried[i] = phi;
  }
  return carried;
}

// The first `count` numbers, one at least, one after another.
Value* ElementEmitter::onto(Value* sum, Value* numbers, Value* count) {
  const unsigned lanes = llvm::cast<llvm::FixedVectorType>(numbers->getType())->getNumElements();
  BasicBlock* done = block("added");
  llvm::SmallVector<std::pair<Value*, BasicBlock*>> ends;
  for (unsigned k = 0; k + 1 < lanes; ++k) {
    sum = combine(sum, b_.CreateExtractElement(numbers, std::uint64_t{k}));
    ends.emplace_back(sum, b_.GetInsertBlock());
    if (k + 2 == lanes) {
      b_.CreateBr(done);
      break;
    }
    BasicBlock* more = block("more");
    b_.CreateCondBr(b_.CreateICmpSGT(count, word(k + 1)), more, done);
    b_.SetInsertPoint(more);
  }
  b_.SetInsertPoint(done);
  llvm::PHINode* all = b_.CreatePHI(sum->getType(), static_cast<unsigned>(ends.size()));
  for (const auto& [value, from] : ends) all->addIncoming(value, from);
  return all;
}

// fold_short: eight registers' worth of sums side by side, then one, then one number.
Value* ElementEmitter::fold_along(LaneEmitter& lanes, LaneEmitter& rest) {
  const int root = program_.output_values()[0];
  const int width = lanes.width(), count = rest.width(), together = 8 * count;
  const auto next = [&](LaneEmitter& how, const Place& place) {
    forget(how);
    return value(how, &place, root).re;
  };
  Value* columns = function_->getArg(3);
  Value* rounds = b_.CreateAnd(columns, word(-together));
  Values sums(static_cast<std::size_t>(together / width), identity(lanes));
  sums = carry(word(0), rounds, together, sums, [&](Value* j, const Values& held) {
    Values made;
    for (std::size_t i = 0; i < held.size(); ++i) {
      Value* at = b_.CreateAdd(j, word(static_cast<std::int64_t>(i) * width));
      made.push_back(combine(held[i], next(lanes, {at})));
    }
    return made;
  });
  while (sums.size() > 1) {
    const std::size_t few = sums.size() / 2;
    for (std::size_t i = 0; i < few; ++i) sums[i] = combine(sums[i], sums[i + few]);
    sums.truncate(few);
  }
  for (int w = width; w > count; w /= 2)
    sums[0] = combine(half(sums[0], false), half(sums[0], true));
  sums = carry(rounds, narrow_, count, sums, [&](Value* j, const Values& held) {
    return Values{combine(held[0], next(rest, {j}))};
  });
  Value* sum = sums[0];
  for (int w = count; w > 1; w /= 2) sum = combine(half(sum, false), half(sum, true));

  BasicBlock *before = b_.GetInsertBlock(), *some = block("some"), *end = block("end");
  b_.CreateCondBr(b_.CreateICmpSGT(left_, word(0)), some, end);
  b_.SetInsertPoint(some);
  Value* with_rest = onto(sum, next(rest, {narrow_, left_}), left_);
  BasicBlock* after = b_.GetInsertBlock();
  b_.CreateBr(end);
  b_.SetInsertPoint(end);
  llvm::PHINode* result = b_.CreatePHI(sum->getType(), 2);
  result->addIncoming(sum, before);
  result->addIncoming(with_rest, after);
  return result;
}

// Number k of each line; a lane is a line.
Value* ElementEmitter::number_across(LaneEmitter& lanes, const Place& place, int k) {
  Values begins;
  for (int i = 0; i < program_.inputs(); ++i) {
    Operand& o = operands_[static_cast<std::size_t>(i)];
    begins.push_back(o.row);
    o.row = b_.CreatePtrAdd(o.row, b_.CreateMul(o.folded, word(k)));
  }
  forget(lanes);
  Value* number = value(lanes, &place, program_.output_values()[0]).re;
  for (std::size_t i = 0; i < begins.size(); ++i) operands_[i].row = begins[i];
  return number;
}

// fold_short_lines: a lane is a line. Its first numbers are summed side by side, as many as a
// register has, then those sums, then the others follow one by one.
Lanes ElementEmitter::fold_across(LaneEmitter& lanes, const Place& place) {
  const int n = fold_.length, count = sum_register(source_);
  const auto number = [&](int k) { return number_across(lanes, place, k); };
  Values sums;
  int k = 0;
  for (; k < (n < count ? 1 : count); ++k) sums.push_back(number(k));
  if (n >= count) {
    for (; k + count <= n; k += count) {
      for (int i = 0; i < count; ++i) {
        Value*& sum = sums[static_cast<std::size_t>(i)];
        sum = combine(sum, number(k + i));
      }
    }
  }
  for (std::size_t few = sums.size() / 2; few > 0; few /= 2) {
    for (std::size_t i = 0; i < few; ++i) sums[i] = combine(sums[i], sums[i + few]);
  }
  for (; k < n; ++k) sums[0] = combine(sums[0], number(k));
  return {sums[0]};
}

// The places as they come, of four registers' worth of elements side by side. Where nothing is
// better than the fold of nothing, all elements are as good, and the first one's place is 0.
Value* ElementEmitter::place_along(LaneEmitter& lanes) {
  constexpr int together = 4;
  const int width = lanes.width();
  llvm::IntegerType* type = place_type();
  llvm::SmallVector<llvm::Constant*> all;
  for (int k = 0; k < width; ++k) {
    all.push_back(llvm::ConstantInt::get(type, static_cast<std::uint64_t>(k)));
  }
  Value* each = llvm::ConstantVector::get(all);
  const auto spread = [&](Value* j) { return lanes.spread(b_.CreateTrunc(j, type)); };
  const auto next = [&](const Place& place) {
    forget(lanes);
    return value(lanes, &place, program_.output_values()[0]).re;
  };
  Value* rounds = b_.CreateAnd(function_->getArg(3), word(-together * width));
  Values carried(together, identity(lanes));
  carried.append(together, llvm::Constant::getNullValue(each->getType()));
  carried = carry(word(0), rounds, together * width, carried, [&](Value* j, const Values& held) {
    Values made = held;
    for (int r = 0; r < together; ++r) {
      Value* number = next({b_.CreateAdd(j, word(r * width))});
      const Best best = take_later({held[r], held[r + together]}, {number, spread(j)});
      made[r] = best.number;
      made[r + together] = best.at;
    }
    return made;
  });
  llvm::SmallVector<Best> bests;
  for (int r = 0; r < together; ++r) {
    Value* at = b_.CreateAdd(carried[r + together], each);
    bests.push_back({carried[r], b_.CreateAdd(at, spread(word(r * width)))});
  }
  for (int few = together / 2; few > 0; few /= 2) {
    for (int r = 0; r < few; ++r) bests[r] = take_any(bests[r], bests[r + few]);
  }
  const auto take = [&](const Best& best, const Place& place) {
    Value* number = next(place);
    if (place.count) {
      Value* is_there = b_.CreateICmpSLT(each, spread(place.count));
      number = b_.CreateSelect(is_there, number, best.number);
    }
    return take_later(best, {number, b_.CreateAdd(spread(place.first), each)});
  };
  carried = {bests[0].number, bests[0].at};
  carried = carry(rounds, narrow_, width, carried, [&](Value* j, const Values& held) {
    const Best best = take({held[0], held[1]}, {j});
    return Values{best.number, best.at};
  });
  carried = carry(narrow_, function_->getArg(3), width, carried, [&](Value*, const Values& held) {
    const Best best = take({held[0], held[1]}, {narrow_, left_});
    return Values{best.number, best.at};
  });
  Best best{carried[0], carried[1]};
  for (int w = width; w > 1; w /= 2) {
    best = take_any({half(best.number, false), half(best.at, false)},
                    {half(best.number, true), half(best.at, true)});
  }
  return b_.CreateZExt(best.at, b_.getInt64Ty());
}

Lanes ElementEmitter::place_across(LaneEmitter& lanes, const Place& place) {
  Best best{number_across(lanes, place, 0), lanes.spread(llvm::ConstantInt::get(place_type(), 0))};
  for (int k = 1; k < fold_.length; ++k) {
    Value* at = lanes.spread(llvm::ConstantInt::get(place_type(), static_cast<std::uint64_t>(k)));
    best = take_later(best, {number_across(lanes, place, k), at});
  }
  return {b_.CreateZExt(best.at, lanes.spread(word(0))->getType())};
}

// As wide as a number, so that both are chosen by one mask.
llvm::IntegerType* ElementEmitter::place_type() {
  return b_.getIntNTy(static_cast<unsigned>(8 * size_of(program_.output_dtype(0))));
}

ElementEmitter::Best ElementEmitter::take_later(const Best& best, const Best& later) {
  Value* wins = is_better(best.number, later.number);
  if (is_float(program_.output_dtype(0))) {
    wins = b_.CreateAnd(b_.CreateOr(wins, b_.CreateFCmpUNO(later.number, later.number)),
                        b_.CreateFCmpORD(best.number, best.number));
  }
  return {b_.CreateSelect(wins, later.number, best.number),
          b_.CreateSelect(wins, later.at, best.at)};
}

// Of two that are as good, the first one.
ElementEmitter::Best ElementEmitter::take_any(const Best& a, const Best& b) {
  Value *wins = is_better(a.number, b.number), *same;
  if (is_float(program_.output_dtype(0))) {
    Value* nan_in_a = b_.CreateFCmpUNO(a.number, a.number);
    Value* nan_in_b = b_.CreateFCmpUNO(b.number, b.number);
    wins = b_.CreateOr(wins, b_.CreateAnd(nan_in_b, b_.CreateNot(nan_in_a)));
    same = b_.CreateOr(b_.CreateFCmpOEQ(a.number, b.number), b_.CreateAnd(nan_in_a, nan_in_b));
  } else {
    same = b_.CreateICmpEQ(a.number, b.number);
  }
  wins = b_.CreateOr(wins, b_.CreateAnd(same, b_.CreateICmpULT(b.at, a.at)));
  return {b_.CreateSelect(wins, b.number, a.number), b_.CreateSelect(wins, b.at, a.at)};
}

// Rows in fours, then the others one by one.
template <class F>
void ElementEmitter::for_fours(const F& f) {
  constexpr int together = 4;
  Value* rows = function_->getArg(4);
  Value* fours = b_.CreateAnd(rows, word(-together));
  const auto some = [&](int height) {
    return [&, height](Value* i, const Values&) {
      f(i, height);
      return Values{};
    };
  };
  carry(word(0), fours, together, {}, some(together));
  carry(fours, rows, 1, {}, some(1));
}

std::vector<ElementEmitter::Row> ElementEmitter::rows_from(LaneEmitter& lanes, Value* first,
                                                           int rows) {
  std::vector<Row> all;
  for (int r = 0; r < rows; ++r) {
    Row row;
    Value* number = b_.CreateAdd(first, word(r));
    for (Operand& o : operands_) {
      o.row = b_.CreatePtrAdd(o.base, b_.CreateMul(number, o.outer));
      row.begins.push_back(o.row);
    }
    emit_uniform(lanes);
    row.uniform = uniform_;
    all.push_back(std::move(row));
  }
  return all;
}

Value* ElementEmitter::number_in(LaneEmitter& lanes, const Row& row, const Place& place) {
  for (std::size_t i = 0; i < row.begins.size(); ++i) operands_[i].row = row.begins[i];
  uniform_ = row.uniform;
  forget(lanes);
  return value(lanes, &place, program_.output_values()[0]).re;
}

// FoldLoops::rows: four rows meet in pairs before they meet the sums.
void ElementEmitter::emit_down(LaneEmitter& lanes) {
  for_fours([&](Value* first, int rows) { add_rows(lanes, first, rows); });
}

void ElementEmitter::add_rows(LaneEmitter& lanes, Value* first, int rows) {
  const std::vector<Row> all = rows_from(lanes, first, rows);
  const Operand& sums = output(0);
  const int width = lanes.width();
  auto* type =
      llvm::FixedVectorType::get(lanes.memory_type(sums.dtype), static_cast<unsigned>(width));
  const auto folded = [&](const Place& place) {
    Values numbers{number_in(lanes, all.front(), place)};
    for (std::size_t r = 1; r < all.size(); ++r) numbers.push_back(number_in(lanes, all[r], place));
    for (std::size_t few = numbers.size() / 2; few > 0; few /= 2) {
      for (std::size_t r = 0; r < few; ++r)
        numbers[r] = combine(numbers[2 * r], numbers[2 * r + 1]);
    }
    return numbers[0];
  };
  carry(word(0), whole_, width, {}, [&](Value* j, const Values&) {
    Value* at = element(sums, j);
    Value* sum = combine(b_.CreateAlignedLoad(type, at, llvm::Align(1)), folded({j}));
    b_.CreateAlignedStore(sum, at, llvm::Align(1));
    return Values{};
  });
  // What is left over is there once, or not at all.
  Value* mask = mask_for(lanes, size_of(sums.dtype));
  carry(whole_, function_->getArg(3), width, {}, [&](Value* j, const Values&) {
    Value* at = element(sums, j);
    Value* before =
        b_.CreateMaskedLoad(type, at, llvm::Align(1), mask, llvm::Constant::getNullValue(type));
    b_.CreateMaskedStore(combine(before, folded({j, left_})), at, llvm::Align(1), mask);
    return Values{};
  });
}

// some_rows: a register of sums for each row; several rows, as an addition waits for the one
// before it.
void ElementEmitter::emit_products(LaneEmitter& lanes, LaneEmitter& rest) {
  for_fours([&](Value* first, int rows) { multiply_rows(lanes, rest, first, rows); });
}

void ElementEmitter::multiply_rows(LaneEmitter& lanes, LaneEmitter& rest, Value* first, int rows) {
  const DType d = output(0).dtype;
  const int width = lanes.width(), count = rest.width();
  const std::vector<Row> all = rows_from(lanes, first, rows);
  llvm::Type* type = llvm::FixedVectorType::get(lanes.memory_type(d), static_cast<unsigned>(count));
  const auto factor_at = [&](Value* j) {
    return b_.CreatePtrAdd(function_->getArg(5), b_.CreateMul(j, word(size_of(d))));
  };
  const auto add = [&](Value* sum, Value* a, Value* b) {
    return b_.CreateIntrinsic(llvm::Intrinsic::fma, {type}, {a, b, sum});
  };
  Values sums(static_cast<std::size_t>(rows), llvm::Constant::getNullValue(type));
  const auto step_by = [&](LaneEmitter& how) {
    return [&](Value* j, const Values& held) {
      Values made = held;
      for (std::size_t r = 0; r < all.size(); ++r) {
        Value* v = number_in(how, all[r], {j});
        for (int k = 0; k < how.width(); k += count) {
          Value* part = v;
          if (how.width() > count) part = b_.CreateExtractVector(type, v, word(k));
          Value* at = factor_at(b_.CreateAdd(j, word(k)));
          made[r] = add(made[r], part, b_.CreateAlignedLoad(type, at, llvm::Align(1)));
        }
      }
      return made;
    };
  };
  Value* whole = b_.CreateAnd(function_->getArg(3), word(-width));
  sums = carry(word(0), whole, width, sums, step_by(lanes));
  if (count < width) sums = carry(whole, narrow_, count, sums, step_by(rest));
  // What is left over is as if zeros followed. It is there once, or not at all.
  Value* mask = mask_for(rest, size_of(d));
  sums = carry(narrow_, function_->getArg(3), count, sums, [&](Value* j, const Values& held) {
    Value* none = llvm::Constant::getNullValue(type);
    Value* factor = b_.CreateMaskedLoad(type, factor_at(j), llvm::Align(1), mask, none);
    Values made = held;
    for (std::size_t r = 0; r < all.size(); ++r) {
      Value* v = number_in(rest, all[r], {narrow_, left_});
      made[r] = add(made[r], b_.CreateSelect(mask, v, none), factor);
    }
    return made;
  });
  for (std::size_t r = 0; r < all.size(); ++r) {
    Value* sum = sums[r];
    for (int w = count; w > 1; w /= 2) sum = b_.CreateFAdd(half(sum, false), half(sum, true));
    b_.CreateAlignedStore(sum, all[r].begins.back(), llvm::Align(1));
  }
}

}  // namespace jetlag::jit
