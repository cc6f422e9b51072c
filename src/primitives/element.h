// Elementwise work: formulas of the table, joined into one program that an
// interpreter evaluates over short runs of elements.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "primitives/element_fold.h"
#include "primitives/element_kernel.h"
#include "primitives/element_space.h"
#include "primitives/primitive.h"

namespace jetlag {

class Code;  // primitives/expr.h

// The dtypes that NumPy's loop would use for these operands, Python scalars
// being weak; nothing if the primitive declines.
std::optional<std::vector<DType>> choose_loop(const Primitive& p,
                                              std::span<const Operand> operands);

// The operand that a numeric value is for promotion.
Operand operand_of(const Value& v);

// + - * / and what is made of one of them: with fastmath, code may rearrange those. What other
// formulas compute inside may hang on its order.
bool is_arithmetic(const Primitive& p);

// A typed straight-line program over elements. Immutable once built, and safe
// to run from many threads.
class ElementProgram : public std::enable_shared_from_this<ElementProgram> {
 public:
  struct Instruction;  // element.cpp
  virtual ~ElementProgram() = default;
  virtual int inputs() const = 0;
  virtual int outputs() const = 0;
  virtual DType input_dtype(int i) const = 0;  // as it lies in memory
  virtual DType output_dtype(int i) const = 0;
  virtual double flops_per_element() const = 0;
  // How many applications of primitives it holds, and which they are.
  virtual int applications() const = 0;
  virtual const Primitive& application(int i) const = 0;
  // What a compiler needs: the straight-line code, and which of its values are
  // the outputs. Operations that no output needs may be left out, unless it
  // computes_unread(): those raise conditions that NumPy would report.
  virtual const Code& code() const = 0;
  virtual std::span<const int> output_values() const = 0;
  virtual bool computes_unread() const = 0;
  // Whether a NaN that this value's comparison meets is a condition to report.
  virtual bool is_loud(int value) const = 0;
  // Whether machine code may rearrange this value's operation with others of which it may.
  virtual bool is_fast(int value) const = 0;
  // Whether an input's values decide about a condition to report: where not, what a run met can be
  // told once they are gone.
  virtual bool conditions_hang_on(int input) const = 0;
  // Whether an input is a whole array, of which any element may be read for any of a result.
  virtual bool reads_whole(int input) const = 0;
  KernelTable& kernels() const { return kernels_; }

 private:
  mutable KernelTable kernels_;
};

// Builds a program: inputs, applications of primitives, outputs. Registers are
// small integers.
class ElementBuilder {
 public:
  // With fastmath, arithmetic of the user's may be rearranged.
  explicit ElementBuilder(bool fastmath = false);
  ~ElementBuilder();
  ElementBuilder(const ElementBuilder&) = delete;
  ElementBuilder& operator=(const ElementBuilder&) = delete;

  int input(DType dtype);
  // Converts the operands to the loop's dtypes and applies the formula.
  // Applications count from 0 in the order of these calls.
  int apply(const Primitive& p, std::span<const int> operands, std::span<const DType> loop);
  int cast(int operand, DType dtype);
  // The element of that number of an input, which is an array of one axis without gaps. The caller
  // has looked at the indices; they are integers, and `count` is added to those below 0.
  // An array that no cache holds is far.
  int take(int array, int index, bool far);
  int take(int array, int index, int count, bool far);
  DType dtype(int reg) const;
  void output(int reg);
  std::shared_ptr<const ElementProgram> build();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The program of one application, kept in a cache for the life of the process.
// Inputs have the dtypes of the operands as they lie in memory, weak ones the
// dtype that the loop wants. Null if the primitive declines.
std::shared_ptr<const ElementProgram> program_for(const Primitive& p,
                                                  std::span<const Operand> operands);

// A program with its operands: arrays of any strides or scalars, broadcast to
// the common shape of the outputs. A Python scalar is converted to the input's
// dtype; throws Error(overflow) with NumPy's message if it does not fit
// ("Python integer 300 out of bounds for int8").
class ElementRun {
 public:
  ElementRun(std::shared_ptr<const ElementProgram> program, std::vector<Value> inputs,
             std::vector<Ref<Array>> outputs);
  // One output that is in no memory yet: run() is told where elements go. It
  // would lie without gaps, its axes in the order of the strides; no strides: C order.
  ElementRun(std::shared_ptr<const ElementProgram> program, std::vector<Value> inputs,
             const Dims& shape, const Dims& strides);
  ~ElementRun();
  ElementRun(ElementRun&&) noexcept;

  std::int64_t size() const;  // elements of the iteration space
  const ElementProgram& program() const;
  // How the operands lie, for whoever makes a kernel; and where it will appear.
  // Runs take it up as soon as it is there.
  KernelLayout layout() const;
  void use(const KernelSlot* slot);
  // Computes elements [first, last) of the space, which are counted along the
  // first output as it lies in memory. The outputs may be inputs, element for
  // element; other overlaps are the caller's care. Returns the floating-point
  // flags that were raised, as Anomaly bits. They may be spurious. Throws what
  // NumPy throws on values (negative integer powers).
  unsigned run(std::int64_t first, std::int64_t last) const;
  // The same, but the elements of the only output go to `to`, one after another.
  unsigned run(std::int64_t first, std::int64_t last, std::byte* to) const;
  // So do those of output i, to to[i], unless that is null or there is none.
  unsigned run(std::int64_t first, std::int64_t last, std::span<std::byte* const> to) const;

  // As lines that are folded: the layout of a kernel for that, and what it makes of lines that
  // fit. Flags are those of run(), and of the folding.
  KernelLayout fold_layout(const LineFold& how, std::int64_t n) const;
  bool fits(const LineStretch& lines) const;
  unsigned fold(ElementKernel kernel, KernelLayout layout, const LineStretch& lines) const;

  // For another round, on operands that lie as the first ones did: dtypes,
  // shapes, strides and kinds of scalars are the same, and the outputs are memory
  // that no input reaches. From now on the caller keeps operands alive. Only
  // while nobody else runs it.
  void aim(std::span<const Value* const> inputs, std::span<std::byte* const> outputs);
  // Until it is aimed again there is nothing to run.
  void let_go();

  // Inputs, then outputs; and where elements [first, last) of one lie, or somewhat more. There is
  // at least one element.
  const Array* operand(int operand) const;  // null: a scalar
  Extent extent(int operand, std::int64_t first, std::int64_t last) const;

  struct Finding {
    int application;  // -1: a conversion in a program that applies nothing
    unsigned anomalies;
    bool in_cast = false;  // met converting operands: NumPy says "encountered in cast"
  };
  // Looks again at elements [first, last), judging each application by the
  // values that went in and came out, as NumPy's loops would report them.
  // Nothing is written. The inputs must still hold what they held.
  std::vector<Finding> diagnose(std::int64_t first, std::int64_t last) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace jetlag
