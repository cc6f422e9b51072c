// Calls of primitives on some numbers, and small products: nobody waits for
// them, so nothing is prepared that tasks, profiles or reports would need.
// Whatever is out of the ordinary is left to the way that handles all
// (dispatch.cpp).
#include <array>
#include <cmath>
#include <complex>
#include <cstring>
#include <memory>

#include "array/spare.h"
#include "base/of_thread.h"
#include "primitives/element_short.h"
#include "primitives/loops.h"
#include "primitives/product.h"
#include "primitives/scalars.h"
#include "runtime/exec/prepared.h"

namespace jetlag::exec {

namespace {

constexpr std::size_t most_operands = 3;

// What a row makes of operands of certain types.
struct Meaning {
  const Primitive* row = nullptr;
  std::uint64_t operands = 0;
  ValueRule value = nullptr;
  const ElementProgram* program = nullptr;  // programs live as long as the process
  std::int64_t most_elements = 0;           // that the program computes here
  bool keeps_arrays = false;
  bool is_product = false;  // dot, or matmul: the same for vectors and matrices
};

std::uint64_t key_of(std::span<const Value> args) {
  std::uint64_t key = args.size();
  for (const Value& v : args) {
    const auto dtype = v.is_array() ? v.array()->dtype() : v.dtype();
    const auto kind = static_cast<std::uint64_t>(v.kind());
    const bool typed = v.is_array() || v.is(ValueKind::scalar);
    key = key << 16 | kind << 8 | (typed ? static_cast<std::uint64_t>(dtype) : 0);
  }
  return key;
}

// So many elements are computed in less time than other ways take to begin, or would gain.
std::int64_t most_elements(const ElementProgram& program) {
  constexpr std::int64_t most = 16384;
  constexpr double most_flops = 20 * most;
  return std::min(
      most, static_cast<std::int64_t>(most_flops / std::max(program.flops_per_element(), 1.0)));
}

Meaning find_meaning(const Primitive& row, std::span<const Value> args, std::uint64_t key) {
  Meaning m{.row = &row, .operands = key};
  const bool is_product = row.algebra == Algebra::product || row.ufunc == "matmul";
  m.is_product = is_product && args.size() == 2 && args[0].is_array() && args[1].is_array();
  if ((!row.formula && row.ufunc.empty()) || parameters(row).size() != args.size()) return m;
  m.value = row.value;
  const Primitive* ufunc = row.formula ? &row : find_primitive(row.ufunc);
  // Powers by constants have formulas of their own.
  if (!ufunc || !ufunc->formula || ufunc->name == "power" || row.ufunc == "power") return m;
  const bool all_python =
      std::all_of(args.begin(), args.end(), [](const Value& v) { return v.is_python_scalar(); });
  if (all_python && !row.formula) return m;
  std::vector<Operand> operands;
  for (const Value& v : args) operands.push_back(operand_of(v));
  const bool arrays =
      std::any_of(args.begin(), args.end(), [](const Value& v) { return v.is_array(); });
  const Primitive* order = arrays ? nullptr : order_of_scalars(row, operands);
  if (order) ufunc = order;
  m.program = program_for(*ufunc, operands).get();
  if (m.program) m.most_elements = most_elements(*m.program);
  m.keeps_arrays = ufunc->keeps_arrays;
  return m;
}

const Meaning& meaning_of(const Primitive& row, std::span<const Value> args) {
  constexpr std::size_t size = 64;
  auto& known = of_thread<std::array<Meaning, size>>();
  const std::uint64_t key = key_of(args);
  const auto hash = (reinterpret_cast<std::uintptr_t>(&row) >> 4 ^ key) * 0x9e3779b97f4a7c15u;
  Meaning& m = known[hash >> 58];
  if (m.row != &row || m.operands != key) m = find_meaning(row, args, key);
  return m;
}

// The one shape of all arrays, where they lie densely and are short.
const Array* model_of(std::span<const Value> args, std::int64_t most) {
  const Array* model = nullptr;
  for (const Value& v : args) {
    if (!v.is_array()) continue;
    const Array& a = *v.array();
    if (model ? !(a.shape() == model->shape()) : a.size() > most) return nullptr;
    if (!a.is_contiguous()) return nullptr;
    if (!model) model = &a;
  }
  return model;
}

}  // namespace

Value Lane::quick(const plan::Op& op, const Value* regs) {
  const std::size_t count = op.args.size();
  if (profile_ || count == 0 || count > most_operands) return {};
  bool in_a_row = true;
  for (std::size_t i = 0; i < count; ++i) {
    if (op.args[i] < 0 || !regs[op.args[i]].is_numeric()) return {};
    const Value& v = regs[op.args[i]];
    if (v.is_array() && !v.array()->in_memory()) return {};
    in_a_row = in_a_row && op.args[i] == op.args[0] + static_cast<int>(i);
  }
  Slots<most_operands> copies(in_a_row ? 0 : count);
  for (std::size_t i = 0; i < copies.size(); ++i) copies[i] = regs[op.args[i]];
  const std::span<const Value> args(in_a_row ? regs + op.args[0] : copies.data(), count);
  const Meaning& m = meaning_of(*op.primitive, args);
  if (m.value) {
    Value result = m.value(args);
    if (result.bound()) return result;
  }
  if (flight_->outstanding() > 0) return {};
  if (m.is_product) return quick_product(op, *args[0].array(), *args[1].array());
  return m.program ? quick_elements(*m.program, args, m.most_elements, m.keeps_arrays) : Value();
}

namespace {

bool has_nan(const std::complex<double>& bytes, DType dtype) {
  if (dtype == DType::complex128) return std::isnan(bytes.real()) || std::isnan(bytes.imag());
  std::complex<float> narrow;
  std::memcpy(&narrow, static_cast<const void*>(&bytes), sizeof narrow);
  return std::isnan(narrow.real()) || std::isnan(narrow.imag());
}

}  // namespace

// An array that loops may use again; what runs once would only keep it.
Ref<Array> Lane::quick_result(DType dtype, const Dims& shape) {
  if (!prepared_) return new_small_array(dtype, shape);
  const bool again = element_count(shape) * size_of(dtype) < SmallResults::limit_bytes;
  return again ? prepared_->results.take(dtype, shape) : result_array(dtype, shape);
}

namespace {

// A vector is a column, or a row.
Matrix as_matrix(const Array& a, bool row) {
  const Dims &shape = a.shape(), &steps = a.strides();
  if (a.rank() == 2) return {a.data(), a.dtype(), shape[0], shape[1], steps[0], steps[1]};
  const Matrix column{a.data(), a.dtype(), shape[0], 1, steps[0], size_of(a.dtype())};
  return row ? column.transposed() : column;
}

bool is_vector_or_matrix(const Array& a) {
  return (a.rank() == 1 || a.rank() == 2) && !a.is_scalar;
}

}  // namespace

Value Lane::quick_product(const plan::Op& op, const Array& a, const Array& b) {
  const bool fits = is_vector_or_matrix(a) && is_vector_or_matrix(b) && is_float(a.dtype()) &&
                    a.dtype() == b.dtype();
  // NumPy has its own way with single numbers.
  if (!fits || a.size() < 2 || b.size() < 2) return {};
  Product p{as_matrix(a, true), as_matrix(b, false), {}};
  if (p.a.columns != p.b.rows) return {};
  // A matrix may wait for the product that reads it.
  if (op.feeds_product && a.rank() + b.rank() == 4) return {};
  const std::int64_t item = size_of(a.dtype());
  p.c = {nullptr, a.dtype(), p.a.rows, p.b.columns, p.b.columns * item, item};
  if (!is_small(p)) return {};
  const bool is_number = a.rank() + b.rank() == 2;
  std::uint64_t number = 0;
  Ref<Array> out;
  if (!is_number) {
    Dims shape;
    if (a.rank() == 2) shape.push_back(p.c.rows);
    if (b.rank() == 2) shape.push_back(p.c.columns);
    out = quick_result(a.dtype(), shape);
  }
  p.c.data = is_number ? reinterpret_cast<std::byte*>(&number) : out->data();
  trace::Span span;
  if (!is_number && trace::recording()) [[unlikely]] {
    record(span, op.id);
    const double terms = static_cast<double>(p.c.rows * p.c.columns * p.a.columns);
    span.set_work(static_cast<double>(a.bytes() + b.bytes() + out->bytes()), 2 * terms);
  }
  clear_flags();
  multiply_small(p);
  const unsigned met = read_flags();
  if (met && (met & fp().wanted)) return {};
  return is_number ? Value::scalar(a.dtype(), &number) : Value::of(std::move(out));
}

Value Lane::quick_elements(const ElementProgram& program, std::span<const Value> args,
                           std::int64_t most, bool keeps_arrays) {
  const DType dtype = program.output_dtype(0);
  const bool any =
      std::any_of(args.begin(), args.end(), [](const Value& v) { return v.is_array(); });
  const Array* model = any ? model_of(args, most) : nullptr;
  if (model && (model->rank() > 0 || keeps_arrays)) {
    Ref<Array> out = quick_result(dtype, model->shape());
    const unsigned met = run_short(program, args, out->data(), out->size());
    return met && (met & fp().wanted) ? Value() : Value::of(std::move(out));
  }
  // Integer scalars tell when they wrap.
  if (any != (model != nullptr) || keeps_arrays || (!any && is_integer(dtype))) return {};
  std::complex<double> element;
  const unsigned met = run_short(program, args, reinterpret_cast<std::byte*>(&element), 1);
  // Of these scalars NumPy may tell more than a loop meets.
  if (!any && is_complex(dtype) && has_nan(element, dtype)) return {};
  return met && (met & fp().wanted) ? Value() : Value::scalar(dtype, &element);
}

}  // namespace jetlag::exec
