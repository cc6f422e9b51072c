// A primitive is one row of the table: its name, its NumPy twin, its type rule
// and one of the meanings below. Everything else (lookup, documentation,
// conformance tests, dispatch) is derived from the row.
#pragma once

#include <atomic>
#include <functional>
#include <span>
#include <string_view>

#include "array/value.h"

namespace jetlag {

struct Primitive;
class Expr;  // primitives/expr.h

// Arguments bound to the parameters of the row, in their order. What the call
// left out has its default, or is unbound where the row gives none.
using Arguments = std::span<const Value>;

// What a call will give, before anything is computed.
struct Spec {
  enum class Outcome : std::uint8_t {
    array,
    scalar,   // a NumPy scalar (computed into a 0-d array)
    decline,  // not native for these arguments: NumPy itself is called
  };
  Outcome outcome = Outcome::decline;
  DType dtype = DType::float64;
  Dims shape;
  // How the result lies in memory, in bytes, where NumPy keeps the order of an
  // operand (order K). Empty: C order.
  Dims strides = {};

  static Spec array(DType dtype, Dims shape) {
    return {Outcome::array, dtype, std::move(shape), {}};
  }
  static Spec scalar(DType dtype) { return {Outcome::scalar, dtype, {}, {}}; }
  // Rank 0 becomes a scalar, as NumPy's functions do.
  static Spec of(DType dtype, Dims shape) {
    return {shape.empty() ? Outcome::scalar : Outcome::array, dtype, std::move(shape), {}};
  }
  static Spec decline() { return {}; }
  bool declined() const { return outcome == Outcome::decline; }
};

// Floating-point conditions, in the order in which NumPy reports them.
enum Anomaly : unsigned {
  divide_by_zero = 1,
  overflow = 2,
  underflow = 4,
  invalid = 8,
};

// Which conditions the caller wants to hear of, and which were met.
struct Watch {
  unsigned wanted = 0;
  std::atomic<unsigned> seen{0};
  // What NumPy computes by, where that hangs on the arguments, and where overflows
  // are met, if elsewhere. Said when the job is made; empty: as the primitive says.
  std::string_view met_in = {}, overflows_in = {};
  // Of a last step, which NumPy computes by something else again.
  std::string_view last_in = {};
  std::atomic<unsigned> seen_last{0};
  void report(unsigned anomalies) {
    if (anomalies & wanted) seen.fetch_or(anomalies & wanted, std::memory_order_relaxed);
  }
  void report_last(unsigned anomalies) {
    if (anomalies & wanted) seen_last.fetch_or(anomalies & wanted, std::memory_order_relaxed);
  }
};

// The work of a call, cut into blocks that depend on shape and dtype alone.
// Blocks may run in any order and at the same time; finish runs once, after
// all. Nothing here starts a thread. Whoever runs a job keeps its arguments
// and its result alive.
// The same work by rows, which are counted along the first axes, in any order: row i of the result
// needs row i of the operands of so many axes whose first axes have as many rows, and all of the
// others. Empty: it is not like that.
struct RowWork {
  std::int64_t count = 0;
  std::int64_t rank = 0;
  std::function<void(std::int64_t first, std::int64_t last)> body = {};
};

struct Job {
  std::int64_t blocks = 1;
  std::function<void(std::int64_t block)> body;
  std::function<void()> finish;  // may be empty
  double bytes = 0;              // moved between memory and the processor, at least
  double flops = 0;
  RowWork rows = {};  // instead of the blocks, before the finish
};

using TypeRule = Spec (*)(Arguments);
// out has the shape and dtype of the Spec, C order unless it has strides,
// uninitialised. watch may be null.
using Kernel = Job (*)(Arguments, const Ref<Array>& out, Watch* watch);
// Another look at the first argument, free of cost; null declines.
using ViewRule = Ref<Array> (*)(Arguments);
// Whether the kernel reads its first argument, which is not in memory, as it is
// computed (primitives/on_demand.h): element by element, each once.
using OnDemandRule = bool (*)(Arguments);
// On values alone, on the calling thread: Python's scalar arithmetic, shapes,
// lengths. Unbound declines. Arrays in the arguments may still be computing:
// only their shape and dtype may be looked at.
using ValueRule = Value (*)(Arguments);

// A formula for one element: the dtypes of the loop are chosen by `loop`, the
// result dtype is that of the expression.
struct Formula {
  int arity = 0;
  Expr (*unary)(Expr) = nullptr;
  Expr (*binary)(Expr, Expr) = nullptr;
  Expr (*ternary)(Expr, Expr, Expr) = nullptr;
  explicit operator bool() const { return arity > 0; }
};

// An operand of a ufunc as promotion sees it.
struct Operand {
  DType dtype;
  bool weak = false;  // a Python scalar
};

// The dtypes to which the operands are converted; false declines (float16 and
// object results belong to NumPy itself).
using LoopRule = bool (*)(std::span<const Operand> operands, std::span<DType> loop);

// The few names that plan and exec treat themselves.
enum class Form : std::uint8_t {
  none,
  block,
  parallel_block,
  define,
  lambda,
  store,
  augment,
  if_,
  while_,
  for_,
  for_each,
  return_,
  break_,
  continue_,
  and_,
  or_,
  tuple,
  list,
  span,
  index,
  slice,
  method,
  attribute,
  opaque,
  print,
  call_host,
  pass,
  unpack,
  del,
  assert_,
  fmap,
  fold_left,
  fold_right,
  filter,
  apply,
  dict,
};

// What a row means to the algebra of structured operands (runtime/exec).
enum class Algebra : std::uint8_t {
  none,
  diag,
  identity,
  add,
  subtract,
  multiply,
  divide,
  transpose,
  product,
  inverse,
};

struct Primitive {
  std::string_view name;         // PhySL
  std::string_view python = {};  // dotted, "numpy.linalg.inv", "operator.add"; empty: PhySL only
  std::string_view params = {};  // "a, axis=nil, keepdims=false"; a leading * takes the rest
  std::string_view doc = {};
  std::string_view example = {};    // "logaddexp(0, 0)  #= 0.69…"
  std::string_view method = {};     // the ndarray method of this meaning, self first: "sum"
  std::string_view attribute = {};  // the ndarray attribute of this meaning: "shape", "T"

