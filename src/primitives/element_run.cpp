// Running a program: stretches of elements pass through all its steps while
// they are in the cache. Operands that lie densely are used where they are.
#include "primitives/element_run.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/of_thread.h"

namespace jetlag {

namespace {

template <class T>
void put(T value, std::uint64_t* to) {
  std::memcpy(to, &value, sizeof value);
}

[[noreturn]] void out_of_bounds(std::int64_t value, DType dtype) {
  throw Error(Kind::overflow,
              format("Python integer {} out of bounds for {}", value, info(dtype).name));
}

template <class T>
unsigned put_integer(std::int64_t value, DType dtype, std::uint64_t* to) {
  if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
    if (!std::in_range<T>(value)) out_of_bounds(value, dtype);
  }
  if constexpr (std::is_floating_point_v<T>) {
    // NumPy goes by way of double, and so rounds twice.
    put(static_cast<T>(static_cast<double>(value)), to);
  } else if constexpr (requires(T z) { z.real(); }) {
    put(T(static_cast<typename T::value_type>(static_cast<double>(value)), 0), to);
  } else {
    put(static_cast<T>(value), to);
  }
  return 0;
}

bool became_infinite(double wide, double narrow) {
  return std::isfinite(wide) && std::isinf(narrow);
}

template <class T>
unsigned put_complex(std::complex<double> value, std::uint64_t* to) {
  if constexpr (requires(T z) { z.real(); }) {
    using Part = typename T::value_type;
    const T narrow(static_cast<Part>(value.real()), static_cast<Part>(value.imag()));
    put(narrow, to);
    const bool overflowed = became_infinite(value.real(), narrow.real()) ||
                            became_infinite(value.imag(), narrow.imag());
    return overflowed ? overflow : 0u;
  } else if constexpr (std::is_floating_point_v<T>) {
    const T narrow = static_cast<T>(value.real());
    put(narrow, to);
    return became_infinite(value.real(), narrow) ? overflow : 0u;
  } else if constexpr (std::is_same_v<T, bool>) {
    // Only the logical functions take bool loops for floats: as truth.
    put(value != 0.0, to);
    return 0;
  } else {
    check_failed("convert_scalar", "a float is no integer");
  }
}

// A 0-d array stands for the bytes.
std::complex<double> wide_value(const Value& v) {
  return v.is(ValueKind::real) ? std::complex<double>(v.real(), 0) : v.complex();
}

struct Scratch {
  Bytes memory;
  std::int64_t capacity = 0;
};

}  // namespace

unsigned convert_scalar(const Value& v, DType dtype, std::uint64_t* to) {
  if (v.is(ValueKind::scalar)) {
    JETLAG_CHECK(v.dtype() == dtype, "a scalar of {} for an input of {}", info(v.dtype()).name,
                 info(dtype).name);
    std::memcpy(to, v.scalar_bytes(), static_cast<std::size_t>(size_of(dtype)));
    return 0;
  }
  return visit(dtype, [&]<class T>(Tag<T>) -> unsigned {
    if (v.is(ValueKind::boolean)) return put_integer<T>(v.boolean(), dtype, to);
    if (v.is(ValueKind::integer)) return put_integer<T>(v.integer(), dtype, to);
    return put_complex<T>(wide_value(v), to);
  });
}

std::byte* scratch(std::int64_t bytes) {
  auto& [memory, capacity] = of_thread<Scratch>();
  if (bytes > capacity) {
    memory = allocate_bytes(bytes);
    capacity = bytes;
  }
  return memory.get();
}

RunState::RunState(std::shared_ptr<const Program> p, std::vector<Value> inputs,
                   std::vector<Ref<Array>> outputs)
    : program(std::move(p)), space(make_space(inputs, outputs)) {
  choose_direct_stores();
}

namespace {

// Stands for memory that is not there: its address is near that of no array.
std::byte nowhere;

Ref<Array> placeholder(DType dtype, const Dims& shape, const Dims& strides) {
  return make<Array>(nullptr, &nowhere, dtype, shape,
                     strides.empty() ? contiguous_strides(shape, size_of(dtype)) : strides);
}

}  // namespace

