// Building programs: applications of formulas become one straight-line code,
// whose values are then given buffers.
#include "primitives/element.h"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <new>
#include <shared_mutex>
#include <unordered_map>

#include "primitives/element_program.h"

namespace jetlag {

namespace {

constexpr std::align_val_t cache_line{64};

// Buffers a multiple of 4 KiB apart would make stores wait for unrelated loads.
constexpr std::int64_t slot_gap = 192;

}  // namespace

void FreeBytes::operator()(std::byte* p) const { ::operator delete[](p, cache_line); }

Bytes allocate_bytes(std::int64_t bytes) {
  return Bytes(
      static_cast<std::byte*>(::operator new[](static_cast<std::size_t>(bytes), cache_line)));
}

double Program::flops_per_element() const {
  double flops = 0;
  for (const Application& a : application_list) flops += a.primitive->flops;
  return flops;
}

const Primitive& Program::application(int i) const {
  return *application_list[static_cast<std::size_t>(i)].primitive;
}

namespace {

// Only floats can raise flags, and only these operations raise some that NumPy
// does not report.
bool is_silent(const Code& code, const Operation& o) {
  const DType operand = code.operand_dtype(o);
  return info(o.opcode).quiet && (is_float(operand) || is_complex(operand)) &&
         o.opcode != Opcode::select && o.opcode != Opcode::take && o.opcode != Opcode::negate;
}

Step make_step(const Code& code, int value, bool loud) {
  const Operation& o = code[value];
  const Loop loop = o.opcode == Opcode::cast ? find_cast(code[o.operands[0]].dtype, o.dtype)
                                             : find_loop(o.opcode, code.operand_dtype(o));
  JETLAG_CHECK(loop != nullptr, "no loop for {} of {}", info(o.opcode).name,
               info(code.operand_dtype(o)).name);
  return {loop, o.operands[0], o.operands[1], o.operands[2], value, !loud && is_silent(code, o)};
}

}  // namespace

std::vector<Step> Program::steps_for(std::span<const int> wanted) const {
  std::vector<bool> needed(static_cast<std::size_t>(code_.size()));
  for (int value : wanted) needed[value] = true;
  for (int value = code_.size() - 1; value >= 0; --value) {
    if (!needed[value]) continue;
    for (int k = 0; k < info(code_[value].opcode).arity; ++k)
      needed[code_[value].operands[k]] = true;
  }
  std::vector<Step> all;
  for (int value = 0; value < code_.size(); ++value) {
    if (needed[value] && info(code_[value].opcode).arity > 0) {
      all.push_back(make_step(code_, value, is_loud(value)));
    }
  }
  return all;
}

namespace {

// What is only compared with a bound is computed by the comparison where it may overflow.
bool is_compared_length(const Code& code, int value) {
  const Operation& length = code[value];
  if (length.opcode != Opcode::absolute && length.opcode != Opcode::hypot) return false;
  return std::any_of(code.operations().begin(), code.operations().end(), [&](const Operation& o) {
    if (o.opcode < Opcode::length_less) return false;
    if (length.opcode == Opcode::hypot)
      return std::equal(o.operands, o.operands + 2, length.operands);
    return code[o.operands[0]].opcode == Opcode::real &&
           code[o.operands[1]].opcode == Opcode::imag &&
           code[o.operands[0]].operands[0] == length.operands[0] &&
           code[o.operands[1]].operands[0] == length.operands[0];
  });
}

}  // namespace

std::vector<int> Program::all_results() const {
  std::vector<int> values = output_list;
  for (const Conversion& c : casts) values.push_back(c.value);
  for (const Application& a : application_list) {
    if (!is_compared_length(code_, a.result)) values.push_back(a.result);
  }
  return values;
}

// Whether a condition that NumPy may report hangs on the value.
bool Program::tells_of(int value) const {
  std::vector<bool> hangs(static_cast<std::size_t>(code_.size()));
  hangs[static_cast<std::size_t>(value)] = true;
  const auto does = [&](int v) { return hangs[static_cast<std::size_t>(v)]; };
  for (int v = value + 1; v < code_.size(); ++v) {
    const Operation& o = code_[v];
    hangs[static_cast<std::size_t>(v)] =
        std::any_of(o.operands, o.operands + info(o.opcode).arity, does);
  }
  const auto tells = [&](const Application& a) {
    std::vector<DType> operands;
    for (int operand : a.operands) operands.push_back(code_[operand].dtype);
    return may_report(*a.primitive, operands, code_[a.result].dtype) &&
           (does(a.result) || std::any_of(a.operands.begin(), a.operands.end(), does));
  };
  return std::any_of(application_list.begin(), application_list.end(), tells) ||
         std::any_of(casts.begin(), casts.end(),
                     [&](const Conversion& c) { return does(c.value); });
}

// isinf of integers reads nothing, but x % y before it may have divided by zero.
void Program::finish() {
  steps = steps_for(all_results());
  unread = steps.size() > steps_for(output_list).size();
  step_of.assign(static_cast<std::size_t>(code_.size()), -1);
  last_read.assign(static_cast<std::size_t>(code_.size()), -1);
  for (int s = 0; s < static_cast<int>(steps.size()); ++s) {
    step_of[steps[s].out] = s;
    for (int operand : {steps[s].a, steps[s].b, steps[s].c}) {
      if (operand >= 0) last_read[operand] = s;
    }
  }
  for (int value : input_values) {
    telling.push_back(tells_of(value));
    const auto takes = [value](const Operation& o) {
      return o.opcode == Opcode::take && o.operands[0] == value;
    };
    whole.push_back(std::any_of(code_.operations().begin(), code_.operations().end(), takes));
  }
  lay_out_constants();
  assign_slots();
}

void Program::lay_out_constants() {
  fixed.assign(static_cast<std::size_t>(code_.size()), nullptr);
  std::int64_t bytes = 0;
  for (const Operation& o : code_.operations()) {
    if (o.opcode == Opcode::constant) bytes += run_length * size_of(o.dtype) + slot_gap;
  }
  if (bytes == 0) return;
  constant_bytes_ = allocate_bytes(bytes);
  std::byte* next = constant_bytes_.get();
  for (int value = 0; value < code_.size(); ++value) {
    const Operation& o = code_[value];
    if (o.opcode != Opcode::constant) continue;
    const std::int64_t item = size_of(o.dtype);
    for (std::int64_t i = 0; i < run_length; ++i) std::memcpy(next + i * item, o.literal, item);
    fixed[value] = next;
    next += run_length * item + slot_gap;
  }
}

// Inputs and outputs keep their buffers for the whole run of elements, since
// they are used only where memory cannot be used directly. Between steps a
// buffer passes on to the next value once its last reader is done; never to
// the value made by that reader, whose elements may be wider.
void Program::assign_slots() {
  slots.assign(static_cast<std::size_t>(code_.size()), -1);
  std::vector<bool> kept(static_cast<std::size_t>(code_.size()));
  for (int value : input_values) kept[value] = true;
  for (int value : output_list) kept[value] = true;
  for (int value = 0; value < code_.size(); ++value) {
    if (kept[value]) slots[value] = slot_count++;
  }
  std::vector<int> free;
  for (int s = 0; s < static_cast<int>(steps.size()); ++s) {
    const Step& step = steps[s];
    if (slots[step.out] < 0) {
      if (free.empty()) free.push_back(slot_count++);
      slots[step.out] = free.back();
      free.pop_back();
    }
    int operands[] = {step.a, step.b, step.c};
    std::sort(std::begin(operands), std::end(operands));
    for (int k = 0; k < 3; ++k) {
      const int value = operands[k];
      if (value < 0 || (k > 0 && operands[k - 1] == value)) continue;
      if (last_read[value] == s && !kept[value] && !fixed[value]) free.push_back(slots[value]);
    }
  }
  std::int64_t item = 1;
  for (const Operation& o : code_.operations()) item = std::max(item, size_of(o.dtype));
  slot_bytes = run_length * item + slot_gap;
}

namespace {

// An alias row applies the formula of an earlier one, by whose name NumPy
// speaks of it.
const Primitive& canonical(const Primitive& p) {
  using Names = std::unordered_map<const Primitive*, const Primitive*>;
  static const Names first = [] {
    Names names;
    for (const Primitive* row : primitives()) {
      auto same = [&](const Primitive* other) {
        return other->formula.arity == row->formula.arity && other->loop == row->loop &&
               other->formula.unary == row->formula.unary &&
               other->formula.binary == row->formula.binary &&
               other->formula.ternary == row->formula.ternary;
      };
      const auto all = primitives();
      if (row->formula) names.emplace(row, *std::find_if(all.begin(), all.end(), same));
    }
    return names;
  }();
  const auto found = first.find(&p);
  return found == first.end() ? p : *found->second;
}

}  // namespace

bool is_arithmetic(const Primitive& p) {
  constexpr std::string_view names[] = {"add",    "subtract", "multiply",  "divide",
                                        "square", "negative", "reciprocal"};
  const std::string_view name = p.ufunc.empty() ? p.name : p.ufunc;
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

struct ElementBuilder::State {
  std::shared_ptr<Program> program = std::make_shared<Program>();
  bool fastmath = false;

  int converted(int value, DType dtype, int application) {
    const int result = jetlag::cast(Expr(program->code_, value), dtype).value();
    if (result != value) program->casts.push_back({result, application});
    return result;
  }
};

ElementBuilder::ElementBuilder(bool fastmath) : state_(std::make_unique<State>()) {
  state_->fastmath = fastmath;
}
ElementBuilder::~ElementBuilder() = default;

int ElementBuilder::input(DType dtype) {
  Program& p = *state_->program;
  const int value = p.code_.emit({.opcode = Opcode::input, .dtype = dtype, .index = p.inputs()});
  p.input_values.push_back(value);
  return value;
}

int ElementBuilder::apply(const Primitive& p, std::span<const int> operands,
                          std::span<const DType> loop) {
  JETLAG_CHECK(
      p.formula.arity == static_cast<int>(operands.size()) && operands.size() == loop.size(),
      "{} takes {} operands, not {}", p.name, p.formula.arity, operands.size());
  Application made{&canonical(p), {}, -1};
  std::vector<Expr> e;
  e.reserve(operands.size());
  for (std::size_t i = 0; i < operands.size(); ++i) {
    made.operands.push_back(
        state_->converted(operands[i], loop[i], state_->program->applications()));
    e.emplace_back(state_->program->code_, made.operands.back());
  }
  const Expr result = e.size() == 1   ? p.formula.unary(e[0])
                      : e.size() == 2 ? p.formula.binary(e[0], e[1])
                                      : p.formula.ternary(e[0], e[1], e[2]);
  made.result = result.value();
  if (reports_nan(p, loop[0])) state_->program->loud.resize(state_->program->code_.size(), true);
  state_->program->loud.resize(state_->program->code_.size(), false);
  if (state_->fastmath)
    state_->program->fast.resize(state_->program->code_.size(), is_arithmetic(p));
  state_->program->application_list.push_back(std::move(made));
  return result.value();
}

int ElementBuilder::cast(int operand, DType dtype) {
  return state_->converted(operand, dtype, state_->program->applications() - 1);
}

int ElementBuilder::take(int array, int index, bool far) {
  Code& code = state_->program->code_;
  const Expr number = jetlag::cast(Expr(code, index), DType::int64);
  return jetlag::take(Expr(code, array), number, far).value();
}

int ElementBuilder::take(int array, int index, int count, bool far) {
  Code& code = state_->program->code_;
  const Expr number = jetlag::cast(Expr(code, index), DType::int64);
  const Expr from_end = number + Expr(code, count);
  return take(array, jetlag::select(number < 0, from_end, number).value(), far);
}

DType ElementBuilder::dtype(int reg) const { return state_->program->code_[reg].dtype; }

void ElementBuilder::output(int reg) { state_->program->output_list.push_back(reg); }

std::shared_ptr<const ElementProgram> ElementBuilder::build() {
  state_->program->finish();
  return std::exchange(state_->program, std::make_shared<Program>());
}

std::optional<std::vector<DType>> choose_loop(const Primitive& p,
                                              std::span<const Operand> operands) {
  if (!p.formula || !p.loop || p.formula.arity != static_cast<int>(operands.size()))
    return std::nullopt;
  std::vector<DType> loop(operands.size());
  if (!p.loop(operands, loop)) return std::nullopt;
  return loop;
}

Operand operand_of(const Value& v) {
  return {dtype_of_value(v), v.is_python_scalar() && !v.is(ValueKind::boolean)};
}

namespace {

struct Key {
  const Primitive* primitive;
  std::uint64_t operands;  // a byte each
  bool operator==(const Key&) const = default;
};

struct KeyHash {
  std::size_t operator()(const Key& k) const {
    return (reinterpret_cast<std::uintptr_t>(k.primitive) ^ k.operands) * 0x9e3779b97f4a7c15u >> 7;
  }
};

Key key_of(const Primitive& p, std::span<const Operand> operands) {
  Key key{&p, operands.size()};
  for (const Operand& o : operands) {
    key.operands = key.operands << 8 | static_cast<std::uint64_t>(o.dtype) << 1 | (o.weak ? 1 : 0);
  }
  return key;
}

std::shared_ptr<const ElementProgram> build_for(const Primitive& p,
                                                std::span<const Operand> operands) {
  const auto loop = choose_loop(p, operands);
  if (!loop) return nullptr;
  ElementBuilder builder;
  std::vector<int> inputs;
  for (std::size_t i = 0; i < operands.size(); ++i) {
    inputs.push_back(builder.input(operands[i].weak ? (*loop)[i] : operands[i].dtype));
  }
  builder.output(builder.apply(p, inputs, *loop));
  return builder.build();
}

}  // namespace

std::shared_ptr<const ElementProgram> program_for(const Primitive& p,
                                                  std::span<const Operand> operands) {
  static std::shared_mutex mutex;
  static auto& known = *new std::unordered_map<Key, std::shared_ptr<const ElementProgram>, KeyHash>;
  const Key key = key_of(p, operands);
  {
    std::shared_lock lock(mutex);
    if (const auto found = known.find(key); found != known.end()) return found->second;
  }
  auto made = build_for(p, operands);
  std::unique_lock lock(mutex);
  return known.try_emplace(key, std::move(made)).first->second;
}

}  // namespace jetlag