  // One meaning; value is tried before the others.
  ValueRule value = nullptr;
  LoopRule loop = nullptr;  // with formula
  Formula formula = {};
  TypeRule type = nullptr;  // with kernel
  OnDemandRule on_demand = nullptr;
  Kernel kernel = nullptr;
  ViewRule view = nullptr;
  Form form = Form::none;
  Algebra algebra = Algebra::none;

  // An operator of the language falls back to this ufunc when an operand is NumPy's.
  std::string_view ufunc = {};
  // What NumPy computes it by, where conditions are reported under that name: "reduce".
  std::string_view reports = {};
  bool keeps_arrays = false;  // its twin is no ufunc: a result of rank 0 stays an array
  bool can_fail = false;      // on values, not only on shapes and dtypes
  // The rules look at the data of their arguments (the size of the result
  // depends on it): the caller waits for them first.
  bool reads_data = false;
  double flops = 1;  // per element, for formulas
};

// All rows, each family from its own file.
std::span<const Primitive* const> primitives();
const Primitive* find_primitive(std::string_view name);       // null if there is none
const Primitive* find_python(std::string_view dotted);        // "numpy.exp"
const Primitive* find_method(std::string_view method);        // "sum"
const Primitive* find_attribute(std::string_view attribute);  // "T"

// The parameters of a row, parsed once.
struct Parameter {
  std::string_view name;
  bool optional = false;
  bool rest = false;  // takes all remaining positionals, as a tuple
  Value otherwise;    // the default
};
std::span<const Parameter> parameters(const Primitive& p);

}  // namespace jetlag
