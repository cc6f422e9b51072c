// Calls on operands that are not in memory: what can be said about the result
// without writing them out. Everything here gives what the plain calls would
// give, up to the rounding of sums and the sign of zeros in products; where a
// zero meets a number that is not finite, it steps aside.
#include "primitives/structured.h"

#include <algorithm>
#include <cmath>

#include "compiler/plan/rules.h"
#include "primitives/arguments.h"
#include "primitives/shape.h"
#include "runtime/exec/chains.h"
#include "runtime/exec/stores.h"

namespace jetlag::exec {

namespace {

// What NumPy could not allocate should fail as it does there.
constexpr std::int64_t most_bytes = std::int64_t{1} << 32;
constexpr std::size_t most_facts = 4;
// Products with a vector by one thread, up to so many numbers of the matrix.
constexpr std::int64_t most_vector_work = std::int64_t{1} << 20;

bool is_structured(const Value& v) { return v.is_array() && !v.array()->in_memory(); }
bool is_dense(const Value& v) {
  return v.is_array() && v.array()->in_memory() && !v.array()->is_scalar;
}
bool is_real(DType d) { return !is_complex(d); }

const Diagonal* diagonal_in(const Value& v) {
  return is_structured(v) ? as_diagonal(*v.array()) : nullptr;
}

}  // namespace

// One call. Every rule gives nothing where it does not apply.
class StructuredCall {
 public:
  StructuredCall(Lane& lane, const plan::Op& op, const Primitive& p, std::vector<Value>& args)
      : lane_(lane), op_(op), p_(p), args_(args) {}

  std::optional<Value> run() {
    switch (p_.algebra) {
      case Algebra::diag: return diag();
      case Algebra::identity: return identity();
      case Algebra::inverse: return inverse();
      default: break;
    }
    const bool may_wait = p_.algebra == Algebra::product && op_.feeds_product;
    if (!may_wait && std::none_of(args_.begin(), args_.end(), is_structured)) return std::nullopt;
    switch (p_.algebra) {
      case Algebra::add:
      case Algebra::subtract: return sum();
      case Algebra::multiply:
      case Algebra::divide: return multiple();
      case Algebra::transpose: return turned();
      case Algebra::product: return product();
      default: return std::nullopt;
    }
  }

 private:
  Value structured(Ref<Structure> structure, DType dtype, Dims shape, std::string_view rule) {
    const Value v = Value::of(structured_array(std::move(structure), dtype, std::move(shape)));
    lane_.describe(op_, StepKind::value, v, rule);
    return v;
  }

  // ---- making diagonals -------------------------------------------------------------

  static bool may_be_diagonal(DType dtype, std::int64_t n) {
    return is_real(dtype) && n > 0 && n <= most_bytes / (n * size_of(dtype));
  }

  std::optional<Value> diag() {
    if (!plan::is_on("diagonal")) return std::nullopt;
    if (!is_dense(args_[0]) || args_[0].array()->rank() != 1 || as_index(args_[1]) != 0) {
      return std::nullopt;
    }
    const Ref<Array>& v = args_[0].array();
    const std::int64_t n = v->shape()[0];
    if (!may_be_diagonal(v->dtype(), n)) return std::nullopt;
    lane_.ready(*v);
    const Ref<Array> values = new_array(v->dtype(), {n});
    copy_elements(*v, *values);
    return structured(make<Diagonal>(values), v->dtype(), {n, n}, "diagonal");
  }

  std::optional<Value> identity() {
    if (!plan::is_on("diagonal")) return std::nullopt;
    const Spec spec = p_.type(args_);
    if (spec.declined() || spec.shape[0] != spec.shape[1]) return std::nullopt;
    if (p_.name == "eye" && as_index(args_[2]) != 0) return std::nullopt;
    const std::int64_t n = spec.shape[0];
    if (!may_be_diagonal(spec.dtype, n)) return std::nullopt;
    const Ref<Array> values = new_array(spec.dtype, {n});
    visit(spec.dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      std::fill(values->as<T>(), values->as<T>() + n, T(1));
    });
    return structured(make<Diagonal>(values), spec.dtype, {n, n}, "diagonal");
  }