RunState::RunState(std::shared_ptr<const Program> p, std::vector<Value> inputs, const Dims& shape,
                   const Dims& strides)
    : RunState(p, std::move(inputs), {placeholder(p->output_dtype(0), shape, strides)}) {}

ElementSpace RunState::make_space(std::vector<Value>& inputs, std::vector<Ref<Array>>& outputs) {
  JETLAG_CHECK(static_cast<int>(inputs.size()) == program->inputs() &&
                   static_cast<int>(outputs.size()) == program->outputs() && !outputs.empty(),
               "{} inputs and {} outputs for a program of {} and {}", inputs.size(), outputs.size(),
               program->inputs(), program->outputs());
  const Dims& shape = outputs[0]->shape();
  scalars.resize(2 * inputs.size());
  std::vector<Placement> placements;
  placements.reserve(inputs.size() + outputs.size());
  keep.reserve(inputs.size() + outputs.size());
  auto place = [&](const Ref<Array>& a, DType dtype, bool whole) {
    JETLAG_CHECK(a->dtype() == dtype, "an array of {} for an operand of {}", info(a->dtype()).name,
                 info(dtype).name);
    Placement p{a->data(), size_of(dtype), Dims(shape.size()), false, false};
    if (whole) {
      placements.push_back(std::move(p));
      keep.push_back(a);
      return;
    }
    const std::int64_t missing = shape.size() - a->rank();
    for (std::int64_t axis = 0; axis < a->rank(); ++axis) {
      p.strides[missing + axis] = a->shape()[axis] == 1 ? 0 : a->strides()[axis];
    }
    placements.push_back(std::move(p));
    keep.push_back(a);
  };
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const DType dtype = program->input_dtype(static_cast<int>(i));
    if (inputs[i].is_array()) {
      place(inputs[i].array(), dtype, program->reads_whole(static_cast<int>(i)));
    } else {
      std::uint64_t* bytes = &scalars[2 * i];
      if (const unsigned met = convert_scalar(inputs[i], dtype, bytes)) {
        conversion_flags |= met;
        converted_input = static_cast<int>(i);
      }
      placements.push_back(
          {reinterpret_cast<std::byte*>(bytes), size_of(dtype), Dims(shape.size()), false, false});
      keep.emplace_back();
    }
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    place(outputs[i], program->output_dtype(static_cast<int>(i)), false);
  }
  return ElementSpace(shape, std::move(placements), static_cast<std::int64_t>(inputs.size()));
}

// An output may be the memory of an input. Its step may write there only if no
// later step reads that input.
void RunState::choose_direct_stores() {
  const int inputs = program->inputs();
  for (int o = 0; o < program->outputs(); ++o) {
    const int value = program->output_list[o];
    const int step = program->step_of[value];
    bool direct = step >= 0;
    for (int earlier = 0; earlier < o; ++earlier) direct &= program->output_list[earlier] != value;
    for (int i = 0; i < inputs && direct; ++i) {
      if (!keep[i] || program->last_read[program->input_values[i]] <= step) continue;
      direct = !may_overlap(*keep[i], *keep[inputs + o]);
    }
    // A value that is itself read as an output's source at the end is safe: it
    // is not an input.
    for (int other = 0; other < program->outputs() && direct; ++other) {
      const int source = program->output_list[other];
      if (program->step_of[source] >= 0) continue;
      for (int i = 0; i < inputs; ++i) {
        if (program->input_values[i] == source && keep[i]) {
          direct &= !may_overlap(*keep[i], *keep[inputs + o]);
        }
      }
    }
    store_directly.push_back(direct);
  }
}

// One call of run(): the pointers of all values, moved from stretch to stretch.
class ChunkRunner {
 public:
  // `to`: where outputs go instead, from element `first` on.
  ChunkRunner(const RunState& state, const std::byte** pointers, std::byte* buffers,
              std::span<std::byte* const> to, std::int64_t first)
      : state_(state),
        program_(*state.program),
        space_(state.space),
        pointers_(pointers),
        buffers_(buffers),
        to_(to),
        first_(first) {
    for (std::size_t v = 0; v < program_.slots.size(); ++v) {
      pointers_[v] = program_.fixed[v] ? program_.fixed[v] : buffer(static_cast<int>(v));
    }
    for (int i = 0; i < program_.inputs(); ++i) {
      if (program_.reads_whole(i)) pointers_[program_.input_values[i]] = space_[i].data;
    }
  }

