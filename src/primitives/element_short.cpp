#include "primitives/element_short.h"

#include <algorithm>
#include <cstring>

#include "primitives/element_run.h"

namespace jetlag {

namespace {

// The buffers of a program, and where each of its values lies.
struct Places {
  const std::byte** pointers;
  std::byte* buffers;

  std::byte* buffer(const Program& p, int value) const {
    return p.slots[value] < 0 ? nullptr : buffers + p.slots[value] * p.slot_bytes;
  }
};

// A scalar is repeated as often as there are elements.
unsigned place_scalar(const Value& v, DType dtype, std::byte* to, std::int64_t n) {
  std::uint64_t bytes[2];
  const unsigned met = convert_scalar(v, dtype, bytes);
  const std::int64_t item = size_of(dtype);
  copy_strided(reinterpret_cast<const std::byte*>(bytes), 0, to, item, n, item);
  return met;
}

// The next n elements, which the places of inputs point at.
void compute(const Program& program, const Places& places, std::byte* out, std::int64_t n) {
  const int result = program.output_list[0];
  const bool direct = program.step_of[result] >= 0;
  if (direct) places.pointers[result] = out;
  for (const Step& step : program.steps) {
    const auto operand = [&](int v) { return v < 0 ? nullptr : places.pointers[v]; };
    const unsigned flags = step.silent ? save_flags() : 0;
    step.loop(operand(step.a), operand(step.b), operand(step.c),
              const_cast<std::byte*>(places.pointers[step.out]), n);
    if (step.silent) restore_flags(flags);
  }
  if (direct) return;
  std::memcpy(out, places.pointers[result],
              static_cast<std::size_t>(n * size_of(program.output_dtype(0))));
}

}  // namespace

unsigned run_short(const ElementProgram& made, std::span<const Value> inputs, std::byte* out,
                   std::int64_t n) {
  const auto& program = static_cast<const Program&>(made);
  const std::size_t values = program.slots.size();
  const auto pointer_bytes = static_cast<std::int64_t>((values * sizeof(void*) + 63) / 64 * 64);
  std::byte* memory = scratch(pointer_bytes + program.slot_count * program.slot_bytes);
  const Places places{reinterpret_cast<const std::byte**>(memory), memory + pointer_bytes};
  for (std::size_t v = 0; v < values; ++v) {
    places.pointers[v] =
        program.fixed[v] ? program.fixed[v] : places.buffer(program, static_cast<int>(v));
  }
  unsigned met = 0;
  bool has_scalars = false;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const int value = program.input_values[i];
    if (inputs[i].is_array()) {
      places.pointers[value] = inputs[i].array()->data();
    } else {
      has_scalars = true;
      met |= place_scalar(inputs[i], program.input_dtype(static_cast<int>(i)),
                          places.buffer(program, value), std::min(n, run_length));
    }
  }
  // What is computed, repeated or constant on the way lies in memory for one run.
  const bool at_once =
      n <= run_length || (program.steps.size() == 1 && !has_scalars &&
                          std::none_of(program.fixed.begin(), program.fixed.end(),
                                       [](const std::byte* constant) { return constant; }));
  const std::int64_t length = at_once ? n : run_length;
  clear_flags();
  for (std::int64_t first = 0; first < n; first += length) {
    const std::int64_t count = std::min(n - first, length);
    compute(program, places, out, count);
    const auto advance = [count](const std::byte*& p, DType dtype) { p += count * size_of(dtype); };
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (!inputs[i].is_array()) continue;
      advance(places.pointers[program.input_values[i]], program.input_dtype(static_cast<int>(i)));
    }
    out += count * size_of(program.output_dtype(0));
  }
  return read_flags() | met;
}

}  // namespace jetlag