  // ---- arithmetic on diagonals: element by element, as the rows do it -------------------

  // The diagonal of the result, by the row's own formula (or another's).
  std::optional<Value> on_values(const Primitive& formula, std::vector<Value> values) {
    const std::vector<Value> held = values;  // operands that are not alone are not written over
    const std::optional<Value> result = lane_.elementwise(op_, formula, formula, values);
    if (!result || !result->is_array()) return std::nullopt;
    lane_.ready(*result->array());
    return result;
  }

  std::optional<Value> on_diagonals(const Primitive& formula, std::vector<Value> values) {
    const std::optional<Value> result = on_values(formula, std::move(values));
    if (!result) return std::nullopt;
    const DType dtype = result->array()->dtype();
    const std::int64_t n = result->array()->shape()[0];
    const Value v = Value::of(structured_array(make<Diagonal>(result->array()), dtype, {n, n}));
    if (lane_.profile_) lane_.profile_->rename(op_.id, jetlag::describe(v), "diagonal");
    return v;
  }

  std::optional<Value> sum() {
    const Diagonal *a = diagonal_in(args_[0]), *b = diagonal_in(args_[1]);
    if (a && b && a->size() == b->size())
      return on_diagonals(p_, {Value::of(a->values()), Value::of(b->values())});
    if (b) return beside_matrix(args_[0], *b, false);
    return a ? beside_matrix(args_[1], *a, true) : std::nullopt;
  }

  // Zeros for all that is beside the diagonal, and the diagonal again: only there can a sum meet
  // a condition.
  std::optional<Value> beside_matrix(const Value& matrix, const Diagonal& d, bool diagonal_first) {
    // Smaller ones are written out sooner.
    constexpr std::int64_t least_rows = 100;
    const std::int64_t n = d.size();
    if (!is_dense(matrix) || n < least_rows) return std::nullopt;
    const Ref<Array>& m = matrix.array();
    const bool fits = m->dtype() == d.values()->dtype() && is_float(m->dtype()) &&
                      m->shape() == Dims{n, n} && m->is_contiguous();
    if (!fits) return std::nullopt;
    const auto operands = [&](Value of_matrix, Value of_diagonal) {
      return diagonal_first ? std::vector{std::move(of_diagonal), std::move(of_matrix)}
                            : std::vector{std::move(of_matrix), std::move(of_diagonal)};
    };
    const Value line = Value::of(diagonal_of(m, 0, 0, 1));
    const auto diagonal = on_values(p_, operands(line, Value::of(d.values())));
    const auto sum = diagonal ? on_values(p_, operands(matrix, Value::of(0.0))) : std::nullopt;
    if (!sum) return std::nullopt;
    copy_elements(*diagonal->array(), *diagonal_of(sum->array(), 0, 0, 1));
    return sum;
  }

  // What a number of that size is in the dtype: single precision has no 1e300, nor 1e-300.
  static double in_dtype(double x, DType dtype) {
    return dtype == DType::float32 ? static_cast<double>(static_cast<float>(x)) : x;
  }

  // Zeros must stay positive zeros: Python's number is one of the diagonal's dtype.
  static bool keeps_zeros(const Diagonal& d, const Value& factor) {
    if (factor.is_array()) return false;
    const std::optional<double> x = as_real(factor);
    return x && std::isfinite(in_dtype(*x, d.values()->dtype())) && !std::signbit(*x);
  }

  static bool divides_zeros(const Diagonal& d, const Value& divisor) {
    return keeps_zeros(d, divisor) && in_dtype(*as_real(divisor), d.values()->dtype()) != 0;
  }

  std::optional<Value> multiple() {
    const Diagonal *a = diagonal_in(args_[0]), *b = diagonal_in(args_[1]);
    if (p_.algebra == Algebra::divide) {
      if (!a || !divides_zeros(*a, args_[1])) return std::nullopt;
      return on_diagonals(p_, {Value::of(a->values()), args_[1]});
    }
    if (a && b && a->size() == b->size()) {
      return on_diagonals(p_, {Value::of(a->values()), Value::of(b->values())});
    }
    if (a && keeps_zeros(*a, args_[1])) return on_diagonals(p_, {Value::of(a->values()), args_[1]});
    if (b && keeps_zeros(*b, args_[0])) return on_diagonals(p_, {args_[0], Value::of(b->values())});
    return std::nullopt;
  }