  // Repeated scalars are spread over their buffers once.
  void spread_uniform(std::int64_t n) {
    for (int i = 0; i < program_.inputs(); ++i) {
      const Placement& p = space_[i];
      if (p.uniform && !program_.reads_whole(i))
        copy_strided(p.data, 0, buffer(program_.input_values[i]), p.item, n, p.item);
    }
  }

  // The longest stretch from here that keeps dense rows in place.
  std::int64_t stretch(std::int64_t position, std::int64_t last) const {
    const std::int64_t n = std::min(run_length, last - position);
    return space_.row() >= run_length / 4 ? std::min(n, space_.row_left(position)) : n;
  }

  void compute(std::int64_t position, std::int64_t n) {
    for (int i = 0; i < program_.inputs(); ++i) load(i, position, n);
    for (int o = 0; o < program_.outputs(); ++o) aim(o, position, n);
    for (const Step& step : program_.steps) carry_out(step, n);
    for (int o = 0; o < program_.outputs(); ++o) store(o, position, n);
  }

 private:
  std::byte* buffer(int value) const {
    const int slot = program_.slots[value];
    return slot < 0 ? nullptr : buffers_ + slot * program_.slot_bytes;
  }

  std::byte* instead(std::int64_t operand) const {
    const std::int64_t output = operand - program_.inputs();
    return output >= 0 && output < std::ssize(to_) ? to_[static_cast<std::size_t>(output)]
                                                   : nullptr;
  }

  // Where n elements of an operand lie densely; null if they do not.
  std::byte* dense(std::int64_t operand, std::int64_t position, std::int64_t n) const {
    const Placement& p = space_[operand];
    if (std::byte* to = instead(operand)) return to + (position - first_) * p.item;
    if (p.flat) return p.data + position * p.item;
    const bool in_row = space_.step(operand) == p.item && n <= space_.row_left(position);
    return in_row ? space_.at(operand, position) : nullptr;
  }

  void load(int i, std::int64_t position, std::int64_t n) {
    const int value = program_.input_values[i];
    if (space_[i].uniform || program_.reads_whole(i)) return;
    pointers_[value] = dense(i, position, n);
    if (pointers_[value]) return;
    pointers_[value] = buffer(value);
    space_.gather(i, position, n, buffer(value));
  }

  void aim(int o, std::int64_t position, std::int64_t n) {
    if (!state_.store_directly[o]) return;
    const int value = program_.output_list[o];
    std::byte* place = dense(program_.inputs() + o, position, n);
    pointers_[value] = place ? place : buffer(value);
  }

  void carry_out(const Step& step, std::int64_t n) const {
    auto operand = [&](int value) { return value < 0 ? nullptr : pointers_[value]; };
    const unsigned flags = step.silent ? save_flags() : 0;
    // Values that steps make point to buffers and outputs, never to inputs.
    auto* out = const_cast<std::byte*>(pointers_[step.out]);
    step.loop(operand(step.a), operand(step.b), operand(step.c), out, n);
    if (step.silent) restore_flags(flags);
  }

  void store(int o, std::int64_t position, std::int64_t n) const {
    const int operand = program_.inputs() + o;
    const std::byte* from = pointers_[program_.output_list[o]];
    std::byte* place = dense(operand, position, n);
    if (state_.store_directly[o] && place == from) return;
    if (instead(operand))
      std::memcpy(place, from, static_cast<std::size_t>(n * space_[operand].item));
    else space_.scatter(operand, position, n, from);
  }

  const RunState& state_;
  const Program& program_;
  const ElementSpace& space_;
  const std::byte** pointers_;
  std::byte* buffers_;
  std::span<std::byte* const> to_;
  std::int64_t first_;
};

void RunState::interpret(std::int64_t first, std::int64_t last,
                         std::span<std::byte* const> to) const {
  const std::int64_t pointer_bytes = (program->code_.size() * 8 + 63) / 64 * 64;
  std::byte* memory = scratch(pointer_bytes + program->slot_count * program->slot_bytes);
  ChunkRunner runner(*this, reinterpret_cast<const std::byte**>(memory), memory + pointer_bytes, to,
                     first);
  runner.spread_uniform(std::min(run_length, last - first));
  for (std::int64_t position = first; position < last;) {
    const std::int64_t n = runner.stretch(position, last);
    runner.compute(position, n);
    position += n;
  }
}

