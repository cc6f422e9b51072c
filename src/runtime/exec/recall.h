// Rules common-subexpressions and hoist while they run: a result is had again
// where an equal call was made on the same arrays, and nobody wrote into them,
// into the result, or ran Python since. A call that met a floating-point
// condition is made again, because the condition is to be told each time.
#pragma once

#include "runtime/exec/lane.h"

namespace jetlag::exec {

// A call that the plan says may be repeated. Its operands stay where they are.
class RecallCall {
 public:
  using Operands = std::vector<const Value*>;

  RecallCall(Lane& lane, const plan::Region& region, const plan::Op& op, Operands operands);

  // What the call gives, if that is known; unbound if it has to be made.
  Value find();
  // The call was made, after find() gave nothing.
  void note(const Value& result);

 private:
  bool fits(const Memo& memo) const;
  bool told_nothing(const Value& known, std::int64_t reports, std::string_view rule);
  Value again(const Value& known);
  bool is_worth_copying(const Array& result) const;
  Value copied(const Ref<Array>& result);
  bool can_be_kept(const Value& result) const;
  void forget();

  Lane& lane_;
  const plan::Op& op_;
  const plan::Recall& recall_;
  Operands operands_;
  int key_;               // of equal calls
  bool applies_ = false;  // an operand is an array, and all can be compared
  std::int64_t python_runs_ = 0, reports_ = 0;
};

}  // namespace jetlag::exec
