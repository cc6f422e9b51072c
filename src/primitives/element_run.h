// The state of a run, shared with its diagnosis.
#pragma once

#include <memory>
#include <vector>

#include "primitives/element_program.h"
#include "primitives/element_space.h"

namespace jetlag {

// Operands of the space: inputs, then outputs.
struct RunState {
  std::shared_ptr<const Program> program;
  std::vector<Ref<Array>> keep;        // the memory that placements point to
  std::vector<std::uint64_t> scalars;  // two words for each input: a scalar's bytes
  std::vector<bool> store_directly;    // of an output: its step may write into it
  unsigned conversion_flags = 0;       // from converting Python scalars
  int converted_input = -1;            // the last input that raised one
  ElementSpace space;
  const KernelSlot* slot = nullptr;  // where machine code will appear

  RunState(std::shared_ptr<const Program> p, std::vector<Value> inputs,
           std::vector<Ref<Array>> outputs);
  RunState(std::shared_ptr<const Program> p, std::vector<Value> inputs, const Dims& shape,
           const Dims& strides);
  int operands() const { return program->inputs() + program->outputs(); }
  unsigned run(std::int64_t first, std::int64_t last, std::span<std::byte* const> to) const;
  void aim(std::span<const Value* const> inputs, std::span<std::byte* const> outputs);

 private:
  ElementSpace make_space(std::vector<Value>& inputs, std::vector<Ref<Array>>& outputs);
  void choose_direct_stores();
  void interpret(std::int64_t first, std::int64_t last, std::span<std::byte* const> to) const;
};

struct ElementRun::State : RunState {
  using RunState::RunState;
};

// A Python or NumPy scalar as an element of the dtype. Throws Error(overflow).
// Returns the anomalies of the conversion.
unsigned convert_scalar(const Value& v, DType dtype, std::uint64_t* to);

// Memory for the buffers of one run on this thread; good until the next call.
std::byte* scratch(std::int64_t bytes);

}  // namespace jetlag
