#include "runtime/exec/chains.h"

#include <algorithm>

#include "compiler/plan/rules.h"
#include "primitives/structured.h"

namespace jetlag::exec {

namespace {

// A chain, and where it stands in the program.
class WaitingProduct : public Chain {
 public:
  WaitingProduct(Ref<Array> a, Ref<Array> b, const plan::Op& op, const Primitive& p)
      : Chain(std::move(a), std::move(b), p), op_(op), primitive_(p) {}
  const plan::Op& op() const { return op_; }
  const Primitive& primitive() const { return primitive_; }

 private:
  const plan::Op& op_;
  const Primitive& primitive_;
};

// Matrices with a side shorter than this are multiplied where they stand: their
// product costs little more than the look at their elements.
constexpr std::int64_t least_side = 32;
// Another order must save so much of the work.
constexpr double least_saving = 0.25;
// The largest number that any order may meet.
constexpr double most_double = 1e300, most_single = 1e37;

bool is_chain(const Value& v) { return v.is_array() && as_chain(*v.array()); }
// Integers wrap, so every order gives the same.
bool wraps(DType d) { return is_integer(d) && d != DType::boolean; }

// A vector is a matrix with one row or one column, at the ends.
std::vector<double> sides_of(const std::vector<Ref<Array>>& factors) {
  const Array& first = *factors.front();
  std::vector<double> sides{first.rank() == 1 ? 1.0 : static_cast<double>(first.shape()[0])};
  for (std::size_t i = 0; i < factors.size(); ++i) {
    const Array& f = *factors[i];
    const bool is_column = f.rank() == 1 && i > 0;
    sides.push_back(is_column ? 1.0 : static_cast<double>(f.shape()[f.rank() - 1]));
  }
  return sides;
}

}  // namespace

bool ChainCall::some_wait() const { return is_chain(args_[0]) || is_chain(args_[1]); }

std::optional<Value> ChainCall::wait() {
  const Ref<Array>&a = args_[0].array(), &b = args_[1].array();
  if (!op_.feeds_product || a->rank() != 2 || b->rank() != 2 || !plan::is_on("dot-chain") ||
      !fits(*a) || !fits(*b)) {
    return std::nullopt;
  }
  const std::int64_t shortest = std::min({a->shape()[0], a->shape()[1], b->shape()[1]});
  if (shortest < least_side) return std::nullopt;
  if (!stays_finite({a, b})) return refuse("the factors are not finite numbers, or too large");
  return waiting();
}

Value ChainCall::waiting() {
  const Value v = Value::of(structured_array(
      make<WaitingProduct>(args_[0].array(), args_[1].array(), op_, p_), spec_.dtype, spec_.shape));
  lane_.describe(op_, StepKind::value, v);
  lane_.borrow(v.array());
  return v;
}

bool ChainCall::fits(const Array& f) const {
  return f.in_memory() && f.dtype() == spec_.dtype && f.size() > 0 && f.rank() > 0 && f.rank() <= 2;
}

// Whether every product of these, in every order, is made of finite numbers.
bool ChainCall::stays_finite(const Factors& factors) {
  if (wraps(spec_.dtype)) return true;
  if (spec_.dtype != DType::float64 && spec_.dtype != DType::float32) return false;
  double bound = 1;
  for (const Ref<Array>& f : factors) {
    const auto terms = static_cast<double>(*std::max_element(f->shape().begin(), f->shape().end()));
    bound *= terms * std::max(lane_.largest(f), 1.0);  // a NaN stays one
  }
  return bound < (spec_.dtype == DType::float64 ? most_double : most_single);
}

std::optional<Value> ChainCall::product() {
  const Ref<Array>&a = args_[0].array(), &b = args_[1].array();
  Factors factors;
  collect_factors(a, factors);
  collect_factors(b, factors);
  const bool all_fit =
      std::all_of(factors.begin(), factors.end(), [&](const Ref<Array>& f) { return fits(*f); });
  if (spec_.declined() || !all_fit || (lane_.fp().wanted & underflow)) {
    return refuse("the factors are not matrices of one kind of number");
  }
  const auto inner = static_cast<double>(a->shape()[a->rank() - 1]);
  const double as_written = flops_as_written(*a) + flops_as_written(*b) +
                            static_cast<double>(element_count(spec_.shape)) * inner;
  const ChainOrder order(sides_of(factors));
  const bool saves = order.flops() < (1 - least_saving) * as_written;
  const bool may_wait = op_.feeds_product && spec_.shape.size() == 2;
  if (!saves && !may_wait) return refuse("the order of the text costs least");
  if (!stays_finite(factors)) return refuse("the factors are not finite numbers, or too large");
  if (!saves) return waiting();
  const std::optional<Value> result = multiplied(factors, order, 0, factors.size());
  if (result && lane_.profile_) {
    lane_.profile_->rename(op_.id, jetlag::describe(*result), "dot-chain");
  }
  return result;
}

std::optional<Value> ChainCall::multiplied(const Factors& factors, const ChainOrder& order,
                                           std::size_t first, std::size_t last) {
  if (last - first == 1) return Value::of(factors[first]);
  const std::size_t cut = order.cut(first, last);
  const std::optional<Value> left = multiplied(factors, order, first, cut);
  const std::optional<Value> right = multiplied(factors, order, cut, last);
  if (!left || !right) return std::nullopt;
  std::vector<Value> args{*left, *right};
  return lane_.kernel(op_, p_, args);
}

void ChainCall::run_waiting() {
  run_waiting(args_[0]);
  run_waiting(args_[1]);
}

void ChainCall::run_waiting(Value& v) {
  if (!is_chain(v)) return;
  const Ref<Array> held = v.array();
  const auto* w = static_cast<const WaitingProduct*>(as_chain(*held));
  std::vector<Value> args{Value::of(w->a()), Value::of(w->b())};
  run_waiting(args[0]);
  run_waiting(args[1]);
  if (std::optional<Value> product = lane_.kernel(w->op(), w->primitive(), args)) v = *product;
}

std::nullopt_t ChainCall::refuse(std::string_view why) {
  if (lane_.profile_) lane_.profile_->refuse(op_.id, "dot-chain", why);
  return std::nullopt;
}

}  // namespace jetlag::exec