  std::optional<Value> turned() {
    const Ref<Array>& a = args_[0].array();
    if (!as_diagonal(*a)) return std::nullopt;
    const bool reverses = args_.size() < 2 || absent(args_[1]) ||
                          (args_[1].is(ValueKind::tuple) && args_[1].items().empty());
    if (!reverses) return std::nullopt;
    Dims strides = a->strides();
    std::reverse(strides.begin(), strides.end());
    const Ref<Array> view = make<Array>(make<Turned>(a), a->dtype(), a->shape(), strides);
    view->base = a->base ? a->base : a;
    const Value v = Value::of(view);
    lane_.describe(op_, StepKind::view, v, "diagonal");
    return v;
  }

  // ---- products -----------------------------------------------------------------------

  std::optional<Value> product() {
    if (!args_[0].is_array() || !args_[1].is_array() || args_[0].array()->is_scalar ||
        args_[1].array()->is_scalar) {
      return std::nullopt;
    }
    const Spec spec = p_.type(args_);
    ChainCall chains(lane_, op_, p_, args_, spec);
    if (chains.some_wait()) {
      if (std::optional<Value> result = chains.product()) return result;
      chains.run_waiting();
    }
    // A condition of matmul, which tells of it, and that only whole products meet.
    if (spec.declined() || (lane_.fp().wanted & underflow)) return std::nullopt;
    spec_ = &spec;
    const Ref<Array>&a = args_[0].array(), &b = args_[1].array();
    if (a->in_memory() && b->in_memory()) return chains.wait();
    if (a->rank() == 0 || b->rank() == 0 || a->rank() > 2 || b->rank() > 2) return std::nullopt;
    if (const Inverse* inverse = as_inverse(*a)) return solution(*inverse, b);
    if (spec.dtype != DType::float64 && spec.dtype != DType::float32) return std::nullopt;
    const Diagonal *left = diagonal_in(args_[0]), *right = diagonal_in(args_[1]);
    if (left && right) return diagonal_product(*left, *right);
    if (right) return scaled(a, b, *right, 1);
    if (left) return scaled(b, a, *left, 0);
    if (const Scaled* s = as_scaled(*a)) {
      if (s->axis() == 1) return of_scaled(Ref<const Scaled>(s), b);
    } else if (const Scaled* t = as_scaled(*b)) {
      if (t->axis() == 0) return of_scaled(Ref<const Scaled>(t), a);
    }
    return std::nullopt;
  }

  bool is_finite_product(double a, double b) const {
    return std::isfinite(in_dtype(a * b, spec_->dtype));
  }

  std::optional<Value> diagonal_product(const Diagonal& a, const Diagonal& b) {
    if (!is_finite_product(a.largest(), b.largest())) return std::nullopt;
    return on_diagonals(*find_primitive("multiply"),
                        {Value::of(a.values()), Value::of(b.values())});
  }

  // A matrix or vector times a diagonal: its elements scaled along an axis.
  std::optional<Value> scaled(const Ref<Array>& m, const Ref<Array>& diagonal, const Diagonal& d,
                              std::int64_t axis) {
    if (!plan::is_on("scaled")) return std::nullopt;
    if (m->dtype() != spec_->dtype && m->rank() == 2) return std::nullopt;
    if (!is_float(m->dtype()) && m->rank() == 1 && !is_real(m->dtype())) return std::nullopt;
    const double largest = is_float(m->dtype()) ? lane_.largest(m) : 1;
    if (!is_finite_product(largest, d.largest())) return refuse("scaled", "not all is finite");
    if (m->rank() == 1) return scaled_vector(m, d);
    const Structure* s = diagonal->structure();
    if (const auto* turned = dynamic_cast<const Turned*>(s)) s = turned->of()->structure();
    const Ref<const Diagonal> kept(static_cast<const Diagonal*>(s));
    const Value v = structured(make<Scaled>(m, kept, axis), spec_->dtype, spec_->shape, "scaled");
    lane_.borrow(v.array());
    return v;
  }

