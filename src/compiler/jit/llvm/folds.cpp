// Kernels that fold their rows: the order is that of primitives/reduce_loops.inc
// and product_loops.inc, which fold what is in memory.
#include "compiler/jit/llvm/element_emitter.h"

namespace jetlag::jit {

using llvm::BasicBlock;
using llvm::Value;

int sum_register(const ElementSource& source) {
  return static_cast<int>(sum_register_bytes / size_of(source.program->output_dtype(0)));
}

// As `take` there: a NaN in b replaces a, and one in a stays.
Value* ElementEmitter::combine(Value* a, Value* b) {
  const DType d = output(0).dtype;
  const bool real = is_float(d), with_sign = kind_of(d) == 'i';
  const auto choose = [&](bool least) {
    Value* wins;
    if (real) {
      wins = b_.CreateOr(least ? b_.CreateFCmpOLT(b, a) : b_.CreateFCmpOGT(b, a),
                         b_.CreateFCmpUNO(b, b));
    } else if (with_sign) {
      wins = least ? b_.CreateICmpSLT(b, a) : b_.CreateICmpSGT(b, a);
    } else {
      wins = least ? b_.CreateICmpULT(b, a) : b_.CreateICmpUGT(b, a);
    }
    return b_.CreateSelect(wins, b, a);
  };
  switch (fold_.fold) {
    case Fold::add: return real ? b_.CreateFAdd(a, b) : b_.CreateAdd(a, b);
    case Fold::multiply: return real ? b_.CreateFMul(a, b) : b_.CreateMul(a, b);
    case Fold::least: return choose(true);
    case Fold::greatest: return choose(false);
  }
  check_failed("fold", "unknown");
}

// What changes no bit of what is folded onto it.
Value* ElementEmitter::identity(LaneEmitter& lanes) {
  const DType d = output(0).dtype;
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

// fold_short_lines: a lane is a line. Its first numbers are summed side by side, as many as a
// register has, then those sums, then the others follow one by one.
Lanes ElementEmitter::fold_across(LaneEmitter& lanes, const Place& place) {
  const int n = fold_.length, count = sum_register(source_);
  const auto inputs = static_cast<std::size_t>(program_.inputs());
  Values begins;
  for (std::size_t i = 0; i < inputs; ++i) begins.push_back(operands_[i].row);
  const auto number = [&](int k) {
    for (std::size_t i = 0; i < inputs; ++i) {
      Operand& o = operands_[i];
      o.row = b_.CreatePtrAdd(begins[i], b_.CreateMul(o.folded, word(k)));
    }
    forget(lanes);
    return value(lanes, &place, program_.output_values()[0]).re;
  };
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
  for (std::size_t i = 0; i < inputs; ++i) operands_[i].row = begins[i];
  return {sums[0]};
}

// some_rows: a register of sums for each row; several rows, as an addition waits for the one
// before it.
void ElementEmitter::emit_products(LaneEmitter& lanes, LaneEmitter& rest) {
  constexpr int together = 4;
  Value* rows = function_->getArg(4);
  Value* fours = b_.CreateAnd(rows, word(-together));
  const auto some = [&](int height) {
    return [&, height](Value* i, const Values&) {
      multiply_rows(lanes, rest, i, height);
      return Values{};
    };
  };
  carry(word(0), fours, together, {}, some(together));
  carry(fours, rows, 1, {}, some(1));
}

void ElementEmitter::multiply_rows(LaneEmitter& lanes, LaneEmitter& rest, Value* first, int rows) {
  struct Row {
    Values begins;
    std::vector<Lanes> uniform;
  };
  const DType d = output(0).dtype;
  const int width = lanes.width(), count = rest.width();
  std::vector<Row> all;
  const auto go_to = [&](const Row& row) {
    for (std::size_t i = 0; i < row.begins.size(); ++i) operands_[i].row = row.begins[i];
    uniform_ = row.uniform;
  };
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
  llvm::Type* type = llvm::FixedVectorType::get(lanes.memory_type(d), static_cast<unsigned>(count));
  const auto factor_at = [&](Value* j) {
    return b_.CreatePtrAdd(function_->getArg(5), b_.CreateMul(j, word(size_of(d))));
  };
  const auto next = [&](LaneEmitter& how, const Row& row, const Place& place) {
    go_to(row);
    forget(how);
    return value(how, &place, program_.output_values()[0]).re;
  };
  const auto add = [&](Value* sum, Value* a, Value* b) {
    return b_.CreateIntrinsic(llvm::Intrinsic::fma, {type}, {a, b, sum});
  };
  Values sums(static_cast<std::size_t>(rows), llvm::Constant::getNullValue(type));
  const auto step_by = [&](LaneEmitter& how) {
    return [&](Value* j, const Values& held) {
      Values made = held;
      for (std::size_t r = 0; r < all.size(); ++r) {
        Value* v = next(how, all[r], {j});
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
      Value* v = next(rest, all[r], {narrow_, left_});
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