unsigned RunState::run(std::int64_t first, std::int64_t last,
                       std::span<std::byte* const> to) const {
  const ElementKernel kernel = slot ? slot->kernel.load(std::memory_order_acquire) : nullptr;
  clear_flags();
  unsigned met = conversion_flags;
  if (kernel) {
    met |= run_kernel(kernel, space, program->inputs(), operands(), first, last, to);
  } else {
    interpret(first, last, to);
  }
  return read_flags() | met;
}

void RunState::aim(std::span<const Value* const> inputs, std::span<std::byte* const> outputs) {
  for (Ref<Array>& kept : keep) kept = nullptr;
  conversion_flags = 0;
  converted_input = -1;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i]->is_array()) {
      space.aim(static_cast<std::int64_t>(i), inputs[i]->array()->data());
    } else if (const unsigned met = convert_scalar(
                   *inputs[i], program->input_dtype(static_cast<int>(i)), &scalars[2 * i])) {
      conversion_flags |= met;
      converted_input = static_cast<int>(i);
    }
  }
  for (std::size_t o = 0; o < outputs.size(); ++o)
    space.aim(static_cast<std::int64_t>(inputs.size() + o), outputs[o]);
}

ElementRun::ElementRun(std::shared_ptr<const ElementProgram> program, std::vector<Value> inputs,
                       std::vector<Ref<Array>> outputs)
    : state_(std::make_unique<State>(std::static_pointer_cast<const Program>(std::move(program)),
                                     std::move(inputs), std::move(outputs))) {}
ElementRun::ElementRun(std::shared_ptr<const ElementProgram> program, std::vector<Value> inputs,
                       const Dims& shape, const Dims& strides)
    : state_(std::make_unique<State>(std::static_pointer_cast<const Program>(std::move(program)),
                                     std::move(inputs), shape, strides)) {}
ElementRun::~ElementRun() = default;
ElementRun::ElementRun(ElementRun&&) noexcept = default;

std::int64_t ElementRun::size() const { return state_->space.size(); }

const Array* ElementRun::operand(int operand) const {
  return state_->keep[static_cast<std::size_t>(operand)].get();
}

Extent ElementRun::extent(int operand, std::int64_t first, std::int64_t last) const {
  if (operand < program().inputs() && program().reads_whole(operand)) {
    const Array& a = *state_->keep[static_cast<std::size_t>(operand)];
    return {a.data(), a.data() + a.bytes()};
  }
  return state_->space.extent(operand, first, last);
}

const ElementProgram& ElementRun::program() const { return *state_->program; }

KernelLayout ElementRun::layout() const {
  return layout_of(state_->space, state_->operands(), state_->program->outputs());
}

KernelLayout ElementRun::fold_layout(const LineFold& how, std::int64_t n) const {
  return jetlag::fold_layout(state_->space, state_->operands(), how, n);
}

bool ElementRun::fits(const LineStretch& lines) const { return lines_fit(state_->space, lines); }

unsigned ElementRun::fold(ElementKernel kernel, KernelLayout layout,
                          const LineStretch& lines) const {
  clear_flags();
  const unsigned met = run_fold(kernel, layout, state_->space, state_->operands(), lines);
  return met | read_flags() | state_->conversion_flags;
}

void ElementRun::use(const KernelSlot* slot) { state_->slot = slot; }

unsigned ElementRun::run(std::int64_t first, std::int64_t last) const {
  return state_->run(first, last, {});
}

unsigned ElementRun::run(std::int64_t first, std::int64_t last, std::byte* to) const {
  return state_->run(first, last, {&to, 1});
}

unsigned ElementRun::run(std::int64_t first, std::int64_t last,
                         std::span<std::byte* const> to) const {
  return state_->run(first, last, to);
}

void ElementRun::aim(std::span<const Value* const> inputs, std::span<std::byte* const> outputs) {
  state_->aim(inputs, outputs);
}

void ElementRun::let_go() {
  for (Ref<Array>& kept : state_->keep) kept = nullptr;
}

}  // namespace jetlag