  std::optional<Value> scaled_vector(const Ref<Array>& v, const Diagonal& d) {
    const std::optional<Value> result =
        on_values(*find_primitive("multiply"), {Value::of(d.values()), Value::of(v)});
    if (result && lane_.profile_) {
      lane_.profile_->rename(op_.id, jetlag::describe(*result), "diagonal");
    }
    return result;
  }

  // (m D) v, (m D) m^T; v (D m), m^T (D m).
  std::optional<Value> of_scaled(Ref<const Scaled> s, const Ref<Array>& other) {
    if (!other->in_memory()) return std::nullopt;
    if (other->rank() == 1) return scaled_by_vector(*s, other);
    if (!plan::is_on("weighted-gram")) return std::nullopt;
    if (!is_transpose(*s->matrix(), *other)) {
      return refuse("weighted-gram", "the other factor is not the same matrix, transposed");
    }
    if (spec_->shape[0] > most_gram_rows) {
      return refuse("weighted-gram", "the matrix has many rows");
    }
    const Ref<Array> out = lane_.result_array(spec_->dtype, spec_->shape);
    run(gram_job(std::move(s), out), {other}, out);
    // Where a sum is not finite, the order of its factors could tell.
    if (!std::isfinite(largest_magnitude(*out))) {
      return refuse("weighted-gram", "the result is not finite");
    }
    return done(out, "weighted-gram");
  }

  std::optional<Value> scaled_by_vector(const Scaled& s, const Ref<Array>& v) {
    if (!is_real(v->dtype()) || s.matrix()->size() > most_vector_work) return std::nullopt;
    lane_.ready(*v);
    const Ref<Array> factors = as_doubles(v);
    if (!std::isfinite(largest_magnitude(*factors))) {
      return refuse("scaled", "the vector is not finite");
    }
    const Ref<Array> out = lane_.result_array(spec_->dtype, spec_->shape);
    lane_.profiled(op_.id, StepKind::call,
                   [&] { scaled_times_vector(s, factors->as<double>(), *out); });
    if (!std::isfinite(largest_magnitude(*out))) {
      return refuse("scaled", "the result is not finite");
    }
    return done(out, "scaled");
  }

  // ---- inverses ---------------------------------------------------------------------------

  std::optional<Value> inverse() {
    if (!op_.feeds_product || !args_[0].is_array() || !plan::is_on("solve")) return std::nullopt;
    const Ref<Array>& a = args_[0].array();
    const Spec spec = p_.type(args_);
    if (spec.declined() || a->dtype() != DType::float64 || a->rank() != 2 || a->size() == 0) {
      return std::nullopt;
    }
    const auto n = static_cast<double>(a->shape()[0]);
    Ref<Inverse> made;
    Job job{.blocks = 1,
            .body = [&](std::int64_t) { made = Inverse::of(a); },
            .finish = {},
            .bytes = n * n * sizeof(double),
            .flops = n * n * n / 3};
    lane_.ready(*a);
    run(std::move(job), {a}, new_array(DType::float64, {}));
    if (!made) return refuse("solve", "the matrix is singular, or nearly so");
    const std::string_view rule = made->by_cholesky() ? "inverse-by-cholesky" : "inverse-by-lu";
    if (!plan::is_on(rule)) return std::nullopt;
    const Value v = structured(std::move(made), DType::float64, spec.shape, rule);
    lane_.borrow(v.array());
    return v;
  }

  std::optional<Value> solution(const Inverse& inverse, const Ref<Array>& b) {
    if (!b->in_memory() || !is_real(b->dtype()) || b->size() == 0) return std::nullopt;
    if (!inverse.is_worth_solving()) return std::nullopt;
    lane_.ready(*b);
    if (is_float(b->dtype()) && !std::isfinite(largest_magnitude(*b))) {
      return refuse("solve", "the right side is not finite");
    }
    const auto n = static_cast<double>(b->shape()[0]);
    Ref<Array> x;
    Job job{.blocks = 1,
            .body = [&](std::int64_t) { x = inverse.times(*b); },
            .finish = {},
            .bytes = n * n * sizeof(double),
            .flops = 2 * n * static_cast<double>(b->size())};
    run(std::move(job), {b}, new_array(DType::float64, {}));
    if (!x) return refuse("solve", "the solution is not finite");
    return done(x, "solve");
  }

  // ---- running ------------------------------------------------------------------------------

  // The result is looked at, so the lane waits for it.
  void run(Job job, std::vector<Ref<Array>> reads, const Ref<Array>& out) {
    Lane::Step step{&op_, StepKind::call, false, args_, std::move(reads), out};
    step.keep.push_back(Value::of(out));
    lane_.perform(std::move(job), std::move(step));
    lane_.ready(*out);
  }

  std::nullopt_t refuse(std::string_view rule, std::string_view why) {
    if (lane_.profile_) lane_.profile_->refuse(op_.id, rule, why);
    return std::nullopt;
  }

  Value done(const Ref<Array>& out, std::string_view rule) {
    const Value v = Value::of(out);
    lane_.describe(op_, StepKind::call, v, rule);
    return v;
  }

  Lane& lane_;
  const plan::Op& op_;
  const Primitive& p_;
  std::vector<Value>& args_;
  const Spec* spec_ = nullptr;
};

std::optional<Value> Lane::structured(const plan::Op& op, const Primitive& p,
                                      std::vector<Value>& args) {
  const bool some = std::any_of(args.begin(), args.end(), is_structured);
  if (!some && p.algebra != Algebra::diag && p.algebra != Algebra::identity &&
      p.algebra != Algebra::inverse && !(p.algebra == Algebra::product && op.feeds_product)) {
    return std::nullopt;
  }
  if (p.ufunc.empty()) return StructuredCall(*this, op, p, args).run();
  // An operator of the language means its ufunc here; what is none comes again as itself.
  const Primitive* ufunc = find_primitive(p.ufunc);
  if (!ufunc || !ufunc->formula) return std::nullopt;
  return StructuredCall(*this, op, *ufunc, args).run();
}

void Lane::borrow(const Ref<Array>& a) {
  std::erase_if(borrowers_, [](const Ref<Array>& b) { return b->use_count() == 1; });
  borrowers_.push_back(a);
}

// ---- what is known of memory ------------------------------------------------------------------

double Lane::largest(const Ref<Array>& a) {
  ready(*a);
  Dims shape = a->shape(), strides = a->strides();
  if (a->rank() == 2 && strides[0] < strides[1]) {
    std::swap(shape[0], shape[1]);
    std::swap(strides[0], strides[1]);
  }
  for (const Fact& f : facts_) {
    if (f.within == 0 && f.buffer == a->buffer() && f.data == a->data() && f.dtype == a->dtype() &&
        f.shape == shape && f.strides == strides) {
      return f.largest;
    }
  }
  const double largest = largest_magnitude(*a);
  remember({a->buffer(), a->data(), a->dtype(), shape, strides, largest});
  return largest;
}

void Lane::remember(Fact fact) {
  if (host_.serial()) return;
  std::erase_if(facts_, [](const Fact& f) { return f.buffer->use_count() == 1; });
  if (facts_.size() == most_facts) facts_.erase(facts_.begin());
  facts_.push_back(std::move(fact));
}

void Lane::about_to_write(const Array& a) {
  if (facts_.empty() && borrowers_.empty() && memos_.empty()) return;
  const Buffer* buffer = a.buffer().get();
  forget_results_of(buffer);
  std::erase_if(facts_, [&](const Fact& f) {
    return f.buffer.get() == buffer || f.buffer->use_count() == 1;
  });
  std::erase_if(borrowers_, [&](const Ref<Array>& b) {
    if (b->use_count() == 1 || b->in_memory()) return true;
    if (!host_.serial() && !b->structure()->reads(*buffer)) return false;
    b->write_out();
    return true;
  });
}

void Lane::write_out_borrowers() {
  for (const Ref<Array>& b : borrowers_) {
    if (b->use_count() > 1) b->write_out();
  }
  borrowers_.clear();
}

}  // namespace jetlag::exec
